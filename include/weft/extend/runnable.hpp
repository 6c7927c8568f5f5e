// Runnable: the unit of execution.
// A coroutine's task, a fiber, a posted callback and a polled future are each a Runnable.
#pragma once

namespace weft {

/// An intrusive node that can be run once each time it is scheduled. It allocates nothing.
/// Invariant: it is in at most one queue at a time; from schedule() until run() begins it belongs
/// to the executor, and its owner may neither destroy it nor schedule it again.
class Runnable {
 public:
  using Run = void (*)(Runnable&) noexcept;

  explicit Runnable(Run how) noexcept : run_(how) {}
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  /// Runs it on this thread. Afterwards the node may be gone: do not touch it again.
  void run() noexcept { run_(*this); }
  /// Whether `how` is its run function: a class recognizes its own Runnables by this.
  [[nodiscard]] bool runs(Run how) const noexcept { return run_ == how; }

  Runnable* next = nullptr;  ///< The link of whichever queue holds it; that queue's alone to use.

 protected:
  ~Runnable() = default;

  /// Replaces the run function. Not while it is scheduled.
  void run_by(Run how) noexcept { run_ = how; }

 private:
  Run run_;
};

}  // namespace weft
