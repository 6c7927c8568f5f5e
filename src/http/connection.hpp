// Connection: one accepted stream, shared by the task that serves it and the session's sweep.
//
// A deadline costs one store: the task writes how long its present wait may last. The session's
// periodic sweep ends waits that have lasted longer by shutting the socket down. So there is no
// timer for each request and no cancel: the task's read or write ends, and `expired()` is true.
// Waits that nearly always end at once do not read the clock: their time runs from the first sweep
// that meets them.
//
// Which thread writes what:
//   phase_    the task
//   limit_    the task; the sweep, by compare-exchange
//   expired_  the sweep
//   links     the session, under its mutex
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <weft/atomic.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

class Session;

/// How long a refused peer may go on sending. Closing earlier would reset the connection, and the
/// peer would lose the response.
inline constexpr Nanoseconds kLingerTime = std::chrono::seconds(2);

/// Counts a connection from its accept to its end. While there is one, the session's sweep
/// continues: a connection enters the session's list only when its task begins, and a sweep may
/// come before.
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

  /// Sets the phase and the deadline of the task's next wait.
  void enter(Phase phase, TimePoint deadline) noexcept {
    enter(phase, deadline.time_since_epoch().count());
  }
  /// The same, with a duration that starts at the first sweep that meets the wait.
  void enter(Phase phase, Nanoseconds from_sweep) noexcept { enter(phase, -from_sweep.count()); }
  void enter_busy() noexcept { enter(Phase::busy, kNever); }
  /// Whether a sweep has ended the wait. Relaxed: the system calls of the two threads order it.
  [[nodiscard]] bool expired() const noexcept { return expired_.load(std::memory_order_relaxed); }

 private:
  friend class Session;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// For the sweep: the end of the present wait.
  [[nodiscard]] std::int64_t deadline() noexcept;
  void enter(Phase phase, std::int64_t limit) noexcept {
    // Relaxed: a sweep that sees only one of the two stores is wrong by one wait, and only at the
    // edge of its deadline.
    limit_.store(limit, std::memory_order_relaxed);
    phase_.store(phase, std::memory_order_relaxed);
  }

  Session& session_;
  StreamSocket stream_;
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
  Atomic<std::int64_t> limit_{kNever};  // a deadline; negative: a duration, negated
  Atomic<Phase> phase_{Phase::idle};
  Atomic<bool> expired_{false};
};

/// The task of a connection: serves its requests until it is closed. Throws nothing, so that a
/// failure of one connection does not affect the others.
[[nodiscard]] Task<void> serve_connection(Admission admission, StreamSocket stream);

}  // namespace weft::inline v0_1::http
