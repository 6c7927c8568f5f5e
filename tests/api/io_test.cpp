// The functions over readers and writers: read_exact, write_all, take, copy, copy_bidirectional,
// with types of a user's own and with streams in memory. Over sockets: io_relay_test.cpp.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <weft/buffered.hpp>
#include <weft/duplex.hpp>
#include <weft/fiber.hpp>
#include <weft/io.hpp>
#include <weft/net.hpp>
#include <weft/pipe.hpp>
#include <weft/spawn.hpp>

#include "io_support.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::io_test {
namespace {

static_assert(ByteStream<StreamSocket> && ByteReader<ReadHalf> && ByteWriter<WriteHalf>);
static_assert(!ByteWriter<ReadHalf> && !ByteReader<WriteHalf>);
static_assert(ByteReader<PipeReader> && ByteWriter<PipeWriter> && !ByteReader<PipeWriter>);
static_assert(ByteStream<DuplexEnd> && ByteReader<TextReader> && ByteWriter<TextWriter>);
static_assert(ByteStream<BufferedReader<StreamSocket>> && ByteStream<BufferedWriter<DuplexEnd&>>);
static_assert(ByteReader<BufferedReader<TextReader>> && !ByteWriter<BufferedReader<TextReader>>);
static_assert(ByteReader<Take<StreamSocket&>>);
static_assert(!ByteReader<int> && !ByteReader<SocketListener>);

class Io : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(Io);

TEST_P(Io, ReadExactFillsFromAReaderOfPieces) {
  run([]() -> Task<void> {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
      TextReader reader("abcdefgh", piece);
      std::string five(5, ' ');
      co_await read_exact(reader, five);
      EXPECT_EQ(five, "abcde");
      std::array<char, 4> four{};
      const std::string error = co_await text_of_error(read_exact(reader, four));
      EXPECT_EQ(error, "read text: unexpected end of stream");
    }
  });
}

TEST_P(Io, WriteAllWritesToAWriterOfPieces) {
  run([]() -> Task<void> {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
      TextWriter writer(piece);
      co_await write_all(writer, "literal ");
      co_await write_all(writer, std::string("temporary "));
      const std::string text = "text";
      co_await write_all(writer, text);
      EXPECT_EQ(writer.text, "literal temporary text");
    }
    TextWriter none(0);
    const std::string error = co_await text_of_error(write_all(none, "x"));
    EXPECT_EQ(error, "write text: the writer takes no bytes");
  });
}

TEST_P(Io, MembersOfAStreamAreUsed) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(16);
    co_await write_all(a, "text");
    std::string text(4, ' ');
    co_await read_exact(b, text);
    EXPECT_EQ(text, "text");
  });
}

TEST_P(Io, TakeReadsSoManyBytesAndNoMore) {
  run([]() -> Task<void> {
    TextReader text("abcdefgh", 3);
    Take five = take(text, 5);
    TextWriter writer;
    const std::uint64_t size = co_await copy(five, writer);
    EXPECT_EQ(size, 5U);
    EXPECT_EQ(writer.text, "abcde");
    EXPECT_EQ(five.remaining(), 0U);
    EXPECT_EQ(text.given(), 5U);
    const std::uint64_t rest = co_await copy(take(std::move(text), 100), writer);
    EXPECT_EQ(rest, 3U);
    EXPECT_EQ(writer.text, "abcdefgh");
    TextReader untouched("text");
    const std::uint64_t none = co_await copy(take(untouched, 0), writer);
    EXPECT_EQ(none, 0U);
    EXPECT_EQ(untouched.reads, 0U);
  });
}

TEST_P(Io, CopyMovesAllOfIt) {
  run([]() -> Task<void> {
    const std::string text(300'000, 'x');
    for (const std::size_t piece : {std::size_t{7}, SIZE_MAX}) {
      TextReader reader(text, 100'000);
      TextWriter writer(piece);
      const std::uint64_t size = co_await copy(reader, writer);
      EXPECT_EQ(size, text.size());
      EXPECT_TRUE(writer.text == text);
      EXPECT_EQ(writer.shutdowns, 0U);
    }
  });
}

TEST_P(Io, CopyFlushesWhenTheReaderHasNothingMore) {
  run([]() -> Task<void> {
    ManualEvent gate;
    TextReader reader("abcdef", 3, &gate);
    TextWriter text;
    BufferedWriter writer(text);
    auto work = [&]() -> Task<void> {
      const std::uint64_t size = co_await copy(reader, writer);
      EXPECT_EQ(size, 6U);
    };
    JoinHandle<void> copying = spawn(work);
    gate.set();
    auto waits = [&] { return gate.awaited() && reader.given() == 3; };
    co_await until(waits);
    EXPECT_EQ(text.text, "abc");
    gate.set();
    gate.set();
    co_await std::move(copying);
    EXPECT_EQ(text.text, "abcdef");
  });
}

TEST_P(Io, ACancelledCopyFromABufferedReaderLosesNothing) {
  run([]() -> Task<void> {
    const std::string input = "some text that is copied in parts";
    for (std::size_t tokens = 0; tokens < input.size(); ++tokens) {
      ManualEvent gate;
      BufferedReader reader(TextReader(input, 5), BufferOptions{.capacity = 8});
      TextWriter writer(1, &gate);
      auto work = [&]() -> Task<void> { (void)co_await copy(reader, writer); };
      JoinHandle<void> copying = spawn(work);
      for (std::size_t i = 0; i <= tokens; ++i) {
        auto waits = [&] { return gate.awaited(); };
        co_await until(waits);
        if (i < tokens) gate.set();
      }
      copying.cancel();
      const Outcome<void> outcome = co_await std::move(copying).outcome();
      EXPECT_TRUE(outcome.cancelled());
      const std::string rest = co_await reader.read_to_end(100);
      EXPECT_EQ(writer.text + rest, input);
    }
  });
}

/// A reader that counts its buffers: read() is called when bytes are there, and not before.
class PoliteReader {
 public:
  explicit PoliteReader(ManualEvent& gate) noexcept : gate_(gate) {}
  Task<void> readable() {
    co_await gate_;
    is_ready_ = true;
  }
  Task<std::size_t> read(std::span<std::byte> buffer) {
    EXPECT_TRUE(std::exchange(is_ready_, false)) << "a buffer was taken too early";
    if (left_ == 0) co_return 0;
    --left_;
    buffer[0] = std::byte{'x'};
    co_return 1;
  }

 private:
  ManualEvent& gate_;
  bool is_ready_ = false;
  std::size_t left_ = 1;
};

TEST_P(Io, ACopyTakesItsBufferWhenThereAreBytes) {
  run([]() -> Task<void> {
    ManualEvent gate;
    PoliteReader reader(gate);
    TextWriter writer;
    auto work = [&]() -> Task<void> { (void)co_await copy(reader, writer); };
    JoinHandle<void> copying = spawn(work);
    auto waits = [&] { return gate.awaited(); };
    co_await until(waits);
    gate.set();
    gate.set();
    co_await std::move(copying);
    EXPECT_EQ(writer.text, "x");
  });
}

TEST_P(Io, ARelayKeepsTheOtherDirectionOpenWhenOneEnds) {
  run([]() -> Task<void> {
    auto [client, a] = duplex(8);
    auto [b, server] = duplex(8);
    auto relay = [&a, &b]() -> Task<CopiedBytes> {
      const CopiedBytes moved = co_await copy_bidirectional(a, b);
      co_return moved;
    };
    JoinHandle<CopiedBytes> relaying = spawn(relay);
    co_await client.write_all("question");
    (void)client.shutdown();
    BufferedReader questions(server);
    const std::string question = co_await questions.read_to_end(100);
    EXPECT_EQ(question, "question");
    co_await server.write_all("a longer answer");
    (void)server.shutdown();
    BufferedReader answers(client);
    const std::string answer = co_await answers.read_to_end(100);
    EXPECT_EQ(answer, "a longer answer");
    const CopiedBytes moved = co_await std::move(relaying);
    EXPECT_EQ(moved.a_to_b, 8U);
    EXPECT_EQ(moved.b_to_a, 15U);
  });
}

TEST_P(Io, AnErrorOfOneDirectionCancelsTheOtherAndIsThrown) {
  run([]() -> Task<void> {
    auto [client, a] = duplex(8);
    auto [b, server] = duplex(8);
    CopiedBytes counts;
    auto relay = [&a, &b, &counts]() -> Task<void> { co_await copy_bidirectional(a, b, counts); };
    JoinHandle<void> relaying = spawn(relay);
    co_await server.write_all("abc");
    std::string abc(3, ' ');
    co_await client.read_exact(abc);
    client.close();  // what comes for it now cannot be written
    co_await server.write_all("def");
    const std::string error = co_await text_of_error(std::move(relaying));
    EXPECT_EQ(error, "write duplex: broken pipe");
    EXPECT_EQ(counts.b_to_a, 3U);
  });
}

TEST_P(Io, ACancelEndsBothDirections) {
  run([]() -> Task<void> {
    auto [client, a] = duplex(8);
    auto [b, server] = duplex(8);
    CopiedBytes counts;
    auto relay = [&a, &b, &counts]() -> Task<void> { co_await copy_bidirectional(a, b, counts); };
    JoinHandle<void> relaying = spawn(relay);
    co_await client.write_all("12345");
    std::string five(5, ' ');
    co_await server.read_exact(five);
    relaying.cancel();
    const Outcome<void> outcome = co_await std::move(relaying).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(counts.a_to_b, 5U);
    EXPECT_EQ(counts.b_to_a, 0U);
    (void)server.try_write("still open");
    std::string still(5, ' ');
    co_await b.read_exact(still);
    EXPECT_EQ(still, "still");
  });
}

TEST_P(Io, WorksInAFiber) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(4);
    JoinHandle<void> writing = spawn([&a]() -> Task<void> {
      co_await a.write_all("one\ntwo\n");
      (void)a.shutdown();
    });
    auto work = [&b] {
      BufferedReader reader(b);
      std::string all;
      while (auto line = await(reader.read_line())) all += *line;
      return all;
    };
    const std::string all = co_await fiber(work);
    EXPECT_EQ(all, "onetwo");
    co_await std::move(writing);
  });
}

}  // namespace
}  // namespace weft::test::io_test
