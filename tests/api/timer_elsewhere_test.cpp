// Timer: from other threads than its worker's, and at the end of the runtime.
#include <weft/sleep.hpp>
#include <weft/time.hpp>
#include <weft/timer.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include "support/stuck_worker.hpp"
#include "support/timer_fixture.hpp"

namespace weft::test::timer_elsewhere_test {
namespace {

using namespace std::chrono_literals;

class TimerElsewhere : public TimerTest {};
WEFT_ON_ALL_RUNTIMES(TimerElsewhere);

TEST_P(TimerElsewhere, OutsideARuntimeItCannotBeArmed) {
  Counted counted;
  EXPECT_THROW(counted.timer.arm_after(1ms), std::logic_error);
  EXPECT_THROW(counted.timer.arm_at(TimePoint()), std::logic_error);
  EXPECT_FALSE(counted.timer.disarm());
}

TEST_P(TimerElsewhere, DisarmedAndDestroyedByAThreadOutside) {
  std::optional<Counted> counted(std::in_place);
  run_bound([&]() -> Task<void> {
    counted->timer.arm_after(1h);
    co_return;
  });
  EXPECT_TRUE(counted->timer.disarm());  // the worker sleeps, or is in no loop
  EXPECT_FALSE(counted->timer.disarm());
  run_bound([&]() -> Task<void> {
    counted->timer.arm_after(1h);
    co_return;
  });
  EXPECT_THROW(counted->timer.arm_after(1ms), std::logic_error);
  counted.reset();
}

TEST_P(TimerElsewhere, ABusyWorkersTimerIsDisarmedFromOutside) {
  if (!several_workers()) GTEST_SKIP() << "the worker that computes is to be another one";
  StuckWorker stuck;
  Counted counted;
  auto handle = stuck.behind(runtime(), [&]() -> Task<void> {
    counted.timer.arm_after(1h);
    co_return;
  });
  EXPECT_TRUE(counted.timer.disarm());  // at once, although the worker computes
  stuck.let_go();
  run([&] { return std::move(handle).outcome(); });
  EXPECT_EQ(counted.calls, 0);
}

// A timer that a remote poll fires waits for its worker. Until then another thread can disarm it.
TEST_P(TimerElsewhere, ABusyWorkersTimerIsCalledWhenItComesBack) {
  if (!several_workers()) GTEST_SKIP() << "the worker that computes is to be another one";
  StuckWorker stuck;
  Counted disarmed;
  std::counting_semaphore<> called(0);
  Timer timer([&] { called.release(); });
  auto handle = stuck.behind(runtime(), [&]() -> Task<void> {
    timer.arm_after(1ms);
    disarmed.timer.arm_after(1ms);
    co_await sleep_for(2ms);
  });
  run([&] { return std::move(handle).outcome(); });
  const int calls = disarmed.calls;
  EXPECT_TRUE(disarmed.timer.disarm());
  stuck.let_go();
  called.acquire();
  EXPECT_EQ(disarmed.calls, calls);
}

TEST_P(TimerElsewhere, ArmedByAnotherWorkerItMovesThere) {
  if (!several_workers()) GTEST_SKIP() << "there is one worker";
  Runtime& it = runtime();
  std::thread::id there;
  std::binary_semaphore called(0);
  Timer timer([&] {
    there = std::this_thread::get_id();
    called.release();
  });
  std::thread::id first;
  std::thread::id second;
  it.block_on(it.spawn(SpawnOptions().on_worker(0), [&]() -> Task<void> {
    first = std::this_thread::get_id();
    EXPECT_FALSE(timer.arm_after(1h));
    co_return;
  }));
  it.block_on(it.spawn(SpawnOptions().on_worker(1), [&]() -> Task<void> {
    second = std::this_thread::get_id();
    EXPECT_TRUE(timer.arm_after(1ms));
    co_return;
  }));
  called.acquire();
  EXPECT_NE(first, second);
  EXPECT_EQ(there, second);
}

// Another thread destroys or disarms the timer in the middle of its callback.
TEST_P(TimerElsewhere, DestroyingWaitsForARunningCallbackAndDisarmingDoesNot) {
  if (GetParam() == 0) GTEST_SKIP() << "the worker is the thread that would destroy it";
  std::binary_semaphore begun(0);
  std::binary_semaphore go_on(0);
  std::atomic<bool> ended{false};
  Timer* self = nullptr;
  auto timer = std::make_unique<Timer>([&] {
    begun.release();
    go_on.acquire();
    self->arm_after(1h);  // allowed for as long as it runs
    ended = true;
  });
  self = timer.get();
  run_bound([&]() -> Task<void> {
    timer->arm_after(1ms);
    co_return;
  });
  begun.acquire();
  EXPECT_FALSE(timer->disarm());
  EXPECT_FALSE(ended);
  std::thread freeing([&] { go_on.release(); });
  timer.reset();
  EXPECT_TRUE(ended);
  freeing.join();
}

// A task goes from worker to worker and takes its timer along, which keeps coming due.
TEST_P(TimerElsewhere, ArmedFromEverywhereAllTheWhile) {
  if (!several_workers()) GTEST_SKIP() << "there is one worker";
  Runtime& it = runtime();
  std::atomic<int> calls{0};
  int expected = 0;
  Timer timer([&] { ++calls; });
  for (int round = 0; round < 300; ++round) {
    const auto worker = static_cast<std::size_t>(round % 2);
    it.block_on(it.spawn(SpawnOptions().on_worker(worker), [&, round]() -> Task<void> {
      if (round % 7 == 3) {
        timer.disarm();
      } else if (round % 5 == 0) {
        timer.arm_every(50us);
      } else {
        timer.arm_after(round % 3 == 0 ? Nanoseconds(0) : Nanoseconds(70us));
      }
      ++expected;
      co_return;
    }));
  }
  timer.disarm();
  EXPECT_EQ(expected, 300);
}

// The end of the runtime

TEST_P(TimerElsewhere, AShutdownDropsWhatIsArmedAndTheTimerOutlivesIt) {
  Counted far;
  Counted past;
  Counted periodic;
  run_bound([&]() -> Task<void> {
    far.timer.arm_after(1h);
    periodic.timer.arm_every(1h);
    past.timer.arm_at(TimePoint::max());
    co_return;
  });
  end_runtime();
  EXPECT_FALSE(far.timer.disarm());
  EXPECT_FALSE(periodic.timer.disarm());
  EXPECT_EQ(far.calls + past.calls + periodic.calls, 0);
}

TEST_P(TimerElsewhere, AShutdownDoesNotRunWhatIsDue) {
  std::deque<Counted> counted(1000);
  run_bound([&]() -> Task<void> {
    for (Counted& each : counted) each.timer.arm_every(1ns);
    co_return;
  });
  end_runtime();
  int calls = 0;
  for (const Counted& each : counted) calls += each.calls;
  for (Counted& each : counted) EXPECT_FALSE(each.timer.disarm());
  int later = 0;
  for (const Counted& each : counted) later += each.calls;
  EXPECT_EQ(later, calls);
}

}  // namespace
}  // namespace weft::test::timer_elsewhere_test
