// The options of streams and listeners.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <weft/net.hpp>
#include <weft/unix.hpp>

#include <chrono>
#include <string>

#include "api/net_support.hpp"

namespace weft::testing::socket_options_test {
namespace {

using namespace std::chrono_literals;

class SocketOptions : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, SocketOptions, ::testing::Values(0), name_of_workers);

TEST_P(SocketOptions, OfATcpStream) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    StreamSocket& stream = pair.client;
    EXPECT_TRUE(stream.set_ttl(44).has_value());
    EXPECT_EQ(stream.ttl().value(), 44);
    EXPECT_TRUE(stream.set_traffic_class(0x28).has_value());
    EXPECT_EQ(stream.traffic_class().value(), 0x28);
    EXPECT_TRUE(stream.set_priority(2).has_value());
    EXPECT_EQ(stream.priority().value(), 2U);
    EXPECT_TRUE(stream.set_user_timeout(1'500ms).has_value());
    EXPECT_EQ(stream.user_timeout().value(), 1'500ms);
    EXPECT_TRUE(stream.set_quick_ack(true).has_value());
    EXPECT_TRUE(stream.set_cork(true).has_value());
    EXPECT_TRUE(stream.set_cork(false).has_value());
    EXPECT_TRUE(stream.set_receive_low_water(7).has_value());
    EXPECT_EQ(stream.receive_low_water().value(), 7U);
    EXPECT_GT(stream.max_segment().value(), 0U);
    EXPECT_TRUE(stream.set_congestion_control("reno").has_value());
    EXPECT_EQ(stream.congestion_control().value(), "reno");
    EXPECT_EQ(stream.set_congestion_control("no-such").error(),
              std::errc::no_such_file_or_directory);
    EXPECT_EQ(stream.bound_interface().value(), "");
    EXPECT_EQ(stream.take_error().value(), std::error_code());
    EXPECT_EQ(stream.only_v6().error(), std::errc::operation_not_supported);
    stream.close();
    EXPECT_EQ(stream.set_ttl(1).error(), std::errc::operation_canceled);
    EXPECT_EQ(stream.ttl().error(), std::errc::operation_canceled);
  });
}

TEST_P(SocketOptions, KeepAliveInDetail) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    EXPECT_FALSE(pair.client.keep_alive().value().has_value());
    KeepAlive wanted;
    wanted.idle = 61s;
    wanted.interval = 7s;
    wanted.probes = 4;
    EXPECT_TRUE(pair.client.set_keep_alive_details(wanted).has_value());
    const Result<std::optional<KeepAlive>> got = pair.client.keep_alive();
    EXPECT_EQ(got.value()->idle, 61s);
    EXPECT_EQ(got.value()->interval, 7s);
    EXPECT_EQ(got.value()->probes, 4);
    wanted.probes = 10'000;
    EXPECT_EQ(pair.client.set_keep_alive_details(wanted).error(), std::errc::invalid_argument);
    EXPECT_TRUE(pair.client.set_keep_alive(std::nullopt).has_value());
    EXPECT_FALSE(pair.client.keep_alive().value().has_value());
  });
}

TEST_P(SocketOptions, AnyOptionByItsNumber) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const int bytes = 1'000;
    EXPECT_TRUE(
        pair.client.set_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, std::as_bytes(std::span(&bytes, 1)))
            .has_value());
    int got = 0;
    EXPECT_EQ(
        pair.client
            .get_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, std::as_writable_bytes(std::span(&got, 1)))
            .value(),
        sizeof got);
    EXPECT_EQ(got, bytes);
    tcp_info info{};
    const Result<std::size_t> size =
        pair.client.get_option(IPPROTO_TCP, TCP_INFO, std::as_writable_bytes(std::span(&info, 1)));
    EXPECT_GT(size.value(), 0U);
    EXPECT_EQ(info.tcpi_state, TCP_ESTABLISHED);
  });
}

TEST_P(SocketOptions, OfAListener) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("[::]:0");
    EXPECT_FALSE(listener.only_v6().value());
    EXPECT_TRUE(listener.set_ttl(33).has_value());
    EXPECT_TRUE(listener.set_traffic_class(0x20).has_value());
    EXPECT_TRUE(listener.set_receive_buffer(65'536).has_value());
    EXPECT_GE(listener.receive_buffer().value(), 65'536U);
    EXPECT_TRUE(listener.set_fast_open(16).has_value());
    const Endpoint to =
        Endpoint::parse("[::1]:" + std::to_string(listener.local_endpoint().port())).value();
    auto both = co_await when_all(listener.accept(), StreamSocket::connect(to));
    EXPECT_EQ(std::get<0>(both).ttl().value(), 33) << "an accepted stream inherits it";
    EXPECT_EQ(std::get<0>(both).traffic_class().value(), 0x20);
    ListenOptions only;
    only.ipv6_only = true;
    const SocketListener v6 = SocketListener::bind(Endpoint::parse("[::1]:0").value(), only);
    EXPECT_TRUE(v6.only_v6().value());
  });
}

// The accept comes with the data, not with the connection.
TEST_P(SocketOptions, ADeferredAcceptWaitsForData) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    EXPECT_TRUE(listener.set_defer_accept(30s).has_value());
    StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
    co_await client.write_all("x");
    StreamSocket server = co_await listener.accept();
    std::array<std::byte, 4> room;
    EXPECT_EQ(server.try_read(room).value(), 1U) << "the data is there already";
  });
}

TEST_P(SocketOptions, OfUnixSockets) {
  run([]() -> Task<void> {
    auto [one, other] = socket_pair().value();
    EXPECT_EQ(one.set_ttl(1).error(), std::errc::operation_not_supported);
    EXPECT_TRUE(one.set_send_buffer(65'536).has_value());
    EXPECT_EQ(one.set_user_timeout(1s).error(), std::errc::operation_not_supported);
    auto [from, to] = UnixDatagram::pair().value();
    EXPECT_TRUE(from.set_send_buffer(65'536).has_value());
    EXPECT_GE(from.send_buffer().value(), 65'536U);
    EXPECT_EQ(from.take_error().value(), std::error_code());
    co_return;
  });
}

}  // namespace
}  // namespace weft::testing::socket_options_test
