// Waiting for handles of foreign libraries.
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
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
    EXPECT_EQ(::pipe(ends.data()), 0);
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

TEST_P(NetPollable, SeveralTasksWaitForOneHandle) {
  const Pipe pipe;
  run([&pipe]() -> Task<void> {
    Pollable shared(pipe.reader.get());
    for (int round = 0; round < 10; ++round) {
      std::vector<JoinHandle<void>> waiting;
      for (int i = 0; i < 4; ++i) {
        waiting.push_back(spawn(wait_readable, pipe.reader.get()));
        waiting.push_back(spawn([&shared]() -> Task<void> { co_await shared.readable(); }));
        if (i % 2 == 0) co_await yield_now();
      }
      pipe.put();
      for (JoinHandle<void>& one : waiting) co_await std::move(one);
      pipe.take();
    }
  });
}

/// A library's socket: one task waits for what it reads, another to go on writing.
TEST_P(NetPollable, AReaderAndAWriterOfOneHandle) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  const detail::Fd ours(ends[0]);
  const detail::Fd peer(ends[1]);
  run([&]() -> Task<void> {
    std::array<char, 4096> block{};
    const auto put = [&peer] { EXPECT_EQ(write(peer.get(), "x", 1), 1); };
    for (int round = 0; round < 10; ++round) {
      while (write(ours.get(), block.data(), block.size()) > 0) {
      }
      JoinHandle<void> reading = spawn(wait_readable, ours.get());
      JoinHandle<void> writing = spawn(wait_writable, ours.get());
      co_await yield_now();
      if (round % 2 == 0) put();
      while (read(peer.get(), block.data(), block.size()) > 0) {
      }
      co_await std::move(writing);
      if (round % 2 != 0) put();
      co_await std::move(reading);
      EXPECT_EQ(read(ours.get(), block.data(), 1), 1);
    }
  });
}

TEST_P(NetPollable, BesideTheStreamThatOwnsTheHandle) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    for (int round = 0; round < 10; ++round) {
      std::array<std::byte, 1> room;
      JoinHandle<void> reading = spawn([&]() -> Task<void> {
        if (round % 2 == 0) co_await yield_now();
        co_await pair.server.read_exact(room);
      });
      JoinHandle<void> waiting = spawn(wait_readable, pair.server.native_handle());
      co_await yield_now();
      co_await pair.client.write_all("a");
      co_await std::move(reading);
      co_await pair.client.write_all("b");  // whichever of the two came first
      co_await std::move(waiting);
      co_await pair.server.read_exact(room);
      EXPECT_EQ(room[0], std::byte('b'));
    }
  });
}

TEST_P(NetPollable, AHandleThatIsClosedUnderAWaitAndItsNumberUsedAgain) {
  run([]() -> Task<void> {
    for (int round = 0; round < 10; ++round) {
      const Pipe old;
      const Pipe fresh;
      Pollable left(old.reader.get());
      JoinHandle<std::string> waiting = spawn([&] { return error_text(left.readable()); });
      co_await yield_now();
      EXPECT_EQ(dup3(fresh.reader.get(), old.reader.get(), O_CLOEXEC), old.reader.get());
      JoinHandle<void> next = spawn(wait_readable, old.reader.get());
      co_await yield_now();
      fresh.put();
      co_await std::move(next);
      left.close();  // where no other wait has met the new handle, the old one is not noticed
      const std::string text = co_await std::move(waiting);
      const std::string name = "wait handle " + std::to_string(old.reader.get()) + ": ";
      EXPECT_TRUE(text == "no error" || text == name + "bad file descriptor" ||
                  text == name + "operation canceled")
          << text;
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
