// adopt(): sockets that were made elsewhere, inherited or handed over, as streams and listeners.
// release(): the opposite.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <weft/net.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include "net_support.hpp"

namespace weft::testing::net_adopt_test {
namespace {

class NetAdopt : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetAdopt, ::testing::Values(0, 1, 2), name_of_workers);

TEST_P(NetAdopt, AConnectedSocketBecomesAStream) {
  run([]() -> Task<void> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    Result<StreamSocket> one = StreamSocket::adopt(ends[0]);
    Result<StreamSocket> other = StreamSocket::adopt(ends[1]);
    EXPECT_TRUE(one.has_value());
    EXPECT_TRUE(other.has_value());
    EXPECT_NE(::fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(ends[0], F_GETFD) & FD_CLOEXEC, 0);
    co_await one->write_all("text");
    EXPECT_TRUE(one->shutdown());
    const std::string got = co_await read_all(*other);
    EXPECT_EQ(got, "text");
  });
}

/// A socket that listens on a free port of the loopback.
int listening() {
  SocketListener made = SocketListener::bind(Endpoint::loopback(0));
  return ::dup(made.native_handle());
}

TEST_P(NetAdopt, AListeningSocketBecomesAListener) {
  run([]() -> Task<void> {
    Result<SocketListener> listener = SocketListener::adopt(listening());
    EXPECT_TRUE(listener.has_value());
    EXPECT_NE(listener->local_endpoint().port(), 0);
    Pair pair = co_await connect_to(*listener);
    co_await pair.client.write_all("text");
    EXPECT_TRUE(pair.client.shutdown());
    const std::string got = co_await read_all(pair.server);
    EXPECT_EQ(got, "text");
  });
}

TEST_P(NetAdopt, WhatIsOfAnotherKindStaysTheCallers) {
  const auto refused = [](int handle, std::errc why, auto adopt) {
    const auto result = adopt(handle);
    EXPECT_EQ(result.has_value() ? std::error_code() : result.error(), why);
    EXPECT_EQ(::close(handle), 0) << "it was not taken over";
  };
  const auto as_stream = [](int handle) { return StreamSocket::adopt(handle); };
  const auto as_listener = [](int handle) { return SocketListener::adopt(handle); };
  refused(listening(), std::errc::invalid_argument, as_stream);
  refused(::socket(AF_INET, SOCK_STREAM, 0), std::errc::not_connected, as_stream);
  refused(::socket(AF_INET, SOCK_STREAM, 0), std::errc::invalid_argument, as_listener);
  refused(::socket(AF_INET, SOCK_DGRAM, 0), std::errc::invalid_argument, as_stream);
  refused(::dup(STDERR_FILENO), std::errc::not_a_socket, as_listener);
  EXPECT_EQ(StreamSocket::adopt(-1).error(), std::errc::bad_file_descriptor);
}

TEST_P(NetAdopt, AReleasedStreamGoesOnElsewhere) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const int handle = pair.client.native_handle();
    std::array<char, 4> text{};
    // Of two awaitables that begin on this worker, the second one runs when the first one waits.
    auto answer = [&pair]() -> Task<void> {
      EXPECT_EQ(pair.client.release().error(), std::errc::device_or_resource_busy);
      co_await pair.server.write_all("text");
    };
    co_await when_all(pair.client.read_exact(text), answer());

    EXPECT_EQ(pair.client.release().value(), handle);
    EXPECT_FALSE(static_cast<bool>(pair.client));
    EXPECT_NE(::fcntl(handle, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::send(handle, "by hand", 7, 0), 7);
    Result<StreamSocket> again = StreamSocket::adopt(handle);  // on the same driver
    EXPECT_TRUE(again.has_value());
    co_await again->write_all(", and back");
    JoinHandle<std::string> waiting = spawn([&s = *again]() -> Task<std::string> {
      std::string got = co_await read_all(s);
      co_return got;
    });
    EXPECT_TRUE(pair.server.shutdown());
    const std::string none = co_await std::move(waiting);
    EXPECT_EQ(none, "");
    again->close();
    EXPECT_EQ(again->release().error(), std::errc::operation_canceled);
    const std::string got = co_await read_all(pair.server);
    EXPECT_EQ(got, "by hand, and back");
  });
}

TEST_P(NetAdopt, AReleasedListenerGoesOnListening) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
    SocketListener lent = listener.borrow();
    auto meanwhile = [&listener]() -> Task<void> {
      EXPECT_EQ(listener.release().error(), std::errc::device_or_resource_busy);
      co_return;
    };
    (void)co_await select(listener.accept(), meanwhile());
    const Result<NativeHandle> handle = listener.release();
    EXPECT_TRUE(handle.has_value());
    const auto refused = co_await attempt(lent.accept());
    EXPECT_EQ(refused.error(), std::errc::operation_canceled);
    Result<SocketListener> again = SocketListener::adopt(*handle);
    EXPECT_TRUE(again.has_value());
    const Pair pair = co_await connect_to(*again);
    EXPECT_TRUE(static_cast<bool>(pair.client));
  });
}

}  // namespace
}  // namespace weft::testing::net_adopt_test
