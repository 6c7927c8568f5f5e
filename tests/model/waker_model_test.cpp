// The waker of a task that awaits a future, in every interleaving. A poll that begins after the
// wake answers each wake, the task goes on exactly once, and no thread touches freed memory. The
// comment of each test names the faults in src/task/future_awaiter.cpp that the test was seen to
// catch.
#include <array>

#include "model/future_model.hpp"

namespace weft::model::waker_model_test {
namespace {

// Catches: a wait that begins although a wake came during the poll (a begin_wait() that ignores the
// notification), so that the task sleeps for ever.
void wake_while_polling(Execution& execution) {
  const NoLeak no_leak;
  {
    Atomic<bool> there{false};
    WakerBox box;
    AwaitingTask task([&](Context& cx) {
      box.put(cx.waker());
      return there.load(std::memory_order_acquire);
    });
    execution.thread([&] { task.run_to_end(); });
    execution.thread([&] {
      const Waker waker = box.take();
      there.store(true, std::memory_order_release);
      waker.wake_by_ref();
    });
    execution.join_all();
    require(task.resumed == 1 && task.polls <= 2, "one wake, at most one more poll");
  }
  no_leak.check();
}

TEST(WakerModel, AWakeWhilePollingLeadsToOneMorePoll) {
  expect_holds_exhaustively(4, wake_while_polling);
}

// Catches: a begin_poll() that does not clear the notification before it polls, so that the next
// wait never begins (more polls than wakes), and one that clears it after the poll.
void two_who_wake(Execution& execution) {
  const NoLeak no_leak;
  {
    Atomic<int> there{0};
    std::array<WakerBox, 2> boxes;
    AwaitingTask task([&](Context& cx) {
      for (WakerBox& box : boxes) box.put(cx.waker());
      return there.load(std::memory_order_acquire) == 2;
    });
    execution.thread([&] { task.run_to_end(); });
    for (WakerBox& box : boxes) {
      execution.thread([&there, &box] {
        Waker waker = box.take();
        there.fetch_add(1, std::memory_order_release);
        std::move(waker).wake();
      });
    }
    execution.join_all();
    require(task.resumed == 1 && task.polls <= 3, "a wake for each, or less");
  }
  no_leak.check();
}

TEST(WakerModel, WakesCoalesceAndNoneIsLost) {
  expect_holds_exhaustively(2, two_who_wake);
  expect_holds_randomly(20000, two_who_wake);
}

// Catches: a wake that schedules in any state (a notify() without the comparison); a block that the
// leaf's end frees though clones exist; a turn that ends without queueing the leaf again though the
// poll had woken it.
void wake_after_completion(Execution& execution) {
  const NoLeak no_leak;
  {
    WakerBox box;
    AwaitingTask task([&, first = true](Context& cx) mutable {
      box.put(cx.waker());
      if (!std::exchange(first, false)) return true;
      cx.waker().wake_by_ref();
      return false;
    });
    execution.thread([&] { task.run_to_end(); });
    execution.thread([&] {
      Waker waker = box.take();
      waker.wake_by_ref();
      std::move(waker).wake();
    });
    execution.join_all();
    require(task.resumed == 1 && task.polls == 2, "wakes that come late change nothing");
  }
  no_leak.check();
}

TEST(WakerModel, AWakeAfterTheEndIsHarmless) {
  expect_holds_exhaustively(4, wake_after_completion);
}

// Catches: a clone without a reference, a drop that does not free, a wake that does not consume its
// handle.
void clones_and_drops(Execution& execution) {
  const NoLeak no_leak;
  {
    WakerBox box;
    Atomic<bool> there{false};
    AwaitingTask task([&](Context& cx) {
      box.put(cx.waker());
      return there.load(std::memory_order_acquire);
    });
    execution.thread([&] { task.run_to_end(); });
    ThreadParker copied;
    Waker shared;
    execution.thread([&] {
      Waker waker = box.take();
      shared = waker;
      copied.unpark();
      const Waker again = waker;
      require(again.will_wake(waker), "a copy is for the same task");
      Waker moved = std::move(waker);
      there.store(true, std::memory_order_release);
      std::move(moved).wake();
    });
    execution.thread([&] {
      copied.park();
      const Waker copy = shared;
      shared = Waker();
    });
    execution.join_all();
    require(task.resumed == 1, "one end");
  }
  no_leak.check();
}

TEST(WakerModel, EveryCloneIsCounted) {
  expect_holds_exhaustively(2, clones_and_drops);
  expect_holds_randomly(20000, clones_and_drops);
}

// Catches: a clone_own() that stores its block without comparing. Two clones made at the same time
// then have a block each, and the wake through one of them is lost.
void first_clones_on_two_threads(Execution& execution) {
  const NoLeak no_leak;
  {
    std::array<ThreadParker, 2> given;
    std::array<ThreadParker, 2> done;
    std::array<Waker, 2> clones;
    const Waker* borrowed = nullptr;
    int polls = 0;
    AwaitingTask task([&](Context& cx) {
      if (++polls == 2) return true;
      borrowed = &cx.waker();
      for (ThreadParker& parker : given) parker.unpark();
      for (ThreadParker& parker : done) parker.park();
      return false;
    });
    execution.thread([&] { task.run_to_end(); });
    for (std::size_t i = 0; i < 2; ++i) {
      execution.thread([&, i] {
        given[i].park();
        clones[i] = *borrowed;
        done[i].unpark();
        if (i == 1) clones[i].wake_by_ref();
      });
    }
    execution.join_all();
    require(clones[0].will_wake(clones[1]), "one block");
    clones = {};
  }
  no_leak.check();
}

TEST(WakerModel, TwoThreadsMayMakeTheFirstClone) {
  expect_holds_exhaustively(2, first_clones_on_two_threads);
  expect_holds_randomly(20000, first_clones_on_two_threads);
}

// Catches: a leaf that is released while a wake is about to schedule it (a cancel that ends the
// await without changing the word); a run that asks for the cancel before it clears the
// notification, so that the cancel's own notification is lost.
void wake_against_drop(Execution& execution) {
  const NoLeak no_leak;
  {
    WakerBox box;
    AwaitingTask task([&](Context& cx) {
      box.put(cx.waker());
      return false;
    });
    execution.thread([&] { task.run_to_end(); });
    execution.thread([&] {
      Waker waker = box.take();
      waker.wake_by_ref();
      std::move(waker).wake();
    });
    execution.thread([&] {
      task.cancel();
      box.put(Waker());  // if nothing was begun there is no task to wake
    });
    execution.join_all();
    require(task.cancelled == 1, "nothing but the cancel ends it");
  }
  no_leak.check();
}

TEST(WakerModel, AWakeMeetsTheEndOfTheTask) {
  expect_holds_exhaustively(2, wake_against_drop);
  expect_holds_randomly(50000, wake_against_drop);
}

// Catches: a cancel that only marks and does not wake; a last poll that is left out, so that a
// value is lost; a check for the cancel only after that poll.
void cancel_against_wake(Execution& execution) {
  const NoLeak no_leak;
  {
    Atomic<bool> there{false};
    bool taken = false;
    WakerBox box;
    AwaitingTask task([&](Context& cx) {
      box.put(cx.waker());
      taken = there.load(std::memory_order_acquire);
      return taken;
    });
    bool there_before_cancel = false;
    execution.thread([&] { task.run_to_end(); });
    execution.thread([&] {
      const Waker waker = box.take();
      waker.wake_by_ref();  // without effect
      there.store(true, std::memory_order_release);
      waker.wake_by_ref();
    });
    execution.thread([&] {
      there_before_cancel = there.load(std::memory_order_acquire);
      task.cancel();
      box.put(Waker());
    });
    execution.join_all();
    require(task.resumed == (taken ? 1 : 0), "a poll that was ready is a result");
    require(task.resumed == 1 || !there_before_cancel,
            "what was there before the cancel is not lost");
  }
  no_leak.check();
}

TEST(WakerModel, ACancelMeetsAWakeAndNothingIsLost) {
  expect_holds_exhaustively(2, cancel_against_wake);
  expect_holds_randomly(50000, cancel_against_wake);
}

// Catches: a notify() of a leaf without a block that does not schedule from `waiting`; a leaf that
// waits without having armed itself, or that arms itself after its wait began.
void cancel_of_one_nobody_can_wake(Execution& execution) {
  AwaitingTask task([](Context&) { return false; });
  execution.thread([&] { task.run_to_end(); });
  execution.thread([&] { task.cancel(); });
  execution.thread([&] { task.cancel(); });
  execution.join_all();
  require(task.cancelled == 1 && task.polls <= 3, "it ends");
}

TEST(WakerModel, ACancelNeedsNoWaker) {
  expect_holds_exhaustively(3, cancel_of_one_nobody_can_wake);
}

}  // namespace
}  // namespace weft::model::waker_model_test
