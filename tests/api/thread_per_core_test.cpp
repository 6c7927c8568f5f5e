// The thread_per_core runtime, the hooks of workers' threads, and the metrics of a runtime.
#include <weft/blocking.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/metrics.hpp>
#include <weft/net.hpp>
#include <weft/oneshot.hpp>
#include <weft/resume_on.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/process_state.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::thread_per_core_test {
namespace {

using namespace std::chrono_literals;

RuntimeOptions per_core(std::size_t workers) {
  RuntimeOptions options;
  options.workers = workers;
  options.thread_per_core = true;
  return options;
}

/// Parameter: workers.
class ThreadPerCore : public ::testing::TestWithParam<std::size_t> {
 protected:
  Runtime runtime{per_core(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(Workers, ThreadPerCore, ::testing::Values(1U, 2U, 8U));

TEST_P(ThreadPerCore, WhatIsSpawnedOnAWorkerStaysThere) {
  auto family = []() -> Task<int> {
    const std::thread::id home = std::this_thread::get_id();
    std::atomic<int> strayed{0};
    auto member = [&]() -> Task<void> {
      for (int i = 0; i < 100; ++i) {
        if (std::this_thread::get_id() != home) ++strayed;
        co_await yield_now();
        if (i % 10 == 0) co_await sleep_for(10us);
      }
    };
    std::vector<JoinHandle<void>> children;
    for (int i = 0; i < 20; ++i) children.push_back(spawn(member));
    auto body = [&](Scope& all) -> Task<void> {
      all.spawn(member);
      co_await when_all(member(), member());
    };
    co_await scope(body);
    for (auto& child : children) co_await std::move(child);
    co_return strayed.load();
  };
  EXPECT_EQ(runtime.block_on(family), 0);
}

TEST_P(ThreadPerCore, WhatComesFromOutsideIsDealtOut) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::vector<JoinHandle<void>> all;
  for (std::size_t i = 0; i < GetParam(); ++i) {
    all.push_back(runtime.spawn([&]() -> Task<void> {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
      co_return;
    }));
  }
  for (auto& each : all) runtime.block_on([&] { return std::move(each); });
  EXPECT_EQ(threads.size(), GetParam());
}

TEST_P(ThreadPerCore, WorkersTalkToEachOther) {
  const std::size_t there = GetParam() - 1;
  auto talk = [&]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 100; ++i) {
      auto [sender, receiver] = oneshot<int>();
      auto far = runtime.spawn(SpawnOptions().on_worker(there),
                               [i, send = std::move(sender)]() mutable -> Task<void> {
                                 static_cast<void>(std::move(send).send(i));
                                 co_return;
                               });
      auto received = co_await receiver.receive();
      sum += *received;
      co_await std::move(far);
    }
    co_return sum;
  };
  auto talks = runtime.spawn(SpawnOptions().on_worker(0), talk);
  EXPECT_EQ(runtime.block_on([&] { return std::move(talks); }), 4950);
}

TEST_P(ThreadPerCore, EachWorkerIsBoundToAProcessor) {
  const RuntimeMetrics metrics = runtime.metrics();
  ASSERT_EQ(metrics.workers.size(), GetParam());
  for (std::size_t i = 0; i < GetParam(); ++i) {
    const WorkerMetrics& worker = metrics.workers[i];
    if (!worker.cpu) {
      EXPECT_TRUE(worker.cpu_error) << "neither bound, nor why not";
      continue;
    }
    auto where =
        runtime.spawn(SpawnOptions().on_worker(i), []() -> Task<int> { co_return sched_getcpu(); });
    EXPECT_EQ(runtime.block_on([&] { return std::move(where); }), static_cast<int>(*worker.cpu));
  }
}

TEST(ThreadPerCoreFaults, WhatCannotBeBoundRunsWhereItMay) {
  detail::ScopedFaults faults;
  faults.add(
      {.call = detail::Call::pin_thread, .errno_value = EPERM, .times = detail::Fault::always});
  Runtime runtime(per_core(2));
  for (const WorkerMetrics& worker : runtime.metrics().workers) {
    EXPECT_FALSE(worker.cpu.has_value());
    EXPECT_EQ(worker.cpu_error, std::errc::operation_not_permitted);
  }
  auto far = runtime.spawn(SpawnOptions().on_worker(1), []() -> Task<int> { co_return 6; });
  EXPECT_EQ(runtime.block_on([&] { return std::move(far); }), 6);
}

TEST_P(ThreadPerCore, ServesConnections) {
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  auto serve = [&]() -> Task<void> {
    StreamSocket stream = co_await listener.accept();
    std::array<std::byte, 8> buffer{};
    co_await stream.read_exact(buffer);
    co_await stream.write_all(buffer);
  };
  auto server = runtime.spawn(SpawnOptions().on_worker(GetParam() - 1), serve);
  runtime.block_on([&]() -> Task<void> {
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
    std::array<std::byte, 8> buffer{};
    co_await client.write_all(buffer);
    co_await client.read_exact(buffer);
    co_await std::move(server);
  });
}

TEST_P(ThreadPerCore, AShutdownEndsWhatWaits) {
  for (std::size_t i = 0; i < 4 * GetParam(); ++i) {
    runtime.spawn([] { return sleep_for(1h); }).detach();
  }
  runtime.shutdown();
  EXPECT_EQ(runtime.live_tasks(), 0U);
}

TEST(ThreadPerCoreOptions, AreNotThoseOfCurrentThread) {
  RuntimeOptions options = per_core(1);
  options.current_thread = true;
  EXPECT_THROW(Runtime{options}, std::invalid_argument);
}

// Hooks

class WorkerHooks : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] RuntimeOptions options() const {
    RuntimeOptions options = options_for(3);
    options.thread_per_core = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Flavours, WorkerHooks, ::testing::Bool());

TEST_P(WorkerHooks, AreCalledOnEachWorkersThread) {
  std::mutex mutex;
  std::set<std::size_t> started;
  std::set<std::size_t> stopped;
  std::set<std::thread::id> threads;
  RuntimeOptions options = this->options();
  options.on_worker_start = [&](std::size_t index) {
    const std::lock_guard lock(mutex);
    started.insert(index);
    threads.insert(std::this_thread::get_id());
  };
  options.on_worker_stop = [&](std::size_t index) {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(detail::OwnedTasks::current_or_null(), nullptr);
    stopped.insert(index);
    EXPECT_EQ(threads.count(std::this_thread::get_id()), 1U);
  };
  const std::set<std::size_t> all{0, 1, 2};
  Runtime runtime(std::move(options));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(started, all);
    EXPECT_EQ(threads.size(), 3U);
    EXPECT_TRUE(stopped.empty());
  }
  runtime.shutdown();
  EXPECT_EQ(stopped, all);
}

TEST_P(WorkerHooks, WhatAStartThrowsTheConstructorThrows) {
  Runtime(this->options()).shutdown();  // ThreadSanitizer keeps a thread, once there was another
  const ProcessState before = ProcessState::without_runtimes();
  std::atomic<int> running{0};
  RuntimeOptions options = this->options();
  options.on_worker_start = [&](std::size_t index) {
    if (index == 1) throw std::runtime_error("no licence for worker 1");
    ++running;
  };
  options.on_worker_stop = [&](std::size_t) { --running; };
  try {
    Runtime runtime(std::move(options));
    ADD_FAILURE() << "it has begun";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "no licence for worker 1");
  }
  EXPECT_EQ(running.load(), 0) << "who has begun has ended";
  const ProcessState after = settled(before);
  EXPECT_TRUE(after == before) << to_string(before) << " → " << to_string(after);
}

TEST_P(WorkerHooks, WhatAStopThrowsIsReported) {
  std::atomic<int> reported{0};
  RuntimeOptions options = this->options();
  options.on_worker_stop = [](std::size_t) { throw std::runtime_error("no way out"); };
  options.on_failure = [&](const UnhandledFailure& failure) {
    EXPECT_THROW(std::rethrow_exception(failure.error), std::runtime_error);
    ++reported;
  };
  Runtime(std::move(options)).shutdown();
  EXPECT_EQ(reported.load(), 3);
}

// Metrics

class MetricsTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(MetricsTest);

TEST_P(MetricsTest, CountWhatWasDone) {
  run([]() -> Task<void> {
    std::vector<JoinHandle<void>> all;
    for (int i = 0; i < 100; ++i) {
      all.push_back(spawn([]() -> Task<void> {
        for (int turn = 0; turn < 10; ++turn) co_await yield_now();
        co_await sleep_for(10us);
      }));
    }
    for (auto& each : all) co_await std::move(each);
    co_await blocking([] {});
  });
  const RuntimeMetrics metrics = runtime().metrics();
  EXPECT_EQ(metrics.total.tasks_spawned, 101U);
  EXPECT_EQ(metrics.total.tasks_ended, 101U);
  EXPECT_EQ(metrics.live_tasks, 0U);
  EXPECT_GE(metrics.total.yields, 900U) << "all but what a worker was still to count";
  EXPECT_LE(metrics.total.yields, 1200U);
  EXPECT_GE(metrics.total.runs, metrics.total.yields);
  EXPECT_LE(metrics.total.runs, 2000U);
  EXPECT_GE(metrics.total.io_completions, 1U);
  EXPECT_LE(metrics.total.io_completions, 100U) << "a sleep that is over at once is none";
  EXPECT_GE(metrics.total.driver_polls, 1U);
  EXPECT_GE(metrics.total.injector_takes, 1U);
  EXPECT_EQ(metrics.blocking_calls, 1U);
  EXPECT_EQ(metrics.blocking_queued, 0U);
  EXPECT_EQ(metrics.blocking_threads, 1U);
  ASSERT_EQ(metrics.workers.size(), runtime().workers());
  std::uint64_t runs = 0;
  for (const WorkerMetrics& worker : metrics.workers) {
    runs += worker.runs;
    EXPECT_FALSE(worker.cpu.has_value());
    EXPECT_FALSE(worker.spare);
  }
  EXPECT_EQ(runs, metrics.total.runs);
}

TEST_P(MetricsTest, TellWhatIsGoingOn) {
  ManualResetEvent event;
  std::vector<JoinHandle<void>> all;
  for (int i = 0; i < 5; ++i) all.push_back(runtime().spawn([&] { return event.wait(); }));
  EXPECT_EQ(runtime().metrics().live_tasks, 5U);
  const std::size_t waiting = GetParam() == 0 ? 5 : 0;  // no thread drives it
  if (waiting != 0) {
    EXPECT_EQ(runtime().metrics().injector_depth, waiting);
  }
  event.set();
  for (auto& each : all) run([&] { return std::move(each); });
  EXPECT_EQ(runtime().metrics().live_tasks, 0U);
}

// Steals and wake-ups are counted where there are workers to steal from and to wake.
TEST_P(MetricsTest, CountWhatWorkersTakeFromEachOther) {
  if (GetParam() < 2) GTEST_SKIP() << "there is no other worker";
  run([&]() -> Task<void> {
    while (runtime().metrics().total.steals == 0 || runtime().metrics().total.wakes == 0) {
      auto body = [](Scope& all) -> Task<void> {
        for (int i = 0; i < 100; ++i) {
          all.spawn([]() -> Task<void> {
            for (int turn = 0; turn < 100; ++turn) co_await yield_now();
          });
        }
        co_return;
      };
      co_await scope(body);
    }
  });
  EXPECT_GE(runtime().metrics().total.parks, 1U);
}

}  // namespace
}  // namespace weft::test::thread_per_core_test
