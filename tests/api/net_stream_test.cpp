// Connected streams: transfers of all kinds, their ends and their errors.
#include <sys/socket.h>

#include "api/net_support.hpp"

namespace weft::testing::net_stream_test {
namespace {

class NetStream : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetStream, ::testing::Values(0, 1, 2, 8), name_of_workers);

Task<void> echo(StreamSocket stream) {
  std::array<std::byte, 1024> buffer;
  for (;;) {
    const std::size_t size = co_await stream.read(buffer);
    if (size == 0) co_return;
    co_await stream.write_all(std::span(buffer).first(size));
  }
}

TEST_P(NetStream, EchoesOverIpv4AndIpv6) {
  for (const std::string_view at : {"127.0.0.1:0", "[::1]:0"}) {
    const std::string text = run([at]() -> Task<std::string> {
      SocketListener listener = SocketListener::bind(at);
      Pair pair = co_await connect_to(listener);
      JoinHandle<void> server = spawn(echo, std::move(pair.server));
      co_await pair.client.write_all("hello, ");
      co_await pair.client.write_all("world");
      EXPECT_TRUE(pair.client.shutdown().has_value());
      std::string back = co_await read_all(pair.client);
      co_await std::move(server);
      co_return back;
    });
    EXPECT_EQ(text, "hello, world") << at;
  }
}

TEST_P(NetStream, BothEndsKnowBothAddresses) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    EXPECT_EQ(pair.server.peer_endpoint(), pair.client.local_endpoint().value());
    EXPECT_EQ(pair.client.peer_endpoint(), pair.server.local_endpoint().value());
    EXPECT_EQ(pair.client.peer_endpoint().with_port(0).to_string(), "127.0.0.1:0");
  });
}

TEST_P(NetStream, HalfCloseLetsTheOtherDirectionGoOn) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    co_await pair.client.write_all("question");
    EXPECT_TRUE(pair.client.shutdown(Shutdown::write).has_value());
    const std::string question = co_await read_all(pair.server);
    EXPECT_EQ(question, "question");
    std::array<std::byte, 1> more;
    const std::size_t after_the_end = co_await pair.server.read(more);
    EXPECT_EQ(after_the_end, 0U);
    co_await pair.server.write_all("answer");
    pair.server.close();
    EXPECT_FALSE(static_cast<bool>(pair.server));
    const std::string answer = co_await read_all(pair.client);
    EXPECT_EQ(answer, "answer");
  });
}

TEST_P(NetStream, AResetIsAnErrorThatNamesThePeer) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const std::string peer = pair.client.peer_endpoint().to_string();
    EXPECT_TRUE(pair.server.set_linger(std::chrono::seconds(0)).has_value());
    pair.server.close();
    std::array<std::byte, 16> buffer;
    const std::string text = co_await error_text(pair.client.read(buffer));
    EXPECT_EQ(text, "read " + peer + ": connection reset by peer");
  });
}

TEST_P(NetStream, AResetEndsAWaitingRead) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    JoinHandle<std::string> reading =
        spawn([client = std::move(pair.client)]() mutable -> Task<std::string> {
          std::array<std::byte, 16> buffer;
          std::string text = co_await error_text(client.read(buffer));
          co_return text;
        });
    co_await yield_now();
    EXPECT_TRUE(pair.server.set_linger(std::chrono::seconds(0)).has_value());
    pair.server.close();
    const std::string text = co_await std::move(reading);
    EXPECT_TRUE(text.ends_with(": connection reset by peer")) << text;
  });
}

TEST_P(NetStream, WritingAfterTheEndIsAnErrorAndNoSignal) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    EXPECT_TRUE(pair.client.shutdown(Shutdown::write).has_value());
    Result<void> all = co_await attempt(pair.client.write_all("x"));
    EXPECT_EQ(all.error(), std::errc::broken_pipe);
    const Result<std::size_t> some = co_await attempt(pair.client.write("x"));
    EXPECT_EQ(some.error(), std::errc::broken_pipe);
    const IoSlice slice = slice_of(bytes_of("x"));
    const Result<std::size_t> vectored =
        co_await attempt(pair.client.write_vectored(std::span(&slice, 1)));
    EXPECT_EQ(vectored.error(), std::errc::broken_pipe);
  });
}

TEST_P(NetStream, ReadExactWaitsForAllOfIt) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    JoinHandle<void> writer = spawn([&client = pair.client]() -> Task<void> {
      for (const char c : std::string_view("0123456789")) {
        co_await client.write_all(std::string_view(&c, 1));
        co_await yield_now();
      }
    });
    std::string text(10, ' ');
    co_await pair.server.read_exact(writable_bytes(text));
    EXPECT_EQ(text, "0123456789");
    co_await pair.server.read_exact({});
    co_await std::move(writer);
  });
}

TEST_P(NetStream, ReadExactTellsAnEndThatComesTooEarly) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    co_await pair.client.write_all("123");
    const std::string peer = pair.server.peer_endpoint().to_string();
    pair.client.close();
    std::string text(4, ' ');
    const Result<void> exact = co_await attempt(pair.server.read_exact(writable_bytes(text)));
    EXPECT_EQ(exact.error(), make_error_code(IoErrc::unexpected_end));
    const std::string message = co_await error_text(pair.server.read_exact(writable_bytes(text)));
    EXPECT_EQ(message, "read " + peer + ": unexpected end of stream");
  });
}

TEST_P(NetStream, AMebibyteGoesThroughSmallBuffersInParts) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    EXPECT_TRUE(pair.client.set_send_buffer(4096).has_value());
    const std::string sent = pattern(1 << 20);
    JoinHandle<void> writer = spawn([&client = pair.client, &sent]() -> Task<void> {
      co_await client.write_all(sent);
      EXPECT_TRUE(client.shutdown().has_value());
    });
    const std::string got = co_await read_all(pair.server);
    EXPECT_TRUE(got == sent);
    co_await std::move(writer);
  });
}

TEST_P(NetStream, ManySlicesGoThroughInParts) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    EXPECT_TRUE(pair.client.set_send_buffer(4096).has_value());
    const std::string sent = pattern(1 << 20, 7);
    JoinHandle<void> writer = spawn([&client = pair.client, &sent]() -> Task<void> {
      std::vector<IoSlice> slices;
      for (std::size_t at = 0, size = 0; at < sent.size(); at += size, size = (size + 1) % 700) {
        slices.push_back(slice_of(bytes_of(sent).subspan(at, std::min(size, sent.size() - at))));
      }
      co_await client.write_all_vectored(slices);
      EXPECT_TRUE(client.shutdown().has_value());
    });
    const std::string got = co_await read_all(pair.server);
    EXPECT_TRUE(got == sent);
    co_await std::move(writer);
  });
}

TEST_P(NetStream, VectoredReadsAndWritesKeepTheOrder) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const std::array parts{slice_of(bytes_of("head")), slice_of({}), slice_of(bytes_of("body"))};
    const std::size_t written = co_await pair.client.write_vectored(parts);
    EXPECT_EQ(written, 8U);
    std::string first(3, ' ');
    std::string second(10, ' ');
    const std::array room{IoSlice{writable_bytes(first).data(), first.size()},
                          IoSlice{writable_bytes(second).data(), second.size()}};
    const std::size_t read = co_await pair.server.read_vectored(room);
    EXPECT_EQ(read, 8U);
    EXPECT_EQ(first + second.substr(0, 5), "headbody");
  });
}

Task<void> send_and_end(WriteHalf writer, std::string text) {
  co_await writer.write_all(text);
  EXPECT_TRUE(writer.shutdown().has_value());
}

Task<std::string> receive(ReadHalf reader) {
  std::string text = co_await read_all(reader);
  co_return text;
}

TEST_P(NetStream, SplitHalvesWorkOnTwoTasksAtOnce) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    StreamSocket::Halves server = std::move(pair.server).split();
    StreamSocket::Halves client = std::move(pair.client).split();
    const std::string there = pattern(1 << 20, 3);
    const std::string back = pattern(1 << 20, 4);
    JoinHandle<void> a = spawn(send_and_end, std::move(client.writer), there);
    JoinHandle<void> b = spawn(send_and_end, std::move(server.writer), back);
    JoinHandle<std::string> c = spawn(receive, std::move(server.reader));
    JoinHandle<std::string> d = spawn(receive, std::move(client.reader));
    const std::string got_there = co_await std::move(c);
    const std::string got_back = co_await std::move(d);
    EXPECT_TRUE(got_there == there);
    EXPECT_TRUE(got_back == back);
    co_await std::move(a);
    co_await std::move(b);
  });
}

TEST_P(NetStream, TheSocketIsClosedWhenBothHalvesHaveGone) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    std::array<std::byte, 1> buffer;
    {
      StreamSocket::Halves halves = std::move(pair.client).split();
      EXPECT_FALSE(static_cast<bool>(pair.client));
      {
        const WriteHalf gone = std::move(halves.writer);
      }
      co_await pair.server.write_all("x");  // the reader still works
      co_await halves.reader.read_exact(buffer);
    }
    const std::size_t size = co_await pair.server.read(buffer);
    EXPECT_EQ(size, 0U);
  });
}

TEST_P(NetStream, ReadableAndWritableNeedNoBuffer) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    co_await pair.client.writable();
    JoinHandle<void> waiting =
        spawn([&server = pair.server]() -> Task<void> { co_await server.readable(); });
    co_await yield_now();
    EXPECT_FALSE(waiting.ended());
    co_await pair.client.write_all("x");
    co_await std::move(waiting);
    co_await pair.server.readable();  // still: nothing has been read
    std::array<std::byte, 8> buffer;
    const std::size_t size = co_await pair.server.read(buffer);
    EXPECT_EQ(size, 1U);
    pair.client.close();
    co_await pair.server.readable();  // the end counts
  });
}

TEST_P(NetStream, ACancelledReadLosesNothing) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    std::array<std::byte, 8> buffer;
    const Result<std::size_t> none =
        co_await attempt(timeout(pair.server.read(buffer), std::chrono::milliseconds(1)));
    EXPECT_EQ(none.error(), std::errc::timed_out);
    const std::string sent = pattern(20000, 9);
    JoinHandle<void> writer = spawn([&client = pair.client, &sent]() -> Task<void> {
      for (const char& c : sent) co_await client.write_all(std::string_view(&c, 1));
      EXPECT_TRUE(client.shutdown().has_value());
    });
    std::string got;
    for (unsigned i = 0;; ++i) {
      const Result<std::size_t> size =
          co_await attempt(timeout(pair.server.read(buffer), std::chrono::microseconds(i % 100)));
      if (!size) continue;
      if (*size == 0) break;
      got.append(reinterpret_cast<const char*>(buffer.data()), *size);
    }
    EXPECT_TRUE(got == sent);
    co_await std::move(writer);
  });
}

TEST_P(NetStream, OptionsAreSetAndRead) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    EXPECT_TRUE(pair.client.no_delay().value());
    EXPECT_TRUE(pair.server.no_delay().value());
    EXPECT_TRUE(pair.client.set_no_delay(false).has_value());
    EXPECT_FALSE(pair.client.no_delay().value());
    EXPECT_TRUE(pair.client.set_keep_alive(std::chrono::seconds(30)).has_value());
    int on = 0;
    socklen_t size = sizeof on;
    getsockopt(pair.client.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &on, &size);
    EXPECT_EQ(on, 1);
    EXPECT_TRUE(pair.client.set_keep_alive(std::nullopt).has_value());
    getsockopt(pair.client.native_handle(), SOL_SOCKET, SO_KEEPALIVE, &on, &size);
    EXPECT_EQ(on, 0);
    EXPECT_TRUE(pair.client.set_receive_buffer(1 << 16).has_value());
    EXPECT_GE(pair.client.receive_buffer().value(), std::size_t{1} << 16);
    EXPECT_TRUE(pair.client.set_send_buffer(1 << 16).has_value());
    EXPECT_GE(pair.client.send_buffer().value(), std::size_t{1} << 16);
    EXPECT_TRUE(pair.client.set_linger(std::nullopt).has_value());
  });
}

TEST_P(NetStream, AStreamMayMoveWhileItIsRead) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    std::string text(5, ' ');
    JoinHandle<void> reading = spawn([&from = pair.server, &text]() -> Task<void> {
      co_await from.read_exact(writable_bytes(text));
    });
    co_await yield_now();
    StreamSocket elsewhere = std::move(pair.client);
    co_await elsewhere.write_all("moved");
    co_await std::move(reading);
    EXPECT_EQ(text, "moved");
  });
}

}  // namespace
}  // namespace weft::testing::net_stream_test
