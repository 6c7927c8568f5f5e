// Foreign awaitables: from coroutines, fibers, combinators; resumed at once, later, and on other
// threads.
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <stdexcept>
#include <thread>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::foreign_awaiter_test {
namespace {

class ForeignAwaiterTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(ForeignAwaiterTest);

/// Resumes on a thread of its own, possibly before await_suspend() has returned. From then on this
/// object may be destroyed.
class OnAnotherThread {
 public:
  explicit OnAnotherThread(int value, ManualEvent* begun = nullptr) noexcept
      : value_(value), begun_(begun) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    if (begun_ != nullptr) begun_->set();
    std::thread([waiting] { waiting.resume(); }).detach();
  }
  int await_resume() const noexcept { return value_; }

 private:
  int value_;
  ManualEvent* begun_;
};

/// Does not suspend, in one way or the other.
class AtOnce {
 public:
  enum class How { ready, not_suspended, resumed_within, transferred_back, throws };
  explicit AtOnce(How how) noexcept : how_(how) {}
  bool await_ready() const noexcept { return how_ == How::ready; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) const {
    if (how_ == How::throws) throw std::runtime_error("refused");
    if (how_ != How::resumed_within) return waiting;
    waiting.resume();
    return std::noop_coroutine();
  }
  How await_resume() const noexcept { return how_; }

 private:
  How how_;
};

class NotSuspended {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return 5; }
};

/// An awaitable with a free operator co_await.
struct Wrapped {
  int value;
};
[[maybe_unused]] OnAnotherThread operator co_await(Wrapped wrapped) noexcept {
  return OnAnotherThread(wrapped.value);
}

Task<int> sum_in_coroutine() {
  OnAnotherThread first(1);
  int sum = co_await first;
  sum += co_await OnAnotherThread(10);
  const Wrapped wrapped{100};
  sum += co_await wrapped;
  sum += co_await NotSuspended();
  co_return sum;
}

TEST_P(ForeignAwaiterTest, ACoroutineGoesOnWhereItBelongs) {
  EXPECT_EQ(run(sum_in_coroutine()), 116);
  run([&]() -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      co_await OnAnotherThread(i);
      EXPECT_NE(detail::OwnedTasks::current_or_null(), nullptr);  // on a worker again
    }
  });
}

TEST_P(ForeignAwaiterTest, AFiberGoesOnOnItsWorker) {
  run(fiber([] {
    const auto worker = std::this_thread::get_id();
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(await(OnAnotherThread(i)), i);
      EXPECT_EQ(std::this_thread::get_id(), worker);
    }
    EXPECT_EQ(await(Wrapped{7}), 7);
    EXPECT_EQ(await(NotSuspended()), 5);
  }));
}

TEST_P(ForeignAwaiterTest, EveryWayOfNotSuspending) {
  using How = AtOnce::How;
  for (const How how : {How::ready, How::resumed_within, How::transferred_back}) {
    run([&]() -> Task<void> {
      const How seen = co_await AtOnce(how);
      EXPECT_EQ(seen, how);
    });
    EXPECT_EQ(run(fiber([how] { return await(AtOnce(how)); })), how);
  }
  EXPECT_THROW(run(as_task(AtOnce(How::throws))), std::runtime_error);
  EXPECT_THROW(run(fiber([] { await(AtOnce(How::throws)); })), std::runtime_error);
}

TEST_P(ForeignAwaiterTest, IsAChildLikeAnyOther) {
  auto [a, b] = run(when_all(OnAnotherThread(1), fiber([] { return 2; })));
  EXPECT_EQ(a + b, 3);
}

TEST_P(ForeignAwaiterTest, NoneIsBegunOnceACancelWasAskedFor) {
  const auto for_ever = []() -> Task<void> {
    for (;;) co_await OnAnotherThread(1);
  };
  run([&]() -> Task<void> {
    auto coroutine = spawn(for_ever);
    auto on_fiber = spawn(fiber([] {
      for (;;) await(OnAnotherThread(1));
    }));
    co_await yield_now();
    coroutine.cancel();
    on_fiber.cancel();
    const auto first = co_await std::move(coroutine).outcome();
    const auto second = co_await std::move(on_fiber).outcome();
    EXPECT_TRUE(first.cancelled());
    EXPECT_TRUE(second.cancelled());
  });
}

TEST_P(ForeignAwaiterTest, ACancelWaitsForItsEnd) {
  ManualEvent started;
  ManualEvent never;
  bool got_value = false;
  run([&]() -> Task<void> {
    auto handle = spawn([&]() -> Task<void> {
      const int value = co_await OnAnotherThread(3, &started);
      got_value = value == 3;
      co_await never;
    });
    co_await started;
    handle.cancel();
    const auto outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_TRUE(got_value);
}

}  // namespace
}  // namespace weft::test::foreign_awaiter_test
