// FileLane: threads for system calls on files, as drivers see them. The runtime gives each driver
// one (src/runtime/pool_lane.hpp). Any thread.
#pragma once

#include <weft/detail/blocking_job.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1::detail {

class FileLane {
 public:
  virtual ~FileLane() = default;
  FileLane(const FileLane&) = delete;
  FileLane& operator=(const FileLane&) = delete;

  /// Queues `job` for the next free thread, which runs it once. On an error the job is not taken.
  [[nodiscard]] virtual Result<void> submit(BlockingJob& job) noexcept = 0;
  /// Takes back a job that no thread has begun. False: a thread has begun it, or it was not queued.
  [[nodiscard]] virtual bool withdraw(BlockingJob& job) noexcept = 0;

 protected:
  FileLane() = default;
};

}  // namespace weft::inline v0_1::detail
