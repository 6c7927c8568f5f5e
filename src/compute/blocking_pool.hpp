// BlockingPool: a few threads for calls that block and have no asynchronous form (name look-up).
// Owned by a runtime, which makes it current() on its workers, or by a BlockingThreads. Called by
// blocking() (src/compute/blocking.cpp).
//
// Thread-safety: every function from any thread, except stop() and the destructor: from one thread
// that is not the pool's.
// Invariants:
//  - a submitted job is run exactly once, at the latest inside stop(), unless withdraw() took it
//    back;
//  - there is no thread until the first job, and never more than the limit;
//  - while jobs are queued, at least one thread is awake to take them.
#pragma once

#include <weft/atomic.hpp>
#include <weft/blocking.hpp>
#include <weft/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <vector>

namespace weft::inline v0_1::detail {

class BlockingPool {
 public:
  using Options = BlockingOptions;

  BlockingPool() : BlockingPool(Options()) {}
  explicit BlockingPool(Options options);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// The pool of the calling thread's runtime, or null.
  [[nodiscard]] static BlockingPool* current() noexcept;

  /// Queues `job` for the next free thread. Does not take it on an error: the pool has stopped, or
  /// there is no thread and none can be started. Blocks no longer than it takes to start a thread.
  [[nodiscard]] Result<void> submit(BlockingJob& job) noexcept;

  /// Takes back a job that no thread has begun. False: a thread has begun it.
  [[nodiscard]] bool withdraw(BlockingJob& job) noexcept;

  /// Runs what is still queued, then ends and joins all threads; waits for running jobs.
  /// Idempotent.
  void stop() noexcept;

  /// The number of threads now. For tests and statistics.
  [[nodiscard]] std::size_t threads() const noexcept;
  /// The number of jobs that no thread has begun.
  [[nodiscard]] std::size_t queued() const noexcept;
  /// The number of jobs submitted, and of jobs that have ended or were taken back. A thread that
  /// sees an end also sees what that job has made runnable.
  [[nodiscard]] std::uint64_t submitted() const noexcept {
    return submitted_.load(std::memory_order_relaxed);  // relaxed: a count, orders nothing
  }
  [[nodiscard]] std::uint64_t ended() const noexcept {
    return ended_.load(std::memory_order_acquire);  // acquire: pairs with job_ended()
  }

  /// A job that runs now.
  struct Running {
    std::source_location site;
    std::chrono::steady_clock::time_point since;
  };
  [[nodiscard]] std::vector<Running> running() const;

 private:
  struct Worker;

  [[nodiscard]] Worker* pop_idle() noexcept;
  void remove_idle(Worker& worker) noexcept;
  [[nodiscard]] BlockingJob* pop_job(Worker& worker) noexcept;
  void job_ended() noexcept { ended_.fetch_add(1, std::memory_order_release); }
  [[nodiscard]] std::error_code start_worker() noexcept;
  void run(Worker& worker) noexcept;
  [[nodiscard]] bool wait_for_work(Worker& worker) noexcept;
  void join_ended() noexcept;

  const Options options_;
  mutable ThreadMutex mutex_;  // guards all that follows but the atomics
  BlockingJob* first_job_ = nullptr;
  BlockingJob* last_job_ = nullptr;
  // A stack: the thread that went to sleep last is the warmest; the others may time out.
  Worker* idle_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t live_ = 0;  // workers that have not decided to end
  bool stopping_ = false;
  Atomic<std::uint64_t> submitted_{0};
  Atomic<std::uint64_t> ended_{0};
};

}  // namespace weft::inline v0_1::detail
