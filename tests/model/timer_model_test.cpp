// Timer, used from other threads while its worker fires it, calls it, computes or sleeps. Each
// request is served once and in time. A callback is called once or not at all, and never twice at
// once. After the end of the timer, or of the wait for an answer, no thread touches it.
//
// Reactor, Timer and TimerCalls are the real ones. Beneath them are a driver that never asks the
// system and a clock that advances only when the driver times out. Above them is a worker that does
// what a test says. A worker to which a test gives nothing more to do is in a task that computes
// for ever.
#include <weft/spawn.hpp>
#include <weft/timer.hpp>

#include <memory>
#include <optional>

#include "base/thread_context.hpp"
#include "model/model_test.hpp"
#include "reactor/reactor.hpp"

namespace weft::model::timer_model_test {
namespace {

constexpr TimePoint passed{Nanoseconds(1)};
constexpr TimePoint later{Nanoseconds(2'000)};
constexpr Nanoseconds period{500};
constexpr TimePoint never = TimePoint::max();

class ScriptedClock final : public detail::Clock {
 public:
  std::int64_t now() noexcept override { return time; }
  [[nodiscard]] unsigned timer_shift() const noexcept override { return 0; }

  std::int64_t time = 1'000;  // with the reactor held
};

/// A driver whose wait ends by a wake or, if it has a limit, by a timeout at any moment.
class ScriptedDriver final : public detail::Driver {
 public:
  explicit ScriptedDriver(ScriptedClock& clock) noexcept : clock_(clock) {}

  detail::Started start(Operation&) noexcept override { return detail::Started::pending; }
  detail::Cancelled cancel(Operation&) noexcept override { return detail::Cancelled::requested; }
  void wait(std::int64_t timeout_ns, CompletionList&) noexcept override {
    woken_ = true;
    if (timeout_ns < 0) return parker_.park();
    woken_ = parker_.park_for(Nanoseconds(timeout_ns));
    if (!woken_) clock_.time += timeout_ns;
  }
  void wake() noexcept override { parker_.unpark(); }
  [[nodiscard]] NativeHandle native_handle() const noexcept override { return invalid_handle; }

 private:
  ScriptedClock& clock_;
  ThreadParker parker_;
};

/// The tasks of a runtime that never ends.
class Tasks final : public detail::OwnedTasks {
 public:
  using detail::OwnedTasks::OwnedTasks;

 private:
  void added() noexcept override {}
  bool ended() noexcept override { return false; }
  void removed(bool) noexcept override {}
};

/// The executor of its TimerCalls, the only thing that it ever runs.
class Worker final : public detail::TaskExecutor {
 public:
  Worker() : reactor(std::make_unique<ScriptedDriver>(clock_), clock_) {
    reactor.calls().run_on(*this);
  }
  /// Called by the worker, or by a remote poll while the worker is awake.
  void schedule(Runnable& work) noexcept override {
    ready_.store(&work, std::memory_order_release);
  }
  void defer(Runnable& work) noexcept override { schedule(work); }

  /// No other thread may read the clock meanwhile.
  void let_pass(Nanoseconds time) { clock_.time += time.count(); }
  /// Called by the worker, between two tasks.
  void go_round() { go_round(0); }
  /// Called by the worker, which has no tasks, until tell_to_end().
  void sleep_and_go_round() {
    while (!told_to_end_.load(std::memory_order_acquire)) {
      go_round(ready_.load(std::memory_order_relaxed) != nullptr ? 0 : -1);
    }
  }
  void tell_to_end() {
    told_to_end_.store(true, std::memory_order_release);
    reactor.wake();
  }

 private:
  void go_round(std::int64_t limit_ns) {
    reactor.poll(limit_ns);
    if (Runnable* const work = ready_.exchange(nullptr, std::memory_order_acquire)) work->run();
  }

  ScriptedClock clock_;
  Atomic<Runnable*> ready_{nullptr};
  Atomic<bool> told_to_end_{false};

 public:
  detail::Reactor reactor;
  Tasks tasks{*this};
};

/// While it lives, the calling thread is that of `worker`.
class Working {
 public:
  explicit Working(Worker& worker) : before_(detail::thread_context()) {
    detail::thread_context().reactor = &worker.reactor;
    detail::thread_context().tasks = &worker.tasks;
  }
  ~Working() { detail::thread_context() = before_; }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  detail::ThreadContext before_;
};

void arm_by(Worker& worker, Timer& timer, TimePoint at) {
  const Working here(worker);
  require(!timer.arm_at(at), "it was not armed");
}
void arm_every_by(Worker& worker, Timer& timer) {
  const Working here(worker);
  require(!timer.arm_every(period), "it was not armed");
}
void go_round_by(Worker& worker) {
  const Working here(worker);
  worker.go_round();
}

void sleep_and_go_round_by(Worker& worker) {
  const Working here(worker);
  worker.sleep_and_go_round();
}
void pass_two_periods_by(Worker& worker) {
  const Working here(worker);
  for (int i = 0; i < 2; ++i) {
    worker.let_pass(period);
    worker.go_round();
  }
}

/// The data that a callback uses. The timer alone guards it.
class Called {
 public:
  void call() {
    require(inside_.fetch_add(1, std::memory_order_relaxed) == 0, "one call at a time");
    ++calls_.write();
    require(inside_.fetch_sub(1, std::memory_order_relaxed) == 1, "one call at a time");
  }
  /// Precondition: no call is running.
  [[nodiscard]] int calls() const { return calls_.read(); }

 private:
  Atomic<int> inside_{0};
  Shared<int> calls_{0};
};

/// A timer and the data of its callback. The owner ends both by end().
struct Owned {
  Owned() : called(std::make_unique<Called>()) {
    timer = std::make_unique<Timer>([state = called.get()] { state->call(); });
  }
  void end() {
    timer.reset();
    called.reset();
  }
  std::unique_ptr<Called> called;
  std::unique_ptr<Timer> timer;
};

void expect_holds(std::uint32_t bound, void (*body)(Execution&)) {
  expect_holds_exhaustively(bound, body);
  expect_holds_randomly(20000, body);
}

// ---- disarmed from elsewhere

/// The timer outlives its worker, and must not refer to it any more.
void disarm_meets_the_worker(Execution& execution) {
  Called called;
  Timer timer([&] { called.call(); });
  Worker worker;
  arm_by(worker, timer, passed);
  bool disarmed = false;
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] { disarmed = timer.disarm(); });
  execution.join_all();
  require(called.calls() == (disarmed ? 0 : 1), "called, or disarmed");
  require(!timer.disarm(), "it is armed no more");
}

TEST(TimerModel, ADisarmElsewhereOrTheCall) { expect_holds(3, disarm_meets_the_worker); }

/// The thread that fires the timer is not the worker that calls it.
void disarm_meets_worker_and_visitor(Execution& execution) {
  Worker worker;
  Called called;
  Timer timer([&] { called.call(); });
  arm_by(worker, timer, passed);
  bool disarmed = false;
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] { static_cast<void>(worker.reactor.poll_remotely()); });
  execution.thread([&] { disarmed = timer.disarm(); });
  execution.join_all();
  go_round_by(worker);
  require(called.calls() == (disarmed ? 0 : 1), "called, or disarmed");
}

TEST(TimerModel, ADisarmElsewhereOrTheCallOfOneThatAVisitorFired) {
  expect_holds(2, disarm_meets_worker_and_visitor);
}

// ---- destroyed from elsewhere

void end_meets_the_worker(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_by(worker, *owned.timer, passed);
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] { owned.end(); });
  execution.join_all();
  go_round_by(worker);
}

TEST(TimerModel, AfterItsEndElsewhereNobodyCallsOrTouchesIt) {
  expect_holds(3, end_meets_the_worker);
}

void disarm_and_end_meet_the_worker(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_by(worker, *owned.timer, passed);
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] {
    static_cast<void>(owned.timer->disarm());
    owned.end();
  });
  execution.join_all();
  go_round_by(worker);
}

TEST(TimerModel, WhatWasDisarmedElsewhereWaitsForItsCallAtTheEnd) {
  expect_holds(3, disarm_and_end_meet_the_worker);
}

/// A remote poll fires it again while its callback is running.
void end_meets_worker_and_visitor(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_every_by(worker, *owned.timer);
  worker.let_pass(2 * period);
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] { static_cast<void>(worker.reactor.poll_remotely()); });
  execution.thread([&] { owned.end(); });
  execution.join_all();
  go_round_by(worker);
}

TEST(TimerModel, AfterItsEndElsewhereNobodyFiresIt) {
  expect_holds(2, end_meets_worker_and_visitor);
}

// ---- a period

void disarm_meets_the_next_period(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_every_by(worker, *owned.timer);
  execution.thread([&] { pass_two_periods_by(worker); });
  execution.thread([&] { require(owned.timer->disarm(), "it is armed all the time"); });
  execution.join_all();
  const int calls = owned.called->calls();
  require(calls <= 2, "a call a period at most");
  worker.let_pass(period);
  go_round_by(worker);
  require(owned.called->calls() == calls, "none after the disarm");
  require(!owned.timer->disarm(), "it is armed no more");
}

TEST(TimerModel, ADisarmElsewhereEndsThePeriods) { expect_holds(3, disarm_meets_the_next_period); }

void end_meets_the_next_period(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_every_by(worker, *owned.timer);
  execution.thread([&] { pass_two_periods_by(worker); });
  execution.thread([&] { owned.end(); });
  execution.join_all();
  worker.let_pass(period);
  go_round_by(worker);
}

TEST(TimerModel, TheEndElsewhereEndsThePeriods) { expect_holds(3, end_meets_the_next_period); }

// ---- armed elsewhere

void arm_meets_the_worker(Execution& execution) {
  Worker first;
  Worker second;
  Called called;
  Timer timer([&] { called.call(); });
  arm_by(first, timer, passed);
  bool was_armed = false;
  execution.thread([&] { go_round_by(first); });
  execution.thread([&] {
    const Working here(second);
    was_armed = timer.arm_at(passed);
    second.go_round();
  });
  execution.join_all();
  go_round_by(first);
  go_round_by(second);
  require(called.calls() == (was_armed ? 1 : 2), "a call for each time, but for one that was due");
  require(!timer.disarm(), "it is armed no more");
}

TEST(TimerModel, ArmedElsewhereItIsCalledOnOneWorkerAtATime) {
  expect_holds(3, arm_meets_the_worker);
}

/// The timer has moved, or stays where its callback runs. Its destructor finds it in either place.
void arm_and_end_meet_the_worker(Execution& execution) {
  Worker first;
  Worker second;
  Owned owned;
  arm_by(first, *owned.timer, passed);
  execution.thread([&] { go_round_by(first); });
  execution.thread([&] {
    const Working here(second);
    static_cast<void>(owned.timer->arm_at(passed));
    owned.end();
  });
  execution.join_all();
  go_round_by(first);
  go_round_by(second);
}

TEST(TimerModel, ArmedElsewhereItIsFoundAtItsEnd) { expect_holds(3, arm_and_end_meet_the_worker); }

// ---- the answer to a request

/// Both threads ask while the worker is inside. The worker, the thread itself or the other thread
/// serves each request.
void two_ask_at_once(Execution& execution) {
  Worker worker;
  Owned one;
  Owned other;
  arm_by(worker, *one.timer, never);
  arm_by(worker, *other.timer, never);
  execution.thread([&] { go_round_by(worker); });
  for (Owned* const mine : {&one, &other}) {
    execution.thread([mine] {
      require(mine->timer->disarm(), "a thread that asks is answered once");
      mine->end();
    });
  }
  execution.join_all();
}

TEST(TimerModel, EachWhoAsksIsAnsweredOnce) { expect_holds(2, two_ask_at_once); }

// ---- a callback that arms its timer

/// Called twice unless a disarm comes between.
struct ArmsItself {
  explicit ArmsItself(Worker& worker) {
    timer = std::make_unique<Timer>([this] {
      called.call();
      if (called.calls() == 1) require(!timer_there->arm_at(passed), "it is running, not armed");
    });
    timer_there = timer.get();
    arm_by(worker, *timer, passed);
  }
  Called called;
  std::unique_ptr<Timer> timer;
  Timer* timer_there;  // for the callback: `timer` is changed by the thread that destroys it
};

void disarm_meets_arming(Execution& execution) {
  Worker worker;
  ArmsItself timer(worker);
  bool disarmed = false;
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] { disarmed = timer.timer->disarm(); });
  execution.join_all();
  go_round_by(worker);
  const int calls = timer.called.calls();
  require(disarmed ? calls < 2 : calls == 2, "each call was made, or disarmed with all after it");
  require(!timer.timer->disarm(), "it is armed no more");
}

TEST(TimerModel, ADisarmMeetsACallbackThatArms) { expect_holds(3, disarm_meets_arming); }

void end_meets_arming(Execution& execution) {
  Worker worker;
  auto timer = std::make_unique<ArmsItself>(worker);
  execution.thread([&] {
    const Working here(worker);
    worker.go_round();
    worker.go_round();
  });
  execution.thread([&] {
    timer->timer.reset();
    timer.reset();
  });
  execution.join_all();
  go_round_by(worker);
}

TEST(TimerModel, TheEndMeetsACallbackThatArms) { expect_holds(3, end_meets_arming); }

/// A callback destroys its timer. The reactor does not touch the timer after that, nor does a
/// remote poll.
void end_within_the_call(Execution& execution) {
  Worker worker;
  std::optional<Timer> timer;  // its memory stays
  timer.emplace([&timer] { timer.reset(); });
  arm_by(worker, *timer, passed);
  execution.thread([&] { go_round_by(worker); });
  execution.thread([&] { static_cast<void>(worker.reactor.poll_remotely()); });
  execution.join_all();
  go_round_by(worker);
  require(!timer, "it was called");
}

TEST(TimerModel, ACallbackDestroysItsTimer) { expect_holds(3, end_within_the_call); }

// ---- a worker that sleeps

/// Disarms from another thread, then tells the worker to end.
void disarm_and_end(Owned& owned, Worker& worker) {
  require(owned.timer->disarm(), "it was armed");
  owned.end();
  worker.tell_to_end();
}

/// A lost wake is a livelock of the waiting thread here.
void sleeper_is_asked_to_disarm(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_by(worker, *owned.timer, never);
  execution.thread([&] { sleep_and_go_round_by(worker); });
  execution.thread([&] { disarm_and_end(owned, worker); });
  execution.join_all();
}

TEST(TimerModel, AWorkerThatSleepsIsWoken) { expect_holds(3, sleeper_is_asked_to_disarm); }

/// A remote poll may have taken the wake that was meant for the worker.
void sleeper_is_visited(Execution& execution) {
  Worker worker;
  Owned owned;
  arm_by(worker, *owned.timer, never);
  execution.thread([&] { sleep_and_go_round_by(worker); });
  execution.thread([&] { static_cast<void>(worker.reactor.poll_remotely()); });
  execution.thread([&] { disarm_and_end(owned, worker); });
  execution.join_all();
}

TEST(TimerModel, AWorkerThatSleepsIsWokenThoughSomebodyVisits) {
  expect_holds(2, sleeper_is_visited);
}

void sleeper_is_asked_twice(Execution& execution) {
  Worker worker;
  Owned one;
  Owned other;
  arm_by(worker, *one.timer, never);
  arm_by(worker, *other.timer, never);
  Atomic<int> left{2};
  execution.thread([&] { sleep_and_go_round_by(worker); });
  for (Owned* const mine : {&one, &other}) {
    execution.thread([&, mine] {
      require(mine->timer->disarm(), "it was armed");
      mine->end();
      if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) worker.tell_to_end();
    });
  }
  execution.join_all();
}

TEST(TimerModel, AWorkerThatSleepsIsWokenForAllWhoAsk) { expect_holds(1, sleeper_is_asked_twice); }

void sleepers_timer_moves(Execution& execution) {
  Worker first;
  Worker second;
  Called called;
  Timer timer([&] { called.call(); });
  arm_by(first, timer, later);
  bool was_armed = false;
  execution.thread([&] { sleep_and_go_round_by(first); });
  execution.thread([&] {
    const Working here(second);
    was_armed = timer.arm_at(passed);
    first.tell_to_end();
    second.go_round();
  });
  execution.join_all();
  go_round_by(first);
  go_round_by(second);
  require(called.calls() == (was_armed ? 1 : 2), "a call for each time, but for one that was due");
}

TEST(TimerModel, TheTimerOfAWorkerThatSleepsUntilThenMoves) {
  expect_holds(2, sleepers_timer_moves);
}

}  // namespace
}  // namespace weft::model::timer_model_test
