// The end of a runtime on a thread for which that end would wait: a task's, that of a call which a
// task awaits, a worker's hook; and std::exit() there with a static runtime. Each is told, and no
// process hangs.
#include <weft/block_in_place.hpp>
#include <weft/blocking.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/parallel.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "support/runtime_fixture.hpp"

namespace weft::test::end_on_own_thread_test {
namespace {

using namespace std::chrono_literals;
using Act = std::function<void()>;

/// A place from which `act` is called, as a task.
struct Place {
  const char* name;
  std::function<Task<void>(Act)> call;
};

Task<void> in_task(Act act) {
  act();
  co_return;
}

Task<void> in_fiber(Act act) {
  auto body = fiber([act] { act(); });
  co_await std::move(body);
}

Task<void> in_callback(Act act) {
  co_await yield_now();
  on_complete(yield_now(), [act] { act(); });
  co_await sleep_for(1h);
}

Task<void> in_blocking(Act act) {
  auto call = blocking([act] { act(); });
  co_await std::move(call);
}

Task<void> in_a_class_of_calls(Act act) {
  BlockingThreads threads;
  auto call = blocking(threads, [act] { act(); });
  co_await std::move(call);
}

Task<void> in_parallel(Act act) {
  auto call = parallel([act] { act(); });
  co_await std::move(call);
}

Task<void> in_a_part_given_away(Act act) {
  auto call = parallel([act] {
    // The second part is given away, as the first one forks until it has begun.
    std::atomic<bool> given = false;
    parallel_invoke(
        [&] {
          while (!given) parallel_invoke([] {}, [] {});
        },
        [&] {
          given = true;
          act();
        });
  });
  co_await std::move(call);
}

Task<void> in_place(Act act) {
  block_in_place([act] { act(); });
  co_return;
}

/// A runtime of another kind on a thread for which the first one waits.
Task<void> in_a_runtime_of_a_call(Act act) {
  auto call = blocking([act] { weft::block_on(in_task(act)); });
  co_await std::move(call);
}

const Place places[] = {
    {"Task", in_task},
    {"Fiber", in_fiber},
    {"Callback", in_callback},
    {"Blocking", in_blocking},
    {"BlockingThreads", in_a_class_of_calls},
    {"Parallel", in_parallel},
    {"PartGivenAway", in_a_part_given_away},
    {"BlockInPlace", in_place},
    {"RuntimeOfACall", in_a_runtime_of_a_call},
};

RuntimeOptions two_of_each(std::size_t workers) {
  RuntimeOptions options = options_for(workers);
  options.compute_threads = 2;
  return options;
}

/// Parameters: place, workers.
class EndOnOwnThread : public ::testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  [[nodiscard]] const Place& place() const { return places[std::get<0>(GetParam())]; }
  [[nodiscard]] std::size_t workers() const { return std::get<1>(GetParam()); }

  void end_there(bool by_destructor) const {
    auto runtime = std::make_unique<Runtime>(two_of_each(workers()));
    Runtime& kept = *runtime;
    kept.block_on(place().call([&] {
      if (by_destructor) {
        runtime.reset();
      } else {
        kept.shutdown();
      }
    }));
  }
  void exit_there() const {
    static Runtime runtime(two_of_each(workers()));
    runtime.block_on(place().call([] { std::exit(0); }));
  }
};

INSTANTIATE_TEST_SUITE_P(Runtimes, EndOnOwnThread,
                         ::testing::Combine(::testing::Range(std::size_t{0}, std::size(places)),
                                            ::testing::Values(std::size_t{0}, std::size_t{2})),
                         [](const auto& which) {
                           return std::string(places[std::get<0>(which.param)].name) +
                                  (std::get<1>(which.param) == 0 ? "CurrentThread" : "TwoWorkers");
                         });

constexpr const char* told = "would wait for itself";

TEST_P(EndOnOwnThread, ShutdownIsTold) { EXPECT_DEATH(end_there(false), told); }
TEST_P(EndOnOwnThread, DestructorIsTold) { EXPECT_DEATH(end_there(true), told); }
TEST_P(EndOnOwnThread, ExitWithAStaticRuntimeIsTold) { EXPECT_DEATH(exit_there(), told); }

void end_in_stop_hook() {
  std::unique_ptr<Runtime> runtime;
  RuntimeOptions options = options_for(2);
  options.on_worker_stop = [&](std::size_t) { runtime->shutdown(); };
  runtime = std::make_unique<Runtime>(std::move(options));
  runtime->shutdown();
}

TEST(EndOnOwnThreadHook, IsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(end_in_stop_hook(), told);
}

// A thread_local object of a runtime's thread is destroyed when that thread ends, which is when the
// end of the runtime joins it.

class ThreadsObject {
 public:
  void set(Act act) { act_ = std::move(act); }
  ThreadsObject() = default;
  ThreadsObject(const ThreadsObject&) = delete;
  ThreadsObject& operator=(const ThreadsObject&) = delete;
  ~ThreadsObject() {
    if (act_) act_();
  }

 private:
  Act act_;
};

[[gnu::noinline]] void leave_to_thread(Act act) {
  thread_local ThreadsObject object;
  object.set(std::move(act));
}

Task<void> on_worker(Act act) {
  auto leave = spawn([act] { return in_task([act] { leave_to_thread(act); }); });
  co_await std::move(leave);
}

Task<void> on_blocking_thread(Act act) {
  return in_blocking([act] { leave_to_thread(act); });
}

Task<void> on_compute_thread(Act act) {
  return in_parallel([act] { leave_to_thread(act); });
}

const Place threads[] = {
    {"Worker", on_worker},
    {"Blocking", on_blocking_thread},
    {"Parallel", on_compute_thread},
};

class EndAtThreadsEnd : public ::testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  [[nodiscard]] const Place& place() const { return threads[GetParam()]; }

  void shut_down_there() const {
    Runtime runtime(two_of_each(1));
    runtime.block_on(place().call([&] { runtime.shutdown(); }));
    runtime.shutdown();
  }
  void exit_there() const {
    static Runtime runtime(two_of_each(1));
    runtime.block_on(place().call([] { std::exit(0); }));
    runtime.shutdown();
  }
};

INSTANTIATE_TEST_SUITE_P(Runtimes, EndAtThreadsEnd,
                         ::testing::Range(std::size_t{0}, std::size(threads)),
                         [](const auto& which) { return std::string(threads[which.param].name); });

TEST_P(EndAtThreadsEnd, ShutdownIsTold) { EXPECT_DEATH(shut_down_there(), told); }
TEST_P(EndAtThreadsEnd, ExitWithAStaticRuntimeIsTold) { EXPECT_DEATH(exit_there(), told); }

void end_class_of_calls_in_call() {
  auto threads_of_calls = std::make_unique<BlockingThreads>();
  Runtime runtime(two_of_each(1));
  runtime.block_on([&]() -> Task<void> {
    auto call = blocking(*threads_of_calls, [&] { threads_of_calls.reset(); });
    co_await std::move(call);
  });
}

TEST(EndOfAClassOfCalls, InOneOfThemIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(end_class_of_calls_in_call(), told);
}

/// A call that no task of this runtime awaits may end it.
TEST(EndOnAnothersThread, IsAllowed) {
  Runtime keeper(two_of_each(2));
  for (const std::size_t workers : {std::size_t{0}, std::size_t{2}}) {
    auto other = std::make_unique<Runtime>(two_of_each(workers));
    keeper.block_on(in_blocking([&] { other.reset(); }));
    EXPECT_EQ(other, nullptr);
    other = std::make_unique<Runtime>(two_of_each(workers));
    keeper.block_on(in_parallel([&] { other.reset(); }));
    EXPECT_EQ(other, nullptr);
  }
}

}  // namespace
}  // namespace weft::test::end_on_own_thread_test
