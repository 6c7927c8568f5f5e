// Connection: one accepted stream, shared by the task that serves it and the session's sweep.
//
// What it runs over is chosen once a connection, not once an operation: the functions that serve it
// are templates of S, which is StreamSocket, or TransportStream for every other stream. So a socket
// costs what it would cost alone (decision 043).
//
// A deadline costs one store: the task writes how long its present wait may last. The session's
// periodic sweep ends waits that have lasted longer, so there is no timer for each request. Waits
// that nearly always end at once do not read the clock: their time runs from the first sweep that
// meets them.
//
// How a wait is ended from outside. A wait for the peer's bytes is ended by a cancel of the
// connection's task. (A shutdown of the reading side would end it, too. But from then on the kernel
// resets a connection whose peer still sends, and the peer loses a response that it has not read.)
// The session first moves the phase from `idle` or `reading` to `dismissed` or `late`; the task,
// when a wait has ended, moves it to `busy`. The first of the two decides. A task that finds itself
// dismissed returns. Either way the destructor of the Connection hands the stream to a new task,
// take_leave(), which ends it in a way that the peer understands.
//
// A streamed response has a deadline of its own, write_limit_, as its handler may read the
// request's body at the same time. So `reading` may be the phase while the response is written.
//
// A wait for the peer to read, or for its end after the last response, is ended by a cancel, too;
// then the stream is closed.
//
// Which thread writes what:
//   phase_       the task; the session, under its mutex, by compare-exchange
//   limit_, write_limit_   the task; the sweep, by compare-exchange
//   receiving_   the task, and tasks that read the body for it
//   watch_       the session, under its mutex
//   links        the session, under its mutex
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <weft/atomic.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/http/transport.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

class Session;
struct GivenAway;

/// How long and how much the peer may go on sending after the last response. Closing earlier would
/// reset the connection, and the peer would lose the response.
inline constexpr Nanoseconds kLingerTime = std::chrono::seconds(2);
inline constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;

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
    idle,       ///< between requests: may be dismissed at any time
    reading,    ///< in a request
    busy,       ///< waits for nothing of the peer's: no deadline
    answering,  ///< as busy: in a handler that may wait, for a peer that knows interim responses
    probing,    ///< as answering: the session is writing an interim response
    writing,
    upgraded,   ///< has left HTTP: no deadline, and the session watches nothing
    lingering,  ///< the last response was written; what the peer still sends is dropped
    dismissed,  ///< the session has ended an idle wait
    late,       ///< the session has ended a wait for the rest of a request
  };

  /// `task` is the one that makes the connection. Enters the session's list; the destructor leaves
  /// it, and hands a stream that the session has dismissed to take_leave().
  Connection(Session& session, TaskHeader& task, Transport transport) noexcept;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Session& session() const noexcept { return session_; }
  [[nodiscard]] Transport& transport() noexcept { return transport_; }
  template <class S>
  [[nodiscard]] S& stream() noexcept {
    return transport_.over<S>();
  }

  /// Sets the phase and the deadline of the task's next wait.
  void enter(Phase phase, TimePoint deadline) noexcept {
    enter(phase, deadline.time_since_epoch().count());
  }
  /// The same, with a duration that starts at the first sweep that meets the wait.
  void enter(Phase phase, Nanoseconds from_sweep) noexcept { enter(phase, -from_sweep.count()); }
  void enter_busy() noexcept { enter(Phase::busy, kNever); }
  void enter_upgraded() noexcept { enter(Phase::upgraded, kNever); }
  /// Goes on with the last idle wait: its deadline stays.
  void idle_again() noexcept { enter(Phase::idle, idle_limit_); }
  /// Begins a call of the handler. `may_probe`: see Phase::answering.
  void enter_handler(bool may_probe) noexcept {
    limit_.store(kNever, std::memory_order_relaxed);
    // Release: pairs with the acquire in Session::probe(), whose write comes after this task's.
    if (may_probe) phase_.store(Phase::answering, std::memory_order_release);
  }
  /// After a call of the handler that may have waited.
  void leave_handler() noexcept;
  /// Called before the first byte of a streamed response: from now on no other one may be written.
  void begin_answer() noexcept;
  /// The connection can carry no further message: it is closed without one.
  void forbid_answers() noexcept { answers_forbidden_ = true; }
  [[nodiscard]] bool answers_forbidden() const noexcept { return answers_forbidden_; }
  /// Sets, and removes, the deadline of a write of a streamed response.
  void begin_write(Nanoseconds from_sweep) noexcept {
    write_limit_.store(-from_sweep.count(), std::memory_order_relaxed);  // relaxed: as enter()
  }
  void end_write() noexcept { write_limit_.store(kNever, std::memory_order_relaxed); }
  /// Whether the handler has a body of which not all was read: the end of the peer's side may
  /// belong to it. Relaxed: an event that comes at the same time may be taken either way.
  void set_receiving(bool receives) noexcept {
    receiving_.store(receives, std::memory_order_relaxed);
  }
  /// A read into `buffer` has ended with `got`. False: the task must return without another wait.
  /// The peer has ended, or the session has dismissed the connection; bytes of a next request are
  /// then handed over to the task that takes leave. Throws std::bad_alloc.
  [[nodiscard]] bool end_read(const Result<std::size_t>& got, std::span<const std::byte> buffer) {
    // Relaxed: see Session::dismiss().
    const Phase before = phase_.exchange(Phase::busy, std::memory_order_relaxed);
    if (before == Phase::dismissed || before == Phase::late) [[unlikely]] {
      stay_dismissed(before, got, buffer);
      return false;
    }
    if (before == Phase::idle) idle_limit_ = limit_.load(std::memory_order_relaxed);
    limit_.store(kNever, std::memory_order_relaxed);
    if (!got) [[unlikely]]
      report_error(got.error());
    return got && *got != 0;
  }

  /// Whether the session has dismissed it: the task must return.
  [[nodiscard]] bool dismissed() const noexcept {
    const Phase phase = phase_.load(std::memory_order_relaxed);
    return phase == Phase::dismissed || phase == Phase::late;
  }
  /// What goes on with the connection when the output was written, of which it is the last.
  void give_away(std::unique_ptr<GivenAway> given) noexcept;
  [[nodiscard]] GivenAway* given() const noexcept { return given_.get(); }
  [[nodiscard]] std::unique_ptr<GivenAway> take_given() noexcept;
  /// The peer has left while the handler ran: cancels the task, whose next wait ends it.
  void abandon() noexcept { task_.cancel_by_holder(); }
  /// The bytes of empty lines since the last request: they may be parts of the next one's.
  [[nodiscard]] std::uint8_t empty_line_bytes() const noexcept { return empty_line_bytes_; }
  void keep_empty_lines(std::uint8_t bytes) noexcept { empty_line_bytes_ = bytes; }

 private:
  friend class Session;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  /// The limit of a handler that a sweep has met: it has run for a while.
  static constexpr std::int64_t kMet = kNever - 1;

  void stay_dismissed(Phase phase, const Result<std::size_t>& got,
                      std::span<const std::byte> buffer);
  /// For the sweep: the end of the present wait.
  [[nodiscard]] std::int64_t deadline() noexcept { return deadline_of(limit_); }
  [[nodiscard]] std::int64_t write_deadline() noexcept { return deadline_of(write_limit_); }
  [[nodiscard]] static std::int64_t deadline_of(Atomic<std::int64_t>& word) noexcept;
  /// To ServerOptions::on_connection_error.
  void report_error(std::error_code error) noexcept;
  void enter(Phase phase, std::int64_t limit) noexcept {
    // Relaxed: a sweep that sees only one of the two stores is wrong by one wait, and only at the
    // edge of its deadline.
    limit_.store(limit, std::memory_order_relaxed);
    phase_.store(phase, std::memory_order_relaxed);
  }

  Session& session_;
  TaskHeader& task_;
  Transport transport_;
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
  Atomic<std::int64_t> limit_{kNever};  // a deadline; negative: a duration, negated
  Atomic<std::int64_t> write_limit_{kNever};
  std::int64_t idle_limit_ = kNever;  // that of the last idle wait
  std::uint32_t watch_ = 0;           // the entry of PeerWatch; 0: not watched
  std::uint8_t empty_line_bytes_ = 0;
  Atomic<Phase> phase_{Phase::busy};
  Atomic<bool> receiving_{false};
  bool answers_forbidden_ = false;
  std::unique_ptr<GivenAway> given_;
};

/// The task of a connection: serves its requests until it is closed. Throws nothing, so that a
/// failure of one connection does not affect the others.
template <class S>
[[nodiscard]] Task<void> serve_connection(Admission admission, Transport transport);

/// How a dismissed connection ends.
enum class Leave : std::uint8_t {
  idle,  ///< a request that has arrived is answered
  late,  ///< the answer is 408
};

/// Ends a dismissed connection: answers, then waits for the peer's end. `received` and
/// `empty_line_bytes` are what was read of the next request. Throws nothing.
template <class S>
[[nodiscard]] Task<void> take_leave(Admission admission, Transport transport, Leave how,
                                    std::string received, std::uint8_t empty_line_bytes);

// Of each: for a socket, and for every other stream.
extern template Task<void> serve_connection<StreamSocket>(Admission, Transport);
extern template Task<void> serve_connection<TransportStream>(Admission, Transport);
extern template Task<void> take_leave<StreamSocket>(Admission, Transport, Leave, std::string,
                                                    std::uint8_t);
extern template Task<void> take_leave<TransportStream>(Admission, Transport, Leave, std::string,
                                                       std::uint8_t);

}  // namespace weft::inline v0_1::http
