// ReadinessDriver: registration, readiness flags, order. The argument for each:
//
// Registration. A source is registered with the poller once, for both directions, edge-triggered,
// when an operation on it first would block; later operations do not register it again. A `Watch`
// belongs to the source at hand if
//   - it is registered, and watch.source is the address of the source, and the source has the bit
//     of this driver; or
//   - operations of the source wait in it.
// A reused address cannot deceive this test. A new Source starts without bits. A set bit was set by
// this driver, or by an earlier driver with the same number. If this driver set it, the watch is
// about this source. If an earlier driver set it, that driver ended before this one began, as no
// two living drivers share a number. So the source is older than this driver, and no other source
// was at its address in this driver's life. The watch is then about this source, too.
// If operations wait in it and watch.source is not the source at hand, the source is registered
// anew: several sources may have one handle (a library's socket, for which two tasks wait). The
// poller says whether the number still means the same open object. If so, all operations wait side
// by side. If not, the handle of the earlier ones was closed under them; they end with EBADF.
//
// Readiness flags. `ready` has the bit of a direction unless a try is known to be useless:
//   - a bit is cleared only after a system call showed, at a time t, that the direction was
//     exhausted;
//   - it is set by every event of the direction, by every error and hang-up, and when watching
//     begins.
// Claim: if the bit is clear, an event is still to come for whatever happens after t.
// Proof: the kernel puts an edge into this driver's ready list for each arrival after t. Only
// wait(), by the thread that holds the reactor, takes it out. Every event taken out is handled, by
// that wait() or a later one, before the system is asked again; handling sets the bit and tries the
// waiting operations. An event that was taken out before t, and handled before t or after, can only
// set the bit without need, which costs one try. There is no gap before watching begins:
// epoll_ctl(ADD) itself queues an event if the source is ready.
//
// What shows exhaustion: EAGAIN, on any source; on TCP also a transfer shorter than requested,
// because there the kernel stops early only when the queue is empty (or the send buffer is full,
// and noted for a write event). Exceptions, and what covers each of them:
//   - The end of the stream or a reset came before t, with the data. Its event said so (EPOLLRDHUP,
//     EPOLLHUP, EPOLLERR), and from then on short transfers prove nothing for this watch. If it
//     comes after t, it is an event of its own.
//   - Urgent data: a read stops at the mark. The event says EPOLLPRI: as above.
//   - Other kinds of source (datagrams, Unix sockets that pass handles, terminals, inotify): their
//     short transfers are never trusted.
//   - Several drivers watch the source, as its task migrates between them. Each has its own flag
//     and ready list, and the claim is about one driver. If another driver's thread reads data for
//     which this driver had an event, this driver's flag is stale only towards "ready". What the
//     other thread leaves unread came to this driver's ready list, too.
//   - A test shortens transfers: Syscalls::may_shorten() says so.
//   - kTLS sockets, whose reads end at records of other types, must not be used with these
//     operations.
//
// Order. Each direction has a FIFO queue. An operation that finds another one waiting in its
// direction queues up behind it, untried. An operation for both directions has a queue of its own,
// served after the other two.
#include "reactor/readiness_driver.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <new>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "os/syscalls.hpp"
#include "reactor/attempt.hpp"

namespace weft::inline v0_1::detail {
namespace {

constexpr std::uint8_t both_directions = interest::readable | interest::writable;
static_assert(interest::readable == ready_bit::readable &&
              interest::writable == ready_bit::writable);

// A source that is now used elsewhere (its task moved to another worker) still wakes this driver
// for each arrival. After this many events in a row with no operation waiting, the driver
// unregisters the source, until it is used here again.
constexpr std::uint8_t idle_events_allowed = 8;

constexpr bool is_one_of(OperationKind kind, std::initializer_list<OperationKind> kinds) noexcept {
  unsigned set = 0;
  for (const OperationKind one : kinds) set |= 1U << static_cast<unsigned>(one);
  return (set >> static_cast<unsigned>(kind) & 1U) != 0;
}

/// A transfer moves as many bytes as there are; one of no bytes ends at once.
constexpr bool transfers(OperationKind kind) noexcept {
  using enum OperationKind;
  return is_one_of(kind, {read, readv, peek, write, writev});
}

/// As attempt(), with the shortest path to the most frequent system calls.
[[gnu::always_inline]] inline std::int64_t try_once(Operation& operation,
                                                    bool& no_socket) noexcept {
  const bool reads = operation.kind == OperationKind::read;
  // A recv of no bytes would take a datagram off its queue; a read does not.
  const bool direct =
      reads ? operation.io.buffer.size != 0 : operation.kind == OperationKind::write;
  if (direct && !no_socket) [[likely]] {
    const int handle = operation.source->handle();
    const Operation::Buffer buffer = operation.io.buffer;
    const std::int64_t result = reads ? Syscalls::recv(handle, buffer.data, buffer.size)
                                      : Syscalls::send(handle, buffer.data, buffer.size);
    if (result != -ENOTSOCK) [[likely]]
      return result == -EAGAIN ? would_block : result;
    no_socket = true;
  }
  return attempt(operation, no_socket);
}

bool is_tcp(NativeHandle handle) noexcept {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return Syscalls::getsockopt(handle, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
         protocol == IPPROTO_TCP;
}

}  // namespace

Result<std::unique_ptr<ReadinessDriver>> ReadinessDriver::create(unsigned preferred_number,
                                                                 FileLane* files) noexcept try {
  Result<std::unique_ptr<Poller>> poller = Poller::create();
  if (!poller) return fail(poller.error());
  return std::unique_ptr<ReadinessDriver>(
      new ReadinessDriver(std::move(*poller), preferred_number, files));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

ReadinessDriver::~ReadinessDriver() {
  WEFT_CHECK(waiting_ == 0, "a driver is destroyed while operations wait on it: end them first");
}

Started ReadinessDriver::start(Operation& operation) noexcept {
  if (is_of_files(operation.kind)) [[unlikely]]
    return files_.start(operation);
  operation.token = 0;
  Source& source = *operation.source;
  Watch* watch = watch_of(source);
  if (watch != nullptr) watch->idle_events = 0;
  if (watch == nullptr || !must_wait(operation, *watch)) {
    operation.result = try_now(operation, watch);
    if (operation.result != would_block) return Started::completed;
    if (watch == nullptr) {
      const Result<Watch*> begun = begin_watching(source);
      if (!begun) {
        operation.result = -begun.error().value();
        return Started::completed;
      }
      watch = *begun;
      learn(operation, would_block, *watch);
    }
  }
  queue_of(operation, *watch).push(operation);
  operation.pending = true;
  ++waiting_;
  return Started::pending;
}

Cancelled ReadinessDriver::cancel(Operation& operation) noexcept {
  if (is_of_files(operation.kind)) return files_.cancel(operation);
  Watch* const watch = watches_.find(operation.source->handle());
  const bool was_here = watch != nullptr && queue_of(operation, *watch).remove(operation);
  WEFT_CHECK(was_here, "cancel() of an operation that is not pending on this driver");
  --waiting_;
  operation.pending = false;
  operation.result = -ECANCELED;
  return Cancelled::confirmed;
}

void ReadinessDriver::wait(std::int64_t timeout_ns, CompletionList& completed) noexcept {
  woken_ = false;
  if (undelivered_.empty() && disappointed_.empty() && !files_.has_undelivered()) {
    harvest(timeout_ns);
  }
  while (Operation* const operation = disappointed_.pop()) completed.push(*operation);
  files_.deliver(completed, delivered_at_once);
  const std::span<const Ready> now =
      undelivered_.first(std::min(undelivered_.size(), delivered_at_once));
  undelivered_ = undelivered_.subspan(now.size());
  has_buffered_ = !undelivered_.empty() || files_.has_undelivered();
  for (const Ready& event : now) {
    if (poller_->current(event.handle, event.generation)) take_event(event, completed);
  }
}

void ReadinessDriver::harvest(std::int64_t timeout_ns) noexcept {
  if (registered_ == 0 && timeout_ns != 0) {
    if (const std::optional<bool> woken = poller_->await_wake(timeout_ns)) {
      undelivered_ = {};
      woken_ = *woken;
      return;
    }
  }
  Poller::Waited waited;
  do {
    waited = poller_->wait(Poller::batch, timeout_ns);
    // With a limit, an interrupted wait may return empty: the next poll computes the rest of it.
  } while (waited.error == EINTR && timeout_ns < 0);
  WEFT_CHECK(waited.error != EBADF && waited.error != EINVAL,
             "the event queue's descriptor was closed by somebody else");
  undelivered_ = waited.events;
  woken_ = waited.woken;
}

// Watching

ReadinessDriver::Watch* ReadinessDriver::watch_of(const Source& source) const noexcept {
  Watch* const watch = watches_.find(source.handle());
  if (watch == nullptr || !watch->registered) return nullptr;
  if (watch->source == &source && source.watched_by(number_.get())) return watch;
  const bool waits = watch->readers.has_one_of(source) || watch->writers.has_one_of(source) ||
                     watch->either.has_one_of(source);
  return waits ? watch : nullptr;
}

/// Returns the record of the source's handle, reset if it was about another source for which no
/// operation waits. Null: no memory.
ReadinessDriver::Watch* ReadinessDriver::record_for(const Source& source) noexcept {
  Watch* const watch = watches_.find_or_make(source.handle());
  if (watch != nullptr && watch->source != &source && !watch->waited_for()) {
    if (watch->registered) --registered_;
    *watch = Watch{};
    watch->source = &source;
  }
  return watch;
}

Result<ReadinessDriver::Watch*> ReadinessDriver::begin_watching(Source& source) noexcept {
  Watch* const watch = record_for(source);
  if (watch == nullptr) return fail(std::errc::not_enough_memory);
  bool is_other = false;
  const int error = poller_->add(source.handle(), 0, Interest::both, Trigger::edge, &is_other);
  if (error != 0) return fail(os_error(error));
  if (is_other) {
    for (WaitQueue* const queue : {&watch->readers, &watch->writers, &watch->either}) {
      disappoint(*queue);
    }
    watch->no_socket = false;
  }
  watch->source = &source;
  source.note_watched_by(number_.get());
  if (!watch->registered) ++registered_;
  watch->registered = true;
  watch->ready = both_directions;
  watch->idle_events = 0;
  watch->short_means_drained = ShortMeansDrained::unknown;
  return watch;
}

/// Ends all operations of `queue`: their handle was closed, and its number used again.
void ReadinessDriver::disappoint(WaitQueue& queue) noexcept {
  while (Operation* const operation = queue.front()) {
    queue.pop();
    --waiting_;
    operation->result = -EBADF;
    operation->pending = false;
    disappointed_.push(*operation);
    has_buffered_ = true;
  }
}

void ReadinessDriver::end_watching(NativeHandle handle, Watch& watch) noexcept {
  // The source's bit stays set: the source may be destroyed, or in use by another thread.
  // `registered` decides.
  watch.registered = false;
  --registered_;
  static_cast<void>(poller_->remove(handle));
}

// Trying

inline std::int64_t ReadinessDriver::try_now(Operation& operation, Watch* watch) noexcept {
  const Watch* known = watch;
  if (known == nullptr) {
    known = watches_.find(operation.source->handle());
    if (known != nullptr && known->source != operation.source) known = nullptr;
  }
  const bool believed = known != nullptr && known->no_socket;
  bool no_socket = believed;
  const std::int64_t result = try_once(operation, no_socket);
  if (no_socket != believed) [[unlikely]] {
    if (Watch* const record = record_for(*operation.source)) record->no_socket = no_socket;
  }
  if (watch != nullptr) learn(operation, result, *watch);
  return result;
}

/// Clears the flag of the direction that `result` showed to be exhausted.
void ReadinessDriver::learn(const Operation& operation, std::int64_t result,
                            Watch& watch) noexcept {
  // A poll asks a different question: whether there is enough (SO_RCVLOWAT), not whether there is
  // something.
  if (operation.kind == OperationKind::poll) return;
  if (result != would_block) {
    if (operation.kind == OperationKind::peek) return;  // what it has seen is still there
    if (result <= 0 || static_cast<std::size_t>(result) >= wanted_bytes(operation)) return;
    if (!short_is_final(operation.source->handle(), watch)) return;
  }
  watch.ready &= static_cast<std::uint8_t>(~direction_of(operation));
}

bool ReadinessDriver::short_is_final(NativeHandle handle, Watch& watch) noexcept {
  if (watch.short_means_drained == ShortMeansDrained::unknown) {
    watch.short_means_drained = is_tcp(handle) ? ShortMeansDrained::yes : ShortMeansDrained::no;
  }
  return watch.short_means_drained == ShortMeansDrained::yes && !Syscalls::may_shorten();
}

// Events

void ReadinessDriver::take_event(const Ready& event, CompletionList& completed) noexcept {
  Watch* const watch = watches_.find(event.handle);
  if (watch == nullptr || !watch->registered) return;
  constexpr unsigned out_of_the_ordinary =
      ready_bit::error | ready_bit::read_closed | ready_bit::write_closed | ready_bit::urgent;
  if (event.bits & out_of_the_ordinary) watch->short_means_drained = ShortMeansDrained::no;
  watch->ready |= event.bits & both_directions;
  if (!watch->waited_for()) {
    if (++watch->idle_events == idle_events_allowed) end_watching(event.handle, *watch);
    return;
  }
  watch->idle_events = 0;
  if (!watch->readers.empty()) serve(watch->readers, interest::readable, *watch, completed);
  if (!watch->writers.empty()) serve(watch->writers, interest::writable, *watch, completed);
  if (!watch->either.empty()) serve(watch->either, both_directions, *watch, completed);
}

void ReadinessDriver::serve(WaitQueue& queue, std::uint8_t direction, Watch& watch,
                            CompletionList& completed) noexcept {
  while (!queue.empty() && (watch.ready & direction) != 0) {
    Operation& operation = *queue.front();
    const std::int64_t result = try_now(operation, &watch);
    if (result == would_block) return;
    queue.pop();
    --waiting_;
    operation.result = result;
    operation.pending = false;
    completed.push(operation);
  }
}

// Kinds

WaitQueue& ReadinessDriver::queue_of(const Operation& operation, Watch& watch) noexcept {
  const std::uint8_t direction = direction_of(operation);
  if (direction == interest::readable) return watch.readers;
  return direction == interest::writable ? watch.writers : watch.either;
}

/// Whether trying `operation` now would be useless, or would overtake an earlier operation.
bool ReadinessDriver::must_wait(const Operation& operation, Watch& watch) noexcept {
  if (!queue_of(operation, watch).empty()) return true;
  if (is_one_of(operation.kind, {OperationKind::poll, OperationKind::connect})) return false;
  if ((watch.ready & direction_of(operation)) != 0) return false;
  // A transfer of no bytes never waits.
  return !transfers(operation.kind) || wanted_bytes(operation) != 0;
}

}  // namespace weft::inline v0_1::detail
