// BlockingPool: when threads start, are reused and end; the limit; stopping.
#include "compute/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_context.hpp"

namespace weft::blocking_pool_test {
namespace {

/// Reports that it runs, then blocks until the test releases it.
struct GatedJob : detail::BlockingJob {
  GatedJob()
      : detail::BlockingJob([](Runnable& self) noexcept { static_cast<GatedJob&>(self).work(); }) {}
  void work() noexcept {
    begun.release();
    gate.acquire();
    ended.store(true, std::memory_order_release);
    done.release();
  }
  std::binary_semaphore begun{0};
  std::binary_semaphore gate{0};
  std::binary_semaphore done{0};
  Atomic<bool> ended{false};
};

struct CountJob : detail::BlockingJob {
  CountJob()
      : detail::BlockingJob([](Runnable& self) noexcept {
          static_cast<CountJob&>(self).count->fetch_add(1, std::memory_order_acq_rel);
        }) {}
  Atomic<int>* count = nullptr;
};

TEST(BlockingPool, HasNoThreadUntilThereIsAJob) {
  detail::BlockingPool pool;
  EXPECT_EQ(pool.threads(), 0U);
  GatedJob job;
  ASSERT_TRUE(pool.submit(job).has_value());
  job.begun.acquire();
  EXPECT_EQ(pool.threads(), 1U);
  job.gate.release();
  pool.stop();
  EXPECT_TRUE(job.ended.load(std::memory_order_acquire));
  EXPECT_EQ(pool.threads(), 0U);
}

TEST(BlockingPool, RunsUpToTheLimitAtOnceAndQueuesTheRest) {
  detail::BlockingPool pool({.most_threads = 3, .idle_limit = std::chrono::hours(1)});
  std::vector<std::unique_ptr<GatedJob>> jobs;
  for (int i = 0; i < 5; ++i) {
    jobs.push_back(std::make_unique<GatedJob>());
    ASSERT_TRUE(pool.submit(*jobs.back()).has_value());
  }
  for (std::size_t i = 0; i < 3; ++i) jobs[i]->begun.acquire();
  EXPECT_EQ(pool.threads(), 3U);
  EXPECT_FALSE(jobs[3]->begun.try_acquire());
  jobs[0]->gate.release();
  jobs[3]->begun.acquire();
  for (std::size_t i = 1; i < 5; ++i) jobs[i]->gate.release();
  pool.stop();
  for (const auto& job : jobs) EXPECT_TRUE(job->ended.load(std::memory_order_acquire));
}

TEST(BlockingPool, AnIdleThreadIsUsedAgain) {
  detail::BlockingPool pool({.most_threads = 4, .idle_limit = std::chrono::hours(1)});
  for (int round = 0; round < 50; ++round) {
    GatedJob job;
    ASSERT_TRUE(pool.submit(job).has_value());
    job.begun.acquire();
    job.gate.release();
    job.done.acquire();
    // Waits until run() has returned and the thread is idle or has taken another job. The pool's
    // mutex is not enough to see that, so any number of threads up to the limit is correct here.
    EXPECT_LE(pool.threads(), 4U);
  }
}

TEST(BlockingPool, IdleThreadsEndAndNewOnesStart) {
  detail::BlockingPool pool({.most_threads = 2, .idle_limit = std::chrono::milliseconds(1)});
  for (int round = 0; round < 20; ++round) {
    GatedJob job;
    ASSERT_TRUE(pool.submit(job).has_value());
    job.begun.acquire();
    job.gate.release();
    job.done.acquire();
    while (pool.threads() != 0) std::this_thread::yield();
  }
}

TEST(BlockingPool, StopRunsWhatIsQueued) {
  detail::BlockingPool pool({.most_threads = 1, .idle_limit = std::chrono::hours(1)});
  GatedJob first;
  ASSERT_TRUE(pool.submit(first).has_value());
  first.begun.acquire();
  Atomic<int> count{0};
  std::vector<CountJob> jobs(100);
  for (CountJob& job : jobs) {
    job.count = &count;
    ASSERT_TRUE(pool.submit(job).has_value());
  }
  first.gate.release();
  pool.stop();
  EXPECT_EQ(count.load(std::memory_order_acquire), 100);
}

TEST(BlockingPool, RefusesAfterStop) {
  detail::BlockingPool pool;
  pool.stop();
  GatedJob job;
  const Result<void> taken = pool.submit(job);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error(), std::errc::operation_canceled);
}

TEST(BlockingPool, ManySubmittersOneMillisecondIdleLimit) {
  detail::BlockingPool pool({.most_threads = 4, .idle_limit = std::chrono::microseconds(50)});
  constexpr std::size_t per_thread = 2000;
  Atomic<int> count{0};
  std::vector<CountJob> jobs(3 * per_thread);
  for (CountJob& job : jobs) job.count = &count;
  {
    std::vector<std::jthread> submitters;
    for (std::size_t t = 0; t < 3; ++t) {
      submitters.emplace_back([&, t] {
        for (std::size_t i = 0; i < per_thread; ++i) {
          EXPECT_TRUE(pool.submit(jobs[t * per_thread + i]).has_value());
        }
      });
    }
  }
  pool.stop();
  EXPECT_EQ(count.load(std::memory_order_acquire), static_cast<int>(jobs.size()));
}

TEST(BlockingPool, CurrentIsPerThread) {
  detail::BlockingPool pool;
  EXPECT_EQ(detail::BlockingPool::current(), nullptr);
  detail::thread_context().pool = &pool;
  EXPECT_EQ(detail::BlockingPool::current(), &pool);
  std::jthread([] { EXPECT_EQ(detail::BlockingPool::current(), nullptr); }).join();
  EXPECT_EQ(std::exchange(detail::thread_context().pool, nullptr), &pool);
}

}  // namespace
}  // namespace weft::blocking_pool_test
