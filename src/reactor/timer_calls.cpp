// TimerCalls: the contract is in timer_calls.hpp.
#include "reactor/timer_calls.hpp"

#include <weft/spawn.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "reactor/reactor.hpp"

namespace weft::inline v0_1::detail {
namespace {

/// The callbacks of one run, before the worker's loop has its turn: as many as it runs of other
/// work.
constexpr int calls_a_turn = 61;

/// Returns the first deadline after `now` of a timer with `period` that was due at `deadline`.
std::int64_t next_of_grid(std::int64_t deadline, std::int64_t period, std::int64_t now) noexcept {
  const std::int64_t missed = std::max<std::int64_t>(now - deadline, 0) / period;
  const std::int64_t last = deadline + missed * period;
  return period > TimerWheel::never - last ? TimerWheel::never : last + period;
}

}  // namespace

void TimerCalls::add(Timer& timer) noexcept {
  timer.due = true;
  append(due_, timer);
  if (!std::exchange(scheduled_, true)) worker_->schedule(*this);
}

Timer* TimerCalls::pop() noexcept {
  if (due_.next == &due_) return nullptr;
  // SAFETY: only add() puts nodes into the list, and each is a Timer.
  auto& timer = static_cast<Timer&>(TimerNode::of(*due_.next));
  unlink(timer);
  timer.due = false;
  return &timer;
}

void TimerCalls::run_turn(Runnable& self) noexcept {
  // SAFETY: this function is given only to the Runnable of a TimerCalls.
  auto& calls = static_cast<TimerCalls&>(self);
  OwnedTasks& tasks = *OwnedTasks::current_or_null();  // a worker has one
  try {
    tasks.added();
  } catch (...) {
    return;  // closed: the runtime drops the due timers at the end of its shutdown
  }
  calls.run();
  if (tasks.ended()) tasks.removed(false);
}

void TimerCalls::run() noexcept {
  Timer* timer = nullptr;
  for (int left = calls_a_turn; left > 0; --left) {
    timer = next(timer);
    if (timer == nullptr) return;
    call(*timer);
  }
  const Reactor::Hold hold(reactor_);
  end_call(*timer);
  worker_->schedule(*this);
}

Timer* TimerCalls::next(Timer* before) noexcept {
  const Reactor::Hold hold(reactor_);
  if (before != nullptr) end_call(*before);
  Timer* const timer = pop();
  if (timer == nullptr) {
    scheduled_ = false;
    return nullptr;
  }
  if (timer->period_ != 0) {
    timer->deadline = next_of_grid(timer->deadline, timer->period_, reactor_.seen_at());
    reactor_.wheel().insert(*timer);
  }
  // Relaxed: see running().
  running_.store(timer, std::memory_order_relaxed);
  return timer;
}

void TimerCalls::end_call(Timer& timer) noexcept {
  // Relaxed: only this thread writes it. Not equal: the timer was destroyed by its own callback.
  if (running_.load(std::memory_order_relaxed) != &timer) return;
  // Release: the callback, and this access to the timer, happen before its destruction by a thread
  // that reads home_ == null. Pairs with the acquire loads in timer.cpp.
  if (!timer.armed()) timer.home_.store(nullptr, std::memory_order_release);
  running_.store(nullptr, std::memory_order_relaxed);  // see running()
}

void TimerCalls::call(Timer& timer) noexcept {
  try {
    timer.callback_();  // the timer may be destroyed now
  } catch (...) {
    const std::shared_ptr<const FailureHandler> handler =
        OwnedTasks::current_or_null()->failure_handler();
    (*handler)(UnhandledFailure{std::current_exception(), nullptr});
  }
}

}  // namespace weft::inline v0_1::detail
