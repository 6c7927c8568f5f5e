// SlowShutdown: while it lives, reports on standard error after 1, 2, 4 … seconds which blocking
// calls a shutdown waits for. Starts its thread only if there are any.
#pragma once

#include <weft/atomic.hpp>

#include <thread>

#include "compute/blocking_pool.hpp"

namespace weft::inline v0_1::detail {

class SlowShutdown {
 public:
  explicit SlowShutdown(const BlockingPool& pool) noexcept;
  ~SlowShutdown();
  SlowShutdown(const SlowShutdown&) = delete;
  SlowShutdown& operator=(const SlowShutdown&) = delete;

 private:
  void watch() noexcept;

  const BlockingPool& pool_;
  ThreadParker over_;
  std::thread thread_;
};

}  // namespace weft::inline v0_1::detail
