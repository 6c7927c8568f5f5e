// serve_until(): the accept loop, its connections, and the drain.
#include <weft/serve.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>
#include <weft/atomic.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/spawn.hpp>

namespace weft::inline v0_1 {

bool AcceptBackoff::is_final(std::error_code error) noexcept {
  return error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor ||
         error == std::errc::not_a_socket || error == std::errc::invalid_argument ||
         error == std::errc::operation_not_supported;
}

SleepOp AcceptBackoff::pause() noexcept {
  const Nanoseconds pause = next_;
  next_ = std::min(next_ * 2, longest);
  return sleep_for(pause);
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

namespace {

/// One serve_until(). Lives in its coroutine's frame.
class Serving {
 public:
  Serving(SocketListener listener, std::unique_ptr<ServeHandler> handler,
          ServeOptions options) noexcept
      : listener_(std::move(listener)),
        handler_(std::move(handler)),
        options_(std::move(options)),
        places_(options_.max_connections) {}
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  /// The body of the scope of the connections.
  [[nodiscard]] Task<void> run(Scope& connections, Task<void> until);
  [[nodiscard]] ServeSummary summary() const noexcept { return summary_; }

 private:
  [[nodiscard]] Task<void> accept_all(Scope& connections);
  [[nodiscard]] bool start(Scope& connections, StreamSocket stream, Permit place) noexcept;
  [[nodiscard]] Task<void> serve_one(StreamSocket stream, Permit place);
  [[nodiscard]] Task<void> drain(Scope& connections);

  SocketListener listener_;
  const std::unique_ptr<ServeHandler> handler_;
  const ServeOptions options_;
  Semaphore places_;
  ServeContext context_;
  ServeSummary summary_;  // written by the task of run() and what it awaits
};

Task<std::exception_ptr> failure_of(Task<void> work) {
  std::exception_ptr failure;
  try {
    co_await std::move(work);
  } catch (...) {
    failure = std::current_exception();
  }
  co_return failure;
}

Task<void> Serving::run(Scope& connections, Task<void> until) {
  auto first = co_await select(accept_all(connections), failure_of(std::move(until)));
  if (first.has<0>()) first.take<0>();  // throws if the listener cannot be used
  // The end of accept_all() is a stop as well: the listener was closed.
  listener_.close();
  context_.begin_drain();
  co_await drain(connections);
  if (!first.has<1>()) co_return;
  const std::exception_ptr failure = first.take<1>();
  if (failure != nullptr) std::rethrow_exception(failure);
}

Task<void> Serving::accept_all(Scope& connections) {
  AcceptBackoff backoff;
  for (;;) {
    Permit place = co_await places_.acquire();
    Result<StreamSocket> stream = co_await attempt(listener_.accept());
    if (!stream) {
      if (stream.error() == std::errc::operation_canceled) co_return;  // closed by the program
      if (AcceptBackoff::is_final(stream.error())) {
        throw IoError(stream.error(), "accept", listener_.local_endpoint().to_string());
      }
    } else if (start(connections, std::move(*stream), std::move(place))) {
      backoff.succeeded();
      continue;
    }
    place.release();
    co_await backoff.pause();
  }
}

/// False: memory is short, and the stream was closed.
bool Serving::start(Scope& connections, StreamSocket stream, Permit place) noexcept try {
  auto serve_it = [this](StreamSocket its_stream, Permit its_place) {
    return serve_one(std::move(its_stream), std::move(its_place));
  };
  connections
      .spawn(SpawnOptions().isolated(), std::move(serve_it), std::move(stream), std::move(place))
      .detach();
  ++summary_.accepted;
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

Task<void> Serving::serve_one(StreamSocket stream, [[maybe_unused]] Permit place) {
  if (!options_.on_failure) {
    co_await handler_->call(std::move(stream), context_);
    co_return;
  }
  const Endpoint peer = stream.peer_endpoint();
  const std::exception_ptr failure =
      co_await failure_of(handler_->call(std::move(stream), context_));
  if (failure != nullptr) options_.on_failure(peer, failure);
}

Task<void> Serving::drain(Scope& connections) {
  if (options_.drain_timeout > Nanoseconds::zero()) {
    co_await select(connections.all_ended(), sleep_for(options_.drain_timeout));
  }
  summary_.cancelled = connections.size();
  connections.cancel_children();
}

/// Owns what it uses: handler and listener may have gone before it has begun.
Task<ServeSummary> run_serving(SocketListener listener, std::unique_ptr<ServeHandler> handler,
                               Task<void> until, ServeOptions options) {
  Serving serving(std::move(listener), std::move(handler), std::move(options));
  auto body = [&](Scope& connections) { return serving.run(connections, std::move(until)); };
  co_await scope(body);
  co_return serving.summary();
}

}  // namespace

Task<ServeSummary> serve_connections(SocketListener& listener,
                                     std::unique_ptr<ServeHandler> handler, Task<void> until,
                                     ServeOptions options) {
  if (options.max_connections == 0 || options.max_connections > Semaphore::most_permits) {
    throw std::invalid_argument("weft::serve: max_connections must be at least 1");
  }
  if (options.drain_timeout < Nanoseconds::zero()) {
    throw std::invalid_argument("weft::serve: drain_timeout is negative");
  }
  return run_serving(listener.borrow(), std::move(handler), std::move(until), std::move(options));
}

}  // namespace weft::inline v0_1::detail
