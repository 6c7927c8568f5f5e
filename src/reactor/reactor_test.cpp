// Reactor over a scripted driver: starts, ends, cancels, timers, the inbox. Over the real driver:
// no wake is lost.
#include "reactor/reactor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_context.hpp"
#include "conformance/handles.hpp"
#include "reactor/readiness_driver.hpp"

namespace weft::testing::reactor_test {
namespace {

constexpr std::int64_t ms = 1'000'000;

class ManualClock final : public detail::Clock {
 public:
  std::int64_t now() noexcept override {
    ++reads;
    return time;
  }
  std::int64_t time = 1'000 * ms;
  int reads = 0;
};

/// Records the reactor's calls; ends the operations that a test selects.
class ScriptedDriver final : public detail::Driver {
 public:
  detail::Started start(Operation& operation) noexcept override {
    if (complete_in_place) {
      operation.result = 1;
      return detail::Started::completed;
    }
    operation.pending = true;
    return detail::Started::pending;
  }
  detail::Cancelled cancel(Operation& operation) noexcept override {
    ++cancels;
    if (!confirms) {
      requested.push_back(&operation);
      return detail::Cancelled::requested;
    }
    operation.pending = false;
    operation.result = -ECANCELED;
    return detail::Cancelled::confirmed;
  }
  void wait(std::int64_t timeout_ns, CompletionList& completed) noexcept override {
    timeouts.push_back(timeout_ns);
    for (Operation* operation : ready) {
      operation->pending = false;
      operation->result = 7;
      completed.push(*operation);
    }
    ready.clear();
    for (Operation* operation : requested) {
      operation->pending = false;
      operation->result = -ECANCELED;
      completed.push(*operation);
    }
    requested.clear();
  }
  void wake() noexcept override { wakes.fetch_add(1, std::memory_order_relaxed); }
  NativeHandle native_handle() const noexcept override { return invalid_handle; }

  bool complete_in_place = false;
  bool confirms = true;
  int cancels = 0;
  std::atomic<int> wakes{0};
  std::vector<Operation*> ready;
  std::vector<Operation*> requested;
  std::vector<std::int64_t> timeouts;
};

class CallbackOperation final : public Operation {
 public:
  explicit CallbackOperation(OperationKind what, Source* on = nullptr)
      : Operation(what, on, [](Operation& self) noexcept {
          auto& own = static_cast<CallbackOperation&>(self);
          ++own.completed;
          const std::function<void()> callback = own.then;  // it may destroy the operation
          if (callback) callback();
        }) {}
  explicit CallbackOperation(std::int64_t when) : CallbackOperation(OperationKind::timer) {
    set_deadline(when);
  }

  int completed = 0;
  std::function<void()> then;
};

class ReactorTest : public ::testing::Test {
 protected:
  ReactorTest() {
    auto owned = std::make_unique<ScriptedDriver>();
    driver = owned.get();
    reactor = std::make_unique<detail::Reactor>(std::move(owned), clock);
  }

  ManualClock clock;
  ScriptedDriver* driver;
  std::unique_ptr<detail::Reactor> reactor;
};

TEST_F(ReactorTest, CompletionInPlaceCallsNothing) {
  driver->complete_in_place = true;
  CallbackOperation operation(OperationKind::read);
  EXPECT_EQ(reactor->start(operation), detail::Started::completed);
  EXPECT_EQ(operation.result, 1);
  EXPECT_EQ(operation.completed, 0);
  EXPECT_EQ(reactor->pending(), 0U);
}

TEST_F(ReactorTest, CompletionOfAPendingOperationIsCalledOnce) {
  CallbackOperation operation(OperationKind::read);
  EXPECT_EQ(reactor->start(operation), detail::Started::pending);
  EXPECT_EQ(reactor->pending(), 1U);
  EXPECT_EQ(reactor->poll(0), 0U);
  driver->ready = {&operation};
  EXPECT_EQ(reactor->poll(0), 1U);
  EXPECT_EQ(operation.completed, 1);
  EXPECT_EQ(operation.result, 7);
  EXPECT_EQ(reactor->pending(), 0U);
  reactor->cancel(operation);  // no longer pending: ignored
  EXPECT_EQ(operation.completed, 1);
}

TEST_F(ReactorTest, AConfirmedCancelCompletesAtOnce) {
  CallbackOperation operation(OperationKind::read);
  ASSERT_EQ(reactor->start(operation), detail::Started::pending);
  reactor->cancel(operation);
  EXPECT_EQ(operation.completed, 1);
  EXPECT_EQ(operation.result, -ECANCELED);
  EXPECT_EQ(reactor->pending(), 0U);
}

TEST_F(ReactorTest, ARequestedCancelCompletesLaterAndIsAskedForOnce) {
  driver->confirms = false;
  CallbackOperation operation(OperationKind::read);
  ASSERT_EQ(reactor->start(operation), detail::Started::pending);
  reactor->cancel(operation);
  reactor->cancel(operation);
  EXPECT_EQ(driver->cancels, 1);
  EXPECT_EQ(operation.completed, 0);
  EXPECT_EQ(reactor->poll(0), 1U);
  EXPECT_EQ(operation.completed, 1);
}

TEST_F(ReactorTest, ACallbackMayCancelWhatEndedInTheSameTurn) {
  CallbackOperation first(OperationKind::read);
  CallbackOperation second(OperationKind::read);
  CallbackOperation third(OperationKind::read);
  for (auto* operation : {&first, &second, &third}) {
    ASSERT_EQ(reactor->start(*operation), detail::Started::pending);
  }
  first.then = [&] {
    reactor->cancel(second);  // has its result already: keeps it
    reactor->cancel(third);   // still waits: ends here
  };
  driver->ready = {&first, &second};
  EXPECT_EQ(reactor->poll(0), 3U);
  EXPECT_EQ(second.result, 7);
  EXPECT_EQ(second.completed, 1);
  EXPECT_EQ(third.result, -ECANCELED);
  EXPECT_EQ(third.completed, 1);
}

TEST_F(ReactorTest, ACallbackMayDestroyItsOperationAndStartOthers) {
  auto first = std::make_unique<CallbackOperation>(OperationKind::read);
  std::unique_ptr<CallbackOperation> next;
  first->then = [&] {
    first.reset();
    next = std::make_unique<CallbackOperation>(OperationKind::read);
    ASSERT_EQ(reactor->start(*next), detail::Started::pending);
  };
  ASSERT_EQ(reactor->start(*first), detail::Started::pending);
  driver->ready = {first.get()};
  EXPECT_EQ(reactor->poll(0), 1U);
  ASSERT_NE(next, nullptr);
  driver->ready = {next.get()};
  EXPECT_EQ(reactor->poll(0), 1U);
  EXPECT_EQ(next->completed, 1);
}

// Timers

TEST_F(ReactorTest, TimersFireInOrderAndNeverEarly) {
  std::vector<int> order;
  CallbackOperation late(clock.time + 20 * ms);
  CallbackOperation soon(clock.time + 10 * ms);
  late.then = [&] { order.push_back(2); };
  soon.then = [&] { order.push_back(1); };
  ASSERT_EQ(reactor->start(late), detail::Started::pending);
  ASSERT_EQ(reactor->start(soon), detail::Started::pending);
  clock.time += 10 * ms - 1;
  EXPECT_EQ(reactor->poll(0), 0U);
  clock.time += 11 * ms;
  EXPECT_EQ(reactor->poll(0), 2U);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(soon.result, 0);
  EXPECT_EQ(reactor->pending(), 0U);
}

TEST_F(ReactorTest, TheWaitEndsWithTheNextTimer) {
  EXPECT_EQ(reactor->poll(-1), 0U);
  EXPECT_EQ(driver->timeouts.back(), -1);
  CallbackOperation timer(clock.time + 10 * ms);
  ASSERT_EQ(reactor->start(timer), detail::Started::pending);
  reactor->poll(-1);
  EXPECT_GT(driver->timeouts.back(), 0);
  EXPECT_LE(driver->timeouts.back(), 10 * ms + (1 << detail::TimerWheel::tick_shift));
  reactor->poll(2 * ms);
  EXPECT_LE(driver->timeouts.back(), 2 * ms);
  clock.time += 50 * ms;  // overdue: does not block
  EXPECT_EQ(reactor->poll(-1), 1U);
  EXPECT_EQ(driver->timeouts.back(), 0);
}

TEST_F(ReactorTest, WithoutTimersTheClockIsNotRead) {
  const int before = clock.reads;
  reactor->poll(-1);
  reactor->poll(0);
  EXPECT_EQ(clock.reads, before);
  CallbackOperation timer(clock.time + 10 * ms);
  ASSERT_EQ(reactor->start(timer), detail::Started::pending);
  reactor->poll(0);
  EXPECT_EQ(clock.reads, before + 1);
  reactor->cancel(timer);
}

TEST_F(ReactorTest, ATimerCanBeCancelled) {
  CallbackOperation timer(clock.time + 10 * ms);
  ASSERT_EQ(reactor->start(timer), detail::Started::pending);
  reactor->cancel(timer);
  EXPECT_EQ(timer.completed, 1);
  EXPECT_EQ(timer.result, -ECANCELED);
  clock.time += 50 * ms;
  EXPECT_EQ(reactor->poll(0), 0U);
  EXPECT_EQ(timer.completed, 1);
  EXPECT_EQ(driver->cancels, 0);
}

TEST_F(ReactorTest, ATimerMayCancelAnotherThatIsDueToo) {
  CallbackOperation first(clock.time + 10 * ms);
  CallbackOperation second(clock.time + 10 * ms);
  first.then = [&] { reactor->cancel(second); };
  ASSERT_EQ(reactor->start(first), detail::Started::pending);
  ASSERT_EQ(reactor->start(second), detail::Started::pending);
  clock.time += 20 * ms;
  EXPECT_EQ(reactor->poll(0), 2U);
  EXPECT_EQ(second.result, -ECANCELED);
  EXPECT_EQ(second.completed, 1);
}

TEST_F(ReactorTest, ATimerThatStartsItselfAnewDoesNotHoldTheTurn) {
  CallbackOperation timer(clock.time - 10 * ms);
  bool again = true;
  timer.then = [&] {
    if (again) {
      EXPECT_EQ(reactor->start(timer), detail::Started::pending);
    }
  };
  ASSERT_EQ(reactor->start(timer), detail::Started::pending);
  EXPECT_GE(reactor->poll(0), 1U);
  EXPECT_EQ(driver->timeouts.size(), 1U);
  reactor->poll(-1);
  EXPECT_EQ(driver->timeouts.back(), 0);  // it is due
  again = false;
  reactor->cancel(timer);
}

TEST_F(ReactorTest, AMassOfTimersIsSpreadOverTurns) {
  std::vector<std::unique_ptr<CallbackOperation>> timers;
  for (int i = 0; i < 5000; ++i) {
    timers.push_back(std::make_unique<CallbackOperation>(clock.time + i % 7 * ms));
    ASSERT_EQ(reactor->start(*timers.back()), detail::Started::pending);
  }
  clock.time += 10 * ms;
  std::size_t turns = 0;
  while (reactor->pending() > 0) {
    EXPECT_GT(reactor->poll(-1), 0U);
    EXPECT_EQ(driver->timeouts.back(), 0);
    ++turns;
  }
  EXPECT_GT(turns, 1U);
  EXPECT_TRUE(std::ranges::all_of(timers, [](const auto& timer) { return timer->completed == 1; }));
}

// Messages

class TestHook final : public CancelMessage {
 public:
  explicit TestHook(std::function<void()> handler)
      : CancelMessage([](CancelHook& self) noexcept { static_cast<TestHook&>(self).handler_(); }),
        handler_(std::move(handler)) {}

 private:
  std::function<void()> handler_;
};

TEST_F(ReactorTest, MessagesAreHandledInOrderWithOneWake) {
  std::vector<int> order;
  TestHook one([&] { order.push_back(1); });
  TestHook two([&] { order.push_back(2); });
  reactor->post_cancel(one);
  reactor->post_cancel(two);
  EXPECT_EQ(driver->wakes.load(), 1);
  reactor->poll(0);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  reactor->post_cancel(one);
  EXPECT_EQ(driver->wakes.load(), 2);
  reactor->poll(0);
  EXPECT_EQ(order.size(), 3U);
}

TEST_F(ReactorTest, AMessageMayPostItselfAgain) {
  int handled = 0;
  std::unique_ptr<TestHook> hook;
  hook = std::make_unique<TestHook>([&] {
    if (++handled < 3) reactor->post_cancel(*hook);
  });
  reactor->post_cancel(*hook);
  while (handled < 3) reactor->poll(0);
}

TEST(ReactorOverRealDriver, CancelsFromOtherThreadsAreNeverLost) {
  detail::SteadyClock clock;
  detail::Reactor reactor(std::unique_ptr<detail::Driver>(*detail::ReadinessDriver::create()),
                          clock);
  constexpr int rounds = 2000;
  const Ends pair = make_socket_pair();
  Source source(::dup(pair.first.get()));
  for (int i = 0; i < rounds; ++i) {
    CallbackOperation operation(OperationKind::read, &source);
    std::byte byte{};
    operation.io.buffer = {&byte, 1};
    ASSERT_EQ(reactor.start(operation), detail::Started::pending);
    TestHook hook([&] { reactor.cancel(operation); });
    std::thread canceller([&] { reactor.post_cancel(hook); });
    while (operation.completed == 0) reactor.poll(-1);  // would not end if the wake were lost
    EXPECT_EQ(operation.result, -ECANCELED);
    canceller.join();
  }
}

TEST(ReactorOverRealDriver, TimersKeepRealTime) {
  detail::SteadyClock clock;
  detail::Reactor reactor(std::unique_ptr<detail::Driver>(*detail::ReadinessDriver::create()),
                          clock);
  const std::int64_t start = clock.now();
  CallbackOperation timer(start + 5 * ms);
  ASSERT_EQ(reactor.start(timer), detail::Started::pending);
  while (timer.completed == 0) reactor.poll(-1);
  EXPECT_GE(clock.now() - start, 5 * ms);
}

TEST(ReactorOverRealDriver, CurrentBelongsToTheThread) {
  detail::SteadyClock clock;
  detail::Reactor reactor(std::unique_ptr<detail::Driver>(*detail::ReadinessDriver::create()),
                          clock);
  EXPECT_EQ(detail::Reactor::current(), nullptr);
  detail::thread_context().reactor = &reactor;
  std::thread([] { EXPECT_EQ(detail::Reactor::current(), nullptr); }).join();
  EXPECT_EQ(detail::Reactor::current(), &reactor);
  EXPECT_EQ(std::exchange(detail::thread_context().reactor, nullptr), &reactor);
}

TEST(ReactorDeathTest, DestructionWithOperationsPendingIsRefused) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        detail::SteadyClock clock;
        CallbackOperation timer(clock.now() + 1'000 * ms);
        detail::Reactor reactor(std::unique_ptr<detail::Driver>(*detail::ReadinessDriver::create()),
                                clock);
        static_cast<void>(reactor.start(timer));
      },
      "operations pending");
}

}  // namespace
}  // namespace weft::testing::reactor_test
