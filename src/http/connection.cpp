#include "http/connection.hpp"

#include <array>
#include <concepts>
#include <optional>
#include <span>
#include <utility>

#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include "http/answer.hpp"
#include "http/current_task.hpp"
#include "http/pipelined.hpp"
#include "http/session.hpp"
#include "http/take_over.hpp"
#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Size of the first read of a request, so that a waiting connection holds no larger buffer. A
/// typical request fits.
constexpr std::size_t kFirstOfRequest = 256;

/// Ends the writing direction. False: the connection has ended.
template <class S>
Task<bool> end_own_side(S& stream) {
  if constexpr (std::same_as<S, StreamSocket>) {
    co_return stream.shutdown(Shutdown::write).has_value();
  } else {
    const IoResult<void> ended = co_await attempt(stream.end_writing());
    co_return ended.has_value();
  }
}

/// Tells the peer that no more will come, and drops what it still sends, until its end or the
/// limits.
template <class S>
Task<void> linger(Connection& connection) {
  if (connection.dismissed()) co_return;
  // From now on: a time that began with the next sweep could be twice as long.
  connection.enter(Connection::Phase::lingering, deadline_after(kLingerTime));
  S& stream = connection.stream<S>();
  const bool ended = co_await end_own_side(stream);
  if (!ended) co_return;
  std::size_t left = kLingerBytes;
  for (;;) {
    // No buffer while nothing comes.
    const Result<void> ready = co_await attempt(stream.readable());
    if (!ready) co_return;
    Lease<RequestBuffers> slot(connection.session().core().slots);
    const Result<std::size_t> got = co_await attempt(stream.read((*slot).input));
    if (!got || *got == 0 || *got >= left) co_return;
    left -= *got;
  }
}

/// Reads what has arrived, without a wait for more. Null: nothing has.
template <class S>
Task<std::optional<Result<std::size_t>>> read_arrived(S& stream, std::span<std::byte> buffer) {
  bool waits_alone = true;
  if constexpr (!std::same_as<S, StreamSocket>) waits_alone = stream.waits_without_buffer();
  if (waits_alone) {
    // Asks the system, unlike a read that would wait for the driver's event.
    auto arrived = co_await select(attempt(stream.readable()), yield_now());
    if (!arrived.template has<0>()) co_return std::nullopt;
    const Result<std::size_t> got = co_await attempt(stream.read(buffer));
    co_return got;
  }
  auto first = co_await select(attempt(stream.read(buffer)), yield_now());
  if (!first.template has<0>()) co_return std::nullopt;
  const Result<std::size_t> got = first.template take<0>();
  co_return got;
}

/// Serves the last request of a connection, if it has arrived or begun to.
template <class S>
Task<BurstEnd> serve_last(Connection& connection, std::string received) {
  if (!received.empty()) {
    const BurstEnd end =
        co_await serve_pipelined<S>(connection, std::as_bytes(std::span(received)), Serve::last);
    co_return end;
  }
  std::array<std::byte, kFirstOfRequest> first;
  connection.enter(Connection::Phase::reading, connection.session().options().header_timeout);
  const auto got = co_await read_arrived(connection.stream<S>(), first);
  if (!got) {
    connection.enter_busy();
    co_return BurstEnd::linger;
  }
  if (!connection.end_read(*got, first)) co_return BurstEnd::linger;
  const BurstEnd end =
      co_await serve_pipelined<S>(connection, std::span(first).first(**got), Serve::last);
  co_return end;
}

/// Lets the connection go on without HTTP, and ends it.
template <class S>
Task<void> leave_http(Connection& connection) {
  const bool ended = co_await run_takeover(connection);
  if (ended) co_await linger<S>(connection);
}

}  // namespace

Admission::Admission(Session& session) noexcept : session_(&session) { session.admit(); }

Admission::~Admission() {
  if (session_ != nullptr) session_->end_admission();
}

Connection::Connection(Session& session, TaskHeader& task, Transport transport) noexcept
    : session_(session), task_(task), transport_(std::move(transport)) {
  session_.core().connections.fetch_add(1, std::memory_order_relaxed);
  session_.add(*this);
}

Connection::~Connection() {
  session_.remove(*this);
  if (transport_ && dismissed() && !answers_forbidden_) {
    const bool late = phase_.load(std::memory_order_relaxed) == Phase::late;
    const Leave how = late ? Leave::late : Leave::idle;
    session_.see_out(std::move(transport_), how, std::string(), empty_line_bytes_);
  }
  session_.core().connections.fetch_sub(1, std::memory_order_relaxed);
}

std::int64_t Connection::deadline_of(Atomic<std::int64_t>& word) noexcept {
  std::int64_t limit = word.load(std::memory_order_relaxed);
  if (limit >= 0) return limit;
  const std::int64_t start = now().time_since_epoch().count();
  const std::int64_t deadline = -limit > kNever - start ? kNever : start - limit;
  // Relaxed, as in enter(). On failure the task has begun another wait, which the next sweep meets.
  static_cast<void>(word.compare_exchange_strong(limit, deadline, std::memory_order_relaxed,
                                                 std::memory_order_relaxed));
  return deadline;
}

void Connection::stay_dismissed(Phase phase, const Result<std::size_t>& got,
                                std::span<const std::byte> buffer) {
  phase_.store(phase, std::memory_order_relaxed);
  if (phase != Phase::dismissed || !got || *got == 0) return;
  std::string received(text_of(std::span(buffer).first(*got)));
  session_.see_out(std::move(transport_), Leave::idle, std::move(received), empty_line_bytes_);
}

void Connection::report_error(std::error_code error) noexcept {
  if (session_.options().on_connection_error && error != std::errc::operation_canceled) {
    report_connection_error(session_.options(), error, transport_.peer_endpoint());
  }
}

void Connection::give_away(std::unique_ptr<GivenAway> given) noexcept { given_ = std::move(given); }

std::unique_ptr<GivenAway> Connection::take_given() noexcept { return std::move(given_); }

void Connection::leave_handler() noexcept {
  // Acquire: pairs with the release in Session::probe(): this task's next write comes after it.
  if (phase_.exchange(Phase::busy, std::memory_order_acquire) == Phase::probing) {
    session_.wait_for_probe();
  }
}

void Connection::begin_answer() noexcept {
  forbid_answers();
  Phase phase = Phase::answering;
  // Acquire: as in leave_handler(). Another phase is that of a read of the request's body.
  if (phase_.compare_exchange_strong(phase, Phase::busy, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
    return;
  }
  if (phase == Phase::probing) leave_handler();
}

template <class S>
Task<void> serve_connection(Admission admission, Transport transport) {
  Session& session = admission.session();
  TaskHeader& task = co_await CurrentTask();
  std::array<std::byte, kFirstOfRequest> first;
  Connection connection(session, task, std::move(transport));
  try {
    connection.enter(Connection::Phase::idle, deadline_after(session.options().header_timeout));
    for (;;) {
      const Result<std::size_t> got = co_await attempt(connection.stream<S>().read(first));
      if (!connection.end_read(got, first)) break;
      const std::span<const std::byte> bytes = std::span(first).first(*got);
      const Serve how = *got == first.size() ? Serve::more_is_likely : Serve::all;
      const BurstEnd end = co_await serve_pipelined<S>(connection, bytes, how);
      if (end == BurstEnd::linger) co_await linger<S>(connection);
      if (end == BurstEnd::leave_http) [[unlikely]]
        co_await leave_http<S>(connection);
      if (end != BurstEnd::wait && end != BurstEnd::wait_on) break;
      if (end == BurstEnd::wait) {
        connection.enter(Connection::Phase::idle, session.options().idle_timeout);
      } else {
        connection.idle_again();
      }
    }
  } catch (...) {
    // Out of memory: closes this connection; the others are not affected.
  }
}

template <class S>
Task<void> take_leave(Admission admission, Transport transport, Leave how, std::string received,
                      std::uint8_t empty_line_bytes) {
  TaskHeader& task = co_await CurrentTask();
  Connection connection(admission.session(), task, std::move(transport));
  connection.keep_empty_lines(empty_line_bytes);
  try {
    if (how == Leave::late) {
      co_await refuse_late<S>(connection);
    } else {
      const BurstEnd end = co_await serve_last<S>(connection, std::move(received));
      if (end == BurstEnd::leave_http) {
        co_await leave_http<S>(connection);
        co_return;
      }
    }
    co_await linger<S>(connection);
  } catch (...) {
    // As in serve_connection().
  }
}

template Task<void> serve_connection<StreamSocket>(Admission, Transport);
template Task<void> serve_connection<TransportStream>(Admission, Transport);
template Task<void> take_leave<StreamSocket>(Admission, Transport, Leave, std::string,
                                             std::uint8_t);
template Task<void> take_leave<TransportStream>(Admission, Transport, Leave, std::string,
                                                std::uint8_t);

}  // namespace weft::inline v0_1::http
