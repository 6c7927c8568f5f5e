// BlockingPool: when threads start, are reused and end; the limit; stopping.
#include "compute/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_context.hpp"
#include "os/fault.hpp"

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

TEST(BlockingPool, StopsWhileOthersSubmit) {
  // A worker that a submitter has taken off the idle stack, and not woken yet, waits for it.
  constexpr std::size_t most = 200;
  for (int round = 0; round < 100; ++round) {
    detail::BlockingPool pool({.most_threads = 2, .idle_limit = std::chrono::hours(1)});
    Atomic<int> ran{0};
    Atomic<int> taken{0};
    std::vector<CountJob> jobs(2 * most);
    for (CountJob& job : jobs) job.count = &ran;
    {
      std::vector<std::jthread> submitters;
      for (std::size_t t = 0; t < 2; ++t) {
        submitters.emplace_back([&, t] {
          for (std::size_t i = 0; i < most && pool.submit(jobs[t * most + i]); ++i) {
            taken.fetch_add(1, std::memory_order_relaxed);
          }
        });
      }
      while (ran.load(std::memory_order_acquire) < 20) std::this_thread::yield();
      pool.stop();
    }
    EXPECT_EQ(ran.load(std::memory_order_acquire), taken.load(std::memory_order_relaxed));
  }
}

/// A job that owns all it touches, itself included.
struct OwnedJob : detail::BlockingJob {
  OwnedJob() : detail::BlockingJob(&OwnedJob::run_job) {}
  static std::shared_ptr<OwnedJob> submit_to(detail::BlockingPool& pool) {
    auto job = std::make_shared<OwnedJob>();
    job->self = job;
    EXPECT_TRUE(pool.submit(*job).has_value());
    return job;
  }
  static void run_job(Runnable& self) noexcept {
    auto& job = static_cast<OwnedJob&>(self);
    const std::shared_ptr<OwnedJob> hold = std::move(job.self);
    job.begun.release();
    job.gate.acquire();
    job.ended.store(true, std::memory_order_release);
  }
  std::shared_ptr<OwnedJob> self;
  std::binary_semaphore begun{0};
  std::binary_semaphore gate{0};
  Atomic<bool> ended{false};
};

TEST(BlockingPool, AGivenUpJobKeepsNoneWaitingAndOutlivesThePool) {
  std::vector<std::shared_ptr<OwnedJob>> lost;
  {
    GatedJob waits;
    detail::BlockingPool pool({.most_threads = 2, .idle_limit = std::chrono::hours(1)});
    for (int i = 0; i < 2; ++i) {
      lost.push_back(OwnedJob::submit_to(pool));
      lost.back()->begun.acquire();
    }
    ASSERT_TRUE(pool.submit(waits).has_value());
    EXPECT_FALSE(waits.begun.try_acquire());
    EXPECT_EQ(pool.running().size(), 2U);
    EXPECT_FALSE(pool.give_up(*lost[0]));
    waits.begun.acquire();  // in the place of the first
    EXPECT_EQ(pool.threads(), 3U);
    EXPECT_EQ(pool.running().size(), 2U);
    EXPECT_FALSE(pool.give_up(*lost[1]));
    EXPECT_EQ(pool.ended(), 2U);
    waits.gate.release();
  }
  for (const auto& job : lost) EXPECT_FALSE(job->ended.load(std::memory_order_acquire));
  for (const auto& job : lost) job->gate.release();
  for (const auto& job : lost) {
    while (job.use_count() != 1) std::this_thread::yield();
    EXPECT_TRUE(job->ended.load(std::memory_order_acquire));
  }
}

TEST(BlockingPool, AJobThatIsGivenUpInTheQueueIsTakenBack) {
  GatedJob first;
  detail::BlockingPool pool({.most_threads = 1, .idle_limit = std::chrono::hours(1)});
  ASSERT_TRUE(pool.submit(first).has_value());
  first.begun.acquire();
  const auto queued = OwnedJob::submit_to(pool);
  EXPECT_TRUE(pool.give_up(*queued));
  queued->self.reset();
  EXPECT_EQ(pool.queued(), 0U);
  EXPECT_EQ(pool.threads(), 1U);
  first.gate.release();
}

TEST(BlockingPool, ThreadsThatAreLostToGivenUpJobsHaveALimit) {
  GatedJob waits;
  detail::BlockingPool pool({.most_threads = 1, .idle_limit = std::chrono::hours(1)});
  constexpr std::size_t most = 1 + detail::BlockingPool::most_given_up;
  std::vector<std::shared_ptr<OwnedJob>> lost;
  for (std::size_t i = 0; i < most; ++i) {
    lost.push_back(OwnedJob::submit_to(pool));
    lost.back()->begun.acquire();
    EXPECT_FALSE(pool.give_up(*lost.back()));
  }
  ASSERT_TRUE(pool.submit(waits).has_value());
  EXPECT_EQ(pool.queued(), 1U);
  EXPECT_EQ(pool.threads(), most);
  lost.front()->gate.release();  // comes back, and takes what waits
  waits.begun.acquire();
  for (std::size_t i = 1; i < most; ++i) lost[i]->gate.release();
  while (pool.threads() != 1) std::this_thread::yield();
  waits.gate.release();
}

TEST(BlockingPool, TellsWhatItsEndWaitsFor) {
  GatedJob job;
  detail::BlockingPool pool({.most_threads = 1, .idle_limit = std::chrono::hours(1)});
  ASSERT_TRUE(pool.submit(job).has_value());
  job.begun.acquire();
  std::jthread ender([&pool] { pool.stop(); });
  // It refuses jobs once it has begun to end.
  GatedJob refused;
  while (pool.submit(refused).has_value()) {
    EXPECT_TRUE(pool.withdraw(refused));
    std::this_thread::yield();
  }
  EXPECT_EQ(pool.running().size(), 1U);
  job.gate.release();
}

TEST(BlockingPool, AThreadThatCannotStartFailsTheJobAlone) {
  detail::ScopedFaults faults;
  GatedJob job;
  GatedJob second;
  detail::BlockingPool pool({.most_threads = 2, .idle_limit = std::chrono::hours(1)});
  faults.add({.call = detail::Call::start_thread, .errno_value = EAGAIN});
  const Result<void> refused = pool.submit(job);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), std::errc::resource_unavailable_try_again);
  ASSERT_TRUE(pool.submit(job).has_value());
  job.begun.acquire();
  // With a thread there, a second one is not needed for a job to be taken.
  faults.add({.call = detail::Call::start_thread, .errno_value = EAGAIN});
  ASSERT_TRUE(pool.submit(second).has_value());
  job.gate.release();
  second.begun.acquire();
  second.gate.release();
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
