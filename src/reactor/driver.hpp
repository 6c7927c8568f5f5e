// Driver: the contract of a reactor's back end: start, cancel, wait, wake. Each Reactor owns one
// and makes all its calls. One driver exists today, ReadinessDriver, over the Poller of the event
// queue; others (io_uring, IOCP, a simulated world) may follow. Code above the contract cannot tell
// one from another.
//
// Thread-safety: see 1. wake() is for any thread; everything else is serialized.
//
// The contract. The conformance suite (tests/conformance) names its tests by these numbers.
//  1. Calls other than wake() are serialized; each happens-before the next. They come from the
//     reactor's owner, or from a remote thread that holds the reactor in the owner's place. wake()
//     may come from any thread.
//  2. start(op) either finishes `op` in place (`Started::completed`, result set) or takes it
//     (`Started::pending`). It never blocks and never fails otherwise: an error is a result.
//  3. A pending operation ends with exactly one terminal event: a later wait() appends it, with
//     result set, to the completion list, or its cancel() returns `Cancelled::confirmed`. Never
//     both, never twice, and never from inside start(). The driver maintains Operation::pending: it
//     is true from when the driver takes the operation until the terminal event, so an operation in
//     a completion list is no longer pending.
//  4. Until the terminal event the driver may touch the operation, its buffers and its Source.
//     Afterwards it never touches them again.
//  5. cancel(op) of a pending operation either ends it at once (`confirmed`: result is -ECANCELED
//     and the driver has let go of it) or promises an early terminal event from wait()
//     (`requested`). An operation that has already succeeded keeps its result: nothing the kernel
//     handed out is dropped. cancel() must not be called for an operation that is not pending.
//  6. An interrupted system call (EINTR) is no error: the driver makes it again, or, in a wait with
//     a limit, returns early and empty.
//  7. wait(timeout) first submits what start() has queued. It then blocks until there is a
//     completion, the timeout has passed, or a wake was requested. Timeout 0 never blocks; a
//     negative timeout means no limit. wait() may return early and empty. It delivers what is ready
//     in bounded batches, and always makes progress. While has_buffered() is true, the next wait()
//     does not block: it delivers buffered events without a system call for new ones.
//  8. wake() makes the current wait() return, or else the next one. Wakes coalesce. wake() never
//     blocks, whatever the number of wakes. woken() says whether the last wait() consumed a wake.
//  9. Operations of different directions on one source are independent. Operations of the same
//     direction on one source finish in the order in which they were started.
// 10. An error or hang-up on a source ends the waiting of both directions: each operation is tried
//     again and reports the result of its own system call.
// 11. Closing a source with no pending operation needs no call. Events of a closed source are never
//     taken for events of a later source with the same handle. Several sources may have one handle:
//     the operations of one are independent of those of the others. If a handle is closed under
//     pending operations, which is against the rules, they may stay pending; once the driver meets
//     its number as that of another open object, they end with -EBADF.
// 12. If there is no memory inside start(), that operation ends with -ENOMEM; nothing else is
//     affected.
// 13. Operations of files (is_of_files()) never block start(), nor any other call: what cannot be
//     done at once is done elsewhere, in the kernel or on a lane. They are independent of each
//     other, on one file, too; 9 and 10 do not apply to them. But those at the file's cursor
//     (FileCall::at_cursor, and `seek`) are executed one at a time, in the order in which they were
//     started, on whichever drivers, and those of one driver end in that order.
// 14. A cancel of an operation of files that has not begun elsewhere is `confirmed`, and it is not
//     begun. One that has begun is `requested`, and its result is delivered: a file that was opened
//     all the same is not lost. A cursor that a cancelled operation waited for goes to the next.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/native_handle.hpp>

#include <cstddef>

namespace weft::inline v0_1::detail {

enum class Started : bool { completed, pending };
enum class Cancelled : bool { confirmed, requested };

class Driver {
 public:
  virtual ~Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// See 2, 3 and 12.
  [[nodiscard]] virtual Started start(Operation& operation) noexcept = 0;
  /// See 3 and 5.
  [[nodiscard]] virtual Cancelled cancel(Operation& operation) noexcept = 0;
  /// Appends the operations that ended to `completed`. `timeout_ns`: see 7.
  virtual void wait(std::int64_t timeout_ns, CompletionList& completed) noexcept = 0;
  /// See 8. Any thread.
  virtual void wake() noexcept = 0;
  /// A handle that is readable when wait() would not block: for a foreign event loop.
  [[nodiscard]] virtual NativeHandle native_handle() const noexcept = 0;
  /// See 7.
  [[nodiscard]] bool has_buffered() const noexcept { return has_buffered_; }
  /// Whether the last wait() consumed a wake().
  [[nodiscard]] bool woken() const noexcept { return woken_; }

 protected:
  Driver() = default;
  bool has_buffered_ = false;
  bool woken_ = false;
};

}  // namespace weft::inline v0_1::detail
