// FiberLocal: one object per fiber, from its first use to the end of the fiber.
#include <weft/fiber.hpp>
#include <weft/fiber_local.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::fiber_local_test {
namespace {

class FiberLocalTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(FiberLocalTest);

TEST_P(FiberLocalTest, EachFiberHasItsOwnAcrossItsAwaits) {
  const FiberLocal<int> counter;
  std::atomic<int> right{0};
  run(fiber([&] {
    await(scope([&](Scope& children) -> Task<void> {
      for (int i = 0; i < 20; ++i) {
        const auto count = [&, i] {
          EXPECT_EQ(counter.get(), 0);  // value-initialized at its first use
          for (int turn = 0; turn < 10; ++turn) {
            *counter += i;
            await(yield_now());
          }
          if (*counter == 10 * i) ++right;
        };
        children.spawn(fiber(count)).detach();
      }
      co_return;
    }));
    EXPECT_EQ(*counter, 0);
  }));
  EXPECT_EQ(right, 20);
}

TEST_P(FiberLocalTest, SeveralDoNotMeetAndTheNewestGoesFirst) {
  Log log;
  struct Noting {
    Log* log = nullptr;
    std::string name;
    ~Noting() {
      if (log != nullptr) log->add(name);
    }
  };
  const FiberLocal<Noting> first;
  const FiberLocal<Noting> second;
  run(fiber([&] {
    *first = Noting{&log, "first"};
    first->log = &log;
    *second = Noting{&log, "second"};
    second->log = &log;
    log.add("end");
  }));
  // The temporary of each assignment, the end, then the objects themselves.
  EXPECT_EQ(log.words(), (std::vector<std::string>{"first", "second", "end", "second", "first"}));
}

/// Counts its living objects.
struct Counted {
  Counted() { ++living(); }
  ~Counted() { --living(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  static std::atomic<int>& living() {
    static std::atomic<int> count{0};
    return count;
  }
};

TEST_P(FiberLocalTest, GoesWithItsFiberHoweverThatEnds) {
  const FiberLocal<Counted> local;
  ManualEvent started;
  ManualEvent never;
  run([&]() -> Task<void> {
    auto returns = spawn(fiber([&] { static_cast<void>(local.get()); }));
    co_await std::move(returns);
    auto throws = spawn(fiber([&] {
      static_cast<void>(local.get());
      throw std::runtime_error("no");
    }));
    const auto thrown = co_await std::move(throws).outcome();
    EXPECT_TRUE(thrown.failed());
    auto waits = spawn(fiber([&] {
      static_cast<void>(local.get());
      started.set();
      await(never);
    }));
    co_await started;
    EXPECT_EQ(Counted::living(), 1);
    waits.cancel();
    const auto cancelled = co_await std::move(waits).outcome();
    EXPECT_TRUE(cancelled.cancelled());
  });
  EXPECT_EQ(Counted::living(), 0);
}

TEST_P(FiberLocalTest, TheObjectMayOutliveTheFiberLocal) {
  run(fiber([] {
    auto local = std::make_unique<FiberLocal<Counted>>();
    static_cast<void>(local->get());
    local.reset();
    EXPECT_EQ(Counted::living(), 1);
  }));
  EXPECT_EQ(Counted::living(), 0);
}

/// Its destructor asks for an object that did not exist before.
struct Asking {
  const FiberLocal<Counted>* other = nullptr;
  ~Asking() {
    if (other != nullptr) static_cast<void>(other->get());
  }
};

TEST_P(FiberLocalTest, OneMadeByTheEndOfAnotherIsDestroyedToo) {
  const FiberLocal<Counted> late;
  const FiberLocal<Asking> early;
  run(fiber([&] { early->other = &late; }));
  EXPECT_EQ(Counted::living(), 0);
}

TEST_P(FiberLocalTest, WhereNoFiberRunsIsALogicError) {
  const FiberLocal<int> local;
  EXPECT_THROW(static_cast<void>(local.get()), std::logic_error);
  run([&]() -> Task<void> {
    EXPECT_THROW(static_cast<void>(local.get()), std::logic_error);
    co_return;
  });
  struct AtTheEnd {
    const FiberLocal<int>& local;
    bool armed = true;
    explicit AtTheEnd(const FiberLocal<int>& of) : local(of) {}
    AtTheEnd(AtTheEnd&& other) noexcept
        : local(other.local), armed(std::exchange(other.armed, false)) {}
    AtTheEnd& operator=(AtTheEnd&&) = delete;
    ~AtTheEnd() {
      // The objects of its fiber are destroyed: a new one would stay for ever.
      if (armed) {
        EXPECT_THROW(static_cast<void>(local.get()), std::logic_error);
      }
    }
  };
  run([&]() -> Task<void> {
    auto handle = spawn(fiber([](const AtTheEnd&) {}, AtTheEnd(local)));
    co_await std::move(handle);
  });
}

TEST_P(FiberLocalTest, AThrowingObjectIsNotKept) {
  struct Throwing {
    Throwing() { throw std::runtime_error("no"); }
  };
  const FiberLocal<Throwing> local;
  run(fiber([&] {
    EXPECT_THROW(static_cast<void>(local.get()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(local.get()), std::runtime_error);
  }));
}

}  // namespace
}  // namespace weft::test::fiber_local_test
