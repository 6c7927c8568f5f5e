// SlowShutdown: while it lives, reports to the log after 1, 2, 4 … seconds what a shutdown waits
// for: what runs and what is queued on each lane, computations, other tasks. Starts its thread only
// if there are tasks: without them nothing else is waited for.
#pragma once

#include <weft/atomic.hpp>

#include <string>
#include <thread>

#include "compute/lanes.hpp"
#include "compute/team.hpp"
#include "runtime/root_tasks.hpp"

namespace weft::inline v0_1::detail {

class SlowShutdown {
 public:
  SlowShutdown(const Lanes& lanes, const Team& team, const RootTasks& tasks) noexcept;
  ~SlowShutdown();
  SlowShutdown(const SlowShutdown&) = delete;
  SlowShutdown& operator=(const SlowShutdown&) = delete;

  /// What it waits for now, a line each. Throws std::bad_alloc.
  [[nodiscard]] std::string describe() const;

 private:
  void watch() noexcept;
  void report() const;

  const Lanes& lanes_;
  const Team& team_;
  const RootTasks& tasks_;
  ThreadParker over_;
  std::thread thread_;
};

}  // namespace weft::inline v0_1::detail
