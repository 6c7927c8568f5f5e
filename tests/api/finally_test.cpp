// finally(): the cleanup runs on every path, to its end; its effect on the outcome.
#include <weft/as_future.hpp>
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::finally_test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

class FinallyTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FinallyTest);

// The end of the body × the end of the cleanup × the way the cleanup waits → the outcome. `E`: the
// body's exception, `C`: the cleanup's.

enum class Body { value, throws, cancelled, never_begun };
enum class Cleanup { plain, plain_throws, waits, waits_and_throws };

struct Row {
  Body body;
  Cleanup cleanup;
  std::string expected;
  bool reported = false;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {Body::value, Cleanup::plain, "7"},
      {Body::value, Cleanup::plain_throws, "C"},
      {Body::value, Cleanup::waits, "7"},
      {Body::value, Cleanup::waits_and_throws, "C"},
      {Body::throws, Cleanup::plain, "E"},
      {Body::throws, Cleanup::plain_throws, "E", true},
      {Body::throws, Cleanup::waits, "E"},
      {Body::throws, Cleanup::waits_and_throws, "E", true},
      {Body::cancelled, Cleanup::plain, "cancelled"},
      {Body::cancelled, Cleanup::plain_throws, "C"},
      {Body::cancelled, Cleanup::waits, "cancelled"},
      {Body::cancelled, Cleanup::waits_and_throws, "C"},
      {Body::never_begun, Cleanup::plain, "cancelled"},
      {Body::never_begun, Cleanup::plain_throws, "C"},
      {Body::never_begun, Cleanup::waits, "cancelled"},
      {Body::never_begun, Cleanup::waits_and_throws, "C"},
  };
  return all;
}

struct Case {
  explicit Case(const Row& of) : row(of) {}
  const Row& row;
  ManualEvent never;
  ManualEvent cleaning;
  std::atomic<bool> running{false};
  std::atomic<bool> go{false};
  std::atomic<int> bodies{0};
  std::atomic<int> begun{0};
  std::atomic<int> done{0};
};

Task<int> body_of(Case& c) {
  ++c.bodies;
  co_await yield_now();
  if (c.row.body == Body::throws) throw std::runtime_error("E");
  if (c.row.body == Body::cancelled) co_await c.never;
  co_return 7;
}

Task<void> waiting_cleanup(Case& c) {
  ++c.begun;
  co_await c.cleaning;
  ++c.done;
  if (c.row.cleanup == Cleanup::waits_and_throws) throw std::runtime_error("C");
}

void plain_cleanup(Case& c) {
  ++c.begun;
  ++c.done;
  if (c.row.cleanup == Cleanup::plain_throws) throw std::runtime_error("C");
}

bool waits(const Row& row) {
  return row.cleanup == Cleanup::waits || row.cleanup == Cleanup::waits_and_throws;
}

Task<int> in_coroutine(Case& c) {
  c.running = true;
  if (c.row.body == Body::never_begun) {
    while (!c.go) std::this_thread::yield();
  }
  if (waits(c.row)) {
    co_return co_await finally(body_of(c), [&c] { return waiting_cleanup(c); });
  }
  co_return co_await finally(body_of(c), [&c] { plain_cleanup(c); });
}

int in_fiber_of(Case& c) {
  c.running = true;
  if (c.row.body == Body::never_begun) {
    while (!c.go) std::this_thread::yield();
  }
  if (waits(c.row)) return await(finally(body_of(c), [&c] { return waiting_cleanup(c); }));
  return await(finally(body_of(c), [&c] { plain_cleanup(c); }));
}

std::string text_of(Outcome<int> outcome) {
  if (outcome.cancelled()) return "cancelled";
  try {
    return std::to_string(outcome.take());
  } catch (const std::exception& error) {
    return error.what();
  }
}

Task<std::string> result_of(JoinHandle<int> task, Case& c) {
  std::thread early;
  if (c.row.body == Body::never_begun) {
    early = std::thread([&] {
      while (!c.running) std::this_thread::yield();
      task.cancel();
      c.go = true;
    });
  }
  if (early.joinable()) co_await until([&] { return c.begun > 0; });
  if (c.row.body == Body::cancelled) {
    co_await until([&] { return c.never.awaited(); });
    task.cancel();
  }
  co_await until([&] { return c.begun == 1; });
  if (early.joinable()) early.join();
  if (waits(c.row)) {
    co_await until([&] { return c.cleaning.awaited(); });
    task.cancel();  // does not disturb the cleanup
    for (int i = 0; i < 5; ++i) co_await yield_now();
    EXPECT_FALSE(task.ended());
    c.cleaning.set();
  }
  Outcome<int> ended = co_await std::move(task).outcome();
  co_return text_of(std::move(ended));
}

TEST_P(FinallyTest, EveryEndOfTheBodyWithEveryEndOfTheCleanup) {
  allow_failures();
  for (const bool fiber : {false, true}) {
    std::size_t reported_before = failures().size();
    for (const Row& row : rows()) {
      SCOPED_TRACE(std::string(fiber ? "fiber" : "coroutine") + ", row " +
                   std::to_string(&row - rows().data()));
      Case c(row);
      // On the current_thread runtime only another thread can cancel a task that does not yield its
      // thread. result_of() runs only afterwards there.
      const std::string result = run([&]() -> Task<std::string> {
        auto task = fiber ? spawn(weft::fiber([&c] { return in_fiber_of(c); }))
                          : spawn([&c] { return in_coroutine(c); });
        co_return co_await result_of(std::move(task), c);
      });
      EXPECT_EQ(result, row.expected);
      EXPECT_EQ(c.begun, 1);
      EXPECT_EQ(c.done, 1);
      EXPECT_EQ(c.bodies, row.body == Body::never_begun ? 0 : 1);
      EXPECT_EQ(failures().size() - reported_before, row.reported ? 1U : 0U);
      reported_before = failures().size();
    }
  }
}

TEST_P(FinallyTest, TheBodysFrameIsGoneBeforeTheCleanupBegins) {
  Log log;
  run([&]() -> Task<void> {
    auto body = [&]() -> Task<void> {
      const Logged local(log, "body");
      co_await yield_now();
    };
    co_await finally(body(), [&] { log.add("cleanup"); });
  });
  EXPECT_EQ(log.words(), (Words{"body", "cleanup"}));
}

TEST_P(FinallyTest, TheCleanupMayBeToldHowItEnded) {
  run([]() -> Task<void> {
    auto seven = []() -> Task<int> { co_return 7; };
    int seen = 0;
    const int given =
        co_await finally(seven(), [&](const Outcome<int>& ended) { seen = ended.value(); });
    EXPECT_EQ(seen, 7);
    EXPECT_EQ(given, 7);
  });
}

TEST_P(FinallyTest, TheBodyMayBeSomethingToCall) {
  run([]() -> Task<void> {
    bool cleaned = false;
    const int given = co_await finally([]() -> Task<int> { co_return 3; }, [&] { cleaned = true; });
    EXPECT_EQ(given, 3);
    EXPECT_TRUE(cleaned);
  });
}

// Innermost first, each to its end, through a cancel of the whole.
TEST_P(FinallyTest, NestedCleanupsRunInOrderThroughACancel) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto note = [&](std::string word) -> Task<void> {
      for (int i = 0; i < 3; ++i) co_await yield_now();
      log.add(std::move(word));
    };
    auto inner = [&]() -> Task<void> {
      co_await finally(never.wait(), [&] { return note("inner"); });
      log.add("not reached");
    };
    auto task = spawn([&]() -> Task<void> {
      co_await finally(timeout(inner(), 1h), [&] { return note("outer"); });
    });
    co_await until([&] { return never.awaited(); });
    task.cancel();
    const Outcome<void> ended = co_await std::move(task).outcome();
    EXPECT_TRUE(ended.cancelled());
  });
  EXPECT_EQ(log.words(), (Words{"inner", "outer"}));
}

TEST_P(FinallyTest, AFailedSiblingsCancelRunsTheCleanup) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    std::string what;
    try {
      co_await scope([&](Scope& s) -> Task<void> {
        s.spawn(
            [&]() -> Task<void> { co_await finally(never.wait(), [&] { log.add("cleaned"); }); });
        co_await until([&] { return never.awaited(); });
        throw std::runtime_error("body");
      });
    } catch (const std::exception& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "body");
  });
  EXPECT_EQ(log.words(), Words{"cleaned"});
}

TEST_P(FinallyTest, ADroppedFutureRunsTheCleanup) {
  run([]() -> Task<void> {
    ManualEvent never;
    std::atomic<bool> cleaned{false};
    {
      auto future = as_future(finally(never.wait(), [&] { cleaned = true; }));
      const Waker waker;
      Context cx(waker);
      EXPECT_TRUE(future.poll(cx).is_pending());
      co_await until([&] { return never.awaited(); });
    }
    co_await until([&] { return cleaned.load(); });
  });
}

}  // namespace
}  // namespace weft::test::finally_test
