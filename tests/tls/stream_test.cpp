// tls::Stream as a stream: bytes both ways, ends, cancels, keys that change, memory.
#include <atomic>
#include <vector>

#include "tls/tls_support.hpp"

namespace weft::test::tls_stream_test {
namespace {

class TlsStreams : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TlsStreams);

/// A stream that can read and write, and nothing more.
class Bare {
 public:
  explicit Bare(DuplexEnd end) noexcept : end_(std::move(end)) {}
  Task<std::size_t> read(std::span<std::byte> buffer) { return as_task(end_.read(buffer)); }
  Task<std::size_t> write(std::span<const std::byte> data) { return as_task(end_.write(data)); }

 private:
  DuplexEnd end_;
};

TEST_P(TlsStreams, BytesCrossInBothDirectionsAtOnce) {
  run([]() -> Task<void> {
    // With one byte of room the hello comes byte by byte.
    for (const std::size_t capacity : {1U, 7U, 1000U, 100'000U}) {
      TlsPair pair = memory_pair(capacity);
      const std::size_t size = capacity < 100 ? 20'000 : fewer_if_sanitized(1'000'000);
      co_await exchange(pair.client, pair.server, pattern(size));
    }
  });
}

TEST_P(TlsStreams, SocketsAreOwnedOrBorrowed) {
  run([]() -> Task<void> {
    const ClientContext client(trusting());
    const ServerContext server(presenting());
    testing::Pair sockets = co_await make_pair();
    const Endpoint server_at = sockets.client.peer_endpoint();
    tls::Stream accepting(sockets.server, server);
    tls::Stream connecting(std::move(sockets.client), client, "localhost");
    static_assert(std::is_same_v<decltype(accepting), tls::Stream<StreamSocket&>>);
    static_assert(std::is_same_v<decltype(connecting), tls::TcpStream>);
    const std::string text = pattern(fewer_if_sanitized(4'000'000));
    co_await exchange(connecting, accepting, text);
    EXPECT_EQ(connecting.peer_endpoint(), server_at);
    EXPECT_TRUE(sockets.server);
  });
}

TEST_P(TlsStreams, SixtyFourMebibytesCrossBothWaysOverTcp) {
  if (GetParam() == 8 || address_sanitizer || thread_sanitizer) GTEST_SKIP() << "long";
  run([]() -> Task<void> {
    testing::Pair sockets = co_await make_pair();
    tls::TcpStream server(std::move(sockets.server), ServerContext(presenting()));
    tls::TcpStream client(std::move(sockets.client), ClientContext(trusting()), "localhost");
    const std::string text = pattern(std::size_t{64} * 1024 * 1024);
    co_await exchange(client, server, text);
  });
}

TEST_P(TlsStreams, AStreamThatCanOnlyReadAndWriteIsEnough) {
  run([]() -> Task<void> {
    Duplex ends = duplex(100);
    tls::Stream client(Bare(std::move(ends.a)), ClientContext(trusting()), "localhost");
    tls::Stream server(Bare(std::move(ends.b)), ServerContext(presenting()));
    co_await exchange(client, server, pattern(50'000));
  });
}

TEST_P(TlsStreams, TlsRunsWithinTls) {
  run([]() -> Task<void> {
    const ClientContext client(trusting());
    const ServerContext server(presenting());
    TlsPair outer = memory_pair(client, server);
    tls::Stream a(std::move(outer.client), client, "localhost");
    tls::Stream b(std::move(outer.server), server);
    co_await exchange(a, b, pattern(50'000));
  });
}

TEST_P(TlsStreams, SlicesOfAllSizesStayInOrder) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair(10'000);
    std::vector<std::string> parts;
    std::string whole;
    for (const std::size_t size : {0U, 1U, 100U, 4095U, 4096U, 20'000U, 1U, 0U, 70'000U, 3U}) {
      parts.push_back(pattern(size, static_cast<std::uint32_t>(size + 1)));
      whole += parts.back();
    }
    std::vector<IoSlice> slices;
    for (const std::string& part : parts) slices.push_back(slice_of(bytes_of(part)));
    auto send = [&]() -> Task<void> {
      co_await pair.client.write_all_vectored(slices);
      co_await pair.client.shutdown();
    };
    auto both = co_await when_all(send(), read_all(pair.server));
    EXPECT_TRUE(std::get<1>(both) == whole);
  });
}

TEST_P(TlsStreams, AnEndWithoutCloseNotifyIsAnError) {
  run([]() -> Task<void> {
    for (const bool allowed : {false, true}) {
      ServerOptions options = presenting();
      options.allow_missing_close_notify = allowed;
      TlsPair pair = memory_pair(ClientContext(trusting()), ServerContext(options));
      co_await shake(pair);
      co_await pair.client.write_all("half");
      EXPECT_TRUE(pair.client.inner().shutdown());
      std::array<std::byte, 10> buffer;
      const std::size_t size = co_await pair.server.read(buffer);
      EXPECT_EQ(size, 4U);
      const HowItEnded ended = co_await how_it_ended(pair.server.read(buffer));
      EXPECT_EQ(ended.code, allowed ? std::error_code() : make_error_code(Errc::truncated))
          << ended.text;
      // The other direction goes on in one case, and has failed in the other one.
      const HowItEnded written = co_await how_it_ended(pair.server.write_all("x"));
      EXPECT_EQ(written.code, ended.code);
    }
  });
}

/// Passes what one side writes on to the other side, up to a number of bytes, and then the end.
Task<void> pass_up_to(DuplexEnd& from, DuplexEnd& to, std::size_t bytes) {
  std::array<std::byte, 1> one;
  for (std::size_t i = 0; i < bytes; ++i) {
    const IoResult<std::size_t> got = co_await attempt(from.read(one));
    if (!got || *got == 0) break;
    const IoResult<void> sent = co_await attempt(to.write_all(one));
    if (!sent) break;
  }
  static_cast<void>(to.shutdown());
}

TEST_P(TlsStreams, ATruncationAtEachByteIsNoticed) {
  if (GetParam() == 8) GTEST_SKIP() << "as with 2";
  run([]() -> Task<void> {
    const ClientContext client(trusting());
    const ServerContext server(presenting());
    // The handshake once, the records of each try afterwards: 2 records of 10 and 10 bytes.
    const std::size_t step = address_sanitizer || thread_sanitizer ? 17 : 3;
    for (std::size_t cut = 0; cut < 20'000; cut += step) {
      Duplex left = duplex(100'000);
      Duplex right = duplex(100'000);
      MemoryStream connecting(std::move(left.a), client, "localhost");
      MemoryStream accepting(std::move(right.b), server);
      std::string got;
      HowItEnded ended;
      auto send = [&]() -> Task<void> {
        const IoResult<void> sent = co_await attempt(connecting.write_all("0123456789"));
        const IoResult<void> again = co_await attempt(connecting.write_all("0123456789"));
        if (sent && again) static_cast<void>(co_await attempt(connecting.shutdown()));
      };
      auto receive = [&]() -> Task<void> {
        std::array<std::byte, 100> buffer;
        for (;;) {
          const IoResult<std::size_t> size = co_await attempt(accepting.read(buffer));
          if (!size) ended.code = size.error().code();
          if (!size || *size == 0) break;
          got.append(reinterpret_cast<const char*>(buffer.data()), *size);
        }
        accepting.close();
      };
      co_await when_all(send(), receive(), pass_up_to(left.b, right.a, cut),
                        pass_up_to(right.a, left.b, 1'000'000));
      if (!ended.code) {
        EXPECT_EQ(got, "01234567890123456789") << "cut at " << cut;
        break;  // with close_notify
      }
      const bool is_told = ended.code == Errc::truncated || ended.code == Errc::closed_in_handshake;
      EXPECT_TRUE(is_told) << ended.code.message() << " at " << cut;
    }
  });
}

TEST_P(TlsStreams, CancelledReadsAndWritesLoseNothing) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair(37);
    const std::string text = pattern(fewer_if_sanitized(30'000));
    auto send = [&]() -> Task<void> {
      std::string_view rest = text;
      while (!rest.empty()) {
        // Cancelled after one turn, more often than not.
        auto first = co_await select(attempt(pair.client.write(rest.substr(0, 50))), yield_now());
        if (!first.has<0>()) continue;
        const IoResult<std::size_t> size = first.take<0>();
        EXPECT_TRUE(size) << size.error().what();
        if (!size) co_return;
        rest.remove_prefix(*size);
      }
      for (;;) {
        auto first = co_await select(attempt(pair.client.shutdown()), yield_now());
        if (first.index() == 0) break;
      }
    };
    auto receive = [&]() -> Task<std::string> {
      std::string got;
      std::array<std::byte, 64> buffer;
      for (;;) {
        auto first = co_await select(attempt(pair.server.read(buffer)), yield_now());
        if (!first.has<0>()) continue;
        const IoResult<std::size_t> size = first.take<0>();
        EXPECT_TRUE(size) << size.error().what();
        if (!size || *size == 0) co_return got;
        got.append(reinterpret_cast<const char*>(buffer.data()), *size);
      }
    };
    auto both = co_await when_all(send(), receive());
    EXPECT_TRUE(std::get<1>(both) == text) << std::get<1>(both).size();
  });
}

TEST_P(TlsStreams, KeysChangeUnderWay) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair(1000);
    const std::string text = pattern(10'000);
    auto send = [&](MemoryStream& stream) -> Task<void> {
      for (int i = 0; i < 20; ++i) {
        co_await stream.write_all(text);
        co_await stream.update_keys(i % 2 == 0);
      }
      co_await stream.shutdown();
    };
    auto all = co_await when_all(send(pair.client), send(pair.server), read_all(pair.client),
                                 read_all(pair.server));
    EXPECT_EQ(std::get<2>(all).size(), text.size() * 20);
    EXPECT_EQ(std::get<3>(all).size(), text.size() * 20);
    EXPECT_TRUE(std::get<2>(all).ends_with(text));
    ClientOptions old = trusting();
    old.max_version = tls::Version::tls_1_2;
    TlsPair older = memory_pair(ClientContext(old), ServerContext(presenting()));
    co_await shake(older);
    const HowItEnded ended = co_await how_it_ended(older.client.update_keys());
    EXPECT_EQ(ended.code, std::errc::operation_not_supported);
    co_await exchange(older.client, older.server, "still there");
  });
}

TEST_P(TlsStreams, AnIdleReaderLearnsOfAWriteThatWasLeft) {
  run([]() -> Task<void> {
    // The client's write is larger than what the stream takes at once; its own read sends the rest.
    TlsPair pair = memory_pair(1000);
    co_await shake(pair);
    const std::string text = pattern(30'000);
    const std::size_t taken = co_await pair.client.write(text);
    EXPECT_EQ(taken, text.size());
    auto ask = [&]() -> Task<void> {
      std::array<std::byte, 1> one;
      const std::size_t size = co_await pair.client.read(one);
      EXPECT_EQ(size, 1U);
    };
    auto answer = [&]() -> Task<void> {
      std::string got(text.size(), '\0');
      co_await pair.server.read_exact(got);
      EXPECT_TRUE(got == text);
      co_await pair.server.write_all("!");
    };
    co_await when_all(ask(), answer());
  });
}

TEST_P(TlsStreams, WithoutWaiting) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair(100'000);
    std::array<std::byte, 10> buffer;
    EXPECT_EQ(pair.client.try_read(buffer).error(), std::errc::operation_would_block);
    EXPECT_EQ(pair.client.try_write("x").error(), std::errc::operation_would_block);
    co_await shake(pair);
    EXPECT_EQ(pair.client.try_read(buffer).error(), std::errc::operation_would_block);
    EXPECT_EQ(pair.server.try_write("hello").value_or(0), 5U);
    co_await pair.client.readable();
    EXPECT_EQ(pair.client.try_read(buffer).value_or(0), 5U);
    co_await pair.server.shutdown();
    co_await pair.client.readable();
    EXPECT_EQ(pair.client.try_read(buffer).value_or(9), 0U);
    const HowItEnded ended = co_await how_it_ended(pair.server.write_all("x"));
    EXPECT_EQ(ended.code, std::errc::broken_pipe) << ended.text;
    co_await pair.client.write_all("the other way");
    const std::size_t size = co_await pair.server.read(buffer);
    EXPECT_EQ(size, 10U);
  });
}

TEST_P(TlsStreams, HandshakesAreLimitedInTime) {
  run([]() -> Task<void> {
    ClientOptions client = trusting();
    client.handshake_timeout = std::chrono::milliseconds(20);
    Duplex ends = duplex(4096);
    MemoryStream stream(std::move(ends.a), ClientContext(client), "localhost");
    const HowItEnded ended = co_await how_it_ended(stream.handshake());
    EXPECT_EQ(ended.code, Errc::handshake_timed_out) << ended.text;
    EXPECT_EQ(ended.code, std::errc::timed_out);
    std::array<std::byte, 1> one;
    const HowItEnded again = co_await how_it_ended(stream.read(one));
    EXPECT_EQ(again.code, Errc::handshake_timed_out);
  });
}

TEST_P(TlsStreams, ACancelledHandshakeGoesOn) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair(50);
    auto shake_in_turns = [](MemoryStream& stream) -> Task<void> {
      for (;;) {
        auto first = co_await select(attempt(stream.handshake()), yield_now());
        if (first.index() != 0) continue;
        const IoResult<void> done = first.take<0>();
        EXPECT_TRUE(done);
        co_return;
      }
    };
    co_await when_all(shake_in_turns(pair.client), shake_in_turns(pair.server));
    co_await exchange(pair.client, pair.server, "x");
  });
}

TEST_P(TlsStreams, WhatIsNotTlsIsCalledSo) {
  run([]() -> Task<void> {
    struct Case {
      std::string said;
      std::string_view in_text;
    };
    const std::vector<Case> cases{
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "speaking plain HTTP"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "'SSH-2'"},
        {std::string("\0\1\2\3\4\5\6\7", 8), "0001020304"},
        {pattern(10'000), "not TLS"},
    };
    for (const Case& each : cases) {
      for (const bool is_server : {true, false}) {
        Duplex ends = duplex(100'000);
        HowItEnded ended;
        if (is_server) {
          MemoryStream stream(std::move(ends.a), ServerContext(presenting()));
          co_await ends.b.write_all(each.said);
          ended = co_await how_it_ended(stream.handshake());
        } else {
          MemoryStream stream(std::move(ends.a), ClientContext(trusting()), "localhost");
          co_await ends.b.write_all(each.said);
          ended = co_await how_it_ended(stream.handshake());
        }
        EXPECT_EQ(ended.code, Errc::not_tls) << ended.text;
        EXPECT_NE(ended.text.find(each.in_text), std::string::npos) << ended.text;
      }
    }
  });
}

TEST_P(TlsStreams, BytesThatWereChangedAreAnErrorAndAnAlert) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair();
    co_await shake(pair);
    const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + pattern(32);
    co_await pair.client.inner().write_all(forged);
    std::array<std::byte, 10> buffer;
    const HowItEnded server = co_await how_it_ended(pair.server.read(buffer));
    EXPECT_EQ(server.code, Errc::protocol_error) << server.text;
    const HowItEnded client = co_await how_it_ended(pair.client.read(buffer));
    EXPECT_EQ(tls::alert_of(client.code), 20) << client.text;
    EXPECT_NE(client.text.find("bad record mac"), std::string::npos) << client.text;
  });
}

TEST_P(TlsStreams, AClosedStreamEndsItsOperations) {
  run([]() -> Task<void> {
    TlsPair pair = memory_pair();
    co_await shake(pair);
    std::array<std::byte, 10> buffer;
    auto close = [&]() -> Task<void> {
      co_await yield_now();
      pair.client.close();
    };
    auto both = co_await when_all(how_it_ended(pair.client.read(buffer)), close());
    EXPECT_EQ(std::get<0>(both).code, std::errc::operation_canceled) << std::get<0>(both).text;
    const HowItEnded peer = co_await how_it_ended(pair.server.read(buffer));
    EXPECT_EQ(peer.code, Errc::truncated);
  });
}

TEST_P(TlsStreams, CopyBidirectionalRelaysIt) {
  run([]() -> Task<void> {
    TlsPair near = memory_pair(1000);
    Duplex behind = duplex(1000);
    const std::string text = pattern(100'000);
    auto relay = [&]() -> Task<void> {
      const CopiedBytes moved = co_await copy_bidirectional(near.server, behind.a);
      EXPECT_EQ(moved.a_to_b, text.size());
      EXPECT_EQ(moved.b_to_a, text.size());
    };
    auto back = [&]() -> Task<void> {
      co_await behind.b.write_all(text);
      EXPECT_TRUE(behind.b.shutdown());
    };
    auto all = co_await when_all(relay(), send_and_end(near.client, text), back(),
                                 read_all(near.client), read_all(behind.b));
    EXPECT_TRUE(std::get<3>(all) == text);
    EXPECT_TRUE(std::get<4>(all) == text);
  });
}

}  // namespace
}  // namespace weft::test::tls_stream_test
