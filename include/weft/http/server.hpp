// http::Server: HTTP/1.1 over SocketListener. Part of <weft/http.hpp>.
//
//   auto hello = [](weft::http::Request& request) -> weft::Task<weft::http::Response> {
//     co_await weft::sleep_for(100ms);
//     co_return weft::http::Response::text("hello\n");
//   };
//   weft::http::Server server({}, hello);
//   co_await server.serve(listener);       // until it is cancelled, or drain() was called
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <weft/http/message.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

/// Timeouts never end early. They are checked periodically, and end late by up to the shortest of
/// them and an eighth (2.25 s if all are longer).
struct ServerOptions {
  /// Limits of a request. Beyond them the server answers with 400, 413, 414 or 431 and closes the
  /// connection.
  Limits limits;
  /// From a request's first byte (for a new connection: from its beginning) to the end of its head.
  /// After that the answer is 408.
  Nanoseconds header_timeout = std::chrono::seconds(10);
  /// For all of a request's body. After that the answer is 408.
  Nanoseconds body_timeout = std::chrono::seconds(30);
  /// Between two requests of a connection. After that the connection is closed.
  Nanoseconds idle_timeout = std::chrono::seconds(75);
  /// For the peer to take a response, plus a second for each 64 KiB of it. After that the
  /// connection is closed.
  Nanoseconds write_timeout = std::chrono::seconds(30);
  /// For requests under way after drain(). After that they are cancelled.
  Nanoseconds drain_timeout = std::chrono::seconds(10);
  /// Maximum number of connections; more wait in the listener's queue.
  std::size_t max_connections = 100'000;
  /// Bytes of responses to pipelined requests that are gathered before they are written. While that
  /// many wait for the peer, no further request is read.
  std::size_t max_output = 64 * 1024;
  /// The Server field; none if empty.
  std::string server_name = "weft";
  /// Called with each exception of a handler; the server answers that request with 500. May be
  /// called from several threads.
  std::function<void(const Request&, std::exception_ptr)> on_handler_error;
};

/// The base of a server's handler, which may be any callable: what the Server calls for each
/// request.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// Returns whether the server calls answer_now() instead of answer().
  [[nodiscard]] virtual bool is_immediate() const noexcept = 0;
  [[nodiscard]] virtual Task<Response> answer(Request& request) = 0;
  [[nodiscard]] virtual Response answer_now(Request& request) = 0;
};

template <class H>
class RequestHandlerOf final : public RequestHandler {
  using Given = std::invoke_result_t<H&, Request&>;
  static constexpr bool kImmediate = std::is_convertible_v<Given, Response>;
  static constexpr bool gives_response() {
    if constexpr (kImmediate) {
      return true;
    } else if constexpr (Awaitable<Given>) {
      return std::is_convertible_v<AwaitResult<Given>, Response>;
    } else {
      return false;
    }
  }
  static_assert(gives_response(),
                "weft: a handler returns a Response, or something to await that gives one: "
                "[](weft::http::Request& request) -> weft::Task<weft::http::Response> { … }");

 public:
  explicit RequestHandlerOf(H handler) : handler_(std::move(handler)) {}
  [[nodiscard]] bool is_immediate() const noexcept override { return kImmediate; }
  [[nodiscard]] Task<Response> answer([[maybe_unused]] Request& request) override {
    if constexpr (kImmediate) {
      return {};
    } else {
      return as_task(handler_(request));
    }
  }
  [[nodiscard]] Response answer_now([[maybe_unused]] Request& request) override {
    if constexpr (kImmediate) {
      return handler_(request);
    } else {
      return {};
    }
  }

 private:
  H handler_;
};

/// Serves HTTP/1.1 (and 1.0) connections: keep-alive, pipelining, bodies of both framings,
/// deadlines, limits. Must outlive its serve(). Tasks call serve(); any thread may call drain() and
/// connections().
class Server {
 public:
  /// `handler` takes a Request&, which lives until the handler has ended, and returns a Response or
  /// a Task<Response>. It is moved in and is called from several workers at the same time. If it
  /// throws, the server answers with 500. Throws std::invalid_argument for options out of range.
  template <class H>
    requires std::is_invocable_v<H&, Request&>
  Server(ServerOptions options, H handler)
      : Server(std::move(options), std::make_unique<RequestHandlerOf<H>>(std::move(handler))) {}
  Server(ServerOptions options, std::unique_ptr<RequestHandler> handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Accepts connections and serves each as a task of its own. Returns after drain(), when the last
  /// connection has ended. If it runs out of file descriptors, it waits briefly and continues.
  /// Throws IoError for other failures of the listener. Cancel: ends all connections immediately.
  /// Several listeners may be served at the same time.
  [[nodiscard]] Task<void> serve(SocketListener& listener);

  /// Stops accepting, closes idle connections, and lets requests under way finish (their responses
  /// say "Connection: close") for at most drain_timeout; then cancels them. Returns immediately.
  /// Every serve() then returns, also one that is called later. Idempotent. Thread-safe.
  void drain() noexcept;

  /// Returns the number of open connections. Thread-safe.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  std::unique_ptr<class ServerCore> core_;
};

}  // namespace weft::inline v0_1::http
