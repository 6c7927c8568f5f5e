// The checker's reports of plain data and of lifetimes: races, uses after the end, leaks; and the
// text of the reports.
#include <cstdlib>
#include <memory>
#include <string>
#include <weft/atomic.hpp>

#include "model/model_test.hpp"

namespace weft::model::data_model_test {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

Report enumerate(std::function<void(Execution&)> body) {
  return explore({.strategy = Strategy::kBounded, .iterations = 100'000}, std::move(body));
}

void expect_found(const Report& report, const std::string& what) {
  EXPECT_TRUE(report.failed) << what;
  EXPECT_NE(report.text.find(what), std::string::npos) << report.text;
}

auto hand_over(std::memory_order store, std::memory_order load) {
  return [=](Execution& execution) {
    Shared<int> data{0};
    name(data, "the data");
    Atomic<bool> ready{false};
    execution.thread([&] {
      data.write() = 1;
      ready.store(true, store);
    });
    execution.thread([&] {
      if (ready.load(load)) require(data.read() == 1, "it is there");
    });
    execution.join_all();
  };
}

TEST(ModelData, AHandOverNeedsReleaseAndAcquire) {
  EXPECT_FALSE(enumerate(hand_over(kRelease, kAcquire)).failed);
  for (const auto& report :
       {enumerate(hand_over(kRelaxed, kAcquire)), enumerate(hand_over(kRelease, kRelaxed))}) {
    expect_found(report, "data race: thread 2 reads what thread 1 has written at model/data_model");
    expect_found(report, "reads data the data");
  }
}

TEST(ModelData, TwoWritersRaceThoughTheyNeverMeet) {
  expect_found(enumerate([](Execution& execution) {
                 Shared<int> data;
                 execution.thread([&] { data.write() = 1; });
                 execution.thread([&] { data.write() = 2; });
                 execution.join_all();
               }),
               "data race: thread 2 writes what thread 1 has written at ");
}

TEST(ModelData, AWriteRacesWithAnEarlierRead) {
  expect_found(enumerate([](Execution& execution) {
                 Shared<int> data{1};
                 Atomic<int> readers{1};
                 execution.thread([&] {
                   static_cast<void>(data.read());
                   readers.fetch_sub(1, kRelaxed);  // must be a release
                 });
                 execution.thread([&] {
                   if (readers.load(kAcquire) == 0) data.write() = 2;
                 });
                 execution.join_all();
               }),
               "data race: thread 2 writes what thread 1 uses at ");
}

TEST(ModelData, AMutexAndAParkerOrderData) {
  const Report report = enumerate([](Execution& execution) {
    Shared<int> data{0};
    ThreadMutex mutex;
    ThreadParker parker;
    for (int i = 0; i < 2; ++i) {
      execution.thread([&] {
        {
          const std::lock_guard lock(mutex);
          ++data.write();
        }
        parker.unpark();
      });
    }
    execution.thread([&] {
      parker.park();
      const std::lock_guard lock(mutex);
      require(data.read() >= 1, "who was woken sees why");
    });
    execution.join_all();
    require(data.read() == 2, "both counted");
  });
  EXPECT_FALSE(report.failed) << report.text;
}

struct Node {
  Atomic<int> value{7};
};

auto publish(std::memory_order store) {
  return [store](Execution& execution) {
    Atomic<Node*> place{nullptr};
    execution.thread([&] { place.store(new Node, store); });
    execution.thread([&] {
      if (Node* const node = place.load(kAcquire)) static_cast<void>(node->value.load(kRelaxed));
    });
    execution.join_all();
    delete place.load(kRelaxed);
  };
}

TEST(ModelData, AnObjectIsPublishedByARelease) {
  EXPECT_FALSE(enumerate(publish(kRelease)).failed);
  expect_found(enumerate(publish(kRelaxed)),
               "data race: the object's construction by thread 1 does not happen before this use");
}

auto count_down(std::memory_order order) {
  return [order](Execution& execution) {
    struct Counted {
      Atomic<int> owners{2};
    };
    auto* const counted = new Counted;
    for (int i = 0; i < 2; ++i) {
      execution.thread([=] {
        if (counted->owners.fetch_sub(1, order) == 1) delete counted;
      });
    }
    execution.join_all();
  };
}

TEST(ModelData, TheLastOwnerMustHaveSeenTheOthersGo) {
  EXPECT_FALSE(enumerate(count_down(std::memory_order_acq_rel)).failed);
  expect_found(enumerate(count_down(kRelease)), "data race: it is destroyed, and its last use by");
}

TEST(ModelData, AUseAfterTheEndIsSeenWithoutASanitizer) {
  const Report report = enumerate([](Execution& execution) {
    auto node = std::make_unique<Node>();
    Node* const view = node.get();
    Atomic<bool> gone{false};
    execution.thread([&] {
      node.reset();
      gone.store(true, kRelease);
    });
    execution.thread([&] {
      if (gone.load(kAcquire)) static_cast<void>(view->value.load(kRelaxed));
    });
    execution.join_all();
  });
  expect_found(report, "use of an object after it was destroyed");
  expect_found(report, "fails at: thread 2 load(relaxed) object ");
}

TEST(ModelData, WhatLivesOnIsALeak) {
  const auto leak_when_late = [](auto make) {
    return [make](Execution& execution) {
      Atomic<bool> late{false};
      execution.thread([&] { late.store(true, kRelaxed); });
      execution.thread([&] {
        if (late.load(kRelaxed)) make();
      });
      execution.join_all();
    };
  };
  // Held by these: a sanitizer would report them as leaks as well.
  static std::vector<std::shared_ptr<void>> kept;
  struct Thing : Tracked {};
  expect_found(enumerate(leak_when_late([] { kept.push_back(std::make_shared<Thing>()); })),
               "leak: objects that live on: 1 (one that thread 2 made)");
  expect_found(enumerate(leak_when_late([] { kept.push_back(std::make_shared<Node>()); })),
               "leak: objects that live on: 1");
  kept.clear();
}

// ---- strategies and reports ----

// A bug of depth 2: the first thread must stop between two given steps while the other runs all of
// its own.
void needs_two_constraints(Execution& execution) {
  Atomic<int> a{0};
  Atomic<int> b{0};
  execution.thread([&] {
    for (int i = 0; i < 10; ++i) static_cast<void>(a.load(kRelaxed));
    a.store(1, kRelaxed);
    const int seen = b.load(kRelaxed);
    a.store(0, kRelaxed);
    require(seen == 0, "b is 0 while a is 1");
  });
  execution.thread([&] {
    for (int i = 0; i < 10; ++i) static_cast<void>(b.load(kRelaxed));
    if (a.load(kRelaxed) == 1) b.store(1, kRelaxed);
  });
  execution.join_all();
}

TEST(Pct, FindsABugOfItsDepthAndReplaysItBySeedAndBySchedule) {
  const Options options{.strategy = Strategy::kPct, .iterations = 10'000, .pct_depth = 3};
  const Report found = explore(options, needs_two_constraints);
  ASSERT_TRUE(found.failed);
  ASSERT_NE(found.seed, 0U);
  ::setenv("WEFT_SEED", std::to_string(found.seed).c_str(), 1);
  const Report again = explore(options, needs_two_constraints);
  ::unsetenv("WEFT_SEED");
  EXPECT_EQ(again.text, found.text);
  EXPECT_LE(again.executions, 2U);
  ::setenv("WEFT_SCHEDULE", found.schedule.c_str(), 1);
  const Report by_schedule = explore({}, needs_two_constraints);
  ::unsetenv("WEFT_SCHEDULE");
  EXPECT_TRUE(by_schedule.failed);
  EXPECT_EQ(by_schedule.executions, 1U);
  EXPECT_EQ(by_schedule.schedule, found.schedule);
}

TEST(Pct, DepthOneNeverTakesAThreadOffButRunsEachFirst) {
  // Two threads that never wait: the one with the higher priority runs to its end.
  bool first_ran_first = false;
  bool second_ran_first = false;
  const Report report = explore({.strategy = Strategy::kPct, .iterations = 100, .pct_depth = 1},
                                [&](Execution& execution) {
                                  std::string order;
                                  Atomic<int> object{0};
                                  for (const char name : {'a', 'b'}) {
                                    execution.thread([&order, &object, name] {
                                      for (int i = 0; i < 3; ++i) {
                                        static_cast<void>(object.load(kRelaxed));
                                        order += name;
                                      }
                                    });
                                  }
                                  execution.join_all();
                                  first_ran_first |= order == "aaabbb";
                                  second_ran_first |= order == "bbbaaa";
                                  // The first thread may have begun before the second was there.
                                  require(order == "aaabbb" || order.ends_with("bbbaaa") ||
                                              order == "abbbaa" || order == "aabbba",
                                          "b is interrupted by nobody");
                                });
  EXPECT_FALSE(report.failed) << report.text;
  EXPECT_TRUE(first_ran_first && second_ran_first);
}

TEST(ModelReport, AnEnumeratedExecutionIsReplayedByItsSchedule) {
  const Options bounded{.strategy = Strategy::kBounded, .iterations = 100'000};
  const Report found = explore(bounded, needs_two_constraints);
  ASSERT_TRUE(found.failed);
  EXPECT_GT(found.executions, 1U);
  EXPECT_NE(found.text.find("WEFT_SCHEDULE=" + found.schedule), std::string::npos) << found.text;
  Options replay = bounded;
  replay.schedule = found.schedule;
  const Report again = explore(replay, needs_two_constraints);
  EXPECT_EQ(again.executions, 1U);
  EXPECT_TRUE(again.failed);
  EXPECT_THROW(static_cast<void>(explore({.schedule = "nonsense"}, needs_two_constraints)),
               std::invalid_argument);
}

TEST(ModelReport, ATraceNamesObjectsValuesOrdersAndPlaces) {
  const Report report = enumerate([](Execution&) {
    Atomic<int> count{-3};
    name(count, "the count");
    static_cast<void>(count.fetch_add(2, std::memory_order_acq_rel));
    int expected = 5;
    static_cast<void>(count.compare_exchange_strong(expected, 9, kAcquire, kRelaxed));
    Atomic<bool> flag{false};
    flag.store(true, kRelease);
    require(false, "the trace is looked at");
  });
  for (const char* const part :
       {"thread 0 fetch_add(acq_rel) the count reads -3, writes -1   [model/data_model_test.cpp:",
        "thread 0 compare_exchange_strong(acquire, relaxed) the count fails, reads -1   [",
        "thread 0 store(release) object 0 writes true   [",
        "thread 0: required: the trace is looked at"}) {
    EXPECT_NE(report.text.find(part), std::string::npos) << part << "\n" << report.text;
  }
}

TEST(ModelReport, ACrashSaysInWhichExecutionItHappened) {
  const auto crash = [] {
    static_cast<void>(enumerate([](Execution& execution) {
      execution.thread([] { std::abort(); });
      execution.join_all();
    }));
  };
  EXPECT_DEATH(crash(), "model checker: thread 1: a crash");
}

TEST(ModelReport, ALostWakeUpIsToldFromALockThatNobodyFrees) {
  expect_found(enumerate([](Execution& execution) {
                 ThreadParker parker;
                 execution.thread([&] { parker.park(); });
                 execution.join_all();
               }),
               "deadlock: no thread can run: a lost wake-up");
  expect_found(enumerate([](Execution& execution) {
                 ThreadMutex mutex;
                 execution.thread([&] { mutex.lock(); });
                 execution.thread([&] { mutex.lock(); });
                 execution.join_all();
               }),
               "deadlock: no thread can run: a mutex that nobody will unlock");
}

}  // namespace
}  // namespace weft::model::data_model_test
