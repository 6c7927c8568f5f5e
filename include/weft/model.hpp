// A model checker for code written with <weft/atomic.hpp>: runs a small concurrent program again
// and again, each time with another interleaving of its operations, and reports the first one that
// goes wrong. For tests built with WEFT_ATOMIC_MODE=2; in the other modes this header can be
// included, but a program that calls explore() does not link.
//
// How it works: the program's threads are real threads, but only the one that holds the baton runs.
// At each operation of an Atomic, a ThreadMutex or a ThreadParker the scheduler decides who
// performs its next operation. What lies between two operations is one step, so it must not depend
// on anything else that varies (time, addresses, real randomness).
//
// What it finds: lost wake-ups and other deadlocks, livelocks (an execution that does not end),
// violated require()s, crashes. What it does not: exploration is sequentially consistent, so a
// memory order that is too weak is not seen here (the race detector and the written reasons guard
// those); a weak compare-exchange never fails spuriously. A time-out of park_for may strike at any
// moment.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <weft/atomic.hpp>

namespace weft::model {
inline namespace WEFT_ATOMIC_NAMESPACE {

enum class Strategy : std::uint8_t {
  kRandom,   ///< Choices drawn from a seed; execution i uses seed + i.
  kBounded,  ///< Depth first, every interleaving with at most `preemption_bound` preemptions.
};

struct Options {
  Strategy strategy = Strategy::kRandom;
  std::uint64_t seed = 1;  ///< kRandom. WEFT_SEED in the environment: run just that execution.
  std::uint64_t iterations = 1000;     ///< At most so many executions.
  std::uint32_t max_steps = 20000;     ///< An execution that takes more is reported as a livelock.
  std::uint32_t preemption_bound = 2;  ///< kBounded.
  std::uint32_t trace_steps = 100;     ///< How many of the last steps a report shows.
};

struct Report {
  bool failed = false;
  std::uint64_t executions = 0;  ///< How many were run.
  bool exhausted = false;        ///< kBounded: there were no more to run.
  std::uint64_t seed = 0;        ///< kRandom: the seed of the execution that failed.
  std::string text;              ///< What went wrong, how to replay it, and the trace.
};

/// One execution of the program; explore() hands it to the body. Used by the body's thread alone.
class Execution {
 public:
  /// Starts a thread of the program, at most seven.
  void thread(std::function<void()> run);

  /// Waits until all threads have ended. The body calls it before what they use goes out of scope.
  void join_all();
};

/// Runs `body` once for each interleaving chosen. The body builds its objects anew, starts threads,
/// joins them and states what must hold with require(). One explore() at a time in a process. After
/// a failure the threads of that execution stay suspended for good (their stacks are what the
/// report is about), so a process is meant to report and end.
[[nodiscard]] Report explore(const Options& options, std::function<void(Execution&)> body);

/// Ends the exploration with a failure unless `condition` holds. From the body or its threads.
void require(bool condition, const char* text);

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::model
