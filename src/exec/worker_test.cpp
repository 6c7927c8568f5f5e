// Worker: the order in which work is found, and that nothing starves, on a park that never blocks.
#include "exec/worker.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exec/scheduler.hpp"
#include "os/thread.hpp"

namespace weft::worker_test {
namespace {

/// Ends the run when the worker has nothing to do; can make work runnable as a reactor does.
class ScriptedPark final : public detail::Park {
 public:
  void park() noexcept override {
    ++parks;
    if (on_park) on_park();
  }
  bool poll() noexcept override {
    ++polls;
    if (on_poll) on_poll();
    return true;
  }
  bool poll_now() noexcept override {
    ++collects;
    if (on_collect) on_collect();
    return false;
  }
  void unpark() noexcept override { ++unparks; }
  std::int64_t now() noexcept override {
    if (on_now) on_now();
    return now_ns;
  }

  std::int64_t now_ns = 0;
  std::function<void()> on_park;
  std::function<void()> on_poll;
  std::function<void()> on_collect;
  std::function<void()> on_now;
  int parks = 0;
  int polls = 0;
  int collects = 0;
  int unparks = 0;
};

class Work final : public Runnable {
 public:
  explicit Work(std::function<void(Work&)> what)
      : Runnable(&Work::on_run), what_(std::move(what)) {}

 private:
  static void on_run(Runnable& self) noexcept {
    auto& work = static_cast<Work&>(self);
    work.what_(work);
  }
  std::function<void(Work&)> what_;
};

class WorkerTest : public ::testing::Test {
 protected:
  Work& note(std::string word) {
    return make([this, word = std::move(word)](Work&) { words.push_back(word); });
  }
  Work& make(std::function<void(Work&)> what) {
    work_.push_back(std::make_unique<Work>(std::move(what)));
    return *work_.back();
  }
  /// Makes note(word) runnable on a thread that is no worker.
  void from_outside(const char* word) {
    std::thread([&] { scheduler.schedule(note(word)); }).join();
  }
  /// Runs until the worker parks for the first time.
  void run() {
    const int parks_before = park.parks;
    worker().run_until([&] { return park.parks != parks_before; });
  }
  detail::Worker& worker() { return scheduler.worker(0); }

  ScriptedPark park;
  detail::Scheduler scheduler{std::vector<detail::Park*>{&park}};
  std::vector<std::string> words;

 private:
  std::vector<std::unique_ptr<Work>> work_;
};

using Words = std::vector<std::string>;

TEST_F(WorkerTest, IsCurrentOnlyInsideItsLoop) {
  detail::Worker* seen = nullptr;
  scheduler.schedule(make([&](Work&) { seen = detail::Worker::current(); }));
  EXPECT_EQ(detail::Worker::current(), nullptr);
  run();
  EXPECT_EQ(seen, &worker());
  EXPECT_EQ(detail::Worker::current(), nullptr);
}

TEST_F(WorkerTest, WhatATaskWakesLastRunsNext) {
  scheduler.schedule(make([&](Work&) {
    scheduler.schedule(note("first"));
    scheduler.schedule(note("second"));
    scheduler.defer(note("deferred"));
    scheduler.schedule(note("last"));
  }));
  run();
  EXPECT_EQ(words, (Words{"last", "first", "deferred", "second"}));
}

TEST_F(WorkerTest, ATaskTakesOutWhatItWaitsForIfThatIsNext) {
  scheduler.schedule(make([&](Work&) {
    Work& first = note("first");
    Work& second = note("second");
    Work& last = note("last");
    scheduler.schedule(first);
    scheduler.schedule(second);
    scheduler.schedule(last);
    EXPECT_FALSE(scheduler.claim(last));    // others have waited for longer
    EXPECT_FALSE(scheduler.claim(second));  // it stands in the middle
    EXPECT_TRUE(scheduler.claim(first));
    EXPECT_FALSE(scheduler.claim(first));
    EXPECT_TRUE(scheduler.claim(second));
    EXPECT_TRUE(scheduler.claim(last));
  }));
  run();
  EXPECT_EQ(words, Words{});
}

TEST_F(WorkerTest, ALifoChainLetsTheQueueHaveItsTurn) {
  int rounds = 0;
  int others_ran_at = -1;
  scheduler.schedule(make([&](Work&) {
    scheduler.defer(make([&](Work&) { others_ran_at = rounds; }));
    scheduler.schedule(make([&](Work& self) {
      if (++rounds < 100) scheduler.schedule(self);
    }));
  }));
  run();
  EXPECT_EQ(rounds, 100);
  EXPECT_GT(others_ran_at, 0);
  EXPECT_LE(others_ran_at, 5);
}

TEST(WorkerTheftTest, TheLifoSlotIsStolenOnlyIfItsOwnerDoesNotComeToIt) {
  ScriptedPark parks[2];
  detail::Scheduler scheduler({&parks[0], &parks[1]});
  detail::Worker& owner = scheduler.worker(0);
  detail::Worker& thief = scheduler.worker(1);
  detail::LifoPatience patience;
  int runs = 0;
  Work next([&](Work&) { ++runs; });
  Work from_outside([&](Work&) { ++runs; });
  Work task([&](Work&) {
    scheduler.schedule(next);
    EXPECT_TRUE(owner.has_any_work());
    EXPECT_EQ(owner.steal_lifo(owner.ticks() - 1), nullptr) << "it has come back since";
    if (detail::cpu_count() > 1) {
      std::thread([&] { scheduler.schedule(from_outside); }).join();
      EXPECT_EQ(owner.steal_lifo(thief, patience), nullptr) << "there is something else for it";
      EXPECT_EQ(thief.steal(), &from_outside);
      detail::LifoPatience none_left(1);
      EXPECT_EQ(owner.steal_lifo(thief, none_left), nullptr) << "it has waited for other owners";
    }
    EXPECT_EQ(owner.steal_lifo(thief, patience), &next);
    EXPECT_FALSE(owner.has_any_work()) << "other thieves are not to come for what is gone";
    EXPECT_TRUE(owner.offers_nothing());
    EXPECT_EQ(owner.steal_lifo(owner.ticks()), nullptr);
  });
  scheduler.schedule(task);
  owner.run_until([&] { return parks[0].parks != 0; });
  EXPECT_EQ(runs, 0) << "the thief has them";
}

TEST_F(WorkerTest, WorkFromOutsideDoesNotWaitForABusyWorkerForEver) {
  int rounds = 0;
  int outside_ran_at = -1;
  Work& outside = make([&](Work&) { outside_ran_at = rounds; });
  scheduler.schedule(make([&](Work& self) {
    if (++rounds < 1000) scheduler.defer(self);
  }));
  scheduler.schedule(outside);
  run();
  EXPECT_GE(outside_ran_at, 0);
  EXPECT_LE(outside_ran_at, 100);
}

TEST_F(WorkerTest, TheParkIsPolledWhileTheWorkerIsBusy) {
  int rounds = 0;
  int brought_ran_at = -1;
  Work& brought = make([&](Work&) { brought_ran_at = rounds; });
  park.on_poll = [&] {
    if (park.polls == 1) scheduler.schedule(brought);
  };
  scheduler.schedule(make([&](Work& self) {
    if (++rounds < 1000) scheduler.defer(self);
  }));
  run();
  EXPECT_GE(park.polls, 5);
  EXPECT_GE(brought_ran_at, 0);
  EXPECT_LE(brought_ran_at, 300);
}

/// Tasks that use time and then let others go first, until the time is over.
class WorkerTimeTest : public WorkerTest {
 protected:
  struct User {
    std::int64_t used_ns = 0;
    int turns = 0;
  };
  static constexpr std::int64_t end_ns = 1'000'000'000;

  Work& using_time(User& user, std::int64_t slice_ns, Executor& executor) {
    return make([this, &user, slice_ns, &executor](Work& self) {
      if (park.now_ns >= end_ns) return;
      park.now_ns += slice_ns;
      user.used_ns += slice_ns;
      ++user.turns;
      executor.defer(self);
    });
  }
  Work& using_time(User& user, std::int64_t slice_ns) {
    return using_time(user, slice_ns, scheduler);
  }
  /// One that computes and one that hardly does share the time, not the turns.
  void expect_shared_time(Executor& executor) {
    User computing;
    User spinning;
    executor.schedule(using_time(computing, 1'000'000, executor));
    executor.schedule(using_time(spinning, 100, executor));
    run();
    EXPECT_GE(computing.used_ns, end_ns * 4 / 10);
    EXPECT_GE(spinning.used_ns, end_ns * 3 / 10);
  }
};

TEST_F(WorkerTimeTest, ATaskThatComputesInSlicesHasHalfOfTheTimeNotOfTheTurns) {
  expect_shared_time(scheduler);
}

TEST_F(WorkerTimeTest, TheSameForWhatIsBoundToTheWorker) { expect_shared_time(worker().local()); }

TEST_F(WorkerTimeTest, BoundAndFreeWorkThatComputesTakeTurns) {
  User bound;
  User free;
  User spinning;
  worker().local().schedule(using_time(bound, 1'000'000, worker().local()));
  scheduler.schedule(using_time(free, 1'000'000));
  scheduler.schedule(using_time(spinning, 100));
  run();
  EXPECT_GE(bound.used_ns, end_ns * 2 / 10);
  EXPECT_GE(free.used_ns, end_ns * 2 / 10);
  EXPECT_GE(spinning.used_ns, end_ns * 3 / 10);
}

TEST_F(WorkerTimeTest, ATaskThatComputesAloneHasAllTheTime) {
  User computing;
  scheduler.schedule(using_time(computing, 1'000'000));
  run();
  EXPECT_EQ(computing.used_ns, end_ns);
}

TEST_F(WorkerTimeTest, LowPriorityHasItsTurnsButNotMoreThanHalfOfTheTime) {
  User low;
  User spinning;
  Executor& background = scheduler.of_priority(Priority::low);
  background.schedule(using_time(low, 1'000'000, background));
  scheduler.schedule(using_time(spinning, 100));
  run();
  EXPECT_GE(low.used_ns, end_ns * 4 / 10);
  EXPECT_GE(spinning.used_ns, end_ns * 4 / 10);
}

TEST_F(WorkerTimeTest, DemotedTasksLeaveLowPriorityItsTurns) {
  User low;
  User computing;
  User spinning;
  Executor& background = scheduler.of_priority(Priority::low);
  background.schedule(using_time(low, 1'000'000, background));
  scheduler.schedule(using_time(computing, 1'000'000));
  scheduler.schedule(using_time(spinning, 100));
  run();
  for (const User* user : {&low, &computing, &spinning}) {
    EXPECT_GE(user->used_ns, end_ns * 2 / 10);
  }
}

TEST_F(WorkerTimeTest, EventsAreAskedForAfterEachLongRun) {
  User computing;
  User spinning;
  scheduler.schedule(using_time(computing, 1'000'000));
  scheduler.schedule(using_time(spinning, 1'000'000));
  run();
  EXPECT_GE(park.polls, (computing.turns + spinning.turns) / 2);
}

TEST_F(WorkerTest, WhatTheParkBringsRunsInItsOrder) {
  park.on_park = [&] {
    if (park.parks != 1) return;
    for (const char* word : {"a", "b", "c"}) scheduler.schedule(note(word));
  };
  worker().run_until([&] { return park.parks == 2; });
  EXPECT_EQ(words, (Words{"a", "b", "c"}));
  EXPECT_EQ(park.unparks, 0) << "it need not wake itself for what it brings itself";
}

TEST_F(WorkerTest, MoreWorkThanTheQueueHoldsSpillsAndComesBack) {
  int ran = 0;
  scheduler.schedule(make([&](Work&) {
    for (int i = 0; i < 3000; ++i) {
      scheduler.defer(make([&](Work&) { ++ran; }));
    }
  }));
  run();
  EXPECT_EQ(ran, 3000);
}

TEST_F(WorkerTest, AStopThatArrivesDuringAPollIsSeenBeforeTheWorkerSleeps) {
  bool stop = false;
  park.on_poll = [&] { stop = true; };  // the unpark that goes with it was taken by this poll
  int rounds = 0;
  scheduler.schedule(make([&](Work& self) {
    // The poll finds the queue empty: the last round is the one before it.
    if (++rounds < 126) scheduler.defer(self);
  }));
  worker().run_until([&] { return stop || park.parks != 0; });
  EXPECT_EQ(park.polls, 1);
  EXPECT_EQ(park.parks, 0);
}

TEST_F(WorkerTest, AfterAShortParkThatWorkHasEndedItSpinsBeforeTheNext) {
  if (detail::cpu_count() == 1)
    GTEST_SKIP() << "it would keep the only processor from the thread that brings work";
  park.on_park = [&] {
    if (park.parks == 1) from_outside("woken");
  };
  bool brought = false;
  park.on_now = [&] {
    park.now_ns += 1'000;
    if (words == Words{"woken"} && !std::exchange(brought, true)) from_outside("found");
  };
  worker().run_until([&] { return park.parks == 2; });
  EXPECT_EQ(words, (Words{"woken", "found"}));
  EXPECT_EQ(park.unparks, 1) << "a spinning worker is not woken";
}

TEST_F(WorkerTest, WhatComesWhileItSpinsIsRunEvenIfItIsToStop) {
  if (detail::cpu_count() == 1) GTEST_SKIP() << "it does not spin";
  bool stop = false;
  park.on_park = [&] {
    if (park.parks == 1) from_outside("woken");
  };
  park.on_now = [&] {
    park.now_ns += 1'000;
    if (words != Words{"woken"} || stop) return;
    from_outside("found");  // no worker is woken for it
    stop = true;
  };
  worker().run_until([&] { return stop || park.parks == 2; });
  EXPECT_EQ(words, (Words{"woken", "found"}));
  EXPECT_EQ(park.unparks, 1);
}

// A spare worker, of which there is none without a second one.
TEST(SpareWorkerTest, AStopWhoseUnparkWasTakenIsSeenBeforeItSleeps) {
  ScriptedPark park;
  ScriptedPark other;
  detail::Scheduler scheduler(std::vector<detail::Park*>{&park, &other});
  bool stop = false;
  park.on_collect = [&] { stop = true; };  // and the unpark that goes with it is taken there
  Work bound([](Work&) {});
  const auto serve = [&] { scheduler.worker(0).serve_until([&] { return stop; }); };
  scheduler.worker(0).local().schedule(bound);
  serve();
  EXPECT_EQ(park.collects, 1);
  EXPECT_EQ(park.parks, 0);
  // With nothing to run it is the park that takes it, and returns.
  stop = false;
  park.on_park = [&] { stop = true; };
  serve();
  EXPECT_EQ(park.collects, 1);
  EXPECT_EQ(park.parks, 1);
}

TEST_F(WorkerTest, ASleeperIsUnparkedByWorkFromOutside) {
  park.on_park = [&] {
    if (park.parks == 1) {
      // As from another thread: not in this worker's loop.
      std::thread([&] { scheduler.schedule(note("woken")); }).join();
    }
  };
  worker().run_until([&] { return park.parks == 2; });
  EXPECT_EQ(park.unparks, 1);
  EXPECT_EQ(words, Words{"woken"});
}

}  // namespace
}  // namespace weft::worker_test
