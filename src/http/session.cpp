#include "http/session.hpp"

#include <algorithm>
#include <utility>

#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

namespace weft::inline v0_1::http {
namespace {

using std::chrono::milliseconds;

[[nodiscard]] Nanoseconds shortest_timeout(const ServerOptions& options) noexcept {
  return std::min({options.header_timeout, options.body_timeout, options.idle_timeout,
                   options.write_timeout, kLingerTime});
}
/// The shortest time between two sweeps; the longest is shortest_timeout().
[[nodiscard]] Nanoseconds sweep_period(const ServerOptions& options) noexcept {
  return std::max<Nanoseconds>(shortest_timeout(options) / 8, milliseconds(1));
}

constexpr Nanoseconds kShortestBackOff = milliseconds(5);
constexpr Nanoseconds kLongestBackOff = milliseconds(500);
constexpr Nanoseconds kDrainStep = milliseconds(5);

/// Whether the listener itself cannot be used any more. Any other error may pass: a shortage of the
/// process or the system, or what a connection met before it was accepted.
[[nodiscard]] bool is_dead(std::error_code error) noexcept {
  return error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor ||
         error == std::errc::not_a_socket || error == std::errc::invalid_argument ||
         error == std::errc::operation_not_supported;
}

}  // namespace

void ServerCore::add(Session& session) noexcept {
  std::lock_guard lock(mutex_);
  session.next_ = sessions_;
  if (sessions_ != nullptr) sessions_->previous_ = &session;
  sessions_ = &session;
  if (draining_) session.drain();
}

void ServerCore::remove(Session& session) noexcept {
  std::lock_guard lock(mutex_);
  (session.previous_ != nullptr ? session.previous_->next_ : sessions_) = session.next_;
  if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
}

void ServerCore::drain() noexcept {
  std::lock_guard lock(mutex_);
  draining_ = true;
  for (Session* session = sessions_; session != nullptr; session = session->next_) session->drain();
}

void Session::drain() noexcept {
  draining_.store(true, std::memory_order_relaxed);
  drain_wanted_.set();
}

void Session::admit() noexcept {
  std::lock_guard lock(mutex_);
  ++admitted_;
}

void Session::dismiss() noexcept {
  std::lock_guard lock(mutex_);
  --admitted_;
}

void Session::add(Connection& connection) noexcept {
  std::lock_guard lock(mutex_);
  connection.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &connection;
  first_ = &connection;
}

void Session::remove(Connection& connection) noexcept {
  std::lock_guard lock(mutex_);
  (connection.previous_ != nullptr ? connection.previous_->next_ : first_) = connection.next_;
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
}

Task<void> Session::run(Scope& scope, SocketListener& listener) {
  co_await select(accept_loop(scope, listener), drain_wanted_.wait());
  co_await see_off(scope);
}

Task<void> Session::accept_loop(Scope& scope, SocketListener& listener) {
  Nanoseconds back_off = kShortestBackOff;
  for (;;) {
    bool taken = false;
    if (core_.connections.load(std::memory_order_relaxed) < options().max_connections) {
      Result<StreamSocket> stream = co_await attempt(listener.accept());
      if (!stream && is_dead(stream.error())) {
        if (draining()) co_return;  // whatever closed it: nothing is to be accepted any more
        throw IoError(stream.error(), "accept", listener.local_endpoint().to_string());
      }
      taken = stream && start(scope, std::move(*stream));
    }
    if (taken) {
      back_off = kShortestBackOff;
      continue;
    }
    // The connection may be in the queue still, and accept() would fail again at once.
    co_await sleep_for(back_off);
    back_off = std::min(back_off * 2, kLongestBackOff);
  }
}

/// False: memory is short, and the stream was closed.
bool Session::start(Scope& scope, StreamSocket stream) noexcept try {
  Admission admission(*this);
  bool must_sweep = false;
  {
    std::lock_guard lock(mutex_);
    must_sweep = !std::exchange(sweeping_, true);
  }
  if (must_sweep) {
    try {
      scope.spawn([this] { return sweep_loop(); }).detach();
    } catch (...) {
      std::lock_guard lock(mutex_);
      sweeping_ = false;
      throw;
    }
  }
  scope.spawn(serve_connection, std::move(admission), std::move(stream)).detach();
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

Task<void> Session::sweep_loop() {
  TimePoint next = deadline_after(sweep_period(options()));
  do {
    co_await sleep_until(next);
    next = sweep(now());
  } while (!stop_sweeping_if_nobody_is_left());
}

bool Session::stop_sweeping_if_nobody_is_left() noexcept {
  std::lock_guard lock(mutex_);
  sweeping_ = admitted_ != 0;
  return !sweeping_;
}

/// Ends the waits that have lasted too long; returns the time of the next sweep.
TimePoint Session::sweep(TimePoint now) noexcept {
  // A wait that begins after this sweep is met within one shortest_timeout().
  std::int64_t earliest = (now + shortest_timeout(options())).time_since_epoch().count();
  const std::int64_t current = now.time_since_epoch().count();
  {
    std::lock_guard lock(mutex_);
    for (Connection* one = first_; one != nullptr; one = one->next_) {
      const std::int64_t deadline = one->deadline();
      if (deadline > current) {
        earliest = std::min(earliest, deadline);
        continue;
      }
      const bool writing =
          one->phase_.load(std::memory_order_relaxed) == Connection::Phase::writing;
      one->expired_.store(true, std::memory_order_relaxed);
      one->limit_.store(Connection::kNever, std::memory_order_relaxed);
      // A connection that reads shuts down only that side: it can still send a 408. If shutdown()
      // fails, the peer has reset the connection and the wait has ended.
      static_cast<void>(one->stream_.shutdown(writing ? Shutdown::both : Shutdown::read));
    }
  }
  return std::max(TimePoint(Nanoseconds(earliest)), now + sweep_period(options()));
}

void Session::close_idle() noexcept {
  std::lock_guard lock(mutex_);
  for (Connection* one = first_; one != nullptr; one = one->next_) {
    if (one->phase_.load(std::memory_order_relaxed) != Connection::Phase::idle) continue;
    // Bytes of a request that have arrived are still read and answered.
    static_cast<void>(one->stream_.shutdown(Shutdown::read));
  }
}

Task<void> Session::see_off(Scope& scope) {
  const TimePoint deadline = deadline_after(options().drain_timeout);
  // Connections become idle at any time, so this is repeated.
  for (;;) {
    close_idle();
    bool empty = false;
    {
      std::lock_guard lock(mutex_);
      empty = first_ == nullptr;
    }
    if (empty || core_.abandoned() || now() >= deadline) break;
    co_await sleep_for(kDrainStep);
  }
  // The rest: requests that take too long, the sweep, and connections that have not begun.
  scope.cancel_children();
}

}  // namespace weft::inline v0_1::http
