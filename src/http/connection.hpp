// Connection: one accepted stream, as the task that serves it and the session that watches it see
// it.
//
// Deadlines cost a store: the task writes how long its present wait may last, and the session's
// sweep, which runs now and then, ends the waits that have lasted longer by shutting the socket
// down. So there is no timer for a request, and no cancel: the task finds its read or write ended,
// and `expired()`. Waits that nearly always end at once do not even look at the clock: their time
// runs from the sweep that first meets them.
//
// Who writes what: `phase_` and `limit_` the task, and `limit_` the sweep, by exchange; `expired_`
// the sweep; the links the session, under its mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <weft/atomic.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::http {

class Session;

/// How long a peer that was refused may go on sending. Closing earlier would reset the connection
/// and take our answer from it.
inline constexpr Nanoseconds kLingerTime = std::chrono::seconds(2);

/// Counts a connection from its accept to its end: while there is any, its session's sweep goes on.
/// A connection is not in the session's list until its task has begun, and a sweep may come first.
class Admission {
 public:
  explicit Admission(Session& session) noexcept;
  Admission(Admission&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
  Admission& operator=(Admission&&) = delete;
  ~Admission();
  [[nodiscard]] Session& session() const noexcept { return *session_; }

 private:
  Session* session_;
};

class Connection {
 public:
  enum class Phase : std::uint8_t {
    idle,     ///< between requests: may be closed at any time
    reading,  ///< in a request
    busy,     ///< in a handler: no deadline
    writing,
  };

  /// Enters the session's list; the destructor leaves it.
  Connection(Session& session, StreamSocket stream) noexcept;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Session& session() const noexcept { return session_; }
  [[nodiscard]] StreamSocket& stream() noexcept { return stream_; }

  /// The task's next wait, and until when it may last.
  void enter(Phase phase, TimePoint deadline) noexcept {
    enter(phase, deadline.time_since_epoch().count());
  }
  /// The same, for so long from when a sweep meets it.
  void enter(Phase phase, Nanoseconds from_sweep) noexcept { enter(phase, -from_sweep.count()); }
  void enter_busy() noexcept { enter(Phase::busy, kNever); }
  /// A sweep has ended the wait. Relaxed: the system calls between the two threads order it.
  [[nodiscard]] bool expired() const noexcept { return expired_.load(std::memory_order_relaxed); }

 private:
  friend class Session;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// For the sweep: when the present wait is to end.
  [[nodiscard]] std::int64_t deadline() noexcept;
  void enter(Phase phase, std::int64_t limit) noexcept {
    // Relaxed: a sweep that sees the one without the other errs by one wait at the edge of its
    // deadline.
    limit_.store(limit, std::memory_order_relaxed);
    phase_.store(phase, std::memory_order_relaxed);
  }

  Session& session_;
  StreamSocket stream_;
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
  Atomic<std::int64_t> limit_{kNever};  // a deadline; below 0: a duration, negated
  Atomic<Phase> phase_{Phase::idle};
  Atomic<bool> expired_{false};
};

/// The task of a connection: serves its requests until it is closed. Throws nothing: what happens
/// to one connection is nothing to the others.
[[nodiscard]] Task<void> serve_connection(Admission admission, StreamSocket stream);

}  // namespace weft::http
