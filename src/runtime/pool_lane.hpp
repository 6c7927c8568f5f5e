// PoolLane: a BlockingPool as the FileLane of a runtime's drivers. Any thread.
#pragma once

#include <weft/result.hpp>

#include "compute/blocking_pool.hpp"
#include "reactor/file_lane.hpp"

namespace weft::inline v0_1::detail {

class PoolLane final : public FileLane {
 public:
  explicit PoolLane(BlockingPool& pool) noexcept : pool_(pool) {}

  [[nodiscard]] Result<void> submit(BlockingJob& job) noexcept override {
    return pool_.submit(job);
  }
  [[nodiscard]] bool withdraw(BlockingJob& job) noexcept override { return pool_.withdraw(job); }

 private:
  BlockingPool& pool_;
};

}  // namespace weft::inline v0_1::detail
