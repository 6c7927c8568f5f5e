// The semaphore: acquire, release, cancel and its destruction, in every interleaving. Each waiter
// goes on exactly once, no permit is lost or given twice, and waiters are served in order of
// arrival.
#include <weft/semaphore.hpp>

#include <memory>

#include "model/core_model.hpp"

namespace weft::model::semaphore_model_test {
namespace {

/// A task that acquires, and the outcome. The leaf lives in its frame.
struct Acquiring {
  Acquiring(Semaphore& semaphore, std::size_t permits)
      : task(executor),
        leaf(std::make_unique<Awaiter>(detail::AcquireRequest(semaphore, permits))) {}

  void acquire() { went_on = !leaf->await_suspend(Handle::from_promise(task.promise)) || went_on; }
  [[nodiscard]] int resumed() const { return executor.resumed + (went_on ? 1 : 0); }
  [[nodiscard]] bool acquired() const { return resumed() == 1 && !task.unwinding(); }

  using Awaiter = QueueAwaiter<detail::AcquireRequest>;
  using Handle = std::coroutine_handle<FakePromise>;
  CountingExecutor executor;
  FakeTask task;
  std::unique_ptr<Awaiter> leaf;
  bool went_on = false;
};

void acquire_release_and_cancel(Execution& execution) {
  Semaphore semaphore(0);
  Acquiring waiter(semaphore, 1);
  execution.thread([&] { waiter.acquire(); });
  execution.thread([&] { semaphore.release(); });
  execution.thread([&] { waiter.task.cancel(); });
  execution.join_all();
  require(waiter.resumed() == 1, "the waiter goes on exactly once");
  require(semaphore.available() == (waiter.acquired() ? 0 : 1), "the permit is in one place");
}

TEST(SemaphoreModel, AnAcquireMeetsAReleaseAndACancel) {
  expect_holds_exhaustively(3, acquire_release_and_cancel);
  expect_holds_randomly(50000, acquire_release_and_cancel);
}

void cancel_of_the_first_serves_the_second(Execution& execution) {
  Semaphore semaphore(1);
  Acquiring first(semaphore, 2);
  Acquiring second(semaphore, 1);
  first.acquire();
  second.acquire();
  require(first.resumed() + second.resumed() == 0, "the second does not pass the first");
  execution.thread([&] { first.task.cancel(); });
  execution.thread([&] { semaphore.release(); });
  execution.thread([&] {
    Permit permit = semaphore.try_acquire();
    permit.release();
  });
  execution.join_all();
  require(first.resumed() == 1, "the first goes on exactly once");
  if (first.acquired()) {
    require(second.resumed() == 0 && semaphore.available() == 0, "the first had what there was");
    semaphore.release();
  }
  require(second.acquired(), "there was enough for the second");
  require(semaphore.available() == (first.acquired() ? 0 : 1), "no permit is lost");
}

TEST(SemaphoreModel, ACancelOfTheFirstServesTheSecond) {
  expect_holds_exhaustively(3, cancel_of_the_first_serves_the_second);
  expect_holds_randomly(50000, cancel_of_the_first_serves_the_second);
}

void two_releases_two_acquires(Execution& execution) {
  Semaphore semaphore(0);
  Acquiring one(semaphore, 1);
  Acquiring two(semaphore, 2);
  execution.thread([&] { semaphore.release(2); });
  execution.thread([&] { semaphore.release(1); });
  execution.thread([&] { one.acquire(); });
  execution.thread([&] { two.acquire(); });
  execution.join_all();
  require(one.acquired() && two.acquired(), "three permits are enough for both");
  require(semaphore.available() == 0, "and none is left");
}

TEST(SemaphoreModel, ReleasesAndAcquiresOfSeveral) {
  expect_holds_exhaustively(2, two_releases_two_acquires);
  expect_holds_randomly(50000, two_releases_two_acquires);
}

// Permits that were too few for the cancelled task are there for the next one.
void cancel_leaves_what_was_too_little(Execution& execution) {
  Semaphore semaphore(0);
  Acquiring two(semaphore, 2);
  execution.thread([&] { two.acquire(); });
  execution.thread([&] { semaphore.release(1); });
  execution.thread([&] { two.task.cancel(); });
  execution.join_all();
  require(two.resumed() <= 1 && !two.acquired(), "one is not two");
  require(semaphore.available() == 1, "and stays");
}

TEST(SemaphoreModel, ACancelLeavesWhatWasTooLittleForIt) {
  expect_holds_exhaustively(3, cancel_leaves_what_was_too_little);
}

/// Whether the wait of a task that goes on has got the permit. False: the semaphore was closed.
bool has_permit(Acquiring& waiter) {
  try {
    Permit permit = waiter.leaf->await_resume();
    permit.forget();
    return true;
  } catch (const IoError&) {
    return false;
  }
}

void close_meets_an_acquire_and_a_release(Execution& execution) {
  Semaphore semaphore(0);
  Acquiring waiter(semaphore, 1);
  execution.thread([&] { waiter.acquire(); });
  execution.thread([&] { semaphore.release(); });
  execution.thread([&] { semaphore.close(); });
  execution.join_all();
  require(waiter.acquired(), "the waiter goes on exactly once");
  const bool has = has_permit(waiter);
  require(semaphore.available() == (has ? 0 : 1), "the permit is in one place");
  require(!semaphore.try_acquire(), "and none is given any more");
}

TEST(SemaphoreModel, ACloseMeetsAnAcquireAndARelease) {
  expect_holds_exhaustively(3, close_meets_an_acquire_and_a_release);
  expect_holds_randomly(50000, close_meets_an_acquire_and_a_release);
}

void close_meets_a_cancel(Execution& execution) {
  Semaphore semaphore(1);
  Acquiring two(semaphore, 2);
  execution.thread([&] { two.acquire(); });
  execution.thread([&] { semaphore.close(); });
  execution.thread([&] { two.task.cancel(); });
  execution.join_all();
  require(two.resumed() == 1, "the waiter goes on exactly once");
  if (two.acquired()) require(!has_permit(two), "without permits");
  require(semaphore.available() == 1 && semaphore.waiting() == 0, "the permit stays");
}

TEST(SemaphoreModel, ACloseMeetsACancel) {
  expect_holds_exhaustively(3, close_meets_a_cancel);
  expect_holds_randomly(50000, close_meets_a_cancel);
}

/// A thread's waiter, as code without a task would write it.
class ParkedAcquire final : public detail::SemaphoreWaiter {
 public:
  explicit ParkedAcquire(std::size_t permits) noexcept
      : detail::SemaphoreWaiter(
            [](Runnable& self) noexcept { static_cast<ParkedAcquire&>(self).parker_.unpark(); },
            permits) {}
  void acquire_from(Semaphore& semaphore) noexcept {
    if (semaphore.wait_with(*this) == Queued::waiting) parker_.park();
  }

 private:
  ThreadParker parker_;
};

/// A task that has acquired all released permits may destroy the semaphore. The releases do not
/// touch it any more, though they may not have returned.
void acquired_and_destroyed(Execution& execution) {
  auto semaphore = std::make_unique<Semaphore>(0);
  Semaphore* const borrowed = semaphore.get();
  execution.thread([&, borrowed] { borrowed->release(); });
  execution.thread([&, borrowed] { borrowed->release(); });
  execution.thread([&] {
    ParkedAcquire two(2);
    two.acquire_from(*semaphore);
    semaphore.reset();
  });
  execution.join_all();
}

TEST(SemaphoreModel, TheLastToAcquireMayDestroyIt) {
  expect_holds_exhaustively(3, acquired_and_destroyed);
  expect_holds_randomly(50000, acquired_and_destroyed);
}

void used_as_a_lock(Execution& execution) {
  Semaphore semaphore(1);
  Atomic<int> inside{0};
  for (int thread = 0; thread < 3; ++thread) {
    execution.thread([&] {
      ParkedAcquire one(1);
      one.acquire_from(semaphore);
      require(inside.fetch_add(1, std::memory_order_relaxed) == 0, "one at a time");
      inside.fetch_sub(1, std::memory_order_relaxed);
      semaphore.release();
    });
  }
  execution.join_all();
  require(semaphore.available() == 1, "given back by all");
}

TEST(SemaphoreModel, OnePermitIsALock) {
  expect_holds_exhaustively(2, used_as_a_lock);
  expect_holds_randomly(50000, used_as_a_lock);
}

}  // namespace
}  // namespace weft::model::semaphore_model_test
