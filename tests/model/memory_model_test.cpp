// The weak memory of the model checker, by litmus tests: all results that C++20 permits are found,
// and none that it forbids. (The usual names: Luc Maranget, Susmit Sarkar, Peter Sewell, "A
// Tutorial Introduction to the ARM and POWER Relaxed Memory Models", 2012.)
#include <set>
#include <string>
#include <weft/atomic.hpp>

#include "base/asymmetric_fence.hpp"
#include "model/model_test.hpp"

namespace weft::model::memory_model_test {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

/// Returns all results of `body`, by enumeration.
std::set<std::string> results(const std::function<std::string(Execution&)>& body,
                              Memory memory = Memory::kWeak) {
  std::set<std::string> seen;
  const Report report = explore({.strategy = Strategy::kBounded,
                                 .iterations = 1'000'000,
                                 .preemption_bound = 4,
                                 .memory = memory,
                                 .stale_bound = 4},
                                [&](Execution& execution) { seen.insert(body(execution)); });
  EXPECT_FALSE(report.failed) << report.text;
  EXPECT_TRUE(report.exhausted);
  return seen;
}

using Set = std::set<std::string>;

struct Fences {
  std::memory_order store, first, second, load;  // relaxed: none
};

void fence_if(std::memory_order order) {
  if (order != kRelaxed) atomic_fence(order);
}

// Message passing: x is the message, y the flag.
auto message_passing(Fences orders) {
  return [orders](Execution& execution) {
    Atomic<int> x{0};
    Atomic<int> y{0};
    std::string result;
    execution.thread([&] {
      x.store(1, kRelaxed);
      fence_if(orders.first);
      y.store(1, orders.store);
    });
    execution.thread([&] {
      const int flag = y.load(orders.load);
      fence_if(orders.second);
      const int message = x.load(kRelaxed);
      result = std::to_string(flag) + std::to_string(message);
    });
    execution.join_all();
    return result;
  };
}

TEST(WeakMemory, AMessageIsPassedByReleaseAndAcquire) {
  const Set all{"00", "01", "10", "11"};
  const Set passed{"00", "01", "11"};
  EXPECT_EQ(results(message_passing({kRelaxed, kRelaxed, kRelaxed, kRelaxed})), all);
  EXPECT_EQ(results(message_passing({kRelease, kRelaxed, kRelaxed, kRelaxed})), all);
  EXPECT_EQ(results(message_passing({kRelaxed, kRelaxed, kRelaxed, kAcquire})), all);
  EXPECT_EQ(results(message_passing({kRelease, kRelaxed, kRelaxed, kAcquire})), passed);
  EXPECT_EQ(results(message_passing({kRelaxed, kRelease, kAcquire, kRelaxed})), passed);
  EXPECT_EQ(results(message_passing({kRelaxed, kRelease, kRelaxed, kAcquire})), passed);
  EXPECT_EQ(results(message_passing({kRelease, kRelaxed, kAcquire, kRelaxed})), passed);
  EXPECT_EQ(results(message_passing({kRelaxed, kRelease, kRelaxed, kRelaxed})), all);
  EXPECT_EQ(results(message_passing({kRelaxed, kRelaxed, kAcquire, kRelaxed})), all);
}

TEST(WeakMemory, SequentialMemoryHasNoneOfThat) {
  EXPECT_EQ(results(message_passing({kRelaxed, kRelaxed, kRelaxed, kRelaxed}), Memory::kSequential),
            (Set{"00", "01", "11"}));
}

// Store buffering: each thread writes one word, executes its fence, and reads the other's word.
auto store_buffering(std::memory_order store, auto first_fence, auto second_fence,
                     std::memory_order load) {
  return [=](Execution& execution) {
    Atomic<int> x{0};
    Atomic<int> y{0};
    int first = -1;
    int second = -1;
    execution.thread([&] {
      x.store(1, store);
      first_fence();
      first = y.load(load);
    });
    execution.thread([&] {
      y.store(1, store);
      second_fence();
      second = x.load(load);
    });
    execution.join_all();
    return std::to_string(first) + std::to_string(second);
  };
}

auto store_buffering(std::memory_order store, std::memory_order fence, std::memory_order load) {
  const auto fence_both = [fence] { fence_if(fence); };
  return store_buffering(store, fence_both, fence_both, load);
}

TEST(WeakMemory, StoresAreBufferedUnlessOrderedBySeqCst) {
  EXPECT_TRUE(results(store_buffering(kRelaxed, kRelaxed, kRelaxed)).contains("00"));
  EXPECT_TRUE(results(store_buffering(kRelease, kAcqRel, kAcquire)).contains("00"));
  EXPECT_EQ(results(store_buffering(kSeqCst, kRelaxed, kSeqCst)), (Set{"01", "10", "11"}));
  EXPECT_EQ(results(store_buffering(kRelaxed, kSeqCst, kRelaxed)), (Set{"01", "10", "11"}));
}

TEST(WeakMemory, ALightFenceOrdersAgainstAHeavyOneAlone) {
  EXPECT_EQ(results(store_buffering(kRelaxed, detail::light_fence, detail::heavy_fence, kRelaxed)),
            (Set{"01", "10", "11"}));
  EXPECT_TRUE(results(store_buffering(kRelaxed, detail::light_fence, detail::light_fence, kRelaxed))
                  .contains("00"));
}

TEST(WeakMemory, ALightFenceReleasesAndAcquiresNothing) {
  const auto message_passing_by_light_fences = [](Execution& execution) {
    Atomic<int> x{0};
    Atomic<int> y{0};
    std::string result;
    execution.thread([&] {
      x.store(1, kRelaxed);
      detail::light_fence();
      y.store(1, kRelaxed);
    });
    execution.thread([&] {
      const int flag = y.load(kRelaxed);
      detail::light_fence();
      result = std::to_string(flag) + std::to_string(x.load(kRelaxed));
    });
    execution.join_all();
    return result;
  };
  EXPECT_TRUE(results(message_passing_by_light_fences).contains("10"));
}

// One thread has seq_cst operations, the other a fence. C++20 orders those, too ([atomics.order]
// 4).
TEST(WeakMemory, AFenceIsOrderedWithSeqCstOperations) {
  const Set seen = results([](Execution& execution) {
    Atomic<int> x{0};
    Atomic<int> y{0};
    int first = -1;
    int second = -1;
    execution.thread([&] {
      x.store(1, kSeqCst);
      first = y.load(kSeqCst);
    });
    execution.thread([&] {
      y.store(1, kRelaxed);
      atomic_fence(kSeqCst);
      second = x.load(kRelaxed);
    });
    execution.join_all();
    return std::to_string(first) + std::to_string(second);
  });
  EXPECT_EQ(seen, (Set{"01", "10", "11"}));
}

// Independent reads of independent writes: two readers disagree on which write came first.
auto independent_reads(std::memory_order order) {
  return [order](Execution& execution) {
    Atomic<int> x{0};
    Atomic<int> y{0};
    int seen[4] = {};
    execution.thread([&] { x.store(1, order == kSeqCst ? kSeqCst : kRelease); });
    execution.thread([&] { y.store(1, order == kSeqCst ? kSeqCst : kRelease); });
    execution.thread([&] {
      seen[0] = x.load(order);
      seen[1] = y.load(order);
    });
    execution.thread([&] {
      seen[2] = y.load(order);
      seen[3] = x.load(order);
    });
    execution.join_all();
    std::string text;
    for (const int each : seen) text += std::to_string(each);
    return text;
  };
}

TEST(WeakMemory, ReadersAgreeOnTheOrderOfSeqCstAlone) {
  EXPECT_TRUE(results(independent_reads(kAcquire)).contains("1010"));
  EXPECT_FALSE(results(independent_reads(kSeqCst)).contains("1010"));
}

TEST(WeakMemory, OneAtomicIsCoherent) {
  const Set seen = results([](Execution& execution) {
    Atomic<int> x{0};
    int values[3] = {};
    execution.thread([&] {
      x.store(1, kRelaxed);
      x.store(2, kRelaxed);
    });
    execution.thread([&] {
      for (int& value : values) value = x.load(kRelaxed);
    });
    execution.join_all();
    for (int i = 1; i < 3; ++i) require(values[i - 1] <= values[i], "values never go back");
    require(x.load(kRelaxed) == 2, "what is joined is seen");
    return std::to_string(values[0]) + std::to_string(values[1]) + std::to_string(values[2]);
  });
  EXPECT_EQ(seen.size(), 10U);  // all that do not go back
}

// A read that happens before another read forbids it older values, also across threads.
TEST(WeakMemory, CoherenceGoesAlongWithHappensBefore) {
  static_cast<void>(results([](Execution& execution) {
    Atomic<int> x{0};
    Atomic<int> told{-1};
    execution.thread([&] { x.store(1, kRelaxed); });
    execution.thread([&] { told.store(x.load(kRelaxed), kRelease); });
    execution.thread([&] {
      const int first = told.load(kAcquire);
      if (first >= 0) require(x.load(kRelaxed) >= first, "no older than what was told");
    });
    execution.join_all();
    return "";
  }));
}

// The release sequence goes on through a read-modify-write of any order, not through a store.
auto release_sequence(bool by_modification) {
  return [by_modification](Execution& execution) {
    Atomic<int> message{0};
    Atomic<int> flag{0};
    std::string result = "not yet";
    execution.thread([&] {
      message.store(1, kRelaxed);
      flag.store(1, kRelease);
    });
    execution.thread([&] {
      int expected = 1;
      if (by_modification) {
        static_cast<void>(flag.compare_exchange_strong(expected, 2, kRelaxed, kRelaxed));
      } else if (flag.load(kRelaxed) == 1) {
        flag.store(2, kRelaxed);
      }
    });
    execution.thread([&] {
      if (flag.load(kAcquire) == 2) result = std::to_string(message.load(kRelaxed));
    });
    execution.join_all();
    return result;
  };
}

TEST(WeakMemory, AReleaseSequenceGoesOnThroughModifications) {
  EXPECT_EQ(results(release_sequence(true)), (Set{"1", "not yet"}));
  EXPECT_EQ(results(release_sequence(false)), (Set{"0", "1", "not yet"}));
}

TEST(WeakMemory, AModificationReadsTheNewest) {
  const Set seen = results([](Execution& execution) {
    Atomic<int> x{0};
    for (int i = 0; i < 3; ++i) {
      execution.thread([&] { x.fetch_add(1, kRelaxed); });
    }
    execution.join_all();
    return std::to_string(x.load(kRelaxed));
  });
  EXPECT_EQ(seen, (Set{"3"}));
}

TEST(WeakMemory, AMutexOrdersEverything) {
  const Set seen = results([](Execution& execution) {
    ThreadMutex mutex;
    Atomic<int> x{0};
    for (int i = 0; i < 2; ++i) {
      execution.thread([&] {
        const std::lock_guard lock(mutex);
        x.store(x.load(kRelaxed) + 1, kRelaxed);
      });
    }
    execution.join_all();
    return std::to_string(x.load(kRelaxed));
  });
  EXPECT_EQ(seen, (Set{"2"}));
}

TEST(WeakMemory, AWeakCompareExchangeFailsForNoReasonIfAsked) {
  for (const bool spurious : {false, true}) {
    const Report report =
        explore({.strategy = Strategy::kBounded, .stale_bound = 1, .spurious_failures = spurious},
                [](Execution&) {
                  Atomic<int> x{0};
                  int expected = 0;
                  require(x.compare_exchange_weak(expected, 1, kRelaxed, kRelaxed), "it succeeds");
                });
    EXPECT_EQ(report.failed, spurious) << report.text;
  }
}

TEST(WeakMemory, RandomAndPctFindAnOldValueAndReplayIt) {
  for (const Strategy strategy : {Strategy::kRandom, Strategy::kPct}) {
    const auto body = [](Execution& execution) {
      const std::string result =
          message_passing({kRelaxed, kRelaxed, kRelaxed, kRelaxed})(execution);
      require(result != "10", "the message is there when the flag is");
    };
    Options options{.strategy = strategy, .iterations = 100'000, .memory = Memory::kWeak};
    const Report found = explore(options, body);
    ASSERT_TRUE(found.failed);
    EXPECT_NE(found.text.find("not the newest"), std::string::npos) << found.text;
    options.schedule = found.schedule;
    const Report again = explore(options, body);
    EXPECT_TRUE(again.failed);
    EXPECT_EQ(again.executions, 1U);
  }
}

}  // namespace
}  // namespace weft::model::memory_model_test
