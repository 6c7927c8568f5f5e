// ForkPoint: the place where a task forks into parts. The task runs one part after the other
// itself, unless another thread has no work. The compiled base of fork_all(); for authors of
// similar functions. TaskHeader calls it when a part returns and when the task is unwound.
//
// The parts are numbered. The task begins part 0, then part 1 when that has returned, and so on,
// each as a frame of its own chain, at the cost of an await. Parts that have not begun are pending.
// From the last one down they are given away, each as a task of its own:
//   - one part of the task's oldest fork, when a thread is without work while the task forks or
//     begins a part;
//   - all parts of all its forks, when the task waits for something: as with when_all() from then
//     on.
// When the task gets to the parts that were given away, it waits for them.
//
// (Requests for work, and giving the oldest: as in <weft/detail/fork_join.hpp>, with the same
// sources. Here the parts given away are tasks, so the wait for them blocks no thread.)
//
// Thread-safety: the task's thread calls everything, except given_ended() and cancel_given().
// Invariants:
//  - next_, end_ and the list of pending forks are used by the task's thread alone, without
//    atomics;
//  - parts [0, next_) were begun here, [next_, end_) are pending, [end_, size) were given away. The
//    point is in the task's list while it has pending parts;
//  - while a given part has not ended, the task is within the fork: its innermost frame belongs to
//    one of the parts, or it waits here. So the end of such a part may request a cancel of the
//    task;
//  - outstanding_ counts the given parts that have not ended, and the task itself while there are
//    any. The decrement to zero resumes the task; no part touches the fork any more then.
#pragma once

#include <weft/detail/cancel_relay.hpp>
#include <weft/extend/task_header.hpp>

#include <coroutine>
#include <cstdint>

namespace weft::inline v0_1 {
class TaskHeader;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

class GivenPart;

class ForkPoint : public PromiseBase, private CancelRelay {
 public:
  using Part = std::uint32_t;

  // For TaskHeader
  /// Called when a part that ran here has returned. Returns the handle to continue.
  [[nodiscard]] std::coroutine_handle<> go_on() noexcept;
  /// Called when the task is being unwound and the frames of the part that ran here are destroyed.
  /// False: given parts must end first; the task is then run again.
  [[nodiscard]] bool unwound() noexcept;

 protected:
  static constexpr Part none = ~Part{0};

  explicit ForkPoint(Part parts) noexcept : PromiseBase(nullptr), end_(parts), size_(parts) {}
  ~ForkPoint() = default;

  /// Called within await_suspend() of `forking`. Returns the handle to transfer to.
  [[nodiscard]] std::coroutine_handle<> begin(PromiseBase& forking) noexcept;
  /// Called at the end of a given part, on its thread: its last touch of the fork.
  void given_ended(Part part, bool cancelled, bool failed) noexcept;
  /// After the end: the first part that failed, or none.
  [[nodiscard]] Part first_failed() const noexcept {
    return failed_.load(std::memory_order_relaxed);  // relaxed: ordered by outstanding_
  }
  [[nodiscard]] TaskExecutor& executor() const noexcept { return task().executor_for_parts(); }

  /// Makes the first frame of the part, as a frame of this task. Null: making it has failed, and so
  /// has the part.
  [[nodiscard]] virtual PromiseBase* make_here(Part part) noexcept = 0;
  /// Takes the result of a part that ran here, and destroys its frame. False: the part has failed.
  [[nodiscard]] virtual bool take_result(Part part) noexcept = 0;
  /// Makes the part a task of its own, for executor(). Null: making it has failed, and so has the
  /// part.
  [[nodiscard]] virtual GivenPart* make_given(Part part) noexcept = 0;
  /// Requests a cancel of a given part. Any thread. A part that has ended, or could not be made,
  /// ignores it.
  virtual void cancel_given(Part part) noexcept = 0;

 private:
  friend class weft::TaskHeader;

  void pass_cancel_on() noexcept final { cancel_given_outward(); }
  [[nodiscard]] TaskHeader& cancelled_task() const noexcept final { return task(); }
  [[nodiscard]] bool pending() const noexcept { return next_ != end_; }
  [[nodiscard]] bool given() const noexcept { return end_ != size_; }
  [[nodiscard]] std::coroutine_handle<> begin_next() noexcept;
  void drop_pending() noexcept;
  void give_one() noexcept;
  void cancel_all_given() noexcept;
  void cancel_given_outward() noexcept;
  [[nodiscard]] ForkPoint* outer_unasked() const noexcept;
  [[nodiscard]] bool asks_for_its_end() const noexcept;
  void note_failure(Part part) noexcept;
  [[nodiscard]] std::coroutine_handle<> wait() noexcept;
  [[nodiscard]] std::coroutine_handle<> finish() noexcept;
  [[nodiscard]] bool settle() noexcept;

  Part next_ = 0;
  Part end_;
  const Part size_;
  Atomic<std::uint32_t> outstanding_{0};
  Atomic<Part> failed_{none};
  Atomic<bool> some_cancelled_{false};  // relaxed: ordered by outstanding_
  bool asked_within_ = false;  // by the given part that failed first; ordered by outstanding_
  bool all_asked_ = false;     // see cancel_given_outward(); used by the task or its canceller
  const TaskContext* context_ = nullptr;  // the task's bindings where it forks
  ForkPoint* older_ = nullptr;            // next in the task's list of forks with pending parts
};

/// The task of a part that was given away.
class GivenPart : public TaskHeader {
 public:
  /// The fork of this part. Lives until given_ended().
  [[nodiscard]] ForkPoint& fork() const noexcept { return fork_; }

 protected:
  GivenPart(Finish finish, ForkPoint& fork) noexcept : TaskHeader(finish), fork_(fork) {
    cancel_reasons_.store(given_part, std::memory_order_relaxed);  // not yet shared
  }
  ~GivenPart() = default;

 private:
  ForkPoint& fork_;
};

}  // namespace weft::inline v0_1::detail
