#include "os/syscalls.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <string>
#include <thread>
#include <utility>

#include "conformance/handles.hpp"
#include "os/fault.hpp"
#include "os/thread.hpp"

namespace weft::testing::syscalls_test {
namespace {

iovec slice_of(std::string& text) { return {text.data(), text.size()}; }

bool sigpipe_is_pending() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

bool sigpipe_is_blocked() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, SIGPIPE) == 1;
}

// Both ways to write without the signal: by the flag, and as on kernels that do not have it.
class BrokenPipe : public ::testing::TestWithParam<bool> {
 protected:
  BrokenPipe() {
    if (GetParam()) {
      faults_.add({.call = detail::Call::pwritev2,
                   .errno_value = EOPNOTSUPP,
                   .times = detail::Fault::always});
    }
  }
  detail::ScopedFaults faults_;
};

TEST_P(BrokenPipe, IsAnErrorAndNoSignal) {
  Ends pipe = make_pipe();
  std::string text = "hello";
  const iovec slice = slice_of(text);
  EXPECT_EQ(detail::Syscalls::writev(pipe.second.get(), &slice, 1), 5);
  EXPECT_EQ(take(pipe.first), "hello");
  pipe.first.reset();
  EXPECT_EQ(detail::Syscalls::writev(pipe.second.get(), &slice, 1),
            -EPIPE);  // SIGPIPE would end the process
  EXPECT_FALSE(sigpipe_is_pending());
  EXPECT_FALSE(sigpipe_is_blocked());
}

TEST_P(BrokenPipe, LeavesASignalOfSomebodyElseAlone) {
  sigset_t pipe_only;
  sigset_t before;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &pipe_only, &before), 0);
  ASSERT_EQ(pthread_kill(pthread_self(), SIGPIPE), 0);
  Ends pipe = make_pipe();
  pipe.first.reset();
  std::string text = "x";
  const iovec slice = slice_of(text);
  EXPECT_EQ(detail::Syscalls::writev(pipe.second.get(), &slice, 1), -EPIPE);
  EXPECT_TRUE(sigpipe_is_pending());
  EXPECT_TRUE(sigpipe_is_blocked());
  const std::timespec at_once{};
  EXPECT_EQ(sigtimedwait(&pipe_only, nullptr, &at_once), SIGPIPE);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, BrokenPipe, ::testing::Bool());

TEST(SyscallsTest, HandlesWithoutVectoredWritingCanBeWritten) {
  const detail::Fd counter(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  std::uint64_t three = 3;
  const iovec slice{&three, sizeof three};
  EXPECT_EQ(detail::Syscalls::writev(counter.get(), &slice, 1), 8);
  eventfd_t value = 0;
  ASSERT_EQ(eventfd_read(counter.get(), &value), 0);
  EXPECT_EQ(value, 3U);
}

// The socket breaks while the call waits for room: it returns what was taken before.
TEST(SyscallsTest, SendfileThatMovesAPartRaisesNoSignal) {
  constexpr std::int64_t size = 20'000'000;
  const detail::Fd file(::memfd_create("part", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), size), 0);
  Ends pair = make_socket_pair();
  for (const int end : {pair.first.get(), pair.second.get()}) {
    ASSERT_EQ(::fcntl(end, F_SETFL, 0), 0);  // blocking
  }
  std::thread reader([end = std::move(pair.second)]() mutable {
    std::array<char, 1000> room{};
    EXPECT_GT(detail::Syscalls::read(end.get(), room.data(), room.size()), 0);
    end.reset();
  });
  const std::int64_t sent = detail::Syscalls::sendfile(pair.first.get(), file.get(), 0, size);
  reader.join();  // SIGPIPE would have ended the process
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, size);
  EXPECT_FALSE(sigpipe_is_pending());
  EXPECT_FALSE(sigpipe_is_blocked());
}

TEST(SyscallsTest, FaultsHitWhatTheyNameAndNothingElse) {
  const Ends one = make_pipe();
  const Ends two = make_pipe();
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::read,
              .errno_value = EIO,
              .handle = one.first.get(),
              .skip = 1,
              .times = 2});
  std::array<char, 8> room{};
  const auto read = [&room](const detail::Fd& fd) {
    return detail::Syscalls::read(fd.get(), room.data(), room.size());
  };
  EXPECT_EQ(read(one.first), -EAGAIN);
  EXPECT_EQ(read(two.first), -EAGAIN);
  EXPECT_EQ(read(one.first), -EIO);
  EXPECT_EQ(read(two.first), -EAGAIN);
  EXPECT_EQ(read(one.first), -EIO);
  EXPECT_EQ(read(one.first), -EAGAIN);
  EXPECT_EQ(faults.struck(), 2U);
  EXPECT_EQ(faults.calls(detail::Call::read), 6U);
}

TEST(SyscallsTest, ShortenedTransfersMoveLess) {
  const Ends pair = make_socket_pair();
  detail::ScopedFaults faults;
  for (const detail::Call call : {detail::Call::send, detail::Call::sendmsg, detail::Call::writev,
                                  detail::Call::read, detail::Call::readv, detail::Call::recvmsg}) {
    faults.add({.call = call, .size = 2, .times = detail::Fault::always});
  }
  EXPECT_TRUE(detail::Syscalls::may_shorten());
  std::string text = "hello";
  iovec slice = slice_of(text);
  msghdr message{};
  message.msg_iov = &slice;
  message.msg_iovlen = 1;
  EXPECT_EQ(detail::Syscalls::send(pair.first.get(), text.data(), text.size()), 2);
  EXPECT_EQ(detail::Syscalls::sendmsg(pair.first.get(), &message), 2);
  EXPECT_EQ(detail::Syscalls::writev(pair.first.get(), &slice, 1), 2);
  EXPECT_EQ(detail::Syscalls::read(pair.second.get(), text.data(), text.size()), 2);
  EXPECT_EQ(detail::Syscalls::readv(pair.second.get(), &slice, 1), 2);
  EXPECT_EQ(detail::Syscalls::recvmsg(pair.second.get(), &message), 2);
  EXPECT_EQ(take(pair.second), "");
}

TEST(SyscallsTest, AnInterruptedConnectGoesOn) {
  const detail::Fd socket = make_socket();
  const sockaddr_in address = loopback();
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::connect, .errno_value = EINTR});
  EXPECT_EQ(detail::Syscalls::connect(socket.get(), generic(address), sizeof address),
            -EINPROGRESS);
  EXPECT_EQ(faults.calls(detail::Call::connect), 1U);
}

TEST(SyscallsTest, AFailedCloseClosesAllTheSame) {
  Ends pipe = make_pipe();
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::close, .errno_value = EINTR});
  EXPECT_EQ(detail::Syscalls::close(pipe.first.release()), 0);
  faults.add({.call = detail::Call::close, .errno_value = EIO});
  const int second = pipe.second.release();
  EXPECT_EQ(detail::Syscalls::close(second), -EIO);
  EXPECT_EQ(detail::Syscalls::close(second), -EBADF);
}

TEST(FdTest, OwnsAndCloses) {
  const std::size_t before = open_handles();
  {
    Ends pair = make_socket_pair();
    detail::Fd moved = std::move(pair.first);
    EXPECT_TRUE(moved);
    EXPECT_FALSE(pair.first);  // NOLINT: tests the moved-from state
    pair.second = std::move(moved);
    EXPECT_EQ(open_handles(), before + 1);
  }
  EXPECT_EQ(open_handles(), before);
}

TEST(ThreadTest, AnswersAboutTheMachine) {
  EXPECT_GE(detail::cpu_count(), 1U);
  std::thread([] {
    detail::name_current_thread("a name that is too long");
    std::array<char, 16> name{};
    ASSERT_EQ(pthread_getname_np(pthread_self(), name.data(), name.size()), 0);
    EXPECT_STREQ(name.data(), "a name that is ");
    cpu_set_t one;
    ASSERT_EQ(sched_getaffinity(0, sizeof one, &one), 0);
    int first = 0;
    while (!CPU_ISSET(first, &one)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(detail::cpu_count(), 1U);
  }).join();
}

}  // namespace
}  // namespace weft::testing::syscalls_test
