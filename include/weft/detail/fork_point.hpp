// ForkPoint: where a task forks into parts, of which it runs one after the other itself unless
// another thread has nothing to do. The compiled base of fork_all(); for those who write the like.
//
// The parts are numbered. The task begins part 0, and when that has returned part 1, and so on,
// each as a frame of its own chain, with no more cost than an await. Parts that have not begun are
// pending; from the last one down they are given away, each as a task of its own:
//   - one, of the task's oldest fork, when a thread is without work as the task forks or begins a
//     part;
//   - all, of all its forks, when the task waits for something: then it is as with when_all().
// When the task has come to the parts that were given, it waits for them.
//
// (Requests for work, and the oldest is given: as <weft/detail/fork_join.hpp>, with the same sources; what
// is given are tasks, so nobody's thread is blocked while he waits for what he gave.)
//
// Invariants:
//  - next_, end_ and the list of pending forks are the task's alone: on its thread, no atomics;
//  - parts [0, next_) were begun here, [next_, end_) are pending, [end_, size) were given away. The
//    point is in the task's list while there are pending ones;
//  - while a part that was given has not ended, the task is within the fork: its innermost frame is
//    one of a part's, or it waits here. So who ends such a part may ask the task to cancel;
//  - outstanding_ counts the given that have not ended, and the task itself while there are any.
//    Whoever takes it to zero lets the task go on, which touches nothing of the others' then.
#pragma once

#include <weft/extend/task_header.hpp>

#include <coroutine>
#include <cstdint>

namespace weft {
class TaskHeader;
}  // namespace weft

namespace weft::detail {

class GivenPart;

class ForkPoint : public PromiseBase, private CancelHook {
 public:
  using Part = std::uint32_t;

  // For TaskHeader
  /// A part that ran here has returned: what the task goes on with.
  [[nodiscard]] std::coroutine_handle<> go_on() noexcept;
  /// The task is being unwound, and the frames of the part that ran here are gone. False: others
  /// have to end first; the task is run again then.
  [[nodiscard]] bool unwound() noexcept;

 protected:
  static constexpr Part none = ~Part{0};

  explicit ForkPoint(Part parts) noexcept
      : PromiseBase(nullptr),
        CancelHook(&ForkPoint::on_cancel_request),
        end_(parts),
        size_(parts) {}
  ~ForkPoint() = default;

  /// Within await_suspend of `forking`: what to transfer to.
  [[nodiscard]] std::coroutine_handle<> begin(PromiseBase& forking) noexcept;
  /// A part that was given has ended: its last touch of the fork.
  void given_ended(Part part, bool cancelled, bool failed) noexcept;
  /// When it is over: the first part that failed, or none.
  [[nodiscard]] Part first_failed() const noexcept {
    return failed_.load(std::memory_order_relaxed);  // ordered by outstanding_
  }
  [[nodiscard]] TaskExecutor& executor() const noexcept { return task().executor_for_parts(); }

  /// Makes the part's first frame, to be a frame of this task. Null: it could not be made, and has
  /// failed.
  [[nodiscard]] virtual PromiseBase* make_here(Part part) noexcept = 0;
  /// Takes the result of a part that ran here, and destroys its frame. False: it has failed.
  [[nodiscard]] virtual bool take_result(Part part) noexcept = 0;
  /// Makes the part a task of its own, to be run by executor(). Null: it could not be made, and has
  /// failed.
  [[nodiscard]] virtual GivenPart* make_given(Part part) noexcept = 0;
  /// Asks a part that was given to cancel. Any thread; one that has ended, or could not be made,
  /// ignores it.
  virtual void cancel_given(Part part) noexcept = 0;

 private:
  friend class weft::TaskHeader;

  static void on_cancel_request(CancelHook& self) noexcept;
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
  Atomic<bool> some_cancelled_{false};
  bool asked_within_ = false;  // by who failed first, of those given; ordered by outstanding_
  bool all_asked_ = false;     // see cancel_given_outward(); the task's, or its canceller's
  const TaskContext* context_ = nullptr;  // what is bound for the task where it forks
  ForkPoint* older_ = nullptr;            // in the task's list of those with pending parts
};

/// The task of a part that was given away.
class GivenPart : public TaskHeader {
 public:
  /// Of what it is a part: lives until given_ended().
  [[nodiscard]] ForkPoint& fork() const noexcept { return fork_; }

 protected:
  GivenPart(Finish finish, ForkPoint& fork) noexcept : TaskHeader(finish), fork_(fork) {
    cancel_reasons_.store(given_part, std::memory_order_relaxed);  // nobody else has it yet
  }
  ~GivenPart() = default;

 private:
  ForkPoint& fork_;
};

}  // namespace weft::detail
