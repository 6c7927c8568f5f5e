// The model checker finds planted bugs, and replays them.
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>
#include <weft/atomic.hpp>

#include "model/model_test.hpp"

namespace weft::model::checker_model_test {
namespace {

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kRelaxed = std::memory_order_relaxed;

class Checker : public testing::TestWithParam<Strategy> {
 protected:
  [[nodiscard]] Options options() const { return {.strategy = GetParam(), .iterations = 100000}; }
};
INSTANTIATE_TEST_SUITE_P(Strategy, Checker, testing::Values(Strategy::kRandom, Strategy::kBounded),
                         [](const auto& strategy) {
                           return strategy.param == Strategy::kRandom ? "Random" : "Bounded";
                         });

// Checks for a sleeper and only then deposits. Between the two the sleeper can miss it.
struct ForgetfulParker {
  void park() {
    if (token.exchange(false, kAcquire)) return;
    asleep.store(true, kRelease);
    inner.park();
    asleep.store(false, kRelease);
  }
  void unpark() {
    if (asleep.load(kAcquire)) {
      inner.unpark();
    } else {
      token.store(true, kRelease);
    }
  }
  Atomic<bool> token{false};
  Atomic<bool> asleep{false};
  ThreadParker inner;
};

TEST_P(Checker, FindsALostWakeUp) {
  const Report report = explore(options(), [](Execution& execution) {
    ForgetfulParker parker;
    execution.thread([&] { parker.park(); });
    execution.thread([&] { parker.unpark(); });
    execution.join_all();
  });
  EXPECT_TRUE(report.failed);
  EXPECT_NE(report.text.find("deadlock"), std::string::npos) << report.text;
  EXPECT_NE(report.text.find("thread 1 waits for object"), std::string::npos) << report.text;
  EXPECT_NE(report.text.find("replay: "), std::string::npos) << report.text;
}

// Reads and advances the head in two steps. Two consumers can read the same one.
struct TornQueue {
  int pop() {
    const int head = next.load(kAcquire);
    next.store(head + 1, kRelease);
    return head;
  }
  Atomic<int> next{0};
};

void pop_twice(Execution& execution) {
  TornQueue queue;
  int first = -1;
  int second = -1;
  execution.thread([&] { first = queue.pop(); });
  execution.thread([&] { second = queue.pop(); });
  execution.join_all();
  require(first != second, "no element is popped twice");
}

TEST_P(Checker, FindsADoublePop) {
  const Report report = explore(options(), pop_twice);
  EXPECT_TRUE(report.failed);
  EXPECT_NE(report.text.find("required: no element is popped twice"), std::string::npos);
}

TEST(CheckerReplay, TheSameSeedGivesTheSameInterleaving) {
  const Report found = explore({.iterations = 100000}, pop_twice);
  ASSERT_TRUE(found.failed);
  const Report again = explore({.seed = found.seed, .iterations = 1}, pop_twice);
  EXPECT_TRUE(again.failed);
  EXPECT_EQ(again.text, found.text);
  ::setenv("WEFT_SEED", std::to_string(found.seed).c_str(), 1);
  const Report from_environment = explore({.iterations = 100000}, pop_twice);
  ::unsetenv("WEFT_SEED");
  EXPECT_EQ(from_environment.executions, 1U);
  EXPECT_EQ(from_environment.text, found.text);
}

TEST_P(Checker, FindsLocksTakenInOppositeOrder) {
  const Report report = explore(options(), [](Execution& execution) {
    ThreadMutex a;
    ThreadMutex b;
    const auto take = [](ThreadMutex& first, ThreadMutex& second) {
      const std::lock_guard outer(first);
      const std::lock_guard inner(second);
    };
    execution.thread([&] { take(a, b); });
    execution.thread([&] { take(b, a); });
    execution.join_all();
  });
  EXPECT_TRUE(report.failed);
  EXPECT_NE(report.text.find("deadlock"), std::string::npos) << report.text;
}

TEST_P(Checker, FindsALivelock) {
  Options limited = options();
  limited.max_steps = 200;
  const Report report = explore(limited, [](Execution& execution) {
    Atomic<bool> never{false};
    execution.thread([&] {
      while (!never.load(kRelaxed)) spin_hint();
    });
    execution.join_all();
  });
  EXPECT_TRUE(report.failed);
  EXPECT_NE(report.text.find("livelock"), std::string::npos) << report.text;
}

TEST_P(Checker, ReportsAnEscapedException) {
  const Report report = explore(options(), [](Execution& execution) {
    execution.thread([] { throw std::runtime_error("broken pipe dream"); });
    execution.join_all();
  });
  EXPECT_TRUE(report.failed);
  EXPECT_NE(report.text.find("broken pipe dream"), std::string::npos) << report.text;
}

TEST(CheckerBounded, EnumeratesEachInterleavingOnce) {
  // Two threads of two steps each: (2+2)! / (2! 2!) = 6 orders. None is explored twice.
  std::vector<std::string> seen;
  const Report report = explore(
      {.strategy = Strategy::kBounded, .preemption_bound = 100}, [&seen](Execution& execution) {
        std::string order;  // of the loads themselves: the baton orders the appends
        Atomic<int> object{0};
        for (const char name : {'a', 'b'}) {
          execution.thread([&order, &object, name] {
            for (int i = 0; i < 2; ++i) {
              static_cast<void>(object.load(kRelaxed));
              order += name;
            }
          });
        }
        execution.join_all();
        seen.push_back(order);
      });
  EXPECT_TRUE(report.exhausted);
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(seen, (std::vector<std::string>{"aabb", "abab", "abba", "baab", "baba", "bbaa"}));
}

TEST_P(Checker, PassesACorrectProgramAndLetsSpinnersWait) {
  const Report report =
      explore({.strategy = GetParam(), .iterations = 2000}, [](Execution& execution) {
        ThreadMutex mutex;
        int count = 0;
        Atomic<bool> go{false};
        for (int i = 0; i < 2; ++i) {
          execution.thread([&] {
            while (!go.load(kAcquire)) spin_hint();
            const std::lock_guard lock(mutex);
            ++count;
          });
        }
        go.store(true, kRelease);
        execution.join_all();
        require(count == 2, "both counted");
      });
  EXPECT_FALSE(report.failed) << report.text;
}

TEST_P(Checker, ThoseWhoSpinTakeTurns) {
  const Report report =
      explore({.strategy = GetParam(), .iterations = 10000}, [](Execution& execution) {
        Atomic<int> turn{0};
        for (int self = 0; self < 2; ++self) {
          execution.thread([&turn, self] {
            for (int round = 0; round < 2; ++round) {
              while (turn.load(kAcquire) != self) spin_hint();
              turn.store(1 - self, kRelease);
            }
          });
        }
        execution.join_all();
      });
  EXPECT_FALSE(report.failed) << report.text;
  EXPECT_EQ(report.exhausted, GetParam() == Strategy::kBounded);
}

}  // namespace
}  // namespace weft::model::checker_model_test
