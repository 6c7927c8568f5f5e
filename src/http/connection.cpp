#include "http/connection.hpp"

#include <array>
#include <span>
#include <utility>

#include "http/pipelined.hpp"
#include "http/session.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Size of the first read of a request, so that a waiting connection holds no larger buffer. A
/// typical request fits.
constexpr std::size_t kFirstOfRequest = 256;

/// The number of bytes that a refused peer may still send; see kLingerTime.
constexpr std::size_t kLingerBytes = 1024 * 1024;

Task<void> linger(Connection& connection) {
  if (!connection.stream().shutdown(Shutdown::write)) co_return;
  Lease<RequestBuffers> slot(connection.session().core().slots);
  connection.enter(Connection::Phase::reading, deadline_after(kLingerTime));
  std::size_t left = kLingerBytes;
  while (!connection.expired()) {
    const Result<std::size_t> got = co_await attempt(connection.stream().read((*slot).input));
    if (!got || *got == 0 || *got >= left) co_return;
    left -= *got;
  }
}

}  // namespace

Admission::Admission(Session& session) noexcept : session_(&session) { session.admit(); }

Admission::~Admission() {
  if (session_ != nullptr) session_->dismiss();
}

Connection::Connection(Session& session, StreamSocket stream) noexcept
    : session_(session), stream_(std::move(stream)) {
  session_.core().connections.fetch_add(1, std::memory_order_relaxed);
  session_.add(*this);
}

Connection::~Connection() {
  session_.remove(*this);
  session_.core().connections.fetch_sub(1, std::memory_order_relaxed);
}

std::int64_t Connection::deadline() noexcept {
  std::int64_t limit = limit_.load(std::memory_order_relaxed);
  if (limit >= 0) return limit;
  const std::int64_t start = now().time_since_epoch().count();
  const std::int64_t deadline = -limit > kNever - start ? kNever : start - limit;
  // Relaxed, as in enter(). On failure the task has begun another wait, which the next sweep meets.
  static_cast<void>(limit_.compare_exchange_strong(limit, deadline, std::memory_order_relaxed,
                                                   std::memory_order_relaxed));
  return deadline;
}

Task<void> serve_connection(Admission admission, StreamSocket stream) {
  Session& session = admission.session();
  Connection connection(session, std::move(stream));
  std::array<std::byte, kFirstOfRequest> first;
  try {
    connection.enter(Connection::Phase::idle, deadline_after(session.options().header_timeout));
    for (;;) {
      const Result<std::size_t> got = co_await attempt(connection.stream().read(first));
      if (!got || *got == 0 || connection.expired()) break;
      connection.enter_busy();
      const BurstEnd end =
          co_await serve_pipelined(connection, std::span(first).first(*got), *got == first.size());
      if (end == BurstEnd::linger) co_await linger(connection);
      if (end != BurstEnd::wait) break;
      connection.enter(Connection::Phase::idle, session.options().idle_timeout);
    }
  } catch (const std::exception&) {
    // Out of memory: closes this connection; the others are not affected.
  }
}

}  // namespace weft::inline v0_1::http
