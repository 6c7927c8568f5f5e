// adopt(): sockets that were made elsewhere, inherited or handed over, as streams and listeners.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <weft/net.hpp>
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

}  // namespace
}  // namespace weft::testing::net_adopt_test
