// TaskExecutor: an executor of tasks, as TaskHeader and what is built on it see it: an Executor
// that can also say where a task's children run, run a task ahead of its turn, and take forked work
// for idle threads. The defaults suit an executor that has schedule() and defer() alone.
//
// Derived classes: Scheduler, PriorityExecutor and BoundExecutor (src/exec/), PinnedQueue
// (src/task/), the executor of a fiber (src/fiber/), and those of a runtime (src/runtime/).
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/executor.hpp>

#include <cstdint>

namespace weft::inline v0_1::detail {

class TaskExecutor : public Executor {
 public:
  // Placement. Any thread.
  /// The executor for new tasks of a task that runs here: this one, unless it serves one thread or
  /// one fiber alone. Outlives this one.
  [[nodiscard]] virtual TaskExecutor& shared() noexcept { return *this; }
  /// The executor of the runtime as a whole: that of its OwnedTasks.
  [[nodiscard]] virtual TaskExecutor& whole() noexcept { return shared(); }
  /// The executor for work of that priority; this one, if it knows no priorities.
  [[nodiscard]] virtual TaskExecutor& of_priority(Priority /*priority*/) noexcept { return *this; }
  /// Whether what runs here must not move to another executor.
  [[nodiscard]] virtual bool bound() const noexcept { return false; }

  // For work that runs on this executor
  /// As schedule(), for the first run of a new task. New tasks begin in the order of these calls.
  virtual void begin(Runnable& work) noexcept { schedule(work); }
  /// As defer(), for work that is about to return to its worker's loop. Returns what would run next
  /// there, if that runs by `how` and nothing else is due before it: the caller runs it now. Else
  /// null.
  [[nodiscard]] virtual Runnable* defer_for_next(Runnable& work, Runnable::Run /*how*/) noexcept {
    defer(work);
    return nullptr;
  }
  /// For work about to wait for `work`: takes `work` out of the queue, if this thread would run it
  /// next; the caller runs it now. Else false.
  [[nodiscard]] virtual bool claim(Runnable& /*work*/) noexcept { return false; }

  // Forks: work for threads that are idle
  /// Whether threads of this executor may be idle, so that wants_offers() is worth a call. A hint;
  /// any thread.
  [[nodiscard]] bool has_idle_threads() const noexcept { return idle_hint_.any(); }
  /// For work that runs here: whether an idle thread would take something, and nothing is ready
  /// here for it already.
  [[nodiscard]] virtual bool wants_offers() noexcept { return false; }
  /// As schedule(), and wakes an idle thread to take `work`.
  virtual void offer(Runnable& work) noexcept { schedule(work); }

  /// Its threads evaluate their stop conditions again. Thread-safe, between hold() and release().
  virtual void look_again() noexcept {}

 protected:
  /// Takes over the hint of `other`, whose threads this one serves.
  void share_idle_hint(const TaskExecutor& other) noexcept { idle_hint_ = other.idle_hint_; }

  /// Reads the counts of an IdleSet (src/exec/idle_set.hpp), one word of three numbers:
  ///   bits 0–19   threads that search for work
  ///   bits 20–39  threads that are awake
  ///   bits 40–63  threads
  class IdleHint {
   public:
    constexpr IdleHint() noexcept = default;
    constexpr explicit IdleHint(const Atomic<std::uint64_t>& counts) noexcept : counts_(&counts) {}
    /// Whether the threads are not all awake, or one of them searches.
    [[nodiscard]] bool any() const noexcept {
      if (counts_ == nullptr) return false;
      // Relaxed: it is only a hint.
      const std::uint64_t counts = counts_->load(std::memory_order_relaxed);
      return counts << 24 >> 24 != counts >> 40 << 20;
    }

   private:
    const Atomic<std::uint64_t>* counts_ = nullptr;
  };
  IdleHint idle_hint_;
};

}  // namespace weft::inline v0_1::detail
