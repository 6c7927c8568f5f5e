// Waiting for handles of foreign libraries.
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "api/net_support.hpp"
#include "os/fd.hpp"

namespace weft::testing::net_pollable_test {
namespace {

class NetPollable : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetPollable, ::testing::Values(0, 1, 2, 8), name_of_workers);

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  void put() const { EXPECT_EQ(write(writer.get(), "x", 1), 1); }
  void take() const {
    char c = 0;
    EXPECT_EQ(read(reader.get(), &c, 1), 1);
  }
  detail::Fd reader;
  detail::Fd writer;
};

TEST_P(NetPollable, WaitsAgainAndAgainForABlockingPipe) {
  const Pipe pipe;
  run([&pipe]() -> Task<void> {
    for (int round = 0; round < 3; ++round) {
      JoinHandle<void> waiting = spawn(wait_readable, pipe.reader.get());
      co_await yield_now();
      EXPECT_FALSE(waiting.ended());
      pipe.put();
      co_await std::move(waiting);
      co_await wait_readable(pipe.reader.get());  // still ready
      pipe.take();
    }
    co_await wait_writable(pipe.writer.get());
  });
}

TEST_P(NetPollable, OneObjectForManyWaits) {
  const Pipe pipe;
  run([&pipe]() -> Task<void> {
    Pollable pollable(pipe.reader.get());
    for (int round = 0; round < 3; ++round) {
      const Result<void> nothing =
          co_await attempt(timeout(pollable.readable(), std::chrono::milliseconds(1)));
      EXPECT_EQ(nothing.error(), std::errc::timed_out);
      pipe.put();
      co_await pollable.readable();
      pipe.take();
    }
  });
}

TEST_P(NetPollable, AHangUpEndsTheWait) {
  Pipe pipe;
  run([&pipe]() -> Task<void> {
    JoinHandle<void> waiting = spawn(wait_readable, pipe.reader.get());
    co_await yield_now();
    pipe.writer.reset();
    co_await std::move(waiting);
  });
}

TEST_P(NetPollable, ASignalHandle) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  {
    const detail::Fd handle(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    run([&handle]() -> Task<void> {
      JoinHandle<void> waiting = spawn(wait_readable, handle.get());
      co_await yield_now();
      kill(getpid(), SIGUSR2);
      co_await std::move(waiting);
      signalfd_siginfo info{};
      EXPECT_EQ(read(handle.get(), &info, sizeof info), static_cast<ssize_t>(sizeof info));
      EXPECT_EQ(info.ssi_signo, static_cast<unsigned>(SIGUSR2));
    });
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_P(NetPollable, AClosedHandleIsAnErrorThatNamesIt) {
  run([]() -> Task<void> {
    Pollable pollable(1000000);
    const std::string text = co_await error_text(pollable.readable());
    EXPECT_EQ(text, "wait handle 1000000: bad file descriptor");
  });
}

}  // namespace
}  // namespace weft::testing::net_pollable_test
