// copy() and copy_bidirectional() between sockets and pipes: by splice(2), through a buffer where
// that is not to be had, half-closed, reset, cancelled, idle.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <weft/io.hpp>
#include <weft/net.hpp>
#include <weft/pipe.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include "io_support.hpp"
#include "net_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::testing::io_relay_test {
namespace {

using detail::Call;
using detail::Fault;
using test::text_of_error;
using test::until;

class IoRelay : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, IoRelay, ::testing::Values(0, 1, 2), name_of_workers);

/// A client and a server, with two sockets between them that are to be joined.
struct Proxied {
  Proxied(Pair front, Pair back) noexcept
      : client(std::move(front.client)),
        a(std::move(front.server)),
        b(std::move(back.client)),
        server(std::move(back.server)) {}
  StreamSocket client;
  StreamSocket a;
  StreamSocket b;
  StreamSocket server;
};

Task<Proxied> make_proxied() {
  Pair front = co_await make_pair();
  Pair back = co_await make_pair();
  co_return Proxied(std::move(front), std::move(back));
}

/// Both ends of a Unix socket.
Pair make_unix_pair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  return Pair(StreamSocket::adopt(ends[0]).value(), StreamSocket::adopt(ends[1]).value());
}

/// Sends pattern(size, seed), and ends the direction.
template <class Writer>
Task<void> send_pattern(Writer& writer, std::size_t size, std::uint32_t seed) {
  const std::string text = pattern(size, seed);
  co_await writer.write_all(text);
  EXPECT_TRUE(writer.shutdown().has_value());
}

/// Expects that from there.
template <class Reader>
Task<void> expect_pattern(Reader& reader, std::size_t size, std::uint32_t seed) {
  const std::string got = co_await read_all(reader);
  EXPECT_EQ(got.size(), size);
  EXPECT_TRUE(got == pattern(size, seed));
}

/// Sends `size` bytes through a relay in each direction at once, and expects them to arrive.
Task<void> relay_both_ways(Proxied& p, std::size_t size) {
  auto relay = [&p]() -> Task<CopiedBytes> {
    const CopiedBytes moved = co_await copy_bidirectional(p.a, p.b);
    co_return moved;
  };
  JoinHandle<CopiedBytes> relaying = spawn(relay);
  co_await when_all(send_pattern(p.client, size, 1), send_pattern(p.server, size, 2),
                    expect_pattern(p.server, size, 1), expect_pattern(p.client, size, 2));
  const CopiedBytes moved = co_await std::move(relaying);
  EXPECT_EQ(moved.a_to_b, size);
  EXPECT_EQ(moved.b_to_a, size);
}

TEST_P(IoRelay, MuchGoesBySplice) {
  detail::ScopedFaults faults;
  // Once should do; but how much of a stream is there at once depends on the system's pace.
  for (int round = 0; round < 50 && faults.calls(Call::splice) == 0; ++round) {
    run([]() -> Task<void> {
      Proxied p = co_await make_proxied();
      co_await relay_both_ways(p, std::size_t{8} << 20);
    });
  }
  EXPECT_GT(faults.calls(Call::splice), 0U);
}

TEST_P(IoRelay, LittleDoesNot) {
  detail::ScopedFaults faults;
  run([]() -> Task<void> {
    Proxied p = co_await make_proxied();
    co_await relay_both_ways(p, 1000);
  });
  EXPECT_EQ(faults.calls(Call::splice), 0U);
  EXPECT_EQ(faults.calls(Call::pipe2), 0U);
}

TEST_P(IoRelay, WithoutDescriptorsItGoesThroughABuffer) {
  detail::ScopedFaults faults;
  faults.add({.call = Call::pipe2, .errno_value = EMFILE, .times = Fault::always});
  run([]() -> Task<void> {
    Proxied p = co_await make_proxied();
    co_await relay_both_ways(p, std::size_t{4} << 20);
  });
  EXPECT_EQ(faults.calls(Call::splice), 0U);
  EXPECT_LE(faults.calls(Call::pipe2), 2U) << "each direction asks once at most";
}

TEST_P(IoRelay, WhereTheSystemHasNoSpliceNothingIsLost) {
  // The first calls read into the middle, the later ones write what is there.
  for (const std::uint64_t skipped : {0U, 1U, 2U, 3U, 10U}) {
    detail::ScopedFaults faults;
    faults.add(
        {.call = Call::splice, .errno_value = EINVAL, .skip = skipped, .times = Fault::always});
    run([]() -> Task<void> {
      Proxied p = co_await make_proxied();
      co_await relay_both_ways(p, std::size_t{4} << 20);
    });
    EXPECT_GT(faults.struck(), 0U) << skipped;
  }
}

TEST_P(IoRelay, ShortTransfersKeepTheOrder) {
  detail::ScopedFaults faults;
  faults.add({.call = Call::splice, .size = 777, .times = Fault::always});
  faults.add({.call = Call::splice, .errno_value = EINTR, .skip = 5, .times = 3});
  run([]() -> Task<void> {
    Proxied p = co_await make_proxied();
    co_await relay_both_ways(p, std::size_t{1} << 20);
  });
  EXPECT_GT(faults.struck(), 0U);
}

TEST_P(IoRelay, AnErrorOfSpliceNamesThePeer) {
  for (const bool writing : {false, true}) {
    detail::ScopedFaults faults;
    faults.add({.call = Call::splice, .errno_value = EIO, .skip = writing ? 1U : 0U});
    run([writing]() -> Task<void> {
      Proxied p = co_await make_proxied();
      const std::string peer = (writing ? p.b : p.a).peer_endpoint().to_string();
      // As much as it takes until the relay begins to splice, however slow this side is.
      JoinHandle<void> sending = spawn([&p]() -> Task<void> {
        const std::string text = pattern(std::size_t{1} << 20);
        for (IoResult<void> sent; sent;) sent = co_await attempt(p.client.write_all(text));
      });
      JoinHandle<void> receiving = spawn([&p]() -> Task<void> {
        std::string buffer(std::size_t{64} * 1024, '\0');
        for (IoResult<std::size_t> size(1); size && *size != 0;) {
          size = co_await attempt(p.server.read(buffer));
        }
      });
      const std::string error = co_await text_of_error(copy(p.a, p.b));
      EXPECT_EQ(error, (writing ? "write " : "read ") + peer + ": input/output error");
      p.a.close();
      p.b.close();
      p.client.close();
      co_await std::move(sending);
      co_await std::move(receiving);
    });
  }
}

TEST_P(IoRelay, UnixSocketsAreRelayedToo) {
  run([]() -> Task<void> {
    Pair front = make_unix_pair();
    Pair back = make_unix_pair();
    Proxied p(std::move(front), std::move(back));
    co_await relay_both_ways(p, std::size_t{4} << 20);
  });
}

TEST_P(IoRelay, AHalfThatEndsFirstLeavesTheOtherOpen) {
  run([]() -> Task<void> {
    for (const bool client_first : {true, false}) {
      Proxied p = co_await make_proxied();
      auto relay = [&p]() -> Task<void> { (void)co_await copy_bidirectional(p.a, p.b); };
      JoinHandle<void> relaying = spawn(relay);
      StreamSocket& first = client_first ? p.client : p.server;
      StreamSocket& second = client_first ? p.server : p.client;
      co_await send_pattern(first, 100'000, 1);
      co_await expect_pattern(second, 100'000, 1);
      EXPECT_FALSE(relaying.ended());
      co_await when_all(send_pattern(second, 200'000, 2), expect_pattern(first, 200'000, 2));
      co_await std::move(relaying);
    }
  });
}

TEST_P(IoRelay, AResetOfOneSideEndsBoth) {
  run([]() -> Task<void> {
    Proxied p = co_await make_proxied();
    const std::string peer = p.a.peer_endpoint().to_string();
    auto relay = [&p]() -> Task<void> { (void)co_await copy_bidirectional(p.a, p.b); };
    JoinHandle<void> relaying = spawn(relay);
    co_await p.client.write_all("x");
    std::array<char, 1> one{};
    co_await p.server.read_exact(one);
    EXPECT_TRUE(p.client.set_linger(std::chrono::seconds(0)).has_value());
    p.client.close();
    const std::string error = co_await text_of_error(std::move(relaying));
    EXPECT_EQ(error, "read " + peer + ": connection reset by peer");
    EXPECT_TRUE(static_cast<bool>(p.a));
    EXPECT_TRUE(static_cast<bool>(p.b));
  });
}

TEST_P(IoRelay, APeerThatReadsNoMoreEndsALongTransferWithoutASignal) {
  run([]() -> Task<void> {
    Proxied p = co_await make_proxied();
    auto relay = [&p]() -> Task<void> { (void)co_await copy(p.a, p.b); };
    JoinHandle<void> relaying = spawn(relay);
    JoinHandle<void> sending = spawn([&p]() -> Task<void> {
      const std::string text = pattern(std::size_t{16} << 20);
      (void)co_await attempt(p.client.write_all(text));
    });
    std::string start(std::size_t{2} << 20, ' ');
    co_await p.server.read_exact(start);
    p.server.close();  // with unread data: a reset
    const std::string error = co_await text_of_error(std::move(relaying));
    EXPECT_TRUE(error.ends_with("connection reset by peer") || error.ends_with("broken pipe"))
        << error;
    p.a.close();
    co_await std::move(sending);
  });
}

TEST_P(IoRelay, ClosingAnEndUnderARelayEndsIt) {
  run([]() -> Task<void> {
    Proxied p = co_await make_proxied();
    auto relay = [&p]() -> Task<void> { (void)co_await copy_bidirectional(p.a, p.b); };
    JoinHandle<void> relaying = spawn(relay);
    co_await yield_now();
    p.a.close();
    const std::string error = co_await text_of_error(std::move(relaying));
    EXPECT_TRUE(error.ends_with(": operation canceled")) << error;
  });
}

TEST_P(IoRelay, ACancelAtAnyMomentLeavesAPrefix) {
  run([]() -> Task<void> {
    static constexpr std::size_t size = std::size_t{4} << 20;
    constexpr bool takes_long = test::address_sanitizer || test::thread_sanitizer;
    static constexpr std::size_t step = takes_long ? 64 : 8;
    for (std::size_t read_first = 1; read_first < size; read_first *= step) {
      Proxied p = co_await make_proxied();
      CopiedBytes counts;
      auto relay = [&p, &counts]() -> Task<void> { co_await copy_bidirectional(p.a, p.b, counts); };
      JoinHandle<void> relaying = spawn(relay);
      JoinHandle<void> sending = spawn([&p]() -> Task<void> {
        const std::string text = pattern(size);
        (void)co_await attempt(p.client.write_all(text));
      });
      std::string start(read_first, ' ');
      co_await p.server.read_exact(start);
      relaying.cancel();
      const Outcome<void> outcome = co_await std::move(relaying).outcome();
      EXPECT_TRUE(outcome.cancelled());
      EXPECT_TRUE(p.b.shutdown().has_value());
      const std::string rest = co_await read_all(p.server);
      EXPECT_EQ(start.size() + rest.size(), counts.a_to_b) << "what was counted was written";
      EXPECT_TRUE(start + rest == pattern(size).substr(0, start.size() + rest.size()));
      p.a.close();
      p.client.close();
      co_await std::move(sending);
    }
  });
}

TEST_P(IoRelay, BetweenAPipeAndASocketInBothDirections) {
  run([]() -> Task<void> {
    const std::size_t size = std::size_t{4} << 20;
    Pair pair = co_await make_pair();
    Pipe in = pipe();
    Pipe out = pipe();
    auto there = [&]() -> Task<void> {
      (void)co_await copy(in.reader, pair.client);
      EXPECT_TRUE(pair.client.shutdown().has_value());
    };
    auto back = [&]() -> Task<void> {
      (void)co_await copy(pair.server, out.writer);
      out.writer.close();
    };
    co_await when_all(send_pattern(in.writer, size, 1), there(), back(),
                      expect_pattern(out.reader, size, 1));
  });
}

TEST_P(IoRelay, APipeWithoutAReaderEndsACopyWithoutASignal) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    Pipe out = pipe();
    const std::string name = out.writer.subject();
    JoinHandle<void> sending = spawn([&pair]() -> Task<void> {
      const std::string text = pattern(std::size_t{8} << 20);
      (void)co_await attempt(pair.client.write_all(text));
    });
    JoinHandle<void> reading = spawn([&out]() -> Task<void> {
      std::string start(std::size_t{1} << 20, ' ');
      co_await out.reader.read_exact(start);
      out.reader.close();
    });
    const std::string error = co_await text_of_error(copy(pair.server, out.writer));
    EXPECT_EQ(error, "write " + name + ": broken pipe");
    pair.server.close();
    co_await std::move(sending);
    co_await std::move(reading);
  });
}

/// Bytes allocated by malloc at this moment.
std::size_t allocated() { return ::mallinfo2().uordblks; }

TEST_P(IoRelay, MemoryStaysConstantForAnyAmount) {
  if (test::address_sanitizer || test::thread_sanitizer) GTEST_SKIP() << "it has its own malloc";
  for (const bool splices : {true, false}) {
    detail::ScopedFaults faults;
    if (!splices) {
      faults.add({.call = Call::pipe2, .errno_value = EMFILE, .times = Fault::always});
    }
    run([]() -> Task<void> {
      constexpr std::size_t total = std::size_t{64} << 20;
      Proxied p = co_await make_proxied();
      std::vector<char> block(1 << 16, 'x');
      std::vector<char> room(1 << 16);
      const std::size_t before = allocated();
      auto relay = [&p]() -> Task<void> { (void)co_await copy_bidirectional(p.a, p.b); };
      auto send = [&]() -> Task<void> {
        for (std::size_t sent = 0; sent < total; sent += block.size()) {
          co_await p.client.write_all(std::as_bytes(std::span(block)));
        }
        EXPECT_TRUE(p.client.shutdown().has_value());
      };
      JoinHandle<void> relaying = spawn(relay);
      JoinHandle<void> sending = spawn(send);
      std::size_t got = 0;
      std::size_t most = 0;
      for (;;) {
        const std::size_t size = co_await p.server.read(room);
        if (size == 0) break;
        got += size;
        most = std::max(most, allocated());
      }
      EXPECT_EQ(got, total);
      EXPECT_LT(most, before + (std::size_t{1} << 20));
      EXPECT_TRUE(p.server.shutdown().has_value());
      co_await std::move(relaying);
      co_await std::move(sending);
    });
  }
}

TEST_P(IoRelay, AnIdleRelayHoldsNoBuffer) {
  if (test::address_sanitizer || test::thread_sanitizer) GTEST_SKIP() << "it has its own malloc";
  run([]() -> Task<void> {
    constexpr std::size_t count = 50;
    std::vector<Proxied> proxied;
    std::vector<JoinHandle<void>> relays;
    proxied.reserve(count);
    relays.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      Proxied p = co_await make_proxied();
      proxied.push_back(std::move(p));
    }
    const std::size_t before = allocated();
    for (Proxied& p : proxied) {
      auto relay = [&p]() -> Task<void> { (void)co_await copy_bidirectional(p.a, p.b); };
      relays.push_back(spawn(relay));
      co_await p.client.write_all("x");
      std::array<char, 1> one{};
      co_await p.server.read_exact(one);
    }
    // Each has moved a byte and waits again.
    EXPECT_LT(allocated(), before + count * 16 * 1024);
    for (JoinHandle<void>& relay : relays) {
      relay.cancel();
      const Outcome<void> outcome = co_await std::move(relay).outcome();
      EXPECT_TRUE(outcome.cancelled());
    }
  });
}

TEST(IoRelayInTime, ASilentRelayGivesItsPipesBack) {
  const std::size_t handles = open_handles();
  {
    Runtime runtime(test::with_virtual_time());
    detail::ScopedFaults faults;
    runtime.block_on([&faults]() -> Task<void> {
      // By a Unix socket: how much of a TCP stream is there at once depends on the system's pace.
      Pair front = make_unix_pair();
      EXPECT_TRUE(front.client.set_send_buffer(std::size_t{200} * 1024));
      Pair back = co_await make_pair();
      Proxied p(std::move(front), std::move(back));
      auto relay = [&p]() -> Task<void> { (void)co_await copy_bidirectional(p.a, p.b); };
      JoinHandle<void> relaying = spawn(relay);
      std::string text = pattern(std::size_t{2} << 20);
      const std::size_t before = open_handles();
      for (int round = 0; round < 2; ++round) {
        const std::uint64_t pipes_before = faults.calls(Call::pipe2);
        JoinHandle<void> sending =
            spawn([&p, &text]() -> Task<void> { co_await p.client.write_all(text); });
        std::string got(text.size(), ' ');
        for (std::size_t at = 0; at < got.size(); at += got.size() / 16) {
          co_await p.server.read_exact(writable_bytes(got).subspan(at, got.size() / 16));
        }
        EXPECT_TRUE(got == text);
        co_await std::move(sending);
        EXPECT_GT(faults.calls(Call::pipe2), pipes_before) << "it went through a pipe";
        co_await sleep_for(std::chrono::seconds(5));
        EXPECT_EQ(open_handles(), before);
      }
      relaying.cancel();
      const Outcome<void> outcome = co_await std::move(relaying).outcome();
      EXPECT_TRUE(outcome.cancelled());
    });
  }
  EXPECT_EQ(open_handles(), handles);
}

}  // namespace
}  // namespace weft::testing::io_relay_test
