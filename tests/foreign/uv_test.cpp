// libuv on weft, and weft on libuv.
#include "uv.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "foreign_support.hpp"

namespace foreign_test {
namespace {

using namespace std::chrono_literals;
using foreign::UvLoop;
using foreign::UvStepper;

uv_handle_t* as_handle(auto& handle) { return reinterpret_cast<uv_handle_t*>(&handle); }

/// A timer that counts down to zero, and then closes itself.
struct Countdown {
  explicit Countdown(int from) : left(from) {}
  void start(uv_loop_t* loop, std::uint64_t period_ms) {
    uv_timer_init(loop, &timer);
    timer.data = this;
    uv_timer_start(&timer, &Countdown::tick, period_ms, period_ms);
  }
  static void tick(uv_timer_t* timer) {
    if (--static_cast<Countdown*>(timer->data)->left == 0) uv_close(as_handle(*timer), nullptr);
  }
  int left;
  uv_timer_t timer;
};

class UvLoopTest : public Foreign {};
FOREIGN_ON_ALL_RUNTIMES(UvLoopTest);

TEST_P(UvLoopTest, TimersAndThreadsOfTheLoopBesideTasks) {
  uv_work_t warm_up{};  // libuv's threads, and their handles, stay until the process ends
  uv_queue_work(uv_default_loop(), &warm_up, [](uv_work_t*) {}, nullptr);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Countdown ticks(10);
    std::array<uv_work_t, 8> work{};
    int worked = 0;
    UvLoop loop;
    ticks.start(loop.get(), 1);
    for (uv_work_t& one : work) {
      one.data = &worked;
      const auto count = [](uv_work_t* w, int) { ++*static_cast<int*>(w->data); };
      uv_queue_work(loop.get(), &one, [](uv_work_t*) {}, count);
    }
    weft::JoinHandle<void> sleeper = scope.spawn(weft::sleep_for(5ms));
    co_await loop.run();
    co_await std::move(sleeper);
    EXPECT_EQ(ticks.left, 0);
    EXPECT_EQ(worked, 8);
    co_await loop.run();  // there is nothing left to do
  });
}

TEST_P(UvLoopTest, CallsFromTasksAreMadeBetweenTurns) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Countdown keeps_it_going(1);
    int calls = 0;  // no lock: only the loop uses it
    UvLoop loop;
    keeps_it_going.start(loop.get(), 1000'000);
    scope.spawn(loop.run());
    co_await weft::scope([&](weft::Scope& tasks) -> weft::Task<void> {
      for (int i = 0; i < 20; ++i) {
        tasks.spawn([&]() -> weft::Task<void> {
          for (int k = 0; k < 20; ++k) {
            co_await loop.call([&calls](uv_loop_t&) { ++calls; });
          }
        });
      }
      co_return;
    });
    EXPECT_EQ(calls, 400);
    const auto fails = [](uv_loop_t&) { throw std::runtime_error("no"); };
    const std::string text = co_await error_text(loop.call(fails));
    EXPECT_EQ(text, "no");
    const auto ends = [&](uv_loop_t&) { uv_close(as_handle(keeps_it_going.timer), nullptr); };
    co_await loop.call(ends);
  });
}

// A timer that is started while the loop's task waits for longer.
TEST_P(UvLoopTest, ACallMayMakeTheNextTurnDueEarlier) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Countdown late(1);
    Countdown soon(1);
    UvLoop loop;
    late.start(loop.get(), 1000'000);
    weft::JoinHandle<void> run = scope.spawn(loop.run());
    co_await loop.call([](uv_loop_t&) {});
    const auto begin = [&](uv_loop_t& on) { soon.start(&on, 1); };
    co_await loop.call(begin);
    while (soon.left != 0) {
      co_await weft::sleep_for(1ms);
      co_await loop.call([](uv_loop_t&) {});  // orders the loop's actions before the checks here
    }
    run.cancel();
    co_await std::move(run).outcome();
  });
}

TEST_P(UvLoopTest, ACancelledRunCanBeGoneOnWith) {
  run_in_scope([](weft::Scope&) -> weft::Task<void> {
    Countdown ticks(3);
    UvLoop loop;
    ticks.start(loop.get(), 30);
    const std::string text = co_await error_text(weft::timeout(loop.run(), 5ms));
    EXPECT_EQ(text, "timeout: time limit exceeded");
    co_await loop.run();
    EXPECT_EQ(ticks.left, 0);
  });
}

TEST_P(UvLoopTest, ACallThatIsCancelledIsNotMade) {
  run_in_scope([](weft::Scope&) -> weft::Task<void> {
    UvLoop loop;
    bool called = false;
    const auto call = [&](uv_loop_t&) { called = true; };
    const std::string text = co_await error_text(weft::timeout(loop.call(call), 5ms));
    EXPECT_EQ(text, "timeout: time limit exceeded");  // the loop is not run
    co_await loop.run();
    EXPECT_FALSE(called);
  });
}

TEST_P(UvLoopTest, ItClosesTheHandlesThatAreLeft) {
  run_in_scope([](weft::Scope&) -> weft::Task<void> {
    Countdown left_over(1);
    UvLoop loop;
    left_over.start(loop.get(), 1000'000);
    co_await error_text(weft::timeout(loop.run(), 5ms));
  });
}

class UvStepperTest : public ::testing::Test {
 protected:
  UvStepperTest() { uv_loop_init(&loop); }
  ~UvStepperTest() override {
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop), 0);
  }
  static weft::RuntimeOptions stepped() {
    weft::RuntimeOptions options;
    options.current_thread = true;
    return options;
  }
  uv_loop_t loop;
};

TEST_F(UvStepperTest, TasksSleepAndDoIo) {
  weft::Runtime runtime(stepped());
  UvStepper stepper(&loop, runtime);
  weft::SocketListener listener = weft::SocketListener::bind(weft::Endpoint::loopback(0));
  int echoes = 0;
  auto echo = [](weft::StreamSocket stream) -> weft::Task<void> {
    std::array<std::byte, 5> buffer;
    co_await stream.read_exact(buffer);
    co_await weft::sleep_for(2ms);
    co_await stream.write_all(buffer);
  };
  auto serve = [&]() -> weft::Task<void> {
    for (int i = 0; i < 20; ++i) {
      weft::StreamSocket stream = co_await listener.accept();
      weft::spawn(echo, std::move(stream)).detach();
    }
  };
  auto talk = [&]() -> weft::Task<void> {
    weft::StreamSocket stream = co_await weft::StreamSocket::connect(listener.local_endpoint());
    co_await stream.write_all("hello");
    std::array<std::byte, 5> buffer;
    co_await stream.read_exact(buffer);
    if (++echoes == 20) stepper.close();
  };
  runtime.spawn(serve).detach();
  for (int i = 0; i < 20; ++i) runtime.spawn(talk).detach();
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(echoes, 20);
}

TEST_F(UvStepperTest, CallbacksAndOtherThreadsSpawn) {
  weft::Runtime runtime(stepped());
  UvStepper stepper(&loop, runtime);
  int ran = 0;
  struct Context {
    weft::Runtime& runtime;
    UvStepper& stepper;
    int& ran;
    std::thread other;
  } context{runtime, stepper, ran, {}};
  uv_timer_t timer;
  uv_timer_init(&loop, &timer);
  timer.data = &context;
  const auto spawn_both = [](uv_timer_t* t) {
    auto& c = *static_cast<Context*>(t->data);
    uv_close(as_handle(*t), nullptr);
    auto count = [&c]() -> weft::Task<void> {
      co_await weft::yield_now();
      if (++c.ran == 2) c.stepper.close();
    };
    c.runtime.spawn(count).detach();
    c.other = std::thread([&c, count] { c.runtime.spawn(count).detach(); });
  };
  uv_timer_start(&timer, spawn_both, 5, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  context.other.join();
  EXPECT_EQ(ran, 2);
}

TEST_F(UvStepperTest, ATaskThatIsAlwaysReadyKeepsNobodyWaiting) {
  weft::Runtime runtime(stepped());
  UvStepper stepper(&loop, runtime);
  bool stop = false;
  Countdown ticks(3);
  ticks.start(&loop, 1);
  runtime
      .spawn([&]() -> weft::Task<void> {
        while (!stop) co_await weft::yield_now();
        stepper.close();
      })
      .detach();
  runtime
      .spawn([&]() -> weft::Task<void> {
        while (ticks.left != 0) co_await weft::sleep_for(1ms);
        stop = true;
      })
      .detach();
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(ticks.left, 0);
}

TEST_F(UvStepperTest, FollowsTheRuntimeToAnotherHandle) {
  weft::Runtime runtime(stepped());
  UvStepper stepper(&loop, runtime);
  const weft::NativeHandle before = runtime.native_handle();
  std::atomic<bool> changed = false;
  weft::Promise<void> noticed;
  auto look = [&] {
    if (changed || runtime.native_handle() == before) return;
    changed = true;
    noticed.set_value();
  };
  uv_check_t each_turn;
  uv_check_init(&loop, &each_turn);
  each_turn.data = &look;
  uv_check_start(&each_turn, [](uv_check_t* c) { (*static_cast<decltype(look)*>(c->data))(); });
  runtime
      .spawn([&]() -> weft::Task<void> {
        std::array<int, 2> pipe{};
        EXPECT_EQ(pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
        const int twin = dup(pipe[0]);
        co_await error_text(weft::timeout(weft::wait_readable(twin), 1ms));
        close(twin);  // without the runtime's knowledge: the pipe and its events live on
        std::array<int, 2> other{};
        EXPECT_EQ(pipe2(other.data(), O_CLOEXEC | O_NONBLOCK), 0);
        EXPECT_EQ(other[0], twin);
        co_await error_text(weft::timeout(weft::wait_readable(other[0]), 1ms));
        std::thread writer([&] {  // each byte is an event without a registration
          char byte = 'x';
          while (!changed) {
            EXPECT_EQ(write(pipe[1], &byte, 1), 1);
            EXPECT_EQ(read(pipe[0], &byte, 1), 1);
          }
        });
        co_await noticed.result();
        writer.join();
        for (const int handle : pipe) close(handle);
        for (const int handle : other) close(handle);
        co_await weft::sleep_for(1ms);
        uv_close(as_handle(each_turn), nullptr);
        stepper.close();
      })
      .detach();
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_TRUE(changed);
}

TEST_F(UvStepperTest, AnotherKindOfRuntimeIsRefused) {
  weft::RuntimeOptions options;
  options.workers = 1;
  weft::Runtime threads(options);
  EXPECT_THROW(UvStepper(&loop, threads), std::logic_error);
}

}  // namespace
}  // namespace foreign_test
