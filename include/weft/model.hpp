// A model checker for code written with <weft/atomic.hpp>: runs a small concurrent program again
// and again, each time with another interleaving of its operations, and reports the first execution
// that goes wrong. For programs built with WEFT_ATOMIC_MODE=2 and linked with the library of that
// mode:
//
//   find_package(weft)                                  # or add_subdirectory(weft)
//   target_link_libraries(my_queue_test PRIVATE weft::model)    # instead of weft::weft
//
// One program cannot use both libraries. In the other modes this header can be included, but a
// program that calls explore() does not link.
//
//   weft::model::Report report = weft::model::explore({}, [](weft::model::Execution& execution) {
//     weft::Atomic<int> sum;
//     for (int i = 0; i < 2; ++i) {
//       execution.thread([&] { sum.fetch_add(1, std::memory_order_relaxed); });
//     }
//     execution.join_all();
//     weft::model::require(sum.load(std::memory_order_relaxed) == 2, "no increment is lost");
//   });
//
// How it works: the program's threads are flows of control on the thread that calls explore(), and
// one of them runs at a time. At each operation of an Atomic, a ThreadMutex or a ThreadParker the
// scheduler decides which thread performs its next operation. The code between two operations is
// one step. It must not depend on anything else that varies (time, addresses, real randomness), nor
// on thread_local variables, which the threads of the program share. A thread that waits for
// another in a loop must call spin_hint() in it.
//
// What it finds, in the interleavings that it runs:
//   - deadlocks and lost wake-ups, and livelocks (an execution that does not end);
//   - violated require()s, and exceptions that leave a thread;
//   - data races on Shared<T> (<weft/model/data.hpp>);
//   - uses of an Atomic, a mutex or a Shared after its end, before its construction is known to the
//     thread, or unordered with its destruction;
//   - objects with one of these inside, or Tracked, that are made in an execution and outlive it.
//
// A crash ends the process, after a report on standard error. A time-out of park_for() may occur at
// any moment.
//
// Memory orders. Happens-before is computed from the orders as written ([intro.races],
// [atomics.order] of C++20: release and acquire, release sequences, fences), so an order that is
// too weak shows as a data race in either kind of memory. With Memory::kWeak loads may also return
// older values, as far as happens-before, coherence, and the single order of seq_cst operations and
// fences permit. Not seen are:
//   - stores that take effect earlier than they were executed (load buffering, "out of thin air"):
//     a load returns only what has been stored already;
//   - modification orders, and orders of seq_cst operations, other than the order of execution;
//   - consume, which is treated as acquire;
//   - values older than the last 16 of an atomic;
//   - data that is neither Atomic nor Shared: a race on it shows at most as a wrong result;
//   - what a compiler may do to a program that has a data race.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <weft/atomic.hpp>
#include <weft/model/data.hpp>

namespace weft::inline v0_1::model {
inline namespace WEFT_ATOMIC_NAMESPACE {

enum class Strategy : std::uint8_t {
  kRandom,   ///< Choices drawn from a seed; execution i uses seed + i.
  kBounded,  ///< Depth first, every interleaving with at most `preemption_bound` preemptions.
  /// The thread of the highest priority runs. Priorities, and `pct_depth` - 1 moments at which the
  /// running thread gets the lowest one, are drawn from a seed. With n threads and k steps, an
  /// execution meets a given bug that takes d ordering constraints with a probability of at least
  /// 1 / (n k^(d-1)) (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized Scheduler with
  /// Probabilistic Guarantees of Finding Bugs", ASPLOS 2010). k is taken from a first execution,
  /// whose seed is 0.
  kPct,
};

enum class Memory : std::uint8_t {
  kSequential,  ///< A load returns the last stored value.
  kWeak,        ///< A load returns any value that its order permits; each is tried.
};

struct Options {
  Strategy strategy = Strategy::kRandom;
  /// kRandom, kPct. With WEFT_SEED in the environment only that execution runs.
  std::uint64_t seed = 1;
  std::uint64_t iterations = 1000;     ///< Maximum number of executions.
  std::uint32_t max_steps = 20000;     ///< An execution with more is reported as a livelock.
  std::uint32_t preemption_bound = 2;  ///< kBounded.
  std::uint32_t trace_steps = 100;     ///< Number of last steps in a report.
  Memory memory = Memory::kSequential;
  std::uint32_t stale_bound = 2;  ///< kBounded, kWeak: loads of an execution that see old values.
  bool spurious_failures =
      false;                    ///< compare_exchange_weak may fail for no reason; see stale_bound.
  std::uint32_t pct_depth = 3;  ///< kPct: d, at least 1.
  /// If not empty, only the execution with this Report::schedule runs. WEFT_SCHEDULE in the
  /// environment does the same.
  std::string schedule{};
};

struct Report {
  bool failed = false;
  std::uint64_t executions = 0;  ///< Number of executions run.
  bool exhausted = false;        ///< kBounded: all interleavings were run.
  std::uint64_t seed = 0;        ///< kRandom, kPct: the seed of the execution that failed.
  std::string schedule{};  ///< The choices of the execution that failed, whatever the strategy.
  std::string text{};      ///< What went wrong, how to replay it, and the trace.
};

/// One execution of the program; explore() passes it to the body. Used by the body's thread only.
class Execution {
 public:
  /// Starts a thread of the program; at most seven.
  void thread(std::function<void()> run);

  /// Waits until all threads have ended. The body calls it before the objects that they use go out
  /// of scope.
  void join_all();
};

/// Runs `body` once for each chosen interleaving. The body constructs its objects, starts threads,
/// joins them and states with require() what must hold. A thread runs one explore() at a time.
/// After a failure the threads of that execution stay suspended permanently, since the report
/// refers to their stacks, and keep their memory: the process should report and end.
[[nodiscard]] Report explore(const Options& options, std::function<void(Execution&)> body);

/// Ends the exploration with a failure unless `condition` holds. Called by the body or its threads.
void require(bool condition, const char* text);

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::model
