// Child processes: what they get, how they end, and what waits for them.
#include <weft/process.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "api/process_support.hpp"
#include "support/helpers.hpp"

namespace weft::test::process_test {
namespace {

using namespace std::chrono_literals;

class Process : public ProcessTest {};
WEFT_ON_ALL_RUNTIMES(Process);

TEST_P(Process, EndsWithACodeOrASignal) {
  EXPECT_EQ(run(Command("true").status()), ExitStatus());
  EXPECT_EQ(run(shell("exit 3").status()), ExitStatus::of_code(3));
  const ExitStatus killed = run(shell("kill -KILL $$").status());
  EXPECT_EQ(killed.signal(), SIGKILL);
  EXPECT_EQ(killed.code(), std::nullopt);
  EXPECT_FALSE(killed.success());
  EXPECT_EQ(killed.to_string(), "killed by SIGKILL");
  EXPECT_EQ(ExitStatus::of_code(3).to_string(), "exit code 3");
  EXPECT_EQ(ExitStatus::of_signal(SIGABRT, true).to_string(), "killed by SIGABRT (core dumped)");
}

TEST_P(Process, TalksThroughPipes) {
  run([]() -> Task<void> {
    Command command("cat");
    command.in(Stdio::pipe()).out(Stdio::pipe());
    ChildProcess child = command.spawn();
    co_await child.in->write_all("hello\n");
    const std::string line = co_await line_of(*child.out);
    EXPECT_EQ(line, "hello");
    child.in.reset();
    const std::string rest = co_await text_of(*child.out);
    EXPECT_EQ(rest, "");
    const ExitStatus status = co_await child.wait();
    EXPECT_TRUE(status.success());
  });
}

TEST_P(Process, IsWaitedForAnyNumberOfTimesByAnyNumberOfTasks) {
  ChildProcess child = waiting_child().spawn();
  run([&]() -> Task<void> {
    JoinHandle<ExitStatus> one = spawn(child.wait());
    JoinHandle<ExitStatus> two = spawn(child.wait());
    co_await yield_now();
    EXPECT_EQ(child.try_wait().value(), std::nullopt);
    child.in.reset();
    const ExitStatus first = co_await std::move(one);
    const ExitStatus second = co_await std::move(two);
    const ExitStatus third = co_await child.wait();
    EXPECT_TRUE(first.success() && second.success() && third.success());
    EXPECT_EQ(child.try_wait().value(), ExitStatus());
  });
}

TEST_P(Process, WaitIsLeftByACancelOrATimeoutAndTheChildGoesOn) {
  ChildProcess child = waiting_child().spawn();
  run([&]() -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      JoinHandle<ExitStatus> waiting = spawn(child.wait());
      if (i % 2 == 0) co_await yield_now();
      waiting.cancel();
      const Outcome<ExitStatus> outcome = co_await std::move(waiting).outcome();
      EXPECT_TRUE(outcome.cancelled());
    }
    const Result<ExitStatus> late = co_await attempt(timeout(child.wait(), 1ms));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    child.in.reset();
    const ExitStatus status = co_await child.wait();
    EXPECT_TRUE(status.success());
    // A wait that is cancelled when the child has ended has its result, or the next one has.
    JoinHandle<ExitStatus> after = spawn(child.wait());
    after.cancel();
    Outcome<ExitStatus> outcome = co_await std::move(after).outcome();
    EXPECT_TRUE(outcome.cancelled() || outcome.take().success());
  });
}

TEST_P(Process, IsForFibersFuturesAndCallbacks) {
  EXPECT_TRUE(run(fiber([] { return await(Command("true").status()); })).success());
  EXPECT_TRUE(run(runtime().as_future(Command("true").status())).success());
  ChildProcess child = Command("true").spawn();
  std::atomic<bool> called = false;
  run([&]() -> Task<void> {
    on_complete(child.wait(), [&](ExitStatus status) { called = status.success(); });
    co_await until([&] { return called.load(); });
  });
}

TEST_P(Process, SignalsReachIt) {
  run([]() -> Task<void> {
    ChildProcess child = waiting_child().spawn();
    EXPECT_TRUE(child.signal(SIGTERM));
    ExitStatus status = co_await child.wait();
    EXPECT_EQ(status.signal(), SIGTERM);
    EXPECT_EQ(child.kill().error(), std::errc::no_such_process);
    child = waiting_child().spawn();
    EXPECT_EQ(child.signal(9999).error(), std::errc::invalid_argument);
    EXPECT_EQ(child.kill_group().error(), std::errc::invalid_argument);
    EXPECT_TRUE(child.kill());
    status = co_await child.wait();
    EXPECT_EQ(status.signal(), SIGKILL);
  });
}

TEST_P(Process, ThatIgnoresSigtermIsKilledAfterATimeout) {
  run([]() -> Task<void> {
    Command command = shell("trap '' TERM; echo ready; while :; do read line; done");
    command.out(Stdio::pipe()).in(Stdio::pipe());
    ChildProcess child = command.spawn();
    const std::string ready = co_await line_of(*child.out);
    EXPECT_EQ(ready, "ready");
    EXPECT_TRUE(child.signal(SIGTERM));
    const Result<ExitStatus> in_time = co_await attempt(timeout(child.wait(), 20ms));
    EXPECT_EQ(in_time.error(), std::errc::timed_out);
    EXPECT_TRUE(child.kill());
    const ExitStatus status = co_await child.wait();
    EXPECT_EQ(status.signal(), SIGKILL);
  });
}

TEST_P(Process, TerminateAsksAndThenKills) {
  run([]() -> Task<void> {
    ChildProcess polite = waiting_child().spawn();
    ExitStatus status = co_await polite.terminate(20s);
    EXPECT_EQ(status.signal(), SIGTERM);
    Command command = shell("trap '' TERM; echo ready; while :; do read line; done");
    command.out(Stdio::pipe()).in(Stdio::pipe());
    ChildProcess stubborn = command.spawn();
    const std::string ready = co_await line_of(*stubborn.out);
    EXPECT_EQ(ready, "ready");
    status = co_await stubborn.terminate(20ms);
    EXPECT_EQ(status.signal(), SIGKILL);
  });
}

/// A child with a child of its own, which holds the output open. Its line is the grandchild's id.
Command parent_of_a_waiting_child(const char* then) {
  Command command = shell(std::string("sleep 1000 & echo $!; ") + then);
  command.out(Stdio::pipe()).new_group();
  return command;
}

TEST_P(Process, WaitEndsThoughAGrandchildHoldsThePipe) {
  run([]() -> Task<void> {
    ChildProcess child = parent_of_a_waiting_child("exit 5").spawn();
    const std::string grandchild = co_await line_of(*child.out);
    const ExitStatus status = co_await child.wait();
    EXPECT_EQ(status.code(), 5);
    EXPECT_EQ(::kill(std::stoi(grandchild), 0), 0);
    // The group is there though its leader has ended.
    EXPECT_TRUE(child.kill_group());
    const std::string rest = co_await text_of(*child.out);  // ends with the grandchild
    EXPECT_EQ(rest, "");
  });
}

TEST_P(Process, GroupIsKilledWithItsGrandchildren) {
  run([]() -> Task<void> {
    for (const bool session : {false, true}) {
      Command command = parent_of_a_waiting_child("read line");
      command.in(Stdio::pipe());
      if (session) command.new_session();
      ChildProcess child = command.spawn();
      co_await line_of(*child.out);
      EXPECT_TRUE(child.kill_group());
      const ExitStatus status = co_await child.wait();
      EXPECT_EQ(status.signal(), SIGKILL);
      const std::string rest = co_await text_of(*child.out);
      EXPECT_EQ(rest, "");
    }
  });
}

// Dropping

TEST_P(Process, DroppedIsKilledIfAskedForAndLeavesNoZombie) {
  run([]() -> Task<void> {
    Command command("sleep");
    command.arg("1000").out(Stdio::pipe()).kill_on_drop();
    PipeReader out = std::move(*command.spawn().out);
    const std::string text = co_await text_of(out);  // ends with the child
    EXPECT_EQ(text, "");
  });
}

TEST_P(Process, DroppedWithAGroupTakesTheGroupAlong) {
  run([]() -> Task<void> {
    Command command = parent_of_a_waiting_child("read line");
    command.in(Stdio::pipe()).kill_on_drop();
    std::optional<ChildProcess> child(command.spawn());
    co_await line_of(*child->out);
    PipeReader out = std::move(*child->out);
    child.reset();
    const std::string text = co_await text_of(out);
    EXPECT_EQ(text, "");
  });
}

TEST_P(Process, DroppedGoesOnAndLeavesNoZombie) {
  run([]() -> Task<void> {
    std::optional<ChildProcess> child(waiting_child().spawn());
    PipeWriter in = std::move(*child->in);
    child.reset();
    co_await in.write_all("still read\n");
    in.close();  // ends it; the fixture sees that no child is left
  });
}

TEST_P(Process, DroppedOutlivesItsRuntimeAndIsReaped) {
  std::optional<PipeWriter> in;
  run([&]() -> Task<void> {
    ChildProcess child = waiting_child().spawn();
    in.emplace(std::move(*child.in));
    co_return;
  });
  end_runtime();
  EXPECT_TRUE(child_still_runs());
  in.reset();
  EXPECT_TRUE(no_child_stays());
}

TEST_P(Process, DroppedUnderAWaitEndsTheWait) {
  run([]() -> Task<void> {
    std::optional<ChildProcess> child(waiting_child().spawn());
    child->kill_on_drop();
    JoinHandle<ExitStatus> waiting = spawn(child->wait());
    for (int i = 0; i < 20; ++i) co_await yield_now();
    child.reset();
    Outcome<ExitStatus> outcome = co_await std::move(waiting).outcome();
    try {
      outcome.take();  // it may have seen the end first
    } catch (const IoError& error) {
      EXPECT_EQ(error.code(), std::errc::operation_canceled) << error.what();
    }
  });
}

TEST_P(Process, MovedKeepsItsChild) {
  run([]() -> Task<void> {
    ChildProcess first = waiting_child().spawn();
    ChildProcess second = std::move(first);
    first = waiting_child().spawn();
    first.kill_on_drop();
    first = std::move(second);  // the one that was there is killed
    first.in.reset();
    const ExitStatus status = co_await first.wait();
    EXPECT_TRUE(status.success());
  });
}

TEST_P(Process, AThousandLeaveNothing) {
  run([]() -> Task<void> {
    for (int i = 0; i < 1000; ++i) {
      if (i % 4 == 0) {
        static_cast<void>(Command("/bin/true").spawn());  // dropped
        continue;
      }
      const ExitStatus status = co_await Command("/bin/true").status();
      EXPECT_TRUE(status.success());
    }
  });
}

// What the system knows of the end

TEST_P(Process, WhoseEndTheSystemForgetsIsToldSo) {
  struct sigaction before{};
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &ignore, &before);
  run([]() -> Task<void> {
    ChildProcess child = waiting_child().spawn();
    child.in.reset();
    try {
      co_await child.wait();
      ADD_FAILURE() << "it knows";
    } catch (const IoError& error) {
      EXPECT_EQ(error.code(), std::errc::no_child_process);
      EXPECT_EQ(
          std::string(error.what()),
          "wait for /bin/cat (process " + std::to_string(child.pid()) + "): no child processes");
    }
    EXPECT_EQ(child.try_wait().error(), std::errc::no_child_process);
    EXPECT_EQ(child.kill().error(), std::errc::no_such_process);
  });
  ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_P(Process, LeavesForeignChildrenAndSigchldAlone) {
  struct sigaction before{};
  ::sigaction(SIGCHLD, nullptr, &before);
  const pid_t foreign = ::fork();
  if (foreign == 0) ::_exit(9);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(Command("true").status()).success());
  {
    ChildProcess dropped = Command("true").spawn();
  }
  int status = 0;
  EXPECT_EQ(::waitpid(foreign, &status, 0), foreign);
  EXPECT_EQ(WEXITSTATUS(status), 9);
  struct sigaction now{};
  ::sigaction(SIGCHLD, nullptr, &now);
  EXPECT_EQ(now.sa_handler, before.sa_handler);
}

TEST_P(Process, IsTheParentsInAForkedChild) {
  ChildProcess child = waiting_child().spawn();
  child.kill_on_drop();
  const pid_t fork = ::fork();
  if (fork == 0) {
    const bool refused = child.kill().error() == std::errc::no_such_process;
    {
      ChildProcess gone = std::move(child);
    }
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  ::waitpid(fork, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(child.try_wait().value(), std::nullopt);  // it runs
  child.in.reset();
  EXPECT_TRUE(run(child.wait()).success());
}

TEST_P(Process, StatusIsKilledByACancelAndAwaited) {
  run([]() -> Task<void> {
    for (const bool group : {false, true}) {
      Command command("sleep");
      command.arg("1000");
      if (group) command.new_group();
      const Result<ExitStatus> late = co_await attempt(timeout(command.status(), 10ms));
      EXPECT_EQ(late.error(), std::errc::timed_out);
      EXPECT_TRUE(no_child_is_left());
    }
  });
}

}  // namespace
}  // namespace weft::test::process_test
