// What the conformance suite asks of an operation that a program awaits: a case is a thing to wait
// for, made anew for each test.
#pragma once

#include <weft/task.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "os/fault.hpp"

namespace weft::testing {

class AwaitedCase {
 public:
  virtual ~AwaitedCase() = default;
  /// Makes what takes tasks to make. Called once, first.
  [[nodiscard]] virtual Task<void> prepare() { co_return; }
  /// Begins the operation; its value as text.
  [[nodiscard]] virtual Task<std::string> operate() = 0;
  /// Makes an operation that waits go on.
  virtual void make_ready() = 0;
  /// The value after make_ready().
  [[nodiscard]] virtual std::string expected() const = 0;
  /// Ends the far end, or what is waited for, for good.
  virtual void lose_peer() {}
  /// What an operation gives after lose_peer(): its value, or the error's text. None: it has no
  /// far end.
  [[nodiscard]] virtual std::optional<std::string> lost() const { return std::nullopt; }
  /// The system call in which an error can be injected, if it makes any.
  [[nodiscard]] virtual std::optional<detail::Call> call() const { return std::nullopt; }
};

struct AwaitedCaseFactory {
  std::string name;
  std::function<std::unique_ptr<AwaitedCase>()> make;
};

template <class Kind>
AwaitedCaseFactory case_of(std::string name) {
  return {std::move(name), [] { return std::make_unique<Kind>(); }};
}

/// Operations over readers and writers × kinds of streams.
[[nodiscard]] std::vector<AwaitedCaseFactory> byte_stream_cases();
/// Waits for the system and for other tasks.
[[nodiscard]] std::vector<AwaitedCaseFactory> wait_cases();

}  // namespace weft::testing
