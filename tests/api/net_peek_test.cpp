// peek(), and connecting from an address of one's own.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <weft/net.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include "net_support.hpp"

namespace weft::testing::net_peek_test {
namespace {

class NetPeek : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetPeek, ::testing::Values(0, 1, 2), name_of_workers);

TEST_P(NetPeek, SeesTheBytesAndLeavesThem) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    auto peek = [&server = pair.server]() -> Task<std::string> {
      std::array<char, 16> buffer{};
      const std::size_t size = co_await server.peek(buffer);
      std::string text(buffer.data(), size);
      co_return text;
    };
    JoinHandle<std::string> peeking = spawn(peek);
    co_await yield_now();
    co_await pair.client.write_all("hello");
    const std::string first = co_await std::move(peeking);
    EXPECT_EQ(first, "hello");
    for (int i = 0; i < 3; ++i) {
      const std::string again = co_await peek();
      EXPECT_EQ(again, "hello") << "a short peek does not mean that nothing is left";
    }
    std::array<char, 2> two{};
    co_await pair.server.read_exact(two);
    const std::string rest = co_await peek();
    EXPECT_EQ(rest, "llo");
    const std::size_t none = co_await pair.server.peek(std::span<std::byte>());
    EXPECT_EQ(none, 0U);
  });
}

TEST_P(NetPeek, WaitsAfterAReadTookAll) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    std::array<char, 16> buffer{};
    for (int round = 0; round < 3; ++round) {
      const auto none =
          co_await attempt(timeout(pair.server.peek(buffer), std::chrono::milliseconds(1)));
      EXPECT_EQ(none.error(), std::errc::timed_out);
      co_await pair.client.write_all("x");
      const std::size_t seen = co_await pair.server.peek(buffer);
      EXPECT_EQ(seen, 1U);
      const std::size_t taken = co_await pair.server.read(buffer);
      EXPECT_EQ(taken, 1U);
    }
    pair.client.close();
    const std::size_t end = co_await pair.server.peek(buffer);
    EXPECT_EQ(end, 0U);
  });
}

TEST_P(NetPeek, AResetIsAnErrorThatNamesThePeer) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const std::string peer = pair.client.peer_endpoint().to_string();
    EXPECT_TRUE(pair.server.set_linger(std::chrono::seconds(0)).has_value());
    pair.server.close();
    std::array<std::byte, 16> buffer;
    const std::string text = co_await error_text(pair.client.peek(buffer));
    EXPECT_EQ(text, "peek " + peer + ": connection reset by peer");
  });
}

TEST_P(NetPeek, AHalfPeeksToo) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    StreamSocket::Halves halves = std::move(pair.server).split();
    co_await pair.client.write_all("ab");
    std::array<char, 1> one{};
    const std::size_t size = co_await halves.reader.peek(one);
    EXPECT_EQ(size, 1U);
    EXPECT_EQ(one[0], 'a');
  });
}

TEST_P(NetPeek, AConnectionComesFromTheAddressThatWasChosen) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    ConnectOptions options;
    options.local = Endpoint::parse("127.0.0.9:0").value();
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint(), options);
    const StreamSocket server = co_await listener.accept();
    EXPECT_EQ(server.peer_endpoint().with_port(0).to_string(), "127.0.0.9:0");
    EXPECT_EQ(server.peer_endpoint(), client.local_endpoint().value());
  });
}

TEST_P(NetPeek, OneLocalPortServesSeveralPeers) {
  run([]() -> Task<void> {
    SocketListener first = SocketListener::bind("127.0.0.1:0");
    SocketListener second = SocketListener::bind("127.0.0.2:0");
    StreamSocket any = co_await StreamSocket::connect(first.local_endpoint());
    ConnectOptions options;
    options.local = Endpoint::parse("127.0.0.9:0").value().with_port(any.local_endpoint()->port());
    const StreamSocket one = co_await StreamSocket::connect(first.local_endpoint(), options);
    const StreamSocket two = co_await StreamSocket::connect(second.local_endpoint(), options);
    EXPECT_EQ(one.local_endpoint().value(), options.local);
    EXPECT_EQ(two.local_endpoint().value(), options.local);
  });
}

TEST_P(NetPeek, AnAddressThatIsNotOursIsAnErrorThatNamesBoth) {
  run([]() -> Task<void> {
    const SocketListener listener = SocketListener::bind("127.0.0.1:0");
    const std::string to = listener.local_endpoint().to_string();
    ConnectOptions options;
    options.local = Endpoint::parse("192.0.2.7:0").value();
    const std::string text =
        co_await error_text(StreamSocket::connect(listener.local_endpoint(), options));
    EXPECT_EQ(text, "connect " + to + " from 192.0.2.7:0: cannot assign requested address");
    options.local = Endpoint::parse("[::1]:0").value();
    const auto family = co_await attempt(StreamSocket::connect(listener.local_endpoint(), options));
    EXPECT_FALSE(family.has_value());
  });
}

}  // namespace
}  // namespace weft::testing::net_peek_test
