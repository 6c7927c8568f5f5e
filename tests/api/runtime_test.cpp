// Runtime: starting and stopping leave nothing, several at once, block_on from every context,
// shutdown, idleness, work from outside, and several workers.
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::runtime_test {
namespace {

using namespace std::chrono_literals;

class RuntimeApiTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(RuntimeApiTest);

Task<int> number(int value) {
  co_await yield_now();
  co_return value;
}

TEST(RuntimeCycles, AThousandStartsAndStopsLeaveNothing) {
  for (const std::size_t workers : {std::size_t{0}, std::size_t{2}}) {
    {
      Runtime warm(options_for(workers));
    }
    const ProcessState before = ProcessState::without_runtimes();
    for (int i = 0; i < 1000; ++i) {
      Runtime runtime(options_for(workers));
      const int given = i % 2 == 0 ? runtime.block_on(number(i)) : i;
      EXPECT_EQ(given, i);
    }
    const ProcessState after = settled(before);
    EXPECT_TRUE(after == before) << to_string(before) << " → " << to_string(after);
  }
}

TEST(RuntimeCycles, BlockOnWithoutARuntimeMakesOne) {
  EXPECT_EQ(block_on(number(4)), 4);
  int object = 0;
  auto reference = [&]() -> Task<int&> { co_return object; };
  EXPECT_EQ(&block_on(reference()), &object);
  EXPECT_EQ(block_on([]() -> Task<std::string> { co_return "called"; }), "called");
}

TEST(RuntimeOptionsTest, BadOnesAreRefusedInOneLine) {
  RuntimeOptions options;
  options.workers = 1025;
  try {
    Runtime runtime(options);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("1025"), std::string::npos) << error.what();
  }
}

TEST_P(RuntimeApiTest, SaysHowManyWorkersAndTasksThereAre) {
  EXPECT_EQ(runtime().workers(), GetParam() == 0 ? 1U : GetParam());
  EXPECT_EQ(runtime().live_tasks(), 0U);
  ManualEvent event;
  auto handle = runtime().spawn([&]() -> Task<void> { co_await event; });
  EXPECT_EQ(runtime().live_tasks(), 1U);
  event.set();
  run([&]() { return until([&] { return handle.ended(); }); });
}

TEST_P(RuntimeApiTest, TwoAtOnceDoNotMix) {
  Runtime other(options_for(2));
  ManualEvent here;
  ManualEvent there;
  auto answer = [&]() -> Task<detail::OwnedTasks*> {
    co_await there;
    here.set();
    co_return &detail::OwnedTasks::current();
  };
  auto handle = other.spawn(answer);
  detail::OwnedTasks* const mine = run([&]() -> Task<detail::OwnedTasks*> {
    there.set();  // wakes a task of the other runtime
    co_await here;
    co_return &detail::OwnedTasks::current();
  });
  detail::OwnedTasks* const others = other.block_on(std::move(handle));
  EXPECT_NE(mine, others);
}

TEST_P(RuntimeApiTest, BlockOnFromSeveralThreadsAtOnce) {
  constexpr int threads = 6;
  Runtime& shared = runtime();
  std::atomic<int> sum{0};
  std::vector<std::thread> users;
  for (int t = 0; t < threads; ++t) {
    users.emplace_back([&shared, &sum, t] {
      for (int i = 0; i < 100; ++i) sum += shared.block_on(number(t));
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(sum.load(), 100 * (0 + 1 + 2 + 3 + 4 + 5));
}

TEST_P(RuntimeApiTest, AThreadWhoseTaskHasEndedIsNotHeldUpByAnothersWait) {
  Runtime& shared = runtime();
  for (int round = 0; round < 50; ++round) {
    ManualEvent gate;
    std::thread other([&] { shared.block_on(gate.wait()); });
    for (int i = 0; i < 10; ++i) EXPECT_EQ(shared.block_on(number(i)), i);
    gate.set();
    other.join();
  }
}

TEST_P(RuntimeApiTest, BlockOnInsideATaskIsRefusedBeforeAnythingBegins) {
  bool begun = false;
  run([&]() -> Task<void> {
    auto body = [&]() -> Task<void> {
      begun = true;
      co_return;
    };
    EXPECT_THROW(runtime().block_on(body), std::logic_error);
    EXPECT_THROW(block_on(body), std::logic_error);
    for (int i = 0; i < 5; ++i) co_await yield_now();
  });
  EXPECT_FALSE(begun);
}

TEST_P(RuntimeApiTest, ShutdownCancelsWhatWaitsAndRunsDestructors) {
  constexpr std::size_t count = 100;
  Log log;
  std::atomic<std::size_t> waiting{0};
  auto body = [&](std::size_t kind) -> Task<void> {
    const Logged local(log, "unwound");
    ++waiting;
    if (kind == 0) co_await sleep_for(1h);
    if (kind == 1) {
      for (;;) co_await yield_now();
    }
    co_await scope([](Scope& s) -> Task<void> {
      s.spawn([]() -> Task<void> { co_await sleep_for(1h); });
      co_return;
    });
  };
  for (std::size_t i = 0; i < count; ++i) std::move(runtime().spawn(body, i % 3)).detach();
  run([&]() { return until([&] { return waiting.load() == count; }); });
  auto result = runtime().spawn(body, std::size_t{0});
  end_runtime();
  EXPECT_EQ(log.words().size(), count + 1);
  EXPECT_TRUE(result.task().outcome().cancelled());
}

TEST_P(RuntimeApiTest, AfterShutdownWorkIsRefused) {
  runtime().shutdown();
  runtime().shutdown();
  bool begun = false;
  const auto body = [&]() -> Task<void> {
    begun = true;
    co_return;
  };
  EXPECT_THROW(runtime().block_on(body), std::logic_error);
  EXPECT_THROW(runtime().spawn(body), std::logic_error);
  EXPECT_THROW(runtime().spawn(body()), std::logic_error);
  EXPECT_FALSE(begun);
  EXPECT_EQ(runtime().live_tasks(), 0U);
}

TEST_P(RuntimeApiTest, EverySpawnThatRacesWithShutdownRunsOrIsRefused) {
  std::atomic<std::size_t> begun{0};
  std::atomic<std::size_t> gone{0};
  std::latch ready(2);
  std::size_t accepted = 0;
  static_cast<void>(runtime());
  std::thread spawner([&] {
    struct Counted {
      explicit Counted(std::atomic<std::size_t>& c) : count(&c) {}
      Counted(Counted&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
      ~Counted() {
        if (count != nullptr) ++*count;
      }
      std::atomic<std::size_t>* count;
    };
    ready.arrive_and_wait();
    try {
      for (;;) {
        runtime()
            .spawn([counted = Counted(gone), &begun]() -> Task<void> {
              ++begun;
              co_await sleep_for(1h);
            })
            .detach();
        ++accepted;
      }
    } catch (const std::logic_error&) {
    }
  });
  std::thread other([&] {
    ready.arrive_and_wait();
    runtime().shutdown();
  });
  runtime().shutdown();  // the second call waits for the first
  EXPECT_EQ(runtime().live_tasks(), 0U);
  spawner.join();
  other.join();
  EXPECT_EQ(gone.load(), accepted + 1) << "the callable of the refused one is gone, too";
  EXPECT_LE(begun.load(), accepted);
}

TEST_P(RuntimeApiTest, TasksSpawnedWhileItShutsDownEndToo) {
  Log log;
  struct SpawnsInDestructor {
    explicit SpawnsInDestructor(Log& l) : log(l) {}
    SpawnsInDestructor(const SpawnsInDestructor&) = delete;
    SpawnsInDestructor& operator=(const SpawnsInDestructor&) = delete;
    ~SpawnsInDestructor() {
      spawn([&l = log]() -> Task<void> {
        const Logged local(l, "late");
        co_await sleep_for(1h);
      }).detach();
    }
    Log& log;
  };
  ManualEvent started;
  runtime()
      .spawn([&]() -> Task<void> {
        const SpawnsInDestructor guard(log);
        started.set();
        co_await sleep_for(1h);
      })
      .detach();
  run(started.wait());
  end_runtime();
  EXPECT_EQ(log.words(), std::vector<std::string>{"late"});
}

TEST_P(RuntimeApiTest, ATaskIsWokenFromAForeignThread) {
  for (int round = 0; round < 200; ++round) {
    ManualEvent event;
    std::thread foreign([&] { event.set(); });
    run(event.wait());
    foreign.join();
  }
}

TEST_P(RuntimeApiTest, TheLastWakeUpMayComeFromAForeignThreadThatIsStillOnItsWayOut) {
  // The foreign thread's wake-up, or cancel, ends the last task, and the runtime is destroyed at
  // once.
  for (int round = 0; round < 100; ++round) {
    ManualEvent event;
    auto own = std::make_unique<Runtime>(options_for(GetParam()));
    auto sleeper = own->spawn([]() -> Task<void> { co_await sleep_for(1h); });
    std::thread waker([&] { event.set(); });
    std::thread canceller([&task = sleeper.task()] { task.cancel(); });
    own->block_on(event.wait());
    own->block_on([&]() { return until([&] { return sleeper.ended(); }); });
    own.reset();
    waker.join();
    canceller.join();
  }
}

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

TEST_P(RuntimeApiTest, AnIdleRuntimeUsesNoCpu) {
  run(number(1));
  double used = 1;
  // Other activity of the process is not the runtime's fault: the best of three counts.
  for (int attempt = 0; attempt < 3 && used > 0.01; ++attempt) {
    run([&]() -> Task<void> {
      co_await sleep_for(5ms);  // the workers go to sleep
      const double before = cpu_seconds();
      co_await sleep_for(300ms);
      used = cpu_seconds() - before;
    });
  }
  EXPECT_LE(used, 0.01);
}

TEST_P(RuntimeApiTest, AllWorkersTakePart) {
  if (GetParam() < 2) GTEST_SKIP() << "there is only one";
  const std::size_t workers = GetParam();
  // Each task holds its worker until as many run at the same time as there are workers.
  run([&]() -> Task<void> {
    std::latch together(static_cast<std::ptrdiff_t>(workers));
    std::mutex mutex;
    std::set<std::thread::id> threads;
    co_await scope([&](Scope& s) -> Task<void> {
      for (std::size_t i = 0; i < workers; ++i) {
        s.spawn([&]() -> Task<void> {
          together.arrive_and_wait();
          const std::lock_guard lock(mutex);
          threads.insert(std::this_thread::get_id());
          co_return;
        });
      }
      co_return;
    });
    EXPECT_EQ(threads.size(), workers);
  });
}

TEST_P(RuntimeApiTest, ABusyWorkersTasksAreStolen) {
  if (GetParam() < 2) GTEST_SKIP() << "nobody is there to steal";
  run([&]() -> Task<void> {
    std::atomic<int> ran{0};
    constexpr int count = 50;
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < count; ++i) {
      handles.push_back(spawn([&]() -> Task<void> {
        ++ran;
        co_return;
      }));
    }
    // This worker does not yield: the others must steal the tasks, except the one that would run
    // here next.
    while (ran.load() < count - 1) std::this_thread::yield();
    for (JoinHandle<void>& handle : handles) co_await std::move(handle);
    EXPECT_EQ(ran.load(), count);
  });
}

/// Spins on its worker, always with something to do, until `done`.
Task<void> spins(std::atomic<bool>& started, std::atomic<std::thread::id>& where,
                 const std::atomic<bool>& done) {
  while (!done) {
    where = std::this_thread::get_id();
    started = true;
    co_await yield_now();
  }
}

TEST_P(RuntimeApiTest, ABusyWorkerTakesWhatWaitsBehindALongRun) {
  if (GetParam() != 2) GTEST_SKIP() << "two workers, one that spins and one that computes";
  run([&]() -> Task<void> {
    std::atomic<bool> started{false};
    std::atomic<bool> done{false};
    std::atomic<std::thread::id> where{};
    auto spinner = spawn(spins, std::ref(started), std::ref(where), std::ref(done));
    // Until the two are on different workers: this one does not let the spinner run here.
    while (!started || where.load() == std::this_thread::get_id()) co_await yield_now();
    auto waits = spawn([&]() -> Task<void> {
      done = true;
      co_return;
    });
    while (!done) std::this_thread::yield();  // this worker does not return before it has run
    co_await std::move(waits);
    co_await std::move(spinner);
  });
}

TEST_P(RuntimeApiTest, WorkFromOutsideReachesASleepingRuntime) {
  if (GetParam() == 0) GTEST_SKIP() << "nobody runs it";
  for (int round = 0; round < 500; ++round) {
    std::latch done(2);
    auto work = [&]() -> Task<void> {
      done.count_down();
      co_return;
    };
    auto first = runtime().spawn(work);
    auto second = runtime().spawn(work);
    done.wait();
    run(std::move(first));
    run(std::move(second));
  }
}

TEST_P(RuntimeApiTest, PingPongBetweenTasksEnds) {
  run([]() -> Task<void> {
    constexpr int rounds = 20'000;
    ManualEvent ping;
    ManualEvent pong;
    auto answer = [&]() -> Task<void> {
      for (int i = 0; i < rounds; ++i) {
        co_await ping;
        pong.set();
      }
    };
    auto handle = spawn(answer);
    for (int i = 0; i < rounds; ++i) {
      ping.set();
      co_await pong;
    }
    co_await std::move(handle);
  });
}

}  // namespace
}  // namespace weft::test::runtime_test
