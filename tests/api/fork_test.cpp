// The child of a fork(): runtimes of the parent are let alone there, by name and without a crash or
// a hang; a runtime of its own works; and nothing that the child does reaches what the parent waits
// for.
#include <weft/blocking.hpp>
#include <weft/event_queue.hpp>
#include <weft/net.hpp>
#include <weft/parallel.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::fork_test {
namespace {

bool leaks_count = true;

}  // namespace
}  // namespace weft::test::fork_test

/// LeakSanitizer asks this. In a child all counts as leaked that the parent's other threads owned.
extern "C" int __lsan_is_turned_off() { return weft::test::fork_test::leaks_count ? 0 : 1; }

namespace weft::test::fork_test {
namespace {

using namespace std::chrono_literals;

constexpr int good = 7;

/// Runs `body`, which says whether all was right, in a child; gives the child's exit code, or minus
/// the signal that ended it. A child that hangs is ended by SIGALRM.
template <class F>
int in_child(F body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    bool right = false;
    try {
      right = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
    }
    ::_exit(right ? good : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// I/O, a call on another thread, a computation.
Task<int> work_of_every_kind() {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  auto both =
      co_await when_all(listener.accept(), StreamSocket::connect(listener.local_endpoint()));
  StreamSocket server = std::move(std::get<0>(both));
  StreamSocket client = std::move(std::get<1>(both));
  co_await client.write_all("abc");
  std::array<std::byte, 8> buffer{};
  const std::size_t size = co_await server.read(buffer);
  const int one = co_await blocking([] { return 1; });
  const int two = co_await parallel([] { return 2; });
  co_await sleep_for(1ms);
  co_return static_cast<int>(size) + one + two;
}

bool own_runtimes_work() {
  bool right = true;
  for (const std::size_t workers : {std::size_t{0}, std::size_t{2}}) {
    Runtime own(options_for(workers));
    right = own.block_on(work_of_every_kind()) == 6 && right;
  }
  return right;
}

template <class F>
bool is_refused(F call) {
  try {
    call();
  } catch (const std::logic_error& error) {
    return std::string(error.what()).find("fork()") != std::string::npos;
  }
  return false;
}

/// Parameter: workers.
class Fork : public ::testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    if (thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer does not support threads after fork()";
  }
};
INSTANTIATE_TEST_SUITE_P(Runtimes, Fork,
                         ::testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{2}),
                         worker_count_name);

TEST_P(Fork, TheChildsDestructorNeitherWaitsNorCrashes) {
  auto runtime = std::make_unique<Runtime>(options_for(GetParam()));
  EXPECT_EQ(runtime->block_on(work_of_every_kind()), 6);
  runtime->spawn([]() -> Task<void> { co_await sleep_for(1h); }).detach();
  EXPECT_EQ(in_child([&] {
              runtime->shutdown();
              runtime.reset();
              return own_runtimes_work();
            }),
            good);
  EXPECT_EQ(runtime->block_on(work_of_every_kind()), 6);
}

TEST_P(Fork, TheChildIsToldThatARuntimeIsTheParents) {
  Runtime runtime(options_for(GetParam()));
  EXPECT_EQ(runtime.block_on(work_of_every_kind()), 6);
  EXPECT_EQ(in_child([&] {
              return is_refused([&] { runtime.block_on(work_of_every_kind()); }) &&
                     is_refused([&] { runtime.spawn(work_of_every_kind()).detach(); }) &&
                     is_refused([&] { (void)runtime.metrics(); }) &&
                     is_refused([&] { (void)runtime.poll(); });
            }),
            good);
}

TEST_P(Fork, AChildOfATaskMayMakeItsOwnRuntime) {
  Runtime runtime(options_for(GetParam()));
  const int code = runtime.block_on([]() -> Task<int> {
    co_await yield_now();
    co_return in_child([] { return own_runtimes_work(); });
  });
  EXPECT_EQ(code, good);
  EXPECT_EQ(runtime.block_on(work_of_every_kind()), 6);
}

TEST_P(Fork, WhatTheChildClosesOfTheParentsIsStillWatchedThere) {
  Runtime runtime(options_for(GetParam()));
  std::unique_ptr<SocketListener> listener;
  StreamSocket client = runtime.block_on([&listener]() -> Task<StreamSocket> {
    listener = std::make_unique<SocketListener>(SocketListener::bind("127.0.0.1:0"));
    auto both =
        co_await when_all(listener->accept(), StreamSocket::connect(listener->local_endpoint()));
    co_return std::move(std::get<1>(both));
  });
  // The listener is watched. The child closes its handle, and ends everything.
  EXPECT_EQ(in_child([&] {
              listener.reset();
              return true;
            }),
            good);
  runtime.block_on([&listener]() -> Task<void> {
    auto accepting = spawn(listener->accept());
    co_await yield_now();
    StreamSocket other = co_await StreamSocket::connect(listener->local_endpoint());
    StreamSocket accepted = co_await std::move(accepting);
  });
}

TEST_P(Fork, ThreadsOfTheParentAreNotWaitedFor) {
  auto threads = std::make_unique<BlockingThreads>();
  Runtime runtime(options_for(GetParam()));
  EXPECT_EQ(runtime.block_on(blocking(*threads, [] { return 1; })), 1);
  EXPECT_EQ(in_child([&] {
              Runtime own(options_for(GetParam()));
              try {
                own.block_on(blocking(*threads, [] { return 1; }));
                return false;
              } catch (const IoError& error) {
                if (error.code() != std::errc::owner_dead) return false;
              }
              threads.reset();
              return true;
            }),
            good);
}

/// A static runtime, and exit() in the child, as a program does that does not think of it.
[[noreturn]] void exit_in_child(std::size_t workers) {
  static Runtime runtime(options_for(workers));
  static BlockingThreads threads;
  runtime.spawn([]() -> Task<void> { co_await sleep_for(1h); }).detach();
  runtime.block_on(blocking(threads, [] {}));
  runtime.block_on(work_of_every_kind());
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    leaks_count = false;
    std::exit(own_runtimes_work() ? good : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::exit(WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status));
}

TEST_P(Fork, TheChildMayExitBesideAStaticRuntime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_in_child(GetParam()), ::testing::ExitedWithCode(good), "");
}

TEST(ForkEventQueue, IsTheParents) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  EventQueue queue = EventQueue::create().value();
  ASSERT_TRUE(queue.add(pipe[0], 1, Interest::readable).has_value());
  EXPECT_EQ(in_child([&] {
              std::array<Event, 4> room;
              const bool told =
                  queue.add(pipe[1], 2, Interest::writable).error() == EventQueueError::inherited &&
                  queue.poll(room, 0ns).error() == EventQueueError::inherited;
              (void)queue.remove(pipe[0]);
              queue.wake();
              return told;
            }),
            good);
  ASSERT_EQ(::write(pipe[1], "x", 1), 1);
  std::array<Event, 4> room;
  const Events events = queue.poll(room, 20s).value();
  ASSERT_FALSE(events.empty()) << "the child has removed what the parent waits for";
  EXPECT_EQ(events.begin()->token, 1U);
  for (const int each : pipe) ::close(each);
}

}  // namespace
}  // namespace weft::test::fork_test
