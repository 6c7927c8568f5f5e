// Driver: what every back end of the reactor must do. Five subclasses are meant to be
// indistinguishable from above: readiness (over EventQueue), io_uring, IOCP, and the simulated
// world.
//
// The contract. The conformance suite (tests/conformance) is named after these numbers.
//  1. One thread at a time makes every call except wake(): its owner, or who visits it in the
//  owner's place, each of whom has before it what the other one did. wake() may come from any
//  thread.
//  2. start(op) either finishes `op` in place (`Started::completed`, result set) or takes it
//     (`Started::pending`). It never blocks, never fails otherwise: an error is a result.
//  3. A pending operation ends with exactly one terminal event: it is appended, with result set, to
//  the
//     completion list of a later wait(), or its cancel() returns `Cancelled::confirmed`. Never
//     both, never twice, and never from inside start(). The driver keeps Operation::pending: true
//     from when it takes the operation until the terminal event, so one that is in a completion
//     list is no longer pending.
//  4. Until the terminal event the driver may touch the operation, its buffers and its Source;
//  afterwards
//     never again.
//  5. cancel(op) of a pending operation either ends it at once (`confirmed`: result is -ECANCELED
//  and the driver
//     has let go) or promises an early terminal event from wait() (`requested`). An operation that
//     had already succeeded keeps its result: nothing the kernel handed out is dropped. It must not
//     be called for an operation that is not pending.
//  6. An interrupted system call (EINTR) is invisible: it is made again.
//  7. wait(timeout) first submits what start() has queued, then blocks until there is a completion,
//  the timeout
//     has passed or a wake was asked for; timeout 0 never blocks, negative means no limit. It may
//     return early and empty. It delivers what is ready in bounded batches, and always makes
//     progress. While has_buffered() it has something at hand: the next wait() does not block, and gives it
//     without asking the system.
//  8. wake() makes the current wait(), or else the next one, return. Wakes coalesce. It never
//     blocks, whatever the number of wakes. A wait() that has taken one says so by woken().
//  9. Operations of different directions on one source are independent; several of the same
//     direction on one source finish in the order in which they were started.
// 10. An error or hang-up on a source ends the waiting of both directions: each operation is tried
//     again and reports what its own system call says.
// 11. Closing a source on which nothing is pending needs no call; events of its past are never
//     taken for those of a later source that has the same handle.
// 12. Out of memory inside start() ends that operation with -ENOMEM and nothing else.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/native_handle.hpp>

#include <cstddef>

namespace weft::detail {

enum class Started : bool { completed, pending };
enum class Cancelled : bool { confirmed, requested };

class Driver {
 public:
  virtual ~Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  [[nodiscard]] virtual Started start(Operation& operation) noexcept = 0;
  [[nodiscard]] virtual Cancelled cancel(Operation& operation) noexcept = 0;
  /// Appends what ended to `completed`. `timeout_ns`: see 7.
  virtual void wait(std::int64_t timeout_ns, CompletionList& completed) noexcept = 0;
  virtual void wake() noexcept = 0;
  /// Readable when wait() would not block: for loops that are not ours.
  [[nodiscard]] virtual NativeHandle native_handle() const noexcept = 0;
  [[nodiscard]] bool has_buffered() const noexcept { return has_buffered_; }
  /// Whether the last wait() has taken a wake().
  [[nodiscard]] bool woken() const noexcept { return woken_; }

 protected:
  Driver() = default;
  bool has_buffered_ = false;
  bool woken_ = false;
};

}  // namespace weft::detail
