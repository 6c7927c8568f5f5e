// ConditionVariable: waits for a state under a Mutex. After each end of a wait, by a cancel as
// well, the mutex is locked; no notification is lost.
#include <weft/condition_variable.hpp>
#include <weft/fiber.hpp>
#include <weft/mutex.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::condition_variable_test {
namespace {

using namespace std::chrono_literals;

class ConditionVariableTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ConditionVariableTest);

/// A queue of numbers, as an example of what is guarded.
struct Numbers {
  Mutex mutex;
  ConditionVariable changed;
  std::deque<int> values;  // guarded by mutex
};

Task<int> take(Numbers& numbers) {
  MutexGuard guard = co_await numbers.mutex.lock();
  co_await numbers.changed.wait(guard, [&] { return !numbers.values.empty(); });
  EXPECT_TRUE(numbers.mutex.locked());
  const int value = numbers.values.front();
  numbers.values.pop_front();
  co_return value;
}
Task<void> put(Numbers& numbers, int value) {
  {
    const MutexGuard guard = co_await numbers.mutex.lock();
    numbers.values.push_back(value);
  }
  numbers.changed.notify_one();
}

TEST_P(ConditionVariableTest, WaitsForAState) {
  run([]() -> Task<void> {
    Numbers numbers;
    auto taking = spawn(take, std::ref(numbers));
    co_await until([&] { return numbers.changed.waiting() == 1; });
    EXPECT_FALSE(numbers.mutex.locked());
    co_await put(numbers, 7);
    const int value = co_await std::move(taking);
    EXPECT_EQ(value, 7);
    EXPECT_FALSE(numbers.mutex.locked());
  });
}

TEST_P(ConditionVariableTest, EachNotificationWakesTheFirst) {
  run([]() -> Task<void> {
    Mutex mutex;
    ConditionVariable changed;
    Log log;
    auto wait = [&](std::string name) -> Task<void> {
      MutexGuard guard = co_await mutex.lock();
      co_await changed.wait(guard);
      EXPECT_TRUE(static_cast<bool>(guard));
      log.add(std::move(name));
    };
    std::vector<JoinHandle<void>> waits;
    for (const char* name : {"a", "b", "c"}) {
      const std::size_t before = changed.waiting();
      waits.push_back(spawn(std::ref(wait), std::string(name)));
      co_await until([&] { return changed.waiting() == before + 1; });
    }
    changed.notify_one();
    co_await std::move(waits[0]);
    EXPECT_EQ(log.words(), (std::vector<std::string>{"a"}));
    EXPECT_EQ(changed.waiting(), 2U);
    changed.notify_all();
    co_await std::move(waits[1]);
    co_await std::move(waits[2]);
    EXPECT_EQ(log.words(), (std::vector<std::string>{"a", "b", "c"}));
    changed.notify_one();  // without a waiter: not kept
    changed.notify_all();
    auto later = spawn(std::ref(wait), std::string("d"));
    co_await until([&] { return changed.waiting() == 1; });
    co_await yield_now();
    EXPECT_FALSE(later.ended());
    changed.notify_one();
    co_await std::move(later);
  });
}

TEST_P(ConditionVariableTest, ACancelLocksAgainFirst) {
  run([]() -> Task<void> {
    Mutex mutex;
    ConditionVariable changed;
    bool locked_at_end = false;
    auto wait = [&]() -> Task<void> {
      struct AtEnd {
        ~AtEnd() { *locked = mutex->locked(); }
        Mutex* mutex;
        bool* locked;
      };
      MutexGuard guard = co_await mutex.lock();
      const AtEnd at_end{&mutex, &locked_at_end};
      co_await changed.wait(guard);
    };
    auto waiting = spawn(std::ref(wait));
    co_await until([&] { return changed.waiting() == 1; });
    MutexGuard held = co_await mutex.lock();
    waiting.cancel();
    co_await until([&] { return changed.waiting() == 0; });
    co_await yield_now();
    EXPECT_FALSE(waiting.ended());  // it waits for the mutex
    held.unlock();
    const Outcome<void> end = co_await std::move(waiting).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_TRUE(locked_at_end);
    EXPECT_FALSE(mutex.locked());
  });
}

TEST_P(ConditionVariableTest, ACancelBeforeTheWaitLeavesTheMutexLocked) {
  run([]() -> Task<void> {
    Mutex mutex;
    ConditionVariable changed;
    MutexGuard guard = co_await mutex.lock();
    auto waiting = spawn([&]() -> Task<void> { co_await changed.wait(guard); });
    waiting.cancel();
    const Outcome<void> end = co_await std::move(waiting).outcome();
    EXPECT_TRUE(end.cancelled());
    EXPECT_TRUE(static_cast<bool>(guard));
    EXPECT_TRUE(mutex.locked());
    EXPECT_EQ(changed.waiting(), 0U);
  });
}

TEST_P(ConditionVariableTest, ANotificationThatCameFirstIsDelivered) {
  run([]() -> Task<void> {
    Mutex mutex;
    ConditionVariable changed;
    bool went_on = false;
    auto wait = [&]() -> Task<void> {
      MutexGuard guard = co_await mutex.lock();
      co_await changed.wait(guard);
      went_on = true;
    };
    auto waiting = spawn(std::ref(wait));
    co_await until([&] { return changed.waiting() == 1; });
    MutexGuard held = co_await mutex.lock();
    changed.notify_one();
    waiting.cancel();  // while it waits for the mutex
    held.unlock();
    const Outcome<void> end = co_await std::move(waiting).outcome();
    EXPECT_TRUE(went_on);
    EXPECT_TRUE(end.has_value());
  });
}

TEST_P(ConditionVariableTest, ATimeoutLeavesTheMutexLocked) {
  run([]() -> Task<void> {
    Mutex mutex;
    ConditionVariable changed;
    MutexGuard guard = co_await mutex.lock();
    std::error_code code;
    try {
      co_await timeout(changed.wait(guard, [] { return false; }), 1ms);
    } catch (const IoError& error) {
      code = error.code();
    }
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_TRUE(static_cast<bool>(guard));
    EXPECT_TRUE(mutex.locked());
  });
}

TEST_P(ConditionVariableTest, NothingIsLostUnderCancels) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  run([seed]() -> Task<void> {
    constexpr int count = 400;
    Numbers numbers;
    std::vector<int> seen(count);  // guarded by the mutex
    int total = 0;                 // too
    auto consume = [&]() -> Task<void> {
      for (;;) {
        MutexGuard guard = co_await numbers.mutex.lock();
        co_await numbers.changed.wait(guard, [&] { return !numbers.values.empty(); });
        ++seen.at(static_cast<std::size_t>(numbers.values.front()));
        ++total;
        numbers.values.pop_front();
      }
    };
    auto producing = spawn([&]() -> Task<void> {
      for (int i = 0; i < count; ++i) {
        co_await put(numbers, i);
        if (i % 4 == 0) co_await yield_now();
      }
    });
    std::mt19937_64 random(seed);
    std::vector<JoinHandle<void>> consumers;
    for (int i = 0; i < 4; ++i) consumers.push_back(spawn(std::ref(consume)));
    for (bool all = false; !all;) {
      co_await sleep_for(std::chrono::microseconds(random() % 50));
      JoinHandle<void>& one = consumers[random() % consumers.size()];
      one.cancel();
      const Outcome<void> end = co_await std::move(one).outcome();
      EXPECT_TRUE(end.cancelled());
      one = spawn(std::ref(consume));
      // A notification that a cancelled consumer had got is passed on by the state alone.
      numbers.changed.notify_one();
      const MutexGuard guard = co_await numbers.mutex.lock();
      all = total == count;
    }
    co_await std::move(producing);
    for (JoinHandle<void>& one : consumers) one.cancel();
    for (JoinHandle<void>& one : consumers) (void)co_await std::move(one).outcome();
    EXPECT_EQ(seen, std::vector<int>(count, 1));
    EXPECT_FALSE(numbers.mutex.locked());
  });
}

TEST_P(ConditionVariableTest, AFiberAndAThreadWait) {
  Numbers numbers;
  std::thread thread([&] {
    MutexGuard guard = numbers.mutex.blocking_lock();
    while (numbers.values.empty()) numbers.changed.blocking_wait(guard);
    numbers.values.pop_front();
  });
  auto in_fiber = [&] { return await(take(numbers)); };
  run([&]() -> Task<void> {
    auto taking = spawn(fiber(std::ref(in_fiber)));
    co_await put(numbers, 1);
    co_await put(numbers, 1);
    const int value = co_await std::move(taking);
    EXPECT_EQ(value, 1);
  });
  thread.join();
  EXPECT_TRUE(numbers.values.empty());
}

}  // namespace
}  // namespace weft::test::condition_variable_test
