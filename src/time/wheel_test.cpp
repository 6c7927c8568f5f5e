#include "time/wheel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace weft::wheel_test {
namespace {

constexpr std::int64_t tick = std::int64_t{1} << detail::TimerWheel::tick_shift;
// About a second, in whole ticks, so that a deadline is due at exactly its nanosecond.
constexpr std::int64_t second = 1'000'000'000 / tick * tick;
constexpr std::int64_t hour = 3600 * second;
constexpr std::int64_t year = 365 * 24 * hour;

struct Node : detail::TimerNode {
  Node() = default;
  explicit Node(std::int64_t at) { deadline = at; }
};

std::vector<detail::TimerNode*> pop_all(detail::TimerWheel& wheel, std::int64_t now) {
  std::vector<detail::TimerNode*> popped;
  while (detail::TimerNode* node = wheel.pop_due(now)) popped.push_back(node);
  return popped;
}

/// Advances from one next_deadline() to the next, as a reactor does; returns the time at which the
/// node fired and the number of wake-ups.
struct Fired {
  std::int64_t at;
  int wakes;
};
Fired run_until_fired(detail::TimerWheel& wheel) {
  for (int wakes = 1;; ++wakes) {
    const std::int64_t now = wheel.next_deadline();
    if (now == detail::TimerWheel::never) return {now, wakes};
    if (wheel.pop_due(now) != nullptr) return {now, wakes};
  }
}

TEST(TimerWheel, EmptyWheelHasNothingDue) {
  detail::TimerWheel wheel(12345);
  EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never);
  EXPECT_EQ(wheel.pop_due(year), nullptr);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheel, FiresInOrderOfTickAndFirstComeWithinATick) {
  detail::TimerWheel wheel(0);
  Node late(50 * tick), early(3 * tick), same_a(7 * tick), same_b(7 * tick), far(70'000 * tick);
  for (Node* timer : {&far, &late, &same_a, &early, &same_b}) wheel.insert(*timer);
  EXPECT_EQ(wheel.size(), 5U);
  const std::vector<detail::TimerNode*> expected{&early, &same_a, &same_b, &late, &far};
  EXPECT_EQ(pop_all(wheel, 70'000 * tick), expected);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheel, NeverEarlyAndAtMostOneTickLateAtEveryScale) {
  for (unsigned bit = 0; bit < 62; ++bit) {
    for (const std::int64_t offset : {-1, 0, 1, 777}) {
      for (const std::int64_t start : {std::int64_t{0}, 5 * second + 17, 3 * hour + 1}) {
        detail::TimerWheel wheel(start);
        const std::int64_t deadline = start + (std::int64_t{1} << bit) + offset;
        Node timer(deadline);
        wheel.insert(timer);
        if (deadline - 1 > start) {
          EXPECT_LE(wheel.next_deadline(), deadline + tick);
        }
        const Fired fired = run_until_fired(wheel);
        EXPECT_GE(fired.at + (fired.at < start ? start : 0), deadline) << "2^" << bit;
        EXPECT_LE(fired.at, std::max(deadline, start) + tick) << "2^" << bit;
        EXPECT_LE(fired.wakes, 8) << "2^" << bit;
      }
    }
  }
}

TEST(TimerWheel, NotDueOneNanosecondBefore) {
  for (const std::int64_t deadline : {tick, 64 * tick, 4096 * tick, 17 * hour, year}) {
    detail::TimerWheel wheel(0);
    Node timer(deadline);
    wheel.insert(timer);
    EXPECT_EQ(wheel.pop_due(deadline - 1), nullptr);
    EXPECT_LE(wheel.next_deadline(), deadline + tick);
    EXPECT_EQ(wheel.pop_due(deadline), &timer);
  }
}

TEST(TimerWheel, PastDeadlineFiresAtOnce) {
  detail::TimerWheel wheel(10 * second);
  Node past(second), negative(-5), now(10 * second / tick * tick);
  for (Node* timer : {&past, &negative, &now}) wheel.insert(*timer);
  EXPECT_LE(wheel.next_deadline(), 10 * second);
  EXPECT_EQ(pop_all(wheel, 10 * second).size(), 3U);
}

TEST(TimerWheel, OneHourSleepWakesRarely) {
  for (std::int64_t start = 0; start < 100 * second; start += 7'777'777'777) {
    detail::TimerWheel wheel(start);
    Node timer(start + hour);
    wheel.insert(timer);
    const Fired fired = run_until_fired(wheel);
    EXPECT_LE(fired.wakes, 6);
    EXPECT_GE(fired.at, start + hour);
  }
}

TEST(TimerWheel, HugeJumps) {
  detail::TimerWheel wheel(0);
  std::vector<Node> timers(1000);
  for (std::size_t i = 0; i < timers.size(); ++i) {
    timers[i].deadline = static_cast<std::int64_t>(i) * (10 * (year / 1000));
    wheel.insert(timers[i]);
  }
  const std::vector<detail::TimerNode*> popped = pop_all(wheel, 10 * year);
  ASSERT_EQ(popped.size(), timers.size());
  for (std::size_t i = 0; i < timers.size(); ++i) EXPECT_EQ(popped[i], &timers[i]);
  Node after(10 * year + second);
  wheel.insert(after);
  EXPECT_EQ(wheel.pop_due(10 * year), nullptr);
  EXPECT_EQ(wheel.pop_due(20 * year), &after);
}

TEST(TimerWheel, TheLastRepresentableDeadlinesNeverOverflow) {
  detail::TimerWheel wheel(5 * second);
  Node never(detail::TimerWheel::never), almost(detail::TimerWheel::never - tick * 2);
  wheel.insert(never);
  EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never);
  wheel.insert(almost);
  EXPECT_EQ(wheel.pop_due(100 * year), nullptr);
  const Fired fired = run_until_fired(wheel);
  EXPECT_GE(fired.at, almost.deadline);
  EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never);
  EXPECT_EQ(wheel.pop_due(detail::TimerWheel::never), nullptr);
  EXPECT_EQ(wheel.size(), 1U);
  wheel.remove(never);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(TimerWheel, WhatNeverFiresWakesNobodyHoweverFineTheTick) {
  for (const unsigned shift : {0U, 1U, 8U, 16U}) {
    detail::TimerWheel wheel(5 * second, shift);
    Node never(detail::TimerWheel::never), also(detail::TimerWheel::never), before(year);
    wheel.insert(never);
    EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never) << shift;
    wheel.insert(before);
    wheel.insert(also);
    EXPECT_LE(wheel.next_deadline(), year);
    EXPECT_EQ(wheel.pop_due(2 * year), &before);
    EXPECT_EQ(wheel.pop_due(detail::TimerWheel::never), nullptr);
    EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never) << shift;
    wheel.remove(also);
    EXPECT_EQ(wheel.pop_any(), &never);
    EXPECT_EQ(wheel.size(), 0U);
  }
}

TEST(TimerWheel, CancelsAtEveryPlaceOfItsList) {
  for (const std::int64_t deadline : {tick, 100 * tick, hour, year}) {
    for (std::size_t victim = 0; victim < 4; ++victim) {
      detail::TimerWheel wheel(0);
      std::vector<Node> timers(4);
      for (Node& timer : timers) {
        timer.deadline = deadline;
        wheel.insert(timer);
      }
      wheel.remove(timers[victim]);
      EXPECT_EQ(wheel.size(), 3U);
      std::vector<detail::TimerNode*> expected;
      for (std::size_t i = 0; i < timers.size(); ++i) {
        if (i != victim) expected.push_back(&timers[i]);
      }
      EXPECT_EQ(pop_all(wheel, deadline), expected);
    }
  }
}

TEST(TimerWheel, CancellingTheOnlyTimerEmptiesTheWheel) {
  for (const std::int64_t deadline : {std::int64_t{0}, tick, 100 * tick, hour, year}) {
    detail::TimerWheel wheel(0);
    Node timer(deadline);
    wheel.insert(timer);
    wheel.remove(timer);
    EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never);
    EXPECT_EQ(wheel.pop_due(2 * year), nullptr);
  }
}

TEST(TimerWheel, InsertAndRemoveBetweenPops) {
  detail::TimerWheel wheel(0);
  Node first(tick), doomed(2 * tick), last(3 * tick), added(2 * tick + 1), past(0);
  for (Node* timer : {&first, &doomed, &last}) wheel.insert(*timer);
  EXPECT_EQ(wheel.pop_due(hour), &first);
  wheel.remove(doomed);
  wheel.insert(added);
  wheel.insert(past);  // goes to the front: due for the longest time
  EXPECT_EQ(wheel.pop_due(hour), &past);
  // `added` and `last` have the same tick: first in, first out.
  EXPECT_EQ(wheel.pop_due(hour), &last);
  wheel.insert(first);
  wheel.remove(added);
  EXPECT_EQ(wheel.pop_due(hour), &first);
  EXPECT_EQ(wheel.pop_due(hour), nullptr);
}

TEST(TimerWheel, ReArmingFromAPopFiresOncePerPeriod) {
  detail::TimerWheel wheel(0);
  Node timer(10 * tick);
  wheel.insert(timer);
  int fired = 0;
  for (std::int64_t now = 0; now <= 1000 * tick; now += tick) {
    while (detail::TimerNode* node = wheel.pop_due(now)) {
      ++fired;
      node->deadline = now + 10 * tick;
      wheel.insert(*node);
    }
  }
  EXPECT_EQ(fired, 100);
}

TEST(TimerWheel, APostponedNodeFiresAtItsNewDeadlineOnly) {
  for (const std::int64_t first : {tick, 100 * tick, hour}) {
    for (const std::int64_t later : {std::int64_t{0}, tick, 63 * tick, 64 * tick, hour, year}) {
      detail::TimerWheel wheel(0);
      Node node(first), other(first);
      wheel.insert(node);
      wheel.insert(other);
      detail::TimerWheel::postpone(node, first + later);
      EXPECT_EQ(wheel.size(), 2U);
      if (later != 0) {
        EXPECT_EQ(wheel.pop_due(first + later - 1), &other);
        EXPECT_EQ(wheel.pop_due(first + later - 1), nullptr);
        EXPECT_EQ(wheel.size(), 1U);
      }
      EXPECT_EQ(wheel.pop_due(first + later), &node);
    }
  }
}

TEST(TimerWheel, APostponedNodeCostsOneWakeUpMore) {
  detail::TimerWheel wheel(0);
  Node node(second);
  wheel.insert(node);
  for (int i = 2; i <= 1000; ++i) detail::TimerWheel::postpone(node, i * second);
  const Fired fired = run_until_fired(wheel);
  EXPECT_GE(fired.at, 1000 * second);
  EXPECT_LE(fired.at, 1000 * second + tick);
  EXPECT_LE(fired.wakes, 10);
}

TEST(TimerWheel, APostponedNodeMayBeRemovedOrPutToNever) {
  detail::TimerWheel wheel(0);
  Node removed(tick), never(tick);
  wheel.insert(removed);
  wheel.insert(never);
  detail::TimerWheel::postpone(removed, hour);
  detail::TimerWheel::postpone(never, detail::TimerWheel::never);
  wheel.remove(removed);
  EXPECT_EQ(wheel.pop_due(2 * hour), nullptr);
  EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never);
  EXPECT_EQ(wheel.size(), 1U);
  wheel.remove(never);
}

TEST(TimerWheel, WhatWasRemovedWakesNobody) {
  detail::TimerWheel wheel(0);
  std::vector<Node> nodes(200);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].deadline = static_cast<std::int64_t>(i * i + 1) * tick;
    wheel.insert(nodes[i]);
  }
  Node last(year);
  wheel.insert(last);
  for (Node& node : nodes) wheel.remove(node);
  const Fired fired = run_until_fired(wheel);
  EXPECT_GE(fired.at, year);
  EXPECT_LE(fired.wakes, 8);
}

TEST(TimerWheel, PopsAnyUntilThereIsNone) {
  detail::TimerWheel wheel(0);
  std::vector<Node> nodes(100);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].deadline = i == 0 ? detail::TimerWheel::never : static_cast<std::int64_t>(i) * hour;
    wheel.insert(nodes[i]);
  }
  std::size_t popped = 0;
  while (wheel.pop_any() != nullptr) ++popped;
  EXPECT_EQ(popped, nodes.size());
  EXPECT_EQ(wheel.size(), 0U);
}

/// Random inserts, postponements, cancels and jumps, compared with a sorted map.
class WheelAgainstMap {
 public:
  explicit WheelAgainstMap(std::uint64_t seed) : random_(seed), wheel_(now_), timers_(300) {}

  void step() {
    const std::uint64_t choice = random_() % 100;
    if (choice < 45) {
      insert();
    } else if (choice < 60) {
      cancel();
    } else if (choice < 70) {
      postpone();
    } else {
      advance();
    }
    ASSERT_EQ(wheel_.size(), model_.size());
    const std::int64_t next = wheel_.next_deadline();
    if (model_.empty()) {
      ASSERT_EQ(next, detail::TimerWheel::never);
    } else {
      ASSERT_LE(next, std::max(now_, model_.begin()->first) + tick);
    }
  }

 private:
  void insert() {
    Node& timer = timers_[random_() % timers_.size()];
    if (in_.count(&timer) != 0) return;
    const auto bits = random_() % 52;
    const auto distance = static_cast<std::int64_t>(random_() & ((std::uint64_t{1} << bits) - 1));
    timer.deadline = random_() % 16 == 0 ? now_ - distance : now_ + distance;
    in_[&timer] = model_.emplace(timer.deadline, &timer);
    wheel_.insert(timer);
  }
  void cancel() {
    if (in_.empty()) return;
    auto victim = in_.begin();
    std::advance(victim, static_cast<std::ptrdiff_t>(random_() % in_.size()));
    wheel_.remove(*victim->first);
    model_.erase(victim->second);
    in_.erase(victim);
  }
  void postpone() {
    if (in_.empty()) return;
    auto entry = in_.begin();
    std::advance(entry, static_cast<std::ptrdiff_t>(random_() % in_.size()));
    const auto bits = random_() % 52;
    const auto distance = static_cast<std::int64_t>(random_() & ((std::uint64_t{1} << bits) - 1));
    detail::TimerWheel::postpone(*entry->first, entry->first->deadline + distance);
    model_.erase(entry->second);
    entry->second = model_.emplace(entry->first->deadline, entry->first);
  }
  void advance() {
    const auto bits = random_() % 50;
    now_ += static_cast<std::int64_t>(random_() & ((std::uint64_t{1} << bits) - 1));
    std::int64_t previous_tick = -1;
    while (detail::TimerNode* node = wheel_.pop_due(now_)) {
      ASSERT_LE(node->deadline, now_) << "early";
      const std::int64_t its_tick = std::max<std::int64_t>(node->deadline, 0) / tick;
      // A past deadline counts as "now at the time of insertion": only later ones are ordered.
      if (node->deadline > last_now_) {
        ASSERT_LE(previous_tick, its_tick + 1);
        previous_tick = its_tick;
      }
      auto entry = in_.find(static_cast<Node*>(node));
      ASSERT_NE(entry, in_.end());
      model_.erase(entry->second);
      in_.erase(entry);
      if (random_() % 8 == 0) cancel();
    }
    if (!model_.empty()) {
      ASSERT_GT(model_.begin()->first + tick, now_) << "late";
    }
    last_now_ = now_;
  }

  using Model = std::multimap<std::int64_t, Node*>;
  std::mt19937_64 random_;
  std::int64_t now_ = 7 * hour + 12345;
  std::int64_t last_now_ = now_;
  detail::TimerWheel wheel_;
  std::vector<Node> timers_;
  Model model_;
  std::map<Node*, Model::iterator> in_;
};

TEST(TimerWheel, RandomAgainstMap) {
  const char* given = std::getenv("WEFT_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  for (std::uint64_t round = 0; round < 20; ++round) {
    WheelAgainstMap test(seed + round);
    for (int i = 0; i < 3000; ++i) {
      test.step();
      if (HasFatalFailure()) return;
    }
  }
}

TEST(TimerWheel, AMillionTimersInsertAndCancelAndFire) {
  constexpr std::size_t count = 1'000'000;
  detail::TimerWheel wheel(0);
  const auto timers = std::make_unique<Node[]>(count);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    timers[i].deadline =
        static_cast<std::int64_t>(i * 2'654'435'761U % static_cast<std::uint64_t>(60 * second));
    wheel.insert(timers[i]);
  }
  const auto inserted = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; i += 2) wheel.remove(timers[i]);
  const auto cancelled = std::chrono::steady_clock::now();
  std::size_t fired = 0;
  while (wheel.pop_due(61 * second) != nullptr) ++fired;
  const auto done = std::chrono::steady_clock::now();
  EXPECT_EQ(fired, count / 2);
  const auto ns = [](auto span, std::size_t n) {
    return static_cast<double>(std::chrono::nanoseconds(span).count()) / static_cast<double>(n);
  };
  RecordProperty("insert_ns", std::to_string(ns(inserted - begin, count)));
  RecordProperty("cancel_ns", std::to_string(ns(cancelled - inserted, count / 2)));
  RecordProperty("fire_ns", std::to_string(ns(done - cancelled, count / 2)));
  // A loose bound, for wrong complexity only: sanitizer builds on a loaded machine are slow.
  EXPECT_LT(done - begin, std::chrono::seconds(20));
}

/// With ticks of one nanosecond deadlines are exact, over the whole range of the clock.
TEST(TimerWheel, MayBeExact) {
  detail::TimerWheel wheel(5, 0);
  const std::vector<std::int64_t> deadlines{6,
                                            7,
                                            70,
                                            5'000'000,
                                            1LL << 50,
                                            (1LL << 60) + 3,
                                            (1LL << 62) + 1,
                                            detail::TimerWheel::never - 1};
  std::vector<std::unique_ptr<detail::TimerNode>> nodes;
  for (const std::int64_t deadline : deadlines) {
    nodes.push_back(std::make_unique<detail::TimerNode>());
    nodes.back()->deadline = deadline;
    wheel.insert(*nodes.back());
  }
  detail::TimerNode never;
  never.deadline = detail::TimerWheel::never;
  wheel.insert(never);
  for (std::size_t i = 0; i < deadlines.size(); ++i) {
    EXPECT_EQ(wheel.pop_due(deadlines[i] - 1), nullptr) << deadlines[i];
    EXPECT_LE(wheel.next_deadline(), deadlines[i]);
    EXPECT_EQ(wheel.pop_due(deadlines[i]), nodes[i].get()) << deadlines[i];
  }
  EXPECT_EQ(wheel.pop_due(detail::TimerWheel::never), nullptr);
  EXPECT_EQ(wheel.next_deadline(), detail::TimerWheel::never);
  wheel.remove(never);
}

}  // namespace
}  // namespace weft::wheel_test
