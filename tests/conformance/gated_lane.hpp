// GatedLane: the lane for files of the drivers under test. While it is shut, its jobs wait.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "compute/blocking_pool.hpp"
#include "reactor/file_lane.hpp"

namespace weft::testing {

class GatedLane final : public detail::FileLane {
 public:
  /// The one of the process: a driver is made without a test's help.
  static GatedLane& instance() {
    static GatedLane lane;
    return lane;
  }

  /// Makes jobs wait from now on. No job is on its way.
  void shut(std::size_t threads = 2) {
    const std::lock_guard lock(mutex_);
    pool_ = std::make_unique<detail::BlockingPool>(
        detail::BlockingPool::Options{.name = "gated", .most_threads = threads});
    is_open_ = false;
  }
  /// Runs all that waits, and from now on what comes.
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    for (detail::BlockingJob* const job : held_) static_cast<void>(pool_->submit(*job));
    held_.clear();
  }
  /// Ends its threads.
  void stop() { pool_.reset(); }
  [[nodiscard]] std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  /// Jobs that come next are refused with this error.
  void refuse(std::errc error) {
    const std::lock_guard lock(mutex_);
    refusal_ = error;
  }
  void accept() { refuse(std::errc()); }

  [[nodiscard]] Result<void> submit(detail::BlockingJob& job) noexcept override {
    const std::lock_guard lock(mutex_);
    if (refusal_ != std::errc()) return fail(refusal_);
    if (is_open_) return pool_->submit(job);
    held_.push_back(&job);
    return {};
  }
  [[nodiscard]] bool withdraw(detail::BlockingJob& job) noexcept override {
    const std::lock_guard lock(mutex_);
    if (std::erase(held_, &job) != 0) return true;
    return pool_->withdraw(job);
  }

 private:
  mutable std::mutex mutex_;
  std::unique_ptr<detail::BlockingPool> pool_;
  std::vector<detail::BlockingJob*> held_;  // guarded by mutex_, as is the next
  bool is_open_ = false;
  std::errc refusal_{};
};

}  // namespace weft::testing
