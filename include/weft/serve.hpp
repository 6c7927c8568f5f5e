// serve() and serve_until(): a server of stream sockets in one call: it accepts, runs a handler for
// each connection, bounds their number, survives what an accept loop meets, and ends gracefully.
//
//   auto echo = [](weft::StreamSocket stream) -> weft::Task<void> {
//     std::array<std::byte, 4096> room;
//     while (std::size_t size = co_await stream.read(room)) {
//       co_await stream.write_all(std::span(room).first(size));
//     }
//   };
//   weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:7777");
//   co_await weft::serve_until(listener, weft::stop_requested(), echo);
//
// The end, in three steps. When what serve_until() waits for has ended, the listener is closed, so
// that clients which come now are refused at once. The handlers learn of it from their
// ServeContext, and have ServeOptions::drain_timeout to end. Those that have not ended by then are
// cancelled; the call returns when all have ended.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>
#include <weft/endpoint.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>
#include <weft/sleep.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1 {

struct ServeOptions {
  ServeOptions() noexcept {}

  /// Maximum number of connections; more wait in the listener's queue.
  std::size_t max_connections = 10'000;
  /// How long handlers may go on after the stop. Zero: they are cancelled at once.
  Nanoseconds drain_timeout = std::chrono::seconds(10);
  /// Called with the peer's address and the exception of a handler that has failed, on the worker
  /// of that connection, possibly several at the same time. Without it, and if it throws itself,
  /// the exception goes to RuntimeOptions::on_failure.
  std::function<void(const Endpoint&, std::exception_ptr)> on_failure = {};
};

/// What a serve() has done.
struct ServeSummary {
  std::size_t accepted = 0;   ///< connections that got a handler
  std::size_t cancelled = 0;  ///< handlers that had not ended when the drain was over
};

/// What a handler may ask of its serve(). Lives until the handler has ended. Thread-safe.
class ServeContext {
 public:
  ServeContext() = default;
  ServeContext(const ServeContext&) = delete;
  ServeContext& operator=(const ServeContext&) = delete;

  /// Returns whether the stop has come: the handler should begin nothing new.
  [[nodiscard]] bool draining() const noexcept { return stop_.is_set(); }
  /// Waits until the stop has come. No errors. Cancel: stops waiting.
  ///
  ///   auto first = co_await weft::select(stream.read(request), context.drain_begun());
  ///   if (!first.has<0>()) co_return;      // idle, and the server ends
  [[nodiscard]] QueueOp<detail::EventRequest> drain_begun() noexcept { return stop_.wait(); }
  /// For what serves connections in another way: begins the drain. Idempotent.
  void begin_drain() noexcept { stop_.set(); }

 private:
  ManualResetEvent stop_;
};

/// What to do when accept() has failed, for a loop that accepts; serve() and http::Server use it.
/// A connection that was not accepted stays in the queue, and accept() would fail again at once. So
/// the loop pauses: 5 ms, then twice as long each time, up to 500 ms. One task uses it.
///
///   weft::AcceptBackoff backoff;
///   for (;;) {
///     weft::Result<weft::StreamSocket> stream = co_await weft::attempt(listener.accept());
///     if (!stream && weft::AcceptBackoff::is_final(stream.error())) co_return;
///     if (stream) {
///       backoff.succeeded();
///       use(std::move(*stream));
///     } else {
///       co_await backoff.pause();
///     }
///   }
class AcceptBackoff {
 public:
  /// Returns whether the listener cannot be used any more: it was closed
  /// (errc::operation_canceled), or is no listener. All else may pass: the process or the system is
  /// short of something (too_many_files_open, no_buffer_space …), or a connection has failed before
  /// it was accepted.
  [[nodiscard]] static bool is_final(std::error_code error) noexcept;
  /// A connection was accepted: the next pause is the shortest again.
  void succeeded() noexcept { next_ = shortest; }
  /// The pause to be awaited now. Cancel: ends it.
  [[nodiscard]] SleepOp pause() noexcept;

 private:
  static constexpr Nanoseconds shortest = std::chrono::milliseconds(5);
  static constexpr Nanoseconds longest = std::chrono::milliseconds(500);
  Nanoseconds next_ = shortest;
};

namespace detail {

/// A handler of any type. Called for several connections at the same time.
class ServeHandler {
 public:
  virtual ~ServeHandler() = default;
  [[nodiscard]] virtual Task<void> call(StreamSocket stream, ServeContext& context) = 0;
};

/// Awaits anything, and drops its result.
template <Awaitable A>
Task<void> end_of(A awaitable) {
  if constexpr (std::is_void_v<AwaitResult<A>>) {
    co_await std::move(awaitable);
  } else {
    [[maybe_unused]] auto&& dropped = co_await std::move(awaitable);
  }
}

template <class H>
inline constexpr bool takes_context = std::is_invocable_v<H&, StreamSocket, ServeContext&>;

template <class H>
class ServeHandlerOf final : public ServeHandler {
 public:
  explicit ServeHandlerOf(H handler) : handler_(std::move(handler)) {}
  [[nodiscard]] Task<void> call(StreamSocket stream, ServeContext& context) override {
    if constexpr (takes_context<H>) {
      return end_of(handler_(std::move(stream), context));
    } else {
      return end_of(handler_(std::move(stream)));
    }
  }

 private:
  H handler_;
};

template <class H>
[[nodiscard]] std::unique_ptr<ServeHandler> serve_handler(H handler) {
  constexpr bool is_callable = takes_context<H> || std::is_invocable_v<H&, StreamSocket>;
  static_assert(is_callable,
                "weft: a handler is called with a StreamSocket, and a ServeContext& if it takes "
                "one: [](weft::StreamSocket stream) -> weft::Task<void> { … }");
  if constexpr (is_callable) return std::make_unique<ServeHandlerOf<H>>(std::move(handler));
}

/// Throws std::invalid_argument for options out of range.
[[nodiscard]] Task<ServeSummary> serve_connections(SocketListener& listener,
                                                   std::unique_ptr<ServeHandler> handler,
                                                   Task<void> until, ServeOptions options);

}  // namespace detail

/// Accepts connections of `listener` and runs `handler` for each, as a task of its own, until the
/// listener is closed; see serve_until(), which this is otherwise.
template <class H>
[[nodiscard]] Task<ServeSummary> serve(SocketListener& listener, H handler,
                                       ServeOptions options = ServeOptions()) {
  return detail::serve_connections(listener, detail::serve_handler(std::move(handler)),
                                   detail::end_of(never()), std::move(options));
}

/// Does the same until `until` ends, an awaitable such as stop_requested() or an event's wait();
/// then it closes the listener, drains as described at the top of this header, and returns what it
/// has done. A listener that the program closes is a stop, too.
///
/// `handler` takes a StreamSocket, or a StreamSocket and a ServeContext&, and returns an awaitable
/// (a Task, a fiber …). It is moved in, lives until all have ended, and is called by several
/// workers at the same time. A handler that fails ends its own connection alone; see
/// ServeOptions::on_failure. A shortage of descriptors or memory, and connections that fail before
/// they are accepted, make it wait briefly and go on.
///
/// Throws std::invalid_argument for options out of range, when called. When awaited: what `until`
/// throws, after the drain; IoError if the listener cannot be used, and then all handlers are
/// cancelled at once. Cancel: cancels all handlers and waits for them; the listener stays open.
template <Awaitable U, class H>
[[nodiscard]] Task<ServeSummary> serve_until(SocketListener& listener, U until, H handler,
                                             ServeOptions options = ServeOptions()) {
  return detail::serve_connections(listener, detail::serve_handler(std::move(handler)),
                                   detail::end_of(std::move(until)), std::move(options));
}

}  // namespace weft::inline v0_1
