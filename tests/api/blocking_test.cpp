// blocking(): calls on threads of their own; classes of calls; cancels; messages during a shutdown.
#include <weft/blocking.hpp>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <streambuf>
#include <string>
#include <thread>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::blocking_test {
namespace {

/// Captures std::cerr while it lives. The first output opens the gate.
class HeardErrors : private std::streambuf {
 public:
  HeardErrors(std::string& said, std::binary_semaphore& gate)
      : said_(said), gate_(gate), before_(std::cerr.rdbuf(this)) {}
  ~HeardErrors() override { std::cerr.rdbuf(before_); }
  HeardErrors(const HeardErrors&) = delete;
  HeardErrors& operator=(const HeardErrors&) = delete;

 private:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (said_.empty()) gate_.release();
    said_.append(text, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type c) override { return c; }

  std::string& said_;
  std::binary_semaphore& gate_;
  std::streambuf* before_;
};

class Blocking : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(Blocking);

TEST_P(Blocking, GivesItsResultOfEveryKind) {
  int object = 0;
  run(blocking([] {}));
  EXPECT_EQ(run(blocking([] { return 7; })), 7);
  EXPECT_EQ(*run(blocking([held = std::make_unique<int>(3)]() mutable { return std::move(held); })),
            3);
  EXPECT_EQ(&run(blocking([&]() -> int& { return object; })), &object);
  EXPECT_FALSE(run(blocking([](std::stop_token stop) { return stop.stop_requested(); })));
  EXPECT_THROW(run(blocking([] { throw std::domain_error("no"); })), std::domain_error);
  run(fiber([] { EXPECT_EQ(await(blocking([] { return 5; })), 5); }));
  run([]() -> Task<void> {
    auto handle = spawn(blocking([] { return std::string("text"); }));
    const std::string text = co_await std::move(handle);
    EXPECT_EQ(text, "text");
  });
}

TEST_P(Blocking, RunsApartFromTheWorkers) {
  const std::thread::id caller = std::this_thread::get_id();
  run([&]() -> Task<void> {
    const std::thread::id worker = std::this_thread::get_id();
    const std::thread::id other = co_await blocking([] { return std::this_thread::get_id(); });
    EXPECT_NE(other, worker);
    EXPECT_NE(other, caller);
  });
}

TEST_P(Blocking, TasksGoOnMeanwhile) {
  std::binary_semaphore gate(0);
  run([&]() -> Task<void> {
    auto call = spawn(blocking([&] { gate.acquire(); }));
    for (int i = 0; i < 100; ++i) co_await yield_now();
    gate.release();
    co_await std::move(call);
  });
}

TEST_P(Blocking, AClassHasNoMoreThreadsThanItMay) {
  BlockingThreads one({.name = "one", .most_threads = 1});
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::string order;
  run(scope([&](Scope& children) -> Task<void> {
    for (char c = 'a'; c <= 'j'; ++c) {
      children
          .spawn(blocking(one,
                          [&, c] {
                            most = std::max(most.load(), ++inside);
                            order += c;
                            --inside;
                          }))
          .detach();
      co_await yield_now();
    }
  }));
  EXPECT_EQ(most, 1);
  EXPECT_EQ(order.size(), 10U);
  if (GetParam() <= 1) {
    EXPECT_EQ(order, "abcdefghij") << "first come, first served";
  }
  EXPECT_EQ(one.threads(), 1U);
  EXPECT_THROW(BlockingThreads({.most_threads = 0}), std::invalid_argument);
}

TEST_P(Blocking, OneClassDoesNotWaitForAnother) {
  BlockingThreads slow({.most_threads = 1});
  std::binary_semaphore gate(0);
  ManualEvent begun;
  run([&]() -> Task<void> {
    auto first = spawn(blocking(slow, [&] {
      begun.set();
      gate.acquire();
    }));
    co_await begun;
    auto second = spawn(blocking(slow, [] {}));
    co_await blocking([] {});
    EXPECT_FALSE(second.ended());
    gate.release();
    co_await std::move(first);
    co_await std::move(second);
  });
}

TEST_P(Blocking, WhatHasNotBegunIsTakenBack) {
  BlockingThreads one({.most_threads = 1});
  std::binary_semaphore gate(0);
  ManualEvent begun;
  std::atomic<bool> ran{false};
  run([&]() -> Task<void> {
    auto first = spawn(blocking(one, [&] {
      begun.set();
      gate.acquire();
    }));
    co_await begun;
    auto second = spawn(blocking(one, [&] { ran = true; }));
    auto third = spawn(blocking(one, [] { return 3; }));
    for (int i = 0; i < 10; ++i) co_await yield_now();
    second.cancel();
    const auto outcome = co_await std::move(second).outcome();
    EXPECT_TRUE(outcome.cancelled());
    gate.release();
    co_await std::move(first);
    const int value = co_await std::move(third);
    EXPECT_EQ(value, 3);
  });
  EXPECT_FALSE(ran);
}

TEST_P(Blocking, WhatHasBegunIsAskedToStopAndItsResultDelivered) {
  ManualEvent begun;
  run([&]() -> Task<void> {
    auto handle = spawn(blocking([&](std::stop_token stop) {
      std::binary_semaphore stopped(0);
      const std::stop_callback on_stop(stop, [&] { stopped.release(); });
      begun.set();
      stopped.acquire();
      return 7;
    }));
    co_await begun;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_FALSE(outcome.cancelled());
    EXPECT_EQ(outcome.value(), 7);
  });
}

TEST_P(Blocking, AShutdownThatWaitsSaysForWhat) {
  std::binary_semaphore gate(0);
  std::atomic<bool> begun{false};
  run([&]() -> Task<void> {
    spawn(blocking([&] {
      begun = true;
      gate.acquire();
    })).detach();
    co_await until([&] { return begun.load(); });
  });
  std::string said;
  {
    const HeardErrors heard(said, gate);  // after a second
    end_runtime();
  }
  EXPECT_NE(said.find("the shutdown waits for a blocking call"), std::string::npos) << said;
  EXPECT_NE(said.find("blocking_test.cpp"), std::string::npos) << said;
}

TEST_P(Blocking, ManyCallsOfManyTasks) {
  std::atomic<int> calls{0};
  run(scope([&](Scope& children) -> Task<void> {
    for (int i = 0; i < 1000; ++i) children.spawn(blocking([&] { ++calls; })).detach();
    co_return;
  }));
  EXPECT_EQ(calls, 1000);
}

}  // namespace
}  // namespace weft::test::blocking_test
