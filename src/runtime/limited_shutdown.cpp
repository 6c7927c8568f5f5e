// Runtime::shutdown() with a limit: as without one up to the limit, and then back without an end.
#include <chrono>
#include <mutex>

#include "os/thread.hpp"
#include "runtime/impl.hpp"
#include "runtime/slow_shutdown.hpp"

namespace weft::inline v0_1 {

/// Calls the thread of a current_thread runtime back when the time is over: from the wait for the
/// worker's lease, or from the worker's park.
class Runtime::Impl::Clockwatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Throws std::system_error.
  Clockwatch(Impl& runtime, TimePoint deadline) : runtime_(runtime), deadline_(deadline) {
    const std::error_code error = detail::start_thread(thread_, [this] { watch(); });
    if (error) throw std::system_error(error, "weft::Runtime::shutdown: a thread");
  }
  ~Clockwatch() {
    ended_.unpark();
    thread_.join();
  }
  Clockwatch(const Clockwatch&) = delete;
  Clockwatch& operator=(const Clockwatch&) = delete;

  [[nodiscard]] detail::WorkerCoreLease::Waiter& waiter() noexcept { return waiter_; }
  [[nodiscard]] const Atomic<bool>& over() const noexcept { return over_; }

 private:
  void watch() noexcept {
    if (ended_.park_for(deadline_ - std::chrono::steady_clock::now())) return;
    over_.store(true, std::memory_order_release);  // release: pairs with drive_until_empty()
    runtime_.core_lease_.end_wait(waiter_);
    runtime_.parks_[0]->unpark();
  }

  Impl& runtime_;
  const TimePoint deadline_;
  detail::WorkerCoreLease::Waiter waiter_;
  Atomic<bool> over_{false};
  ThreadParker ended_;
  std::thread thread_;
};

ShutdownResult Runtime::Impl::shutdown(Nanoseconds limit) {
  using Clock = std::chrono::steady_clock;
  ShutdownResult result;
  if (inherited()) return result;
  require_outside();
  const Clock::time_point start = Clock::now();
  const Clock::time_point deadline =
      limit < Clock::time_point::max() - start ? start + limit : Clock::time_point::max();
  while (!shutdown_mutex_.try_lock()) {  // another thread is at it
    ThreadParker pause;
    if (Clock::now() < deadline) {
      static_cast<void>(pause.park_for(std::chrono::milliseconds(1)));
      continue;
    }
    result.complete = false;
    result.tasks = tasks_->size();
    return result;
  }
  const std::lock_guard lock(shutdown_mutex_, std::adopt_lock);
  if (ended_) return result;
  ending_.store(true, std::memory_order_relaxed);
  tasks_->cancel_all();
  const detail::SlowShutdown report(lanes_, team_, *tasks_);
  if (!options_.current_thread) {
    result.complete = tasks_->close_when_empty(deadline);
  } else {
    Clockwatch watch(*this, deadline);
    drive_until_empty(watch.waiter(), watch.over());
    result.complete = tasks_->close_if_empty();
  }
  if (result.complete) {
    end_all();
  } else {
    result.tasks = tasks_->size();
    result.waits_for = report.describe();
  }
  return result;
}

}  // namespace weft::inline v0_1
