// Timer: arming and disarming, on the timer's worker and from elsewhere. Thread-safety: one thread
// at a time uses a timer; the contract is in <weft/timer.hpp>.
//
// On its worker a call acts at once, with the reactor held. From elsewhere a TimerErrand acts in
// the worker's place:
//  - on the calling thread, which holds the reactor as a remote thread, while the worker runs a
//    task;
//  - or on the worker, which finds the errand in the inbox of cancels. A sleeping worker is woken
//    for it.
// One of the two is always possible soon: a worker is inside its reactor for long only while it
// sleeps.
//
// A timer moves to the worker that arms it. While its callback runs on another worker it does not
// move, so a callback never runs on two workers at once.
#include <weft/timer.hpp>

#include <stdexcept>

#include "base/yield_hint.hpp"
#include "reactor/reactor.hpp"
#include "reactor/timer_calls.hpp"

namespace weft::inline v0_1::detail {

/// A request from another thread to a timer's worker. It stands on the stack of the thread that
/// waits for it.
class TimerErrand final : public CancelMessage {
 public:
  explicit TimerErrand(Timer& timer) noexcept
      : CancelMessage(&TimerErrand::on_request), timer_(timer) {}
  /// Disarms the timer; arms it again if its callback is running.
  TimerErrand(Timer& timer, std::int64_t deadline, std::int64_t period) noexcept
      : CancelMessage(&TimerErrand::on_request),
        timer_(timer),
        deadline_(deadline),
        period_(period),
        arms_(true) {}

  void run_at(Reactor& home) noexcept {
    home_ = &home;
    if (home.visit_for(*this)) return;
    home.post_cancel(*this);
    // Acquire: pairs with the release in on_request(), which is the reactor's last touch of this.
    while (!done_.load(std::memory_order_acquire)) {
      if (!home.visit_for_messages()) yield_hint();
    }
  }
  [[nodiscard]] bool was_armed() const noexcept { return was_armed_; }
  [[nodiscard]] bool was_running() const noexcept { return was_running_; }

 private:
  // With home_ held.
  static void on_request(CancelHook& self) noexcept {
    // SAFETY: this function is given only to the CancelHook of an errand.
    auto& errand = static_cast<TimerErrand&>(self);
    errand.was_armed_ = errand.home_->disarm(errand.timer_);
    errand.was_running_ = errand.home_->calls().running() == &errand.timer_;
    if (errand.arms_ && errand.was_running_) {
      static_cast<void>(errand.home_->arm(errand.timer_, errand.deadline_, errand.period_));
    }
    errand.done_.store(true, std::memory_order_release);  // pairs with run_at(); the last touch
  }

  Timer& timer_;
  Reactor* home_ = nullptr;
  std::int64_t deadline_ = 0;
  std::int64_t period_ = 0;
  bool arms_ = false;
  bool was_armed_ = false;
  bool was_running_ = false;
  Atomic<bool> done_{false};
};

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

// arm() and disarm() are so few instructions that every rare case is a call at their end. They are
// never inlined: see Reactor::here().

[[gnu::noinline]] bool Timer::arm(std::int64_t at, std::int64_t period) {
  detail::Reactor* const here = detail::Reactor::here();
  // Acquire: pairs with the release in TimerCalls::end_call(), on another worker.
  detail::Reactor* const home = home_.load(std::memory_order_acquire);
  if (home != nullptr || here == nullptr) return arm_again(home, at, period);
  here->arm_first(*this, at, period);
  return false;
}

[[gnu::noinline]] bool Timer::arm_again(detail::Reactor* home, std::int64_t at,
                                        std::int64_t period) {
  detail::Reactor* const here = detail::Reactor::here();
  if (here == nullptr) {
    throw std::logic_error("weft::Timer: armed on a thread that works for no runtime");
  }
  if (home == here) [[likely]]
    return here->arm(*this, at, period);
  return arm_elsewhere(*home, *here, at, period);
}

bool Timer::arm_every(Duration period) {
  const Nanoseconds length = period;
  if (length <= Nanoseconds::zero()) {
    throw std::invalid_argument("weft::Timer: the period must be positive");
  }
  return arm(deadline_after(length).time_since_epoch().count(), length.count());
}

[[gnu::noinline]] bool Timer::disarm() noexcept {
  detail::Reactor* const home = home_.load(std::memory_order_acquire);  // as in arm()
  if (home == nullptr) return false;
  if (home != detail::Reactor::here()) [[unlikely]]
    return disarm_elsewhere(*home);
  return home->disarm(*this);
}

bool Timer::arm_elsewhere(detail::Reactor& home, detail::Reactor& here, std::int64_t at,
                          std::int64_t period) noexcept {
  detail::TimerErrand errand(*this, at, period);
  errand.run_at(home);
  if (!errand.was_running()) static_cast<void>(here.arm(*this, at, period));
  return errand.was_armed();
}

[[gnu::noinline]] bool Timer::disarm_elsewhere(detail::Reactor& home) noexcept {
  detail::TimerErrand errand(*this);
  errand.run_at(home);
  return errand.was_armed();
}

void Timer::leave(detail::Reactor& home) noexcept {
  if (&home == detail::Reactor::current()) {
    static_cast<void>(home.disarm(*this));
    if (home.calls().running() == this) home.calls().forget_running();  // in its callback
    return;
  }
  for (;;) {
    detail::TimerErrand errand(*this);
    errand.run_at(home);
    if (!errand.was_running()) return;
    // Waits, then tries again: the callback may arm the timer before it ends, and its worker must
    // release it.
    while (home.calls().running() == this) detail::yield_hint();
  }
}

}  // namespace weft::inline v0_1
