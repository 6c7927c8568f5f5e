#include "http/session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include <weft/select.hpp>
#include <weft/serve.hpp>
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

constexpr Nanoseconds kDrainStep = milliseconds(5);

/// When a peer that has ended its side is asked for a sign of life; then after twice the time.
constexpr Nanoseconds kFirstProbe = std::chrono::seconds(3);
constexpr std::chrono::seconds kKeepAliveProbe(15);
/// A client ignores it if it has not asked for it (RFC 9110, 15.2.1).
constexpr std::string_view kInterimResponse = "HTTP/1.1 100 Continue\r\n\r\n";

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
  drain_begun_.set();
}

void Session::admit() noexcept {
  std::lock_guard lock(mutex_);
  ++admitted_;
}

void Session::end_admission() noexcept {
  bool was_last = false;
  {
    std::lock_guard lock(mutex_);
    was_last = --admitted_ == 0 && ends_with_last_;
  }
  // The session stays until the scope of its tasks has ended, and this is one of them.
  if (was_last) all_ended_.set();
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
  if (connection.watch_ != 0) peers_.forget(connection.watch_);
}

template <class L>
Task<void> Session::run(Scope& scope, L& listener) {
  scope_ = &scope;
  // Now, as descriptors may be short by the time a peer leaves.
  if (!core_.is_immediate) static_cast<void>(peers_.open());
  if (!draining()) co_await select(accept_loop(scope, listener), drain_wanted_.wait());
  // A client that comes now is refused at once, and can turn to another server.
  listener.close();
  co_await see_off(scope);
}

template Task<void> Session::run<SocketListener>(Scope&, SocketListener&);
template Task<void> Session::run<AnyListener>(Scope&, AnyListener&);

Task<void> Session::run_one(Scope& scope, Transport transport) {
  scope_ = &scope;
  ends_with_last_ = true;
  start(scope, std::move(transport));
  co_await select(all_ended_.wait(), drain_wanted_.wait());
  if (draining()) {
    co_await see_off(scope);
  } else {
    scope.cancel_children();  // the sweep
  }
}

template <class L>
Task<void> Session::accept_loop(Scope& scope, L& listener) {
  AcceptBackoff backoff;
  for (;;) {
    bool taken = false;
    if (core_.connections.load(std::memory_order_relaxed) < options().max_connections) {
      auto stream = co_await attempt(listener.accept());
      if (!stream && AcceptBackoff::is_final(stream.error().code())) {
        if (draining()) co_return;  // whatever closed it: nothing is to be accepted any more
        throw std::move(stream.error());
      }
      taken = stream && try_start(scope, Transport(std::move(*stream)));
    }
    if (taken) {
      backoff.succeeded();
    } else {
      co_await backoff.pause();
    }
  }
}

/// False: memory is short, and the stream was closed.
bool Session::try_start(Scope& scope, Transport transport) noexcept try {
  start(scope, std::move(transport));
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void Session::start(Scope& scope, Transport transport) {
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
  const auto serve =
      transport.is_socket() ? &serve_connection<StreamSocket> : &serve_connection<TransportStream>;
  scope.spawn(serve, std::move(admission), std::move(transport)).detach();
}

void Session::see_out(Transport transport, Leave how, std::string received,
                      std::uint8_t empty_line_bytes) noexcept try {
  const auto leave =
      transport.is_socket() ? &take_leave<StreamSocket> : &take_leave<TransportStream>;
  scope_
      ->spawn(leave, Admission(*this), std::move(transport), how, std::move(received),
              empty_line_bytes)
      .detach();
} catch (...) {  // no memory: the stream was closed
}

/// Throws nothing: a failure of this child would end all the others.
Task<void> Session::sweep_loop() {
  std::array<Event, 32> room;
  TimePoint next = deadline_after(sweep_period(options()));
  do {
    bool watched = false;
    if (EventQueue* const queue = peers_.queue()) {
      try {
        const Events events = co_await wait_for_events(*queue, room, next);
        for (const Event& event : events) take_event(event);
        watched = true;
      } catch (const IoError&) {
        peers_.close();
      } catch (const std::bad_alloc&) {  // peers are watched again after the next sweep
      }
    }
    if (!watched) co_await sleep_until(next);
    const TimePoint current = now();
    if (current >= next) next = sweep(current);
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
      const std::int64_t write_deadline = one->write_deadline();
      const std::int64_t deadline = one->deadline();
      if (write_deadline <= current) {
        one->end_write();
        one->task_.cancel_by_holder();  // its end closes the stream
        continue;
      }
      earliest = std::min(earliest, write_deadline);
      if (deadline > current) {
        earliest = std::min(earliest, deadline);
        if (deadline >= Connection::kMet) attend(*one, current);
      } else {
        expire(*one);
      }
    }
  }
  return std::max(TimePoint(Nanoseconds(earliest)), now + sweep_period(options()));
}

/// Ends a wait that has lasted too long.
void Session::expire(Connection& connection) noexcept {
  using Phase = Connection::Phase;
  switch (connection.phase_.load(std::memory_order_relaxed)) {
    case Phase::idle:
      dismiss(connection, Phase::idle, Phase::dismissed);
      break;
    case Phase::reading:
      dismiss(connection, Phase::reading, Phase::late);
      break;
    case Phase::writing:
    case Phase::lingering:
      connection.limit_.store(Connection::kNever, std::memory_order_relaxed);
      connection.task_.cancel_by_holder();  // its end closes the stream
      break;
    default:  // the task has gone on meanwhile
      break;
  }
}

/// Ends a wait for the peer's bytes, unless its end came first. See the top of connection.hpp.
void Session::dismiss(Connection& connection, Connection::Phase from,
                      Connection::Phase to) noexcept {
  // Relaxed: the words decide by themselves; the mutex orders the rest.
  if (connection.phase_.compare_exchange_strong(from, to, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
    // As the holder of its handle does: serve() itself is not cancelled.
    connection.task_.cancel_by_holder();
  }
}

/// A handler is at work: the second sweep that meets it has its peer watched.
void Session::attend(Connection& connection, std::int64_t now) noexcept {
  using Phase = Connection::Phase;
  const Phase phase = connection.phase_.load(std::memory_order_relaxed);
  if (phase != Phase::busy && phase != Phase::answering) return;
  std::int64_t limit = Connection::kNever;
  // On failure the limit is kMet, or the task has begun another wait.
  if (connection.limit_.compare_exchange_strong(limit, Connection::kMet, std::memory_order_relaxed,
                                                std::memory_order_relaxed) ||
      limit != Connection::kMet) {
    return;
  }
  if (connection.watch_ != 0) {
    probe(connection, now);
    return;
  }
  const NativeHandle handle = connection.transport_.handle_to_watch();
  if (handle != invalid_handle && peers_.open()) {
    connection.watch_ = peers_.add(connection, handle);
  }
}

void Session::take_event(const Event& event) noexcept {
  using Phase = Connection::Phase;
  std::lock_guard lock(mutex_);
  PeerWatch::Entry* const entry = peers_.find(event);
  if (entry == nullptr) return;
  Connection& connection = *entry->connection;
  if (connection.dismissed()) return;  // its stream may be another task's already
  const Phase phase = connection.phase_.load(std::memory_order_relaxed);
  if (phase != Phase::busy && phase != Phase::answering) {
    // Its own read or write meets the end, if it is one.
    peers_.remove(std::exchange(connection.watch_, 0U), connection.transport_.handle_to_watch());
    return;
  }
  const bool left = event.error || event.write_closed;
  if (!left && connection.receiving_.load(std::memory_order_relaxed)) {
    // The end may belong to the body. It is met again when that was read, by another watch.
    peers_.remove(std::exchange(connection.watch_, 0U), connection.transport_.handle_to_watch());
  } else if (left || (event.read_closed && options().cancel_on_half_close)) {
    connection.task_.cancel_by_holder();
  } else if (event.read_closed && entry->probe_at == 0) {
    entry->probe_after = kFirstProbe;
    entry->probe_at = (now() + kFirstProbe).time_since_epoch().count();
    // For a peer that knows no interim responses. A failure means that the connection has ended.
    static_cast<void>(connection.transport_.set_keep_alive(kKeepAliveProbe));
  }
}

/// Finds out whether a peer that has ended its side is still there: what it sees of an interim
/// response is nothing new to it, and a peer that has closed its socket answers with a reset.
void Session::probe(Connection& connection, std::int64_t now) noexcept {
  using Phase = Connection::Phase;
  PeerWatch::Entry& entry = peers_.entry(connection.watch_);
  if (entry.probe_at == 0 || now < entry.probe_at) return;
  Phase phase = Phase::answering;
  // Acquire: the task's writes came before; release, below: its next ones come after.
  if (!connection.phase_.compare_exchange_strong(phase, Phase::probing, std::memory_order_acquire,
                                                 std::memory_order_relaxed)) {
    return;
  }
  entry.probe_after *= 2;
  entry.probe_at = now + entry.probe_after.count();
  static_cast<void>(connection.transport_.try_write(kInterimResponse));
  phase = Phase::probing;
  // On failure the handler has ended, and its task waits for the mutex.
  static_cast<void>(connection.phase_.compare_exchange_strong(
      phase, Phase::answering, std::memory_order_release, std::memory_order_relaxed));
}

void Session::dismiss_idle() noexcept {
  std::lock_guard lock(mutex_);
  for (Connection* one = first_; one != nullptr; one = one->next_) {
    // A look first: an exchange would take the word from the cache of a busy connection's worker.
    if (one->phase_.load(std::memory_order_relaxed) != Connection::Phase::idle) continue;
    dismiss(*one, Connection::Phase::idle, Connection::Phase::dismissed);
  }
}

Task<void> Session::see_off(Scope& scope) {
  const TimePoint deadline = deadline_after(options().drain_timeout);
  // Connections become idle at any time, so this is repeated.
  for (;;) {
    dismiss_idle();
    bool empty = false;
    {
      std::lock_guard lock(mutex_);
      empty = admitted_ == 0;
    }
    if (empty || core_.abandoned() || now() >= deadline) break;
    co_await sleep_for(kDrainStep);
  }
  // The rest: requests that take too long, and the sweep.
  scope.cancel_children();
}

}  // namespace weft::inline v0_1::http
