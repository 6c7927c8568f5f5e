// Shared by the tests of http: a server under test, and peers that speak raw bytes to it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include "api/http_transports.hpp"
#include "api/net_support.hpp"

namespace weft::testing {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Waits until `done()` holds. A hang is ended by ctest's time limit.
template <class Condition>
Task<void> until(Condition done) {
  while (!done()) co_await sleep_for(milliseconds(1));
}

/// Options whose deadlines no test reaches by accident.
inline http::ServerOptions patient() {
  http::ServerOptions options;
  options.header_timeout = options.body_timeout = options.idle_timeout = minutes(5);
  options.write_timeout = options.drain_timeout = minutes(5);
  return options;
}

/// A server on a free loopback port, or at a name of its own if the present test runs over Unix
/// sockets, for the time of a test.
struct Site {
  template <class H>
  Site(http::ServerOptions options, H handler)
      : at_name(unix_listener()),
        listener(at_name ? at_name->borrow() : SocketListener::bind(Endpoint::loopback(0))),
        pieces(listener),
        server(std::move(options), std::move(handler)) {}

  [[nodiscard]] static std::optional<UnixListener> unix_listener() {
    if (present_transport != Over::unix_socket) return std::nullopt;
    static std::atomic<int> count = 0;
    const std::string name = "site" + std::to_string(++count);
    return UnixListener::bind(abstract_name(name.c_str()));
  }
  [[nodiscard]] Task<void> serve() {
    if (at_name) return server.serve(*at_name);
    return present_transport == Over::pieces ? server.serve(pieces) : server.serve(listener);
  }

  [[nodiscard]] const Endpoint& endpoint() const noexcept { return listener.local_endpoint(); }
  [[nodiscard]] std::string url(std::string_view target) const {
    return "http://" + endpoint().to_string() + std::string(target);
  }

  std::optional<UnixListener> at_name;
  SocketListener listener;
  PiecesListener pieces;
  http::Server server;
};

/// Serves while `visit(site)` runs; then cancels the server.
template <class V>
Task<void> visiting(Site& site, V visit) {
  co_await scope([&site, &visit](Scope& children) -> Task<void> {
    children.spawn([&site] { return site.serve(); }).detach();
    co_await visit(site);
    children.cancel_children();
  });
  EXPECT_EQ(site.server.connections(), 0U);
}

/// Reads until `text` ends with `ending`, or the stream ends.
inline Task<std::string> read_up_to(StreamSocket& stream, std::string_view ending) {
  std::string text;
  std::array<std::byte, 1> one;
  while (!text.ends_with(ending)) {
    const Result<std::size_t> got = co_await attempt(stream.read(one));
    if (!got || *got == 0) break;
    text.push_back(static_cast<char>(one[0]));
  }
  co_return text;
}

/// Reads to the end of the stream; a reset counts as the end.
inline Task<std::string> read_rest(StreamSocket& stream) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const Result<std::size_t> got = co_await attempt(stream.read(buffer));
    if (!got || *got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), *got);
  }
}

/// Sends `raw` on a connection of its own and returns all that comes back until the server closes.
inline Task<std::string> tell(const Endpoint& to, std::string raw) {
  StreamSocket stream = co_await StreamSocket::connect(to);
  co_await stream.write_all(raw);
  std::string answer = co_await read_rest(stream);
  co_return answer;
}

/// A complete request without a body.
inline std::string get(std::string_view target, std::string_view fields = "") {
  std::string text("GET ");
  return text.append(target).append(" HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n");
}

/// The status line of an answer, without the line's end.
inline std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}
/// The part after the head.
inline std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "no head: " + answer : answer.substr(end + 4);
}

}  // namespace weft::testing
