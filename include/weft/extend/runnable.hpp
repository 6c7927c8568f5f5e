// Runnable and Executor: the unit of execution and the one thing an executor knows about.
// A coroutine's task, a fiber, a posted callback and a polled future are each a Runnable.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

namespace weft {

/// Which of the Runnables that wait for a worker run first. None starves: every 61 runs a worker
/// looks for normal work first, and at the latest after 488 runs it takes one of low priority, if
/// any waits, unless low priority has just had more time than all others since.
enum class Priority : std::uint8_t { high, normal, low };

/// An intrusive node that is run once each time it is scheduled. It allocates nothing. Used by
/// executors, which queue it, and by its owner, which schedules it.
/// Invariant: it is in at most one queue at a time. From schedule() until run() begins it belongs
/// to the executor, and its owner may neither destroy it nor schedule it again.
class Runnable {
 public:
  using Run = void (*)(Runnable&) noexcept;

  explicit Runnable(Run how) noexcept : run_(how) {}
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  /// Runs it on this thread. The node may be destroyed afterwards: the caller must not touch it.
  void run() noexcept { run_(*this); }
  /// Whether it runs `how`: a class recognizes its own Runnables by that.
  [[nodiscard]] bool runs(Run how) const noexcept { return run_ == how; }

  Runnable* next = nullptr;  ///< The link of the queue that holds it; for that queue alone.

 protected:
  ~Runnable() = default;

  /// Sets the function to run from now on. Not while it is scheduled.
  void run_by(Run how) noexcept { run_ = how; }

 private:
  Run run_;
};

/// Where Runnables go to be run. Knows nothing of tasks, I/O or time.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Makes `work` run soon on one of the executor's threads. Thread-safe; never runs it inline;
  /// never fails.
  virtual void schedule(Runnable& work) noexcept = 0;
  /// As schedule(), but behind everything that is ready on this thread now: for who has had his
  /// turn.
  virtual void defer(Runnable& work) noexcept = 0;

  /// As defer(), for what runs on this executor and is about to come back: gives what would then
  /// run next, if that runs by `how` and nothing else is due before it; the caller runs it now.
  /// Else null.
  [[nodiscard]] virtual Runnable* defer_for_next(Runnable& work, Runnable::Run /*how*/) noexcept {
    defer(work);
    return nullptr;
  }
  /// Whether threads of this executor may have nothing to do: then it is worth to ask
  /// wants_offers(). A hint; any thread.
  [[nodiscard]] bool has_idle_threads() const noexcept { return idle_hint_.any(); }
  /// For what runs on this executor: whether another thread would take something, and there is
  /// nothing for it here already.
  [[nodiscard]] virtual bool wants_offers() noexcept { return false; }
  /// As schedule(), for what another thread may as well run: it calls one that has nothing to do.
  virtual void offer(Runnable& work) noexcept { schedule(work); }

  /// For a thread from outside that acts on a task which may end, and with it the executor's reason
  /// to be, before that thread is done: between the two calls the executor stays. Thread-safe; the
  /// task has not ended at hold().
  virtual void hold() noexcept {}
  virtual void release() noexcept {}

  /// For what runs on this executor and is about to wait for `work`: takes `work` out of the queue,
  /// if it would be the next to run on this thread anyway; the caller runs it now. Else false.
  [[nodiscard]] virtual bool claim(Runnable& /*work*/) noexcept { return false; }
  /// The executor for new tasks of who runs on this one: itself, unless it serves one thread or one
  /// fiber alone. It outlives this one.
  [[nodiscard]] virtual Executor& shared() noexcept { return *this; }
  /// The executor of the runtime as a whole: what its OwnedTasks has.
  [[nodiscard]] virtual Executor& whole() noexcept { return shared(); }
  /// The executor for what is to have that priority among what runs here; this one if it knows
  /// none.
  [[nodiscard]] virtual Executor& of_priority(Priority /*priority*/) noexcept { return *this; }
  /// Whether what runs on this one must not go on elsewhere.
  [[nodiscard]] virtual bool bound() const noexcept { return false; }
  /// Its threads ask themselves again whether they are to go on. Thread-safe, within hold().
  virtual void look_again() noexcept {}

 protected:
  /// This one serves threads of `other`.
  void share_idle_hint(const Executor& other) noexcept { idle_hint_ = other.idle_hint_; }

  /// A word of three numbers: 20 bits of how many threads look for work, 20 of how many are awake,
  /// and the rest of how many there are.
  class IdleHint {
   public:
    constexpr IdleHint() noexcept = default;
    constexpr explicit IdleHint(const Atomic<std::uint64_t>& word) noexcept : word_(&word) {}
    [[nodiscard]] bool any() const noexcept {
      if (word_ == nullptr) return false;
      // Relaxed: it is but a hint.
      const std::uint64_t word = word_->load(std::memory_order_relaxed);
      return word << 24 >> 24 != word >> 40 << 20;
    }

   private:
    const Atomic<std::uint64_t>* word_ = nullptr;
  };
  IdleHint idle_hint_;
};

}  // namespace weft
