// Runnable: the unit of execution.
// A coroutine's task, a fiber, a posted callback and a polled future are each a Runnable.
#pragma once

namespace weft::inline v0_1 {

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

}  // namespace weft::inline v0_1
