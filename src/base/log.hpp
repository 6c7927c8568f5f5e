// Log: where the reports of one runtime go. Called by failure reports and slow shutdowns.
#pragma once

#include <weft/log.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1::detail {

/// Copied into what outlives the runtime. Thread-safe as the handler is.
class Log {
 public:
  /// `handler`: empty for standard error.
  Log(LogHandler handler, std::string runtime)
      : handler_(std::move(handler)), runtime_(std::move(runtime)) {}

  /// Gives the record to the handler, or to standard error.
  void write(LogLevel level, std::string_view part, std::string_view message,
             std::span<const LogField> fields = {}) const noexcept;

 private:
  LogHandler handler_;
  std::string runtime_;
};

}  // namespace weft::inline v0_1::detail
