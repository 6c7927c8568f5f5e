// http::AccessLog: a line for each request: the Common Log Format, the Combined one, or JSON. Part
// of <weft/http.hpp>.
//
//   http::AccessLog log(http::AccessLog::Form::combined,
//                       [](std::string_view line) { std::cout << line << std::flush; });
//   http::Server server({}, http::wrap(std::move(router), http::log_access(log)));
#pragma once

#include <weft/atomic.hpp>
#include <weft/http/middleware.hpp>
#include <weft/time.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace weft::inline v0_1::http {

/// What is known of one request.
struct AccessRecord {
  AccessRecord() = default;

  std::string client;       ///< its address without the port; "-" if it has none
  std::string method;       ///< "GET"
  std::string target;       ///< as sent
  std::string version;      ///< "HTTP/1.1"
  std::string referer;      ///< empty: none
  std::string agent;        ///< empty: none
  std::string id;           ///< X-Request-Id of the response; empty: none
  int status = 0;           ///< 0: the handler threw, or was cancelled
  std::uint64_t bytes = 0;  ///< of the body that was made; for HEAD and 304, 0
  bool complete = true;     ///< false: a streamed body was not made to its end
  std::chrono::system_clock::time_point began = {};
  Nanoseconds took{0};  ///< until the response, or the streamed body, was made
};

/// Writes lines. A value: copies share the sink. Any thread.
class AccessLog {
 public:
  enum class Form : std::uint8_t {
    common,    ///< 127.0.0.1 - - [02/Dec/2026:18:22:00 +0000] "GET / HTTP/1.1" 200 512
    combined,  ///< the same, with "referer" and "agent"
    json       ///< an object on one line, with the time that it took in seconds
  };
  /// Takes one line with its end of line. Calls are serialized, so that no line is torn. It must
  /// not block for long; what it throws is dropped, and with it the line.
  using Sink = std::function<void(std::string_view line)>;

  AccessLog(Form form, Sink sink);
  void write(const AccessRecord& record) const noexcept;
  /// Returns the line, without its end: control characters, quotes and bytes that are no ASCII are
  /// escaped, as "\x0a" or, in JSON, "\u000a" (bytes from 0x80 on by their number: "\u00ff").
  [[nodiscard]] static std::string line(Form form, const AccessRecord& record);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// Writes a line for each request when its response was made; for a streamed body, when the body
/// was made, or given up. A handler that throws, or is cancelled, has status 0: put recover()
/// inside.
[[nodiscard]] AnyMiddleware log_access(AccessLog log);

}  // namespace weft::inline v0_1::http
