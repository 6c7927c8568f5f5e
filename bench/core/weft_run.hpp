// Shared by the weft programs of the core benchmarks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <weft/weft.hpp>

#include "core/core.hpp"

namespace bench {

inline weft::RuntimeOptions options_of(Job job) {
  weft::RuntimeOptions options;
  options.workers = job.workers;
  return options;
}

/// A cell that runs as a task of a runtime with the job's workers.
inline std::function<Figures(Job)> on_runtime(weft::Task<Figures> (*cell)(Job)) {
  return [cell](Job job) {
    weft::Runtime runtime(options_of(job));
    return runtime.block_on([cell, job] { return cell(job); });
  };
}

/// Reports when the last of a number of tasks has done its work.
class LastOne {
 public:
  explicit LastOne(std::size_t count) : left_(count) {}
  void done() noexcept {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) semaphore_.release();
  }
  weft::Task<void> wait() {
    weft::Permit permit = co_await semaphore_.acquire();
    permit.forget();
  }

 private:
  std::atomic<std::size_t> left_;
  weft::Semaphore semaphore_{0};
};

/// Two tasks pass a number back and forth.
struct Table {
  weft::Semaphore to_first{0};
  weft::Semaphore to_second{0};
  std::size_t number = 0;
  bool over = false;
  std::chrono::nanoseconds think{0};  // the computing time of each side before it hands over

  /// One round, as the first side.
  weft::Task<void> round() {
    hand_to(to_second);
    weft::Permit permit = co_await to_first.acquire();
    permit.forget();
  }
  /// The second side: answers until the end.
  weft::Task<void> answer() {
    for (;;) {
      weft::Permit permit = co_await to_second.acquire();
      permit.forget();
      if (over) co_return;
      hand_to(to_first);
    }
  }
  void hand_to(weft::Semaphore& other) {
    if (think.count() > 0) compute_for(think);
    ++number;
    other.release();
  }
  void end() {
    over = true;
    to_second.release();
  }
};

}  // namespace bench
