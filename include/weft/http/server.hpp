// http::Server: HTTP/1.1 over sockets, or any other streams. Part of <weft/http.hpp>.
//
//   auto hello = [](weft::http::Request& request) -> weft::Task<weft::http::Response> {
//     co_await weft::sleep_for(100ms);
//     co_return weft::http::Response::text("hello\n");
//   };
//   weft::http::Server server({}, hello);
//   co_await server.serve(listener);       // until it is cancelled, or drain() was called
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <weft/http/body_reader.hpp>
#include <weft/http/message.hpp>
#include <weft/http/transport.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

/// Timeouts never end early. They are checked periodically, and end late by up to the shortest of
/// them and an eighth (2.25 s if all are longer).
struct ServerOptions {
  /// Limits of a request. Beyond them the server answers with 400, 413, 414 or 431 and closes the
  /// connection.
  Limits limits = {};
  /// From a request's first byte (for a new connection: from its beginning) to the end of its head.
  /// After that the answer is 408.
  Nanoseconds header_timeout = std::chrono::seconds(10);
  /// For all of a request's body; if the handler reads it from a BodyReader, for each read that
  /// waits: a limit of silence. After that the handler is cancelled, and the answer is 408.
  Nanoseconds body_timeout = std::chrono::seconds(30);
  /// Between two requests of a connection. After that the connection is closed.
  Nanoseconds idle_timeout = std::chrono::seconds(75);
  /// For the peer to take a response, plus a second for each 64 KiB of it; of a streamed response,
  /// for the peer to take some bytes. After that the connection is closed.
  Nanoseconds write_timeout = std::chrono::seconds(30);
  /// For a handler that waits, its reads of the body included; not for the producer of a streamed
  /// response. After that it is cancelled; when it has ended, the answer is 503,
  /// and on_handler_error gets an IoError (errc::timed_out). A handler that computes without
  /// waiting is not interrupted. Nanoseconds::max(): no limit.
  Nanoseconds handler_timeout = Nanoseconds::max();
  /// What becomes of a handler whose client has left. If the connection was reset, it is cancelled
  /// within seconds. A client that only ends its side of the connection may still read: its handler
  /// goes on, and after some seconds an interim response (100) finds out whether the client has
  /// closed its socket. Streams that are no sockets: see <weft/http/transport.hpp>. True: the
  /// handler is cancelled when the client ends its side.
  bool cancel_on_half_close = false;
  /// For requests under way after drain(). After that they are cancelled.
  Nanoseconds drain_timeout = std::chrono::seconds(10);
  /// Maximum number of connections; more wait in the listener's queue.
  std::size_t max_connections = 100'000;
  /// Bytes of responses to pipelined requests that are gathered before they are written. While that
  /// many wait for the peer, no further request is read.
  std::size_t max_output = 64 * 1024;
  /// Bytes of request bodies that all connections together may hold while they are received and
  /// handled. A request that would exceed it is answered with 503, and its connection closed.
  /// Bodies that a handler reads from a BodyReader do not count.
  std::size_t max_bodies = 256 * 1024 * 1024;
  /// Bytes of a body that are dropped when a handler has not read it from its BodyReader. If more
  /// follow, the connection is closed after the response. An upgrade needs the whole body: there it
  /// counts as the handler's failure.
  std::uint64_t max_unread_body = 64 * 1024;
  /// CONNECT goes to the handler, which answers with Response::tunnel(), or refuses by a status
  /// from 300 on. Its target is a host and a port. False: the answer is 501.
  bool accept_connect = false;
  /// The Server field; none if empty.
  std::string server_name = "weft";
  /// Called with each exception of a handler, of any type; the server answers that request with
  /// 500. Of the producer of a streamed response, too: if some of the response was sent, the
  /// connection is closed, so that the client sees that it is not complete. Not for the failure of
  /// a request's body that a handler lets through: its answer is 400, 413 and so on. Also for a
  /// handler that gives a status below 200, or exceeds handler_timeout, and for what has taken a
  /// connection over (Response::upgrade()): errors of its stream included. May be called from
  /// several threads. What it throws goes to RuntimeOptions::on_failure; the answer stays.
  std::function<void(const Request&, std::exception_ptr)> on_handler_error = {};
  /// Called with the error of a connection that fails while the server reads requests from it: a
  /// handshake of TLS that does not succeed (also if the client leaves it), a client that speaks no
  /// TLS, a reset. The error's text
  /// names the peer. Not for what the server ends itself, nor for requests that it refuses by a
  /// status. May be called from several threads. What it throws goes to RuntimeOptions::on_failure.
  std::function<void(const IoError&)> on_connection_error = {};
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
  /// Returns whether the server calls it when the head of a request is complete, with a reader of
  /// the body. A request without a body goes to answer(Request&) in any case.
  [[nodiscard]] virtual bool is_streamed() const noexcept { return false; }
  [[nodiscard]] virtual Task<Response> answer(Request& request, [[maybe_unused]] BodyReader& body) {
    return answer(request);
  }
};

/// A handler that takes a request whose body is complete.
template <class H>
concept WholeRequestHandler = std::is_invocable_v<H&, Request&>;
/// A handler that reads the body as it comes.
template <class H>
concept StreamedRequestHandler = std::is_invocable_v<H&, Request&, BodyReader&>;

/// Whether Given is a Response, or something to await that gives one.
template <class Given>
[[nodiscard]] consteval bool is_handlers_answer() {
  if constexpr (std::is_convertible_v<Given, Response>) {
    return true;
  } else if constexpr (Awaitable<Given>) {
    return std::is_convertible_v<AwaitResult<Given>, Response>;
  } else {
    return false;
  }
}

template <class H>
class RequestHandlerOf final : public RequestHandler {
  using Given = std::invoke_result_t<H&, Request&>;
  static constexpr bool kImmediate = std::is_convertible_v<Given, Response>;
  static_assert(is_handlers_answer<Given>(),
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

template <class H>
class StreamedHandlerOf final : public RequestHandler {
  using Given = std::invoke_result_t<H&, Request&, BodyReader&>;
  static_assert(Awaitable<Given> && is_handlers_answer<Given>(),
                "weft: a handler that reads the body returns something to await that gives a "
                "Response: [](weft::http::Request& request, weft::http::BodyReader& body) -> "
                "weft::Task<weft::http::Response> { … }");

 public:
  explicit StreamedHandlerOf(H handler) : handler_(std::move(handler)) {}
  [[nodiscard]] bool is_immediate() const noexcept override { return false; }
  [[nodiscard]] bool is_streamed() const noexcept override { return true; }
  [[nodiscard]] Task<Response> answer(Request& request, BodyReader& body) override {
    return as_task(handler_(request, body));
  }
  [[nodiscard]] Task<Response> answer(Request& request) override {
    return answer_without_body(handler_, request);
  }
  [[nodiscard]] Response answer_now(Request&) override { return {}; }

 private:
  static Task<Response> answer_without_body(H& handler, Request& request) {
    BodyReader nothing;
    Response made = co_await handler(request, nothing);
    co_return made;
  }
  H handler_;
};

/// A listener of any type: accept() is awaited, and gives a stream that moves (see
/// <weft/http/transport.hpp>): UnixListener, or a type of your own. Of its accept(), IoErrors with
/// the codes of AcceptBackoff::is_final() mean that it cannot be used any more; after others it is
/// called again. A cancelled accept() must lose no connection. If it has close(), that is called
/// when the server drains.
template <class L>
concept StreamListener = requires(L& listener) {
  { listener.accept() } -> Awaitable;
  requires TransportSource<std::remove_cvref_t<AwaitResult<decltype(listener.accept())>>>;
};

/// A StreamListener behind one interface: what Server::serve() makes of it.
class AnyListener {
 public:
  template <StreamListener L>
  static AnyListener of(L& listener) {
    return AnyListener(std::make_unique<ListenerOf<L>>(listener));
  }
  [[nodiscard]] Task<Transport> accept() { return listener_->accept(); }
  void close() noexcept { listener_->close(); }

 private:
  class Interface {
   public:
    virtual ~Interface() = default;
    [[nodiscard]] virtual Task<Transport> accept() = 0;
    virtual void close() noexcept = 0;
  };
  template <class L>
  class ListenerOf final : public Interface {
   public:
    explicit ListenerOf(L& listener) noexcept : listener_(listener) {}
    [[nodiscard]] Task<Transport> accept() override { return accept_from(listener_); }
    void close() noexcept override {
      if constexpr (requires(L& listener) { listener.close(); }) listener_.close();
    }

   private:
    static Task<Transport> accept_from(L& listener) {
      auto stream = co_await listener.accept();
      co_return Transport(std::move(stream));
    }
    L& listener_;
  };
  explicit AnyListener(std::unique_ptr<Interface> listener) noexcept
      : listener_(std::move(listener)) {}

  std::unique_ptr<Interface> listener_;
};

/// Serves HTTP/1.1 (and 1.0) connections: keep-alive, pipelining, bodies of both framings,
/// deadlines, limits. Tasks call serve(); any thread may call drain() and connections(). The
/// destructor ends each serve() as drain() would with a drain_timeout of zero; what it uses, the
/// handler above all, is kept until it has ended. What the handler refers to must live as long: so
/// declare it, the listener and the server before the Runtime, whose end waits for its tasks.
class Server {
 public:
  /// `handler` takes a Request&, which lives until the handler has ended, and returns a Response or
  /// a Task<Response>. It is moved in and is called from several workers at the same time. If it
  /// throws, the server answers with 500. Throws std::invalid_argument for options out of range.
  template <WholeRequestHandler H>
  Server(ServerOptions options, H handler)
      : Server(std::move(options), std::make_unique<RequestHandlerOf<H>>(std::move(handler))) {}
  /// The same for a handler that takes a Request& and a BodyReader&, and returns a Task<Response>:
  /// it is called when the head of the request is complete, and reads the body as it comes. Its
  /// Request::body is empty. Limits::max_body holds for such bodies, too. If the client waits for
  /// "100 Continue", the first read that has to wait sends it.
  ///
  ///   auto count = [](weft::http::Request&, weft::http::BodyReader& body)
  ///       -> weft::Task<weft::http::Response> {
  ///     std::array<std::byte, 4096> buffer;
  ///     while (const std::size_t size = co_await body.read(buffer)) look_at(buffer, size);
  ///     co_return weft::http::Response::text(std::to_string(body.bytes_read()));
  ///   };
  template <StreamedRequestHandler H>
    requires(!WholeRequestHandler<H>)
  Server(ServerOptions options, H handler)
      : Server(std::move(options), std::make_unique<StreamedHandlerOf<H>>(std::move(handler))) {}
  Server(ServerOptions options, std::unique_ptr<RequestHandler> handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Accepts connections and serves each as a task of its own. After drain() it closes the listener
  /// and returns when the last connection has ended. If it runs out of file descriptors or the
  /// like, or connections fail before they are accepted, it waits briefly and continues. Throws
  /// IoError if the listener cannot be used any more (errc::operation_canceled: it was closed). Its
  /// connections end then, also those with a request under way; drain() lets these finish.
  /// Cancel: ends all connections immediately; the listener stays open. Several listeners may be
  /// served at the same time. A listener that is destroyed counts as closed.
  ///
  /// A connection ends gracefully: after the last response the server ends its side, and drops what
  /// the client still sends until the client's end, for at most two seconds and 16 MiB. So no
  /// response is lost to a client that reads late.
  [[nodiscard]] Task<void> serve(SocketListener& listener);
  /// Does the same with a listener of any other type, which must stay alive and in place until this
  /// has ended. Throws also what its accept() throws, if it is no IoError: its connections end.
  ///
  ///   weft::UnixListener listener = weft::UnixListener::bind("/run/service.sock");
  ///   co_await server.serve(listener);      // drain() closes it, which removes its file
  template <StreamListener L>
  [[nodiscard]] Task<void> serve(L& listener) {
    return serve_any(AnyListener::of(listener));
  }
  /// Serves one connection over any stream, until it has ended as a connection of serve() does, or
  /// drain() has ended it. Takes the stream, or borrows an lvalue: see <weft/http/transport.hpp>.
  /// The stream is closed at the end. Errors of the stream end the connection and are not thrown:
  /// throws std::bad_alloc. Cancel: ends the connection immediately. For many connections serve()
  /// takes less: each call of this has a sweep of deadlines of its own.
  ///
  ///   weft::Duplex ends = weft::duplex(4096);
  ///   scope.spawn([&] { return server.serve_connection(std::move(ends.a)); });
  template <TransportSource S>
  [[nodiscard]] Task<void> serve_connection(S&& stream) {
    return serve_one(Transport(std::forward<S>(stream)));
  }
  /// Does the same, and calls drain() when `until` ends, an awaitable such as stop_requested(): a
  /// graceful stop in one call. Returns when the last connection has ended. What `until` throws is
  /// thrown after the drain. Ends `until` by a cancel if the listener's end, or a drain() from
  /// elsewhere, comes first. Cancel: as serve().
  ///
  ///   co_await server.serve_until(listener, weft::stop_requested());
  template <Awaitable U>
  [[nodiscard]] Task<void> serve_until(SocketListener& listener, U until) {
    return serve_until_end(listener, ended(std::move(until)));
  }
  template <StreamListener L, Awaitable U>
  [[nodiscard]] Task<void> serve_until(L& listener, U until) {
    return serve_any_until_end(AnyListener::of(listener), ended(std::move(until)));
  }

  /// Closes the listeners, so that new clients are refused, closes idle connections, and lets
  /// requests under way finish (their responses say "Connection: close") for at most drain_timeout;
  /// then cancels them. Returns immediately. Every serve() then returns, also one that is called
  /// later. Idempotent. Thread-safe.
  void drain() noexcept;

  /// Returns the number of open connections. Thread-safe.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  template <Awaitable U>
  static Task<void> ended(U until) {
    if constexpr (std::is_void_v<AwaitResult<U>>) {
      co_await std::move(until);
    } else {
      [[maybe_unused]] auto&& dropped = co_await std::move(until);
    }
  }
  [[nodiscard]] Task<void> serve_until_end(SocketListener& listener, Task<void> until);
  [[nodiscard]] Task<void> serve_any(AnyListener listener);
  [[nodiscard]] Task<void> serve_any_until_end(AnyListener listener, Task<void> until);
  [[nodiscard]] Task<void> serve_one(Transport stream);

  std::shared_ptr<class ServerCore> core_;
};

}  // namespace weft::inline v0_1::http
