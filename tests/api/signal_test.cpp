// SignalListener and stop_requested(): nothing that came is lost, each listener has each signal,
// and the action that a signal had before is back in the end.
#include <weft/signal.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::signal_test {
namespace {

using namespace std::chrono_literals;

/// The action of a signal, to be put back.
class SavedAction {
 public:
  explicit SavedAction(int number) : number_(number) { ::sigaction(number, nullptr, &before_); }
  ~SavedAction() { ::sigaction(number_, &before_, nullptr); }
  SavedAction(const SavedAction&) = delete;
  SavedAction& operator=(const SavedAction&) = delete;
  [[nodiscard]] bool is_back() const {
    struct sigaction now{};
    ::sigaction(number_, nullptr, &now);
    // The C library sets one more flag in whatever it installs (SA_RESTORER).
    constexpr int own_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO | SA_NODEFER;
    return now.sa_handler == before_.sa_handler &&
           (now.sa_flags & own_flags) == (before_.sa_flags & own_flags);
  }

 private:
  int number_;
  struct sigaction before_{};
};

std::atomic<int> foreign_calls{0};

void install_foreign_handler(int number) {
  struct sigaction action{};
  action.sa_handler = [](int) { ++foreign_calls; };
  ::sigaction(number, &action, nullptr);
}

bool foreign_handler_is_installed(int number) {
  const int before = foreign_calls;
  ::raise(number);
  return foreign_calls == before + 1;
}

class Signals : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(Signals);

TEST_P(Signals, HasWhatCameSinceItsConstruction) {
  SignalListener listener(SIGUSR1);
  ::raise(SIGUSR1);
  EXPECT_EQ(run(listener.next()), SIGUSR1);
  EXPECT_EQ(listener.try_next(), std::nullopt);
}

TEST_P(Signals, WakesTheTaskThatWaits) {
  SignalListener listener(SIGUSR1);
  run([&]() -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      JoinHandle<std::optional<int>> waiting = spawn(listener.next());
      co_await yield_now();
      ::raise(SIGUSR1);
      const std::optional<int> number = co_await std::move(waiting);
      EXPECT_EQ(number, SIGUSR1);
    }
  });
}

TEST_P(Signals, CountsThoseOfOneNumberAsOne) {
  SignalListener listener{SIGUSR2, SIGUSR1, SIGUSR1};
  for (int i = 0; i < 3; ++i) {
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
  }
  EXPECT_EQ(run(listener.next()), SIGUSR1);  // the lowest first
  EXPECT_EQ(run(listener.next()), SIGUSR2);
  EXPECT_EQ(listener.try_next(), std::nullopt);
}

TEST_P(Signals, ComeFromAnotherProcess) {
  // It holds a signal back while the thread that got it sleeps in a call that it does not know.
  if (thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer delays signals of other processes";
  SignalListener listener(SIGHUP);
  const pid_t parent = ::getpid();
  const pid_t sender = ::fork();
  if (sender == 0) {
    ::kill(parent, SIGHUP);
    ::_exit(0);
  }
  EXPECT_EQ(run(listener.next()), SIGHUP);
  ::waitpid(sender, nullptr, 0);
}

TEST_P(Signals, AreAsManyAsTheSystemHas) {
  std::vector<int> numbers{SIGHUP,  SIGQUIT, SIGALRM,  SIGWINCH,
                           SIGTSTP, SIGCHLD, SIGRTMIN, SIGRTMAX};
  SignalListener listener{std::span<const int>(numbers)};
  for (const int number : numbers) {
    ::raise(number);
    EXPECT_EQ(run(listener.next()), number) << signal_name(number);
  }
}

TEST_P(Signals, ReachEachListener) {
  SignalListener first(SIGUSR1);
  SignalListener second{SIGUSR1, SIGUSR2};
  ::raise(SIGUSR1);
  EXPECT_EQ(run(first.next()), SIGUSR1);
  EXPECT_EQ(run(second.next()), SIGUSR1);
}

TEST_P(Signals, ReachListenersOnTwoRuntimes) {
  SignalListener here(SIGUSR1);
  SignalListener there(SIGUSR1);
  Runtime other(options_for(1));
  JoinHandle<std::optional<int>> waiting = other.spawn(there.next());
  ::raise(SIGUSR1);
  EXPECT_EQ(run(here.next()), SIGUSR1);
  EXPECT_EQ(other.block_on(std::move(waiting)), SIGUSR1);
}

TEST_P(Signals, AreOneTasksEach) {
  SignalListener listener{SIGUSR1, SIGUSR2};
  run([&]() -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      JoinHandle<std::optional<int>> one = spawn(listener.next());
      JoinHandle<std::optional<int>> two = spawn(listener.next());
      co_await yield_now();
      ::raise(SIGUSR1);
      ::raise(SIGUSR2);
      const std::optional<int> first = co_await std::move(one);
      const std::optional<int> second = co_await std::move(two);
      EXPECT_EQ(first.value_or(0) + second.value_or(0), SIGUSR1 + SIGUSR2);
    }
  });
}

TEST_P(Signals, AreNotLostByACancelOrATimeout) {
  SignalListener listener(SIGUSR1);
  run([&]() -> Task<void> {
    for (int i = 0; i < 300; ++i) {
      JoinHandle<std::optional<int>> waiting = spawn(listener.next());
      if (i % 3 != 0) co_await yield_now();
      if (i % 2 == 0) waiting.cancel();
      ::raise(SIGUSR1);
      if (i % 2 != 0) waiting.cancel();
      Outcome<std::optional<int>> outcome = co_await std::move(waiting).outcome();
      std::optional<int> number;
      if (!outcome.cancelled()) {
        number = outcome.take();
      } else {
        number = co_await timeout(listener.next(), 20s);
      }
      EXPECT_EQ(number, SIGUSR1);
      EXPECT_EQ(listener.try_next(), std::nullopt);
    }
    const Result<std::optional<int>> late = co_await attempt(timeout(listener.next(), 1ms));
    EXPECT_EQ(late.error(), std::errc::timed_out);
  });
}

TEST_P(Signals, EndWithACloseAfterWhatHadCome) {
  SignalListener listener(SIGUSR1);
  JoinHandle<std::optional<int>> waiting = runtime().spawn(listener.next());
  run([] { return until([] { return true; }); });
  listener.close();
  EXPECT_EQ(run(std::move(waiting)), std::nullopt);
  EXPECT_FALSE(listener);

  SignalListener other(SIGUSR1);
  ::raise(SIGUSR1);
  other.close();
  EXPECT_EQ(run(other.next()), SIGUSR1);
  EXPECT_EQ(run(other.next()), std::nullopt);
  EXPECT_EQ(other.native_handle(), invalid_handle);
}

TEST_P(Signals, EndUnderAWaitWithTheirListener) {
  std::optional<SignalListener> listener(std::in_place, SIGUSR1);
  JoinHandle<std::optional<int>> waiting = runtime().spawn(listener->next());
  SignalListener moved = std::move(*listener);
  listener.reset();
  ::raise(SIGUSR1);
  EXPECT_EQ(run(std::move(waiting)), SIGUSR1);
  waiting = runtime().spawn(moved.next());
  moved = SignalListener(SIGUSR2);
  EXPECT_EQ(run(std::move(waiting)), std::nullopt);
}

TEST_P(Signals, AreAStream) {
  SignalListener listener{SIGUSR1, SIGUSR2};
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  std::vector<int> seen;
  run([&]() -> Task<void> {
    while (auto number = co_await listener.next()) {
      seen.push_back(*number);
      if (seen.size() == 2) listener.close();
    }
  });
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST_P(Signals, AreForFibersFuturesAndCallbacks) {
  SignalListener listener(SIGUSR1);
  ::raise(SIGUSR1);
  EXPECT_EQ(run(fiber([&] { return await(listener.next()); })), SIGUSR1);
  ::raise(SIGUSR1);
  EXPECT_EQ(run(runtime().as_future(listener.next())), SIGUSR1);
  std::atomic<int> seen{0};
  run([&]() -> Task<void> {
    on_complete(listener.next(), [&](std::optional<int> number) { seen = number.value_or(-1); });
    ::raise(SIGUSR1);
    co_await until([&] { return seen != 0; });
  });
  EXPECT_EQ(seen, SIGUSR1);
}

TEST_P(Signals, RingAHandleForForeignLoops) {
  SignalListener listener(SIGUSR1);
  const auto rings = [&] {
    pollfd bell{.fd = listener.native_handle(), .events = POLLIN, .revents = 0};
    return ::poll(&bell, 1, 0) == 1;
  };
  EXPECT_FALSE(rings());
  ::raise(SIGUSR1);
  EXPECT_TRUE(rings());
  EXPECT_EQ(listener.try_next(), SIGUSR1);
  EXPECT_FALSE(rings());
}

class SignalActions : public ::testing::Test {};

TEST_F(SignalActions, AreBackWithTheLastListener) {
  const SavedAction before(SIGUSR1);
  install_foreign_handler(SIGUSR1);
  {
    SignalListener one(SIGUSR1);
    {
      SignalListener two(SIGUSR1);
      EXPECT_FALSE(foreign_handler_is_installed(SIGUSR1));
    }
    EXPECT_FALSE(foreign_handler_is_installed(SIGUSR1));
    EXPECT_EQ(one.try_next(), SIGUSR1);
  }
  EXPECT_TRUE(foreign_handler_is_installed(SIGUSR1));
}

TEST_F(SignalActions, OfOtherCodeAreLeftAlone) {
  const SavedAction before(SIGUSR1);
  {
    SignalListener listener(SIGUSR1);
    install_foreign_handler(SIGUSR1);
    ::raise(SIGUSR1);
    EXPECT_EQ(listener.try_next(), std::nullopt);
    SignalListener later(SIGUSR1);  // has signals from its construction on
    ::raise(SIGUSR1);
    EXPECT_EQ(later.try_next(), SIGUSR1);
    EXPECT_EQ(listener.try_next(), SIGUSR1);
    install_foreign_handler(SIGUSR1);
  }
  EXPECT_TRUE(foreign_handler_is_installed(SIGUSR1));
}

TEST_F(SignalActions, RestartInterruptedCalls) {
  SignalListener listener(SIGUSR1);
  struct sigaction now{};
  ::sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_flags & (SA_RESTART | SA_ONSTACK | SA_SIGINFO), SA_RESTART | SA_ONSTACK);
}

TEST_F(SignalActions, KeepErrno) {
  SignalListener listener(SIGUSR1);
  errno = E2BIG;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, E2BIG);
}

TEST_F(SignalActions, OfSignalsThatCannotBeHandledAreRefused) {
  for (const int number :
       {0, -1, 32, 33, 65, 1000, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    try {
      SignalListener listener(number);
      ADD_FAILURE() << number;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(signal_name(number)), std::string::npos)
          << error.what();
    }
  }
  EXPECT_THROW(SignalListener(std::span<const int>()), std::invalid_argument);
}

TEST_F(SignalActions, AreAsBeforeIfTheSystemRefuses) {
  const SavedAction first(SIGUSR1);
  const SavedAction second(SIGUSR2);
  const auto message_of = [](detail::Call call, int error, std::uint64_t skip) {
    detail::ScopedFaults faults;
    faults.add({.call = call, .errno_value = error, .skip = skip});
    try {
      SignalListener listener{SIGUSR1, SIGUSR2};
      return std::string("none");
    } catch (const IoError& refused) {
      return std::string(refused.what());
    }
  };
  EXPECT_EQ(message_of(detail::Call::eventfd, EMFILE, 0), "listen signals: too many open files");
  EXPECT_EQ(message_of(detail::Call::sigaction, EINVAL, 0), "listen SIGUSR1: invalid argument");
  EXPECT_EQ(message_of(detail::Call::sigaction, ENOMEM, 1),
            "listen SIGUSR2: cannot allocate memory");
  EXPECT_TRUE(first.is_back());
  EXPECT_TRUE(second.is_back());
}

/// Runs `body` in a child made by fork(); returns its exit code.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_F(SignalActions, AreTheParentsInAForkedChild) {
  const SavedAction before(SIGUSR1);
  SignalListener listener(SIGUSR1);
  EXPECT_EQ(in_child([] {
              ::raise(SIGUSR1);
              return true;
            }),
            0);
  EXPECT_EQ(listener.try_next(), std::nullopt);
  // There the listener has ended, and takes nothing of the parent's.
  ::raise(SIGUSR1);
  EXPECT_EQ(in_child([&] {
              Runtime runtime(test::options_for(0));
              const std::optional<int> number = runtime.block_on(listener.next());
              return !number && !listener.try_next() && !listener;
            }),
            0);
  EXPECT_EQ(listener.try_next(), SIGUSR1);
  // One of the child's own works, and the parent's goes there without a trace.
  EXPECT_EQ(in_child([&] {
              {
                SignalListener own(SIGUSR1);
                SignalListener gone = std::move(listener);
                gone.close();
                ::raise(SIGUSR1);
                if (own.try_next() != SIGUSR1) return false;
              }
              return before.is_back();
            }),
            0);
  ::raise(SIGUSR1);
  EXPECT_EQ(listener.try_next(), SIGUSR1);
}

// While another process sends without a pause, listeners come and go on four threads, and one stays
// and counts.
TEST_F(SignalActions, AreBackAfterThousandsOfSignals) {
  const SavedAction first(SIGUSR1);
  const SavedAction second(SIGUSR2);
  {
    SignalListener keeps_the_process{SIGUSR1, SIGUSR2};
    const pid_t parent = ::getpid();
    const pid_t sender = ::fork();
    if (sender == 0) {
      for (;;) {
        if (::kill(parent, SIGUSR1) != 0 || ::kill(parent, SIGUSR2) != 0) ::_exit(0);
      }
    }
    std::atomic<int> seen{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 200; ++round) {
          SignalListener one(i % 2 == 0 ? SIGUSR1 : SIGUSR2);
          SignalListener both{SIGUSR1, SIGUSR2};
          if (round % 50 != 0) continue;
          seen += block_on(both.next()).has_value() ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(seen, 16);
    EXPECT_NE(block_on(keeps_the_process.next()), std::nullopt);
    ::kill(sender, SIGKILL);
    ::waitpid(sender, nullptr, 0);
  }
  EXPECT_TRUE(first.is_back());
  EXPECT_TRUE(second.is_back());
}

TEST_F(SignalActions, HaveNames) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(signal_name(SIGRTMIN + 2), "SIGRTMIN+2");
  EXPECT_EQ(signal_name(99), "signal 99");
}

// stop_requested()

class StopRequested : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};
INSTANTIATE_TEST_SUITE_P(Signals, StopRequested, ::testing::Values(SIGINT, SIGTERM));

TEST_P(StopRequested, EndsWithTheFirstAndLeavesNothing) {
  const SavedAction first(SIGINT);
  const SavedAction second(SIGTERM);
  block_on([]() -> Task<void> {
    Task<int> stop = stop_requested();
    ::raise(GetParam());
    const int number = co_await std::move(stop);
    EXPECT_EQ(number, GetParam());
  });
  EXPECT_TRUE(first.is_back());
  EXPECT_TRUE(second.is_back());
}

TEST_P(StopRequested, IsForEachThatWaits) {
  block_on([]() -> Task<void> {
    auto both = when_all(stop_requested(), stop_requested());
    ::raise(GetParam());
    const auto numbers = co_await std::move(both);
    EXPECT_EQ(std::get<0>(numbers), GetParam());
    EXPECT_EQ(std::get<1>(numbers), GetParam());
  });
}

TEST_P(StopRequested, LeavesTheSecondToTheSystem) {
  const auto end_by_two = [] {
    block_on([]() -> Task<void> {
      Task<int> stop = stop_requested();
      ::raise(SIGTERM);
      co_await std::move(stop);
      ::raise(GetParam());
    });
  };
  EXPECT_EXIT(end_by_two(), ::testing::KilledBySignal(GetParam()), "");
}

// The program computes, and has not seen the first one.
TEST_P(StopRequested, LeavesTheSecondToTheSystemAlsoIfTheFirstIsUnseen) {
  const auto end_by_two = [] {
    Task<int> stop = stop_requested();
    ::raise(SIGTERM);
    ::raise(GetParam());
  };
  EXPECT_EXIT(end_by_two(), ::testing::KilledBySignal(GetParam()), "");
}

TEST_P(StopRequested, LeavesTheSecondToTheHandlerThatWasThere) {
  const SavedAction before(GetParam());
  install_foreign_handler(GetParam());
  Task<int> stop = stop_requested();
  const int calls = foreign_calls;
  ::raise(GetParam());
  EXPECT_EQ(foreign_calls, calls);
  ::raise(GetParam());
  EXPECT_EQ(foreign_calls, calls + 1);
  EXPECT_EQ(block_on(std::move(stop)), GetParam());
}

TEST_P(StopRequested, LosesNoSignalByACancel) {
  const auto end_unseen = [] {
    std::optional<Task<int>> stop(stop_requested());
    ::raise(GetParam());
    stop.reset();
  };
  EXPECT_EXIT(end_unseen(), ::testing::KilledBySignal(GetParam()), "");
  SignalListener other(GetParam());  // has it, so that it is not raised again
  {
    Task<int> stop = stop_requested();
    ::raise(GetParam());
  }
  EXPECT_EQ(other.try_next(), GetParam());
  EXPECT_EQ(other.try_next(), std::nullopt);
}

TEST_P(StopRequested, LeavesIgnoredSignalsIgnored) {
  const SavedAction before(GetParam());
  ::signal(GetParam(), SIG_IGN);
  const int other = GetParam() == SIGINT ? SIGTERM : SIGINT;
  Task<int> stop = stop_requested();
  ::raise(GetParam());
  ::raise(other);
  EXPECT_EQ(block_on(std::move(stop)), other);
  ::raise(GetParam());  // ignored still
}

}  // namespace
}  // namespace weft::test::signal_test
