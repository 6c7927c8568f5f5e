// RuntimeMetrics: counters of a runtime. See Runtime::metrics().
//
//   const weft::RuntimeMetrics metrics = runtime.metrics();
//   log("steals", metrics.total.steals);
//
// Counting costs a plain store, as each worker has counters of its own. So counters of different
// workers, and different counters of one worker, may belong to different moments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace weft::inline v0_1 {

/// Counters of one worker, or of all. All but the last four only grow.
struct WorkerMetrics {
  std::uint64_t runs = 0;    ///< tasks resumed, and other Runnables run, by the worker's loop
  std::uint64_t yields = 0;  ///< … that were queued behind the others: yield_now(), a spent budget
  std::uint64_t long_runs = 0;       ///< … that were demoted for it, as they had run for long
  std::uint64_t steals = 0;          ///< times that it found work in another worker's queue
  std::uint64_t injector_takes = 0;  ///< … in a queue that all share: from outside, with a priority
  std::uint64_t parks = 0;           ///< times that it went to sleep, or was about to
  std::uint64_t wakes = 0;           ///< … and was woken because the others had too much work
  std::uint64_t driver_polls = 0;    ///< polls of its event queue, and sleeps without one
  std::uint64_t io_completions = 0;  ///< operations and timers that have ended in its reactor
  std::uint64_t tasks_spawned = 0;   ///< tasks of the runtime (not of a scope) that began on it
  std::uint64_t tasks_ended = 0;     ///< … and that ended on it
  std::size_t queue_depth = 0;       ///< ready Runnables there, without pinned work
  bool spare = false;                ///< a spare worker, active during block_in_place()
  std::optional<unsigned> cpu;       ///< thread_per_core: the processor that it is bound to …
  std::error_code cpu_error;         ///< … or why it is not
};

/// Counters of a lane of RuntimeOptions::lanes.
struct LaneMetrics {
  std::string name;
  std::size_t threads = 0;  ///< of it now
  std::size_t queued = 0;   ///< calls that no thread has begun
  std::uint64_t calls = 0;  ///< calls so far
  std::uint64_t ended = 0;  ///< … that have ended, or were withdrawn
};

struct RuntimeMetrics {
  std::vector<WorkerMetrics> workers;
  WorkerMetrics total;  ///< all workers, and tasks that began or ended outside of them
  std::size_t live_tasks = 0;
  std::size_t injector_depth = 0;    ///< work that any worker may take, of all priorities
  std::size_t blocking_threads = 0;  ///< threads for blocking()
  std::size_t blocking_queued = 0;   ///< calls that no thread has begun
  std::uint64_t blocking_calls = 0;  ///< calls so far
  std::uint64_t blocking_ended = 0;  ///< … that have ended, or were withdrawn
  std::size_t lookup_threads = 0;    ///< threads for resolve(), with look-ups given up or not
  std::size_t lookups_queued = 0;    ///< look-ups that no thread has begun
  std::size_t file_threads = 0;      ///< threads for file operations
  std::size_t files_queued = 0;      ///< file operations that no thread has begun
  std::vector<LaneMetrics> lanes;    ///< in the order of RuntimeOptions::lanes
};

}  // namespace weft::inline v0_1
