// http::Server: HTTP/1.1 over SocketListener. Part of <weft/http.hpp>.
//
//   weft::http::Server server({}, [](weft::http::Request& request) ->
//   weft::Task<weft::http::Response> {
//     co_await weft::sleep_for(100ms);
//     co_return weft::http::Response::text("hello\n");
//   });
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

namespace weft::http {

/// Timeouts never end early. They are looked after now and then, and end late by up to the shortest
/// of them and an eighth (2.25 s, if all are longer).
struct ServerOptions {
  /// What a request may be; beyond, it is answered with 400, 413, 414 or 431 and the connection
  /// closed.
  Limits limits;
  /// From a request's first byte (for a new connection: from its beginning) to the end of its head.
  /// Then 408.
  Nanoseconds header_timeout = std::chrono::seconds(10);
  /// For all of a request's body. Then 408.
  Nanoseconds body_timeout = std::chrono::seconds(30);
  /// Between two requests of a connection. Then it is closed.
  Nanoseconds idle_timeout = std::chrono::seconds(75);
  /// For the peer to take a response, plus a second for each 64 KiB of it. Then the connection is
  /// closed.
  Nanoseconds write_timeout = std::chrono::seconds(30);
  /// What drain() grants to requests under way. Then they are cancelled.
  Nanoseconds drain_timeout = std::chrono::seconds(10);
  /// Connections at a time; more wait in the listener's queue.
  std::size_t max_connections = 100'000;
  /// Bytes of responses to pipelined requests that are gathered before they are written. No request
  /// is read while that many are waiting for the peer.
  std::size_t max_output = 64 * 1024;
  /// The Server field; none when empty.
  std::string server_name = "weft";
  /// Told of what a handler throws; the client is answered with 500. May be called from several
  /// threads.
  std::function<void(const Request&, std::exception_ptr)> on_handler_error;
};

/// What a Server calls for each request: any callable, seen once for a server through this base.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// Whether answer_now() is to be called, instead of answer().
  [[nodiscard]] virtual bool is_immediate() const noexcept = 0;
  [[nodiscard]] virtual Task<Response> answer(Request& request) = 0;
  [[nodiscard]] virtual Response answer_now(Request& request) = 0;
};

template <class H>
class RequestHandlerOf final : public RequestHandler {
  using Given = std::invoke_result_t<H&, Request&>;
  static constexpr bool kImmediate = std::is_convertible_v<Given, Response>;
  static_assert(kImmediate || Awaitable<Given>,
                "weft: a handler gives a Response, or something to await that gives one");

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
/// deadlines, limits. Must outlive its serve(). serve() is for tasks; drain() and connections() for
/// any thread.
class Server {
 public:
  /// `handler` gives a Response, or a Task<Response>, for a Request&, which lives until then. It is
  /// moved in and called from several workers at once. When it throws, the client is answered with
  /// 500. Throws std::invalid_argument for options out of range.
  template <class H>
    requires std::is_invocable_v<H&, Request&>
  Server(ServerOptions options, H handler)
      : Server(std::move(options), std::make_unique<RequestHandlerOf<H>>(std::move(handler))) {}
  Server(ServerOptions options, std::unique_ptr<RequestHandler> handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Accepts connections and serves each as a task of its own. Returns after drain(), when the last
  /// of them has ended. Out of file descriptors, it waits a little and goes on. Throws IoError for
  /// other failures of the listener. Cancel: ends all connections at once. Several listeners may be
  /// served at a time.
  [[nodiscard]] Task<void> serve(SocketListener& listener);

  /// Stops accepting, closes idle connections, lets requests under way finish (their responses say
  /// "Connection: close") for at most drain_timeout, then cancels them. Returns at once; every
  /// serve(), also a later one, then returns. Idempotent. Thread-safe.
  void drain() noexcept;

  /// Connections that are open now. Thread-safe.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  std::unique_ptr<class ServerCore> core_;
};

}  // namespace weft::http
