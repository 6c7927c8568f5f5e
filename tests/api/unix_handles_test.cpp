// Handles and credentials over Unix sockets: each handle arrives once, and none is lost or left
// open, whatever becomes of the message.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/unix.hpp>

#include <array>
#include <string>
#include <vector>

#include "api/unix_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"

namespace weft::testing::unix_handles_test {
namespace {

class UnixHandles : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, UnixHandles, ::testing::Values(0, 2), name_of_workers);

/// A pipe whose ends close with it.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    reader = OwnedHandle(ends[0]);
    writer = OwnedHandle(ends[1]);
  }
  OwnedHandle reader;
  OwnedHandle writer;
};

/// A handle to pass in a test that counts handles: under a sanitizer pipes may not count.
OwnedHandle open_null() { return OwnedHandle(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

template <class S>
std::pair<S, S> pair_of() {
  return S::pair().value();
}

/// Passes one end of a pipe over a pair of sockets of type S, and uses it.
template <class S>
Task<void> expect_passed() {
  auto [from, to] = pair_of<S>();
  Pipe pipe;
  const std::array<NativeHandle, 1> passed{pipe.writer.get()};
  const std::size_t size = co_await from.send_message("take this", passed);
  EXPECT_EQ(size, 9U);
  std::array<std::byte, 64> room;
  UnixMessage got = co_await to.receive_message(room);
  EXPECT_EQ(as_text(got.data), "take this");
  EXPECT_FALSE(got.handles_lost);
  EXPECT_FALSE(got.credentials.has_value());
  EXPECT_EQ(got.handles.size(), 1U);
  if (got.handles.empty()) co_return;
  EXPECT_NE(got.handles[0].get(), pipe.writer.get()) << "a copy";
  EXPECT_NE(::fcntl(got.handles[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::write(got.handles[0].get(), "x", 1), 1);
  char read = 0;
  EXPECT_EQ(::read(pipe.reader.get(), &read, 1), 1);
  EXPECT_EQ(read, 'x');
}

TEST_P(UnixHandles, ArePassedOverEachKindOfSocket) {
  run([]() -> Task<void> {
    co_await expect_passed<UnixStream>();
    co_await expect_passed<UnixSeqpacket>();
    co_await expect_passed<UnixDatagram>();
  });
}

TEST_P(UnixHandles, AsManyAsTheSystemPassesAndNotMore) {
  run([]() -> Task<void> {
    auto [from, to] = pair_of<UnixStream>();
    const OwnedHandle null = open_null();
    std::vector<NativeHandle> many(254, null.get());
    const auto refused = co_await attempt(from.send_message("x", many));
    EXPECT_EQ(refused.error(), std::errc::invalid_argument);
    many.resize(253);
    const std::size_t size = co_await from.send_message("x", many);
    EXPECT_EQ(size, 1U);
    std::array<std::byte, 64> room;
    const UnixMessage got = co_await to.receive_message(room);
    EXPECT_EQ(got.handles.size(), 253U);
    EXPECT_FALSE(got.handles_lost);
  });
}

TEST_P(UnixHandles, BadUsesAreErrors) {
  run([]() -> Task<void> {
    auto [from, to] = pair_of<UnixStream>();
    const OwnedHandle null = open_null();
    const std::array<NativeHandle, 1> good{null.get()};
    const std::array<NativeHandle, 1> bad{-1};
    const auto no_bytes = co_await attempt(from.send_message("", good));
    EXPECT_EQ(no_bytes.error(), std::errc::invalid_argument);
    const std::string text = co_await error_text(from.send_message("x", bad));
    EXPECT_EQ(text, "send unix:: bad file descriptor");
    EXPECT_EQ(from.try_send_message(bytes_of("x"), bad).error(), std::errc::bad_file_descriptor);
    EXPECT_EQ(from.try_send_message(bytes_of("x"), good).value(), 1U);
    std::array<std::byte, 64> room;
    const Result<UnixMessage> got = to.try_receive_message(room);
    EXPECT_EQ(got->handles.size(), 1U);
    EXPECT_EQ(to.try_receive_message(room).error(), std::errc::operation_would_block);
  });
}

// More than the receiver wants, or has room for in its table: what did not fit is told, and all
// that came is owned.
TEST_P(UnixHandles, WhatDoesNotFitIsToldAndDoesNotLeak) {
  run([]() -> Task<void> {
    auto [from, to] = pair_of<UnixSeqpacket>();
    const OwnedHandle null = open_null();
    const std::vector<NativeHandle> ten(10, null.get());
    std::array<std::byte, 64> room;
    co_await from.send_message("x", ten);
    const std::size_t before = open_handles();
    {
      const UnixMessage some = co_await to.receive_message(room, 3);
      EXPECT_EQ(some.handles.size(), 3U);
      EXPECT_TRUE(some.handles_lost);
      EXPECT_EQ(open_handles(), before + 3) << "the others are closed";
    }
    co_await from.send_message("x", ten);
    {
      const UnixMessage none = co_await to.receive_message(room, 0);
      EXPECT_TRUE(none.handles.empty());
      EXPECT_TRUE(none.handles_lost);
    }
    EXPECT_EQ(open_handles(), before);
  });
}

TEST_P(UnixHandles, AFullTableOfTheProcessTruncatesTheMessage) {
  run([]() -> Task<void> {
    auto [from, to] = pair_of<UnixSeqpacket>();
    const OwnedHandle null = open_null();
    const std::vector<NativeHandle> many(100, null.get());
    co_await from.send_message("x", many);
    const std::size_t before = open_handles();
    const int next = ::dup(null.get());
    ::close(next);
    rlimit old{};
    ::getrlimit(RLIMIT_NOFILE, &old);
    rlimit low = old;
    low.rlim_cur = static_cast<rlim_t>(next) + 5;
    ::setrlimit(RLIMIT_NOFILE, &low);
    std::array<std::byte, 64> room;
    Result<UnixMessage> got = to.try_receive_message(room);
    ::setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_TRUE(got.has_value());
    EXPECT_EQ(as_text(got->data), "x");
    EXPECT_TRUE(got->handles_lost);
    EXPECT_LE(got->handles.size(), 5U);
    EXPECT_EQ(open_handles(), before + got->handles.size());
    got->handles.clear();
    EXPECT_EQ(open_handles(), before);
  });
}

TEST_P(UnixHandles, OperationsWithoutPlaceForThemLeaveNoneOpen) {
  run([]() -> Task<void> {
    const OwnedHandle null = open_null();
    const std::array<NativeHandle, 1> one{null.get()};
    std::array<std::byte, 64> room;
    auto [from, to] = pair_of<UnixDatagram>();
    const std::size_t before = open_handles();
    co_await from.send_message("a", one);
    co_await from.send_message("b", one);
    co_await from.send_message("c", one);
    const ReceivedDatagram plain = co_await to.receive(room);
    EXPECT_EQ(as_text(plain.data), "a");
    const ReceivedDatagram peeked = co_await to.peek(room);
    EXPECT_EQ(as_text(peeked.data), "b");
    ReceiveBatch batch(4);
    const std::size_t count = co_await to.receive_batch(batch);
    EXPECT_EQ(count, 2U);
    EXPECT_EQ(open_handles(), before);
    auto [writer, reader] = pair_of<UnixStream>();
    const std::size_t between = open_handles();
    co_await writer.send_message("stream", one);
    const std::size_t size = co_await reader.read(room);
    EXPECT_EQ(size, 6U);
    EXPECT_EQ(open_handles(), between);
  });
}

// A cancel that comes when the message has arrived: the message is delivered with its handles, or
// it is still there. Either way each handle has one owner.
TEST_P(UnixHandles, ACancelLosesNone) {
  detail::ScopedFaults calls;
  run([&calls]() -> Task<void> {
    const OwnedHandle null = open_null();
    const std::array<NativeHandle, 1> one{null.get()};
    for (int round = 0; round < 200; ++round) {
      auto [from, to] = pair_of<UnixSeqpacket>();
      const std::size_t before = open_handles();
      calls.reset_counts();
      auto receives = [](UnixSeqpacket& socket) -> Task<std::size_t> {
        std::array<std::byte, 64> room;
        const UnixMessage got = co_await socket.receive_message(room);
        co_return got.handles.size();
      };
      auto handle = spawn(receives, std::ref(to));
      co_await test::until([&] { return calls.calls(detail::Call::recvmsg) != 0; });
      if (round % 2 == 0) co_await yield_now();
      co_await from.send_message("x", one);
      handle.cancel();
      const Outcome<std::size_t> end = co_await std::move(handle).outcome();
      std::array<std::byte, 64> room;
      const Result<UnixMessage> rest = to.try_receive_message(room);
      EXPECT_NE(end.has_value(), rest.has_value()) << "delivered once";
      EXPECT_EQ(open_handles(), before + (rest ? 1U : 0U));
    }
  });
}

TEST_P(UnixHandles, AMessageThatLosesASelectionClosesItsHandles) {
  run([]() -> Task<void> {
    const OwnedHandle null = open_null();
    const std::array<NativeHandle, 1> one{null.get()};
    auto [from, to] = pair_of<UnixSeqpacket>();
    const std::size_t before = open_handles();
    std::array<std::byte, 64> room;
    co_await from.send_message("x", one);
    {
      auto first = co_await select(to.receive_message(room), to.readable());
      EXPECT_TRUE(first.has<0>() || first.has<1>());
    }
    static_cast<void>(to.try_receive_message(room));
    EXPECT_EQ(open_handles(), before);
  });
}

TEST_P(UnixHandles, CredentialsComeOnRequest) {
  run([]() -> Task<void> {
    auto [from, to] = pair_of<UnixDatagram>();
    EXPECT_TRUE(to.set_pass_credentials(true).has_value());
    const OwnedHandle null = open_null();
    const std::array<NativeHandle, 1> one{null.get()};
    co_await from.send_message("who", one);
    std::array<std::byte, 64> room;
    const UnixMessage got = co_await to.receive_message(room);
    EXPECT_EQ(got.handles.size(), 1U);
    EXPECT_TRUE(got.credentials.has_value());
    EXPECT_EQ(got.credentials->process, ::getpid());
    EXPECT_EQ(got.credentials->user, ::getuid());
    EXPECT_EQ(got.credentials->group, ::getgid());
    auto unconnected = UnixDatagram::unbound();
    EXPECT_EQ(unconnected->peer_credentials().error(), std::errc::not_connected);
  });
}

TEST_P(UnixHandles, AStreamKeepsMessagesWithHandlesApart) {
  run([]() -> Task<void> {
    auto [from, to] = pair_of<UnixStream>();
    const OwnedHandle null = open_null();
    const std::array<NativeHandle, 1> one{null.get()};
    co_await from.send_message("first", one);
    co_await from.send_message("second", one);
    from.close();
    std::array<std::byte, 64> room;
    const UnixMessage first = co_await to.receive_message(room);
    EXPECT_EQ(as_text(first.data), "first");
    EXPECT_EQ(first.handles.size(), 1U);
    const UnixMessage second = co_await to.receive_message(room);
    EXPECT_EQ(as_text(second.data), "second");
    EXPECT_EQ(second.handles.size(), 1U);
    const UnixMessage end = co_await to.receive_message(room);
    EXPECT_EQ(end.data.size(), 0U);
  });
}

}  // namespace
}  // namespace weft::testing::unix_handles_test
