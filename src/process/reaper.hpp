// Reaper: waits for the children whose ChildProcess has gone, so that they leave no zombie. One a
// process: a dropped child may outlive each runtime. Called by ~ChildProcess and by spawn(), on any
// thread.
//
// While there are such children, a thread waits for all their pidfds, in an epoll set. It ends with
// the last one. If the system has no thread or no handle for it, they stay in the list, and each
// later call looks after them.
#pragma once

#include <memory>
#include <weft/atomic.hpp>

#include "os/fd.hpp"
#include "process/child_state.hpp"

namespace weft::inline v0_1::detail {

class Reaper {
 public:
  /// Takes over a child, which may have ended.
  static void take(std::shared_ptr<ChildState> child) noexcept;
  /// Looks after the children if no thread does.
  static void sweep() noexcept;

 private:
  [[nodiscard]] static bool follow_forks() noexcept;
  static void before_fork() noexcept;
  static void after_fork() noexcept;
  static void in_child() noexcept;
  static void watch_locked() noexcept;
  static void close_set_locked() noexcept;
  static void reap_locked(ChildState* only, ChildState*& ended) noexcept;
  static void discard(ChildState* ended) noexcept;
  static void run() noexcept;
  [[nodiscard]] static bool run_once() noexcept;

  // Guarded by mutex_
  static inline constinit ThreadMutex mutex_{};
  static inline constinit ChildState* first_ = nullptr;
  static inline constinit int epoll_ = Fd::none;
  static inline constinit bool is_running_ = false;
  static inline constinit bool all_watched_ = true;
};

}  // namespace weft::inline v0_1::detail
