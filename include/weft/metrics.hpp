// RuntimeMetrics: what a runtime has done so far, in numbers. See Runtime::metrics().
//
// Counting costs a plain store each time: every worker counts for itself. So numbers of different
// workers, and different numbers of one, need not belong to the same moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

namespace weft {

/// Of one worker, or of all of them. All but the last four only grow.
struct WorkerMetrics {
  std::uint64_t runs = 0;            ///< tasks resumed, and other things run, by the worker's loop
  std::uint64_t yields = 0;          ///< … that went behind the others: yield_now(), a spent budget
  std::uint64_t long_runs = 0;       ///< … that were set back for it, as they had run for long
  std::uint64_t steals = 0;          ///< times that it found something in another worker's queue
  std::uint64_t injector_takes = 0;  ///< … in a queue that all share: from outside, with a priority
  std::uint64_t parks = 0;           ///< times that it went to sleep, or was about to
  std::uint64_t wakes = 0;           ///< … and was called because there was too much for others
  std::uint64_t driver_polls = 0;    ///< times that its event queue was asked, or slept without
  std::uint64_t io_completions = 0;  ///< operations and timers that have ended in its reactor
  std::uint64_t tasks_spawned = 0;   ///< tasks of the runtime (not of a scope) that began on it
  std::uint64_t tasks_ended = 0;     ///< … and that ended on it
  std::size_t queue_depth = 0;       ///< how much is ready there, bound work left out
  bool spare = false;                ///< stands in for others during block_in_place()
  std::optional<unsigned> cpu;       ///< thread_per_core: the processor that it is bound to …
  std::error_code cpu_error;         ///< … or why it is not
};

struct RuntimeMetrics {
  std::vector<WorkerMetrics> workers;
  WorkerMetrics total;  ///< of the workers, and tasks that began or ended outside of them
  std::size_t live_tasks = 0;
  std::size_t injector_depth = 0;    ///< what waits for any worker, of all priorities
  std::size_t blocking_threads = 0;  ///< of blocking()
  std::size_t blocking_queued = 0;   ///< calls that no thread has begun
  std::uint64_t blocking_calls = 0;  ///< calls so far
  std::uint64_t blocking_ended = 0;  ///< … that have ended, or were taken back
};

}  // namespace weft
