// PinnedQueue: Runnables that one thread alone may run: fibers that have started, or found no
// stack, and tasks that are bound to a worker. First in, first out. What other threads schedule
// waits in an inbox until the owner looks there. A worker's pinned queue derives from it; fibers
// know no more of a worker than this.
//
// Direct runs: what is first here may be run by the work before it, without a return to the
// worker's loop. pop() grants a number of them, revoke_direct() withholds the rest,
// restore_direct() grants them again.
//
// Thread-safety: as an executor, any thread; the rest is the owner's.
//
// Invariants:
//  - inbox_ is a stack, pushed by any thread and taken whole by the owner;
//  - a push wakes the owner if it sleeps, or is about to sleep and may have missed the push.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/task_executor.hpp>

#include <cstdint>
#include <utility>

namespace weft::inline v0_1::detail {

class PinnedQueue : public TaskExecutor {
 public:
  /// That of the worker whose loop the calling thread is in, or null.
  [[nodiscard]] static PinnedQueue* current() noexcept;

  explicit PinnedQueue(TaskExecutor& shared) noexcept : shared_(shared) { share_idle_hint(shared); }
  PinnedQueue(const PinnedQueue&) = delete;
  PinnedQueue& operator=(const PinnedQueue&) = delete;

  void schedule(Runnable& work) noexcept final;
  void defer(Runnable& work) noexcept final;
  void hold() noexcept final { shared_.hold(); }
  void release() noexcept final { shared_.release(); }
  [[nodiscard]] TaskExecutor& shared() noexcept final { return shared_; }
  [[nodiscard]] TaskExecutor& whole() noexcept final { return shared_.whole(); }
  [[nodiscard]] bool bound() const noexcept final { return true; }
  void look_again() noexcept final { shared_.look_again(); }

  // For the owner
  void push(Runnable& work) noexcept {
    work.next = nullptr;
    *(first_ != nullptr ? &last_->next : &first_) = &work;
    last_ = &work;
  }
  /// The next one for the worker's loop, or null. Grants `direct` runs without the loop after it.
  [[nodiscard]] Runnable* pop(std::uint32_t direct) noexcept {
    // Relaxed: take_inbox() acquires. What is not seen now is seen by the next pop(), or by
    // prepare_sleep().
    if (inbox_.load(std::memory_order_relaxed) != nullptr) take_inbox();
    Runnable* const work = first_;
    if (work == nullptr) return nullptr;
    first_ = work->next;
    direct_left_ = direct_granted_ = direct;
    direct_withheld_ = 0;
    return work;
  }
  /// Other work has become ready on this worker: the loop is to run next.
  void revoke_direct() noexcept { direct_withheld_ += std::exchange(direct_left_, 0); }
  /// What would run next here, if that may be run without the loop; else null.
  [[nodiscard]] Runnable* front_direct() const noexcept {
    return direct_left_ != 0 ? first_ : nullptr;
  }
  /// Takes out `front`, which front_direct() has returned.
  void pop_direct(Runnable& front) noexcept {
    --direct_left_;
    first_ = front.next;
  }
  /// The same, and puts `work` at the end.
  void rotate_direct(Runnable& front, Runnable& work) noexcept {
    --direct_left_;
    work.next = nullptr;
    if (front.next == nullptr) {
      first_ = &work;
    } else {
      first_ = front.next;
      last_->next = &work;
    }
    last_ = &work;
  }
  /// Puts `work` before everything else that is here.
  void push_front(Runnable& work) noexcept {
    if (first_ == nullptr) last_ = &work;
    work.next = first_;
    first_ = &work;
  }
  /// Whether the caller of take_fresh() wants `work`, which no other thread can take meanwhile.
  using Accepts = bool (*)(const Runnable& work, const Runnable* of) noexcept;
  /// What the worker would run next from its LIFO slot, if `accepts` returns true for it and it may
  /// be run without the loop; else null.
  [[nodiscard]] virtual Runnable* take_fresh(Accepts /*accepts*/, const Runnable* /*of*/) noexcept {
    return nullptr;
  }
  /// Whether nothing waits here, apart from the inbox.
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  /// Whether something waits in the inbox. Any thread.
  [[nodiscard]] bool has_incoming() const noexcept {
    return inbox_.load(std::memory_order_relaxed) != nullptr;  // relaxed: as in pop()
  }
  /// How many were run without the loop since the last call.
  [[nodiscard]] std::uint32_t take_direct_runs() noexcept {
    const std::uint32_t left = direct_left_ + direct_withheld_;
    return std::exchange(direct_granted_, left) - left;
  }

  /// The owner is about to sleep. False: it must not, as something is here to run. After true a
  /// push from another thread calls wake_owner(), until awake().
  [[nodiscard]] bool prepare_sleep() noexcept;
  void awake() noexcept { sleeping_.store(false, std::memory_order_relaxed); }

 protected:
  ~PinnedQueue() override = default;
  /// On the owner's thread, by defer(): returns true if `work` has run for long, and has been put
  /// elsewhere, to run after other work has had its share of the time.
  [[nodiscard]] virtual bool demote(Runnable& /*work*/) noexcept { return false; }
  /// Ends the owner's sleep, or makes its next one end at once. Any thread.
  virtual void wake_owner() noexcept = 0;
  /// How many more may run without the loop if nothing else waits.
  [[nodiscard]] std::uint32_t direct_runs_left() const noexcept {
    return direct_left_ + direct_withheld_;
  }
  /// Nothing else waits any more: grants again what was withheld, less the one that runs now.
  void restore_direct() noexcept { direct_left_ += std::exchange(direct_withheld_, 0) - 1; }

 private:
  void take_inbox() noexcept;

  TaskExecutor& shared_;
  Runnable* first_ = nullptr;
  Runnable* last_ = nullptr;  // meaningless while there is no first
  std::uint32_t direct_left_ = 0;
  std::uint32_t direct_withheld_ = 0;  // see revoke_direct()
  std::uint32_t direct_granted_ = 0;   // what the two were when runs were last counted
  alignas(64) Atomic<Runnable*> inbox_{nullptr};
  Atomic<bool> sleeping_{false};
};

}  // namespace weft::inline v0_1::detail
