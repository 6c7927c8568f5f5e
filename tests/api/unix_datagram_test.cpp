// UnixDatagram: names, connected and not, the full queue of a receiver.
#include <weft/unix.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "api/unix_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::unix_datagram_test {
namespace {

using namespace std::chrono_literals;

class UnixDatagrams : public Net {
 protected:
  SocketDirectory directory_;
};
INSTANTIATE_TEST_SUITE_P(Runtimes, UnixDatagrams, ::testing::Values(0, 2), name_of_workers);

TEST_P(UnixDatagrams, SendAndReceiveByName) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "a";
    UnixDatagram named = UnixDatagram::bind(path);
    UnixDatagram client = UnixDatagram::open_anywhere().value();
    const Endpoint to = Endpoint::unix_path(path).value();
    co_await client.send_to("hello", to);
    std::array<std::byte, 3> room;
    const ReceivedDatagram got = co_await named.receive(room);
    EXPECT_EQ(as_text(got.data), "hel");
    EXPECT_EQ(got.full_size, 5U);
    EXPECT_EQ(got.sender, client.local_endpoint().value());
    EXPECT_TRUE(got.sender.path().starts_with('@')) << got.sender.to_string();
    co_await named.send_to(std::string("back"), got.sender);  // a temporary
    const ReceivedDatagram answer = co_await client.receive(room);
    EXPECT_EQ(answer.full_size, 4U);
    EXPECT_EQ(answer.sender, to);
  });
}

TEST_P(UnixDatagrams, ConnectedOnes) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "a";
    UnixDatagram named = UnixDatagram::bind(path);
    UnixDatagram client = UnixDatagram::unbound().value();
    EXPECT_TRUE(client.connect(path).has_value());
    EXPECT_EQ(client.peer_endpoint()->path(), path);
    co_await client.send("connected");
    std::array<std::byte, 64> room;
    const ReceivedDatagram got = co_await named.receive(room);
    EXPECT_EQ(as_text(got.data), "connected");
    EXPECT_EQ(got.sender.path(), "") << "it has no name";
    EXPECT_EQ(client.connect(directory_ / "none").error(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(client.connect(std::string(200, 'x')).error(), EndpointErrc::path_too_long);
    named.close();
    const std::string text = co_await error_text(client.send("x"));
    EXPECT_TRUE(text.ends_with(": connection refused")) << text;
  });
}

TEST_P(UnixDatagrams, TheFileGoesWithTheSocket) {
  run([this]() -> Task<void> {
    const std::string path = directory_ / "a";
    {
      const UnixDatagram socket = UnixDatagram::bind(path);
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    UnixDatagram socket = UnixDatagram::bind(path);
    socket.close();
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(socket.try_send_to("x", Endpoint::unix_path(path).value()).error(),
              std::errc::operation_canceled);
    UnixBindOptions stays;
    stays.remove_at_end = false;
    {
      const UnixDatagram left = UnixDatagram::bind(path, stays);
    }
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_EQ(UnixDatagram::open(Endpoint::unix_path(path).value()).error(),
              std::errc::address_in_use);
    UnixBindOptions removes;
    removes.remove_stale = true;
    const UnixDatagram again = UnixDatagram::bind(path, removes);
    EXPECT_TRUE(static_cast<bool>(again));
    const std::string gone = directory_ / "gone";
    const std::string text =
        co_await error_text(socket.send_to("x", Endpoint::unix_path(gone).value()));
    EXPECT_EQ(text, "send unix:" + gone + ": operation canceled");
    UnixDatagram other = UnixDatagram::unbound().value();
    const std::string nowhere =
        co_await error_text(other.send_to("x", Endpoint::unix_path(gone).value()));
    EXPECT_EQ(nowhere, "send unix:" + gone + ": no such file or directory");
  });
}

TEST_P(UnixDatagrams, BatchesWorkAsWithUdp) {
  run([]() -> Task<void> {
    auto [from, to] = UnixDatagram::pair().value();
    SendBatch out;
    for (int i = 0; i < 5; ++i) out.add(bytes_of("12345"));
    const std::size_t sent = co_await from.send_batch(out);
    EXPECT_EQ(sent, 5U);
    ReceiveBatch in(8);
    const std::size_t count = co_await to.receive_batch(in);
    EXPECT_EQ(count, 5U);
    EXPECT_EQ(as_text(in.datagrams()[4].data), "12345");
  });
}

/// Sends until the queue of the receiver is full. Returns how many it took.
int fill_queue(UnixDatagram& from, const Endpoint& to) {
  int count = 0;
  while (from.try_send_to("fill", to)) ++count;
  return count;
}

// The queue is full of another's datagrams, so that no event of this sender's socket will come,
// while poll(2) says that it may write. The wait must neither hang nor spin.
TEST(UnixDatagramQueue, ASenderWaitsForRoomWithoutAnEvent) {
  detail::ScopedFaults calls;
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([&calls]() -> Task<void> {
    const std::string name = abstract_name("queue");
    UnixDatagram at = UnixDatagram::bind(name);
    const Endpoint to = Endpoint::unix_path(name).value();
    UnixDatagram other = UnixDatagram::unbound().value();
    UnixDatagram from = UnixDatagram::unbound().value();
    const int full = fill_queue(other, to);
    EXPECT_GT(full, 0);
    EXPECT_EQ(from.try_send_to("x", to).error(), std::errc::operation_would_block);
    co_await from.writable();  // says poll(2)
    calls.reset_counts();
    const TimePoint start = now();
    auto receives_late = [](UnixDatagram& socket, int count) -> Task<void> {
      std::array<std::byte, 64> room;
      co_await sleep_for(1s);  // of virtual time
      for (int i = 0; i < count; ++i) {
        const ReceivedDatagram got = co_await socket.receive(room);
        EXPECT_EQ(as_text(got.data), "fill");
      }
    };
    co_await when_all(from.send_to("at last", to), receives_late(at, full));
    EXPECT_GE(now() - start, 1s);
    EXPECT_LE(now() - start, 1s + 32ms);
    EXPECT_LE(calls.calls(detail::Call::sendmsg), 50U) << "it spins";
    std::array<std::byte, 64> room;
    const ReceivedDatagram got = co_await at.receive(room);
    EXPECT_EQ(as_text(got.data), "at last");
  });
}

TEST(UnixDatagramQueue, ASenderThatWaitsIsCancelledOrClosedAtOnce) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    const std::string name = abstract_name("closing");
    UnixDatagram at = UnixDatagram::bind(name);
    const Endpoint to = Endpoint::unix_path(name).value();
    UnixDatagram from = UnixDatagram::unbound().value();
    UnixDatagram other = UnixDatagram::unbound().value();
    const int full = fill_queue(other, to);
    const auto late = co_await attempt(timeout(from.send_to("x", to), 100ms));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    auto closes = [](UnixDatagram& socket) -> Task<void> {
      co_await sleep_for(1s);
      socket.close();
    };
    const TimePoint start = now();
    auto both = co_await when_all(attempt(from.send_to("x", to)), closes(from));
    EXPECT_EQ(std::get<0>(both).error(), std::errc::operation_canceled);
    EXPECT_EQ(now() - start, 1s);
    std::array<std::byte, 64> room;
    for (int i = 0; i < full; ++i) {
      const ReceivedDatagram got = co_await at.receive(room);
      EXPECT_EQ(as_text(got.data), "fill");
    }
    EXPECT_EQ(at.try_receive(room).error(), std::errc::operation_would_block) << "none was sent";
  });
}

// A connected sender gets an event when there is room: no pauses.
TEST_P(UnixDatagrams, AConnectedSenderIsWoken) {
  run([]() -> Task<void> {
    const std::string name = abstract_name("connected");
    UnixDatagram at = UnixDatagram::bind(name);
    UnixDatagram other = UnixDatagram::unbound().value();
    UnixDatagram from = UnixDatagram::unbound().value();
    const Endpoint to = Endpoint::unix_path(name).value();
    EXPECT_TRUE(from.connect(to).has_value());
    const int full = fill_queue(other, to);
    auto sends = [](UnixDatagram& socket) -> Task<void> {
      for (int i = 0; i < 1000; ++i) co_await socket.send("x");
    };
    auto receives = [](UnixDatagram& socket, int count) -> Task<void> {
      std::array<std::byte, 64> room;
      for (int i = 0; i < count; ++i) co_await socket.receive(room);
    };
    co_await when_all(sends(from), receives(at, full + 1000));
  });
}

}  // namespace
}  // namespace weft::testing::unix_datagram_test
