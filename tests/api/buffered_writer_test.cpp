// BufferedWriter: gathering, flushing, errors, the end.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <weft/buffered.hpp>
#include <weft/buffered_writer.hpp>
#include <weft/duplex.hpp>
#include <weft/spawn.hpp>

#include "io_support.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::buffered_writer_test {
namespace {

class BufferedWrites : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(BufferedWrites);

TEST_P(BufferedWrites, SmallWritesAreOneWrite) {
  run([]() -> Task<void> {
    TextWriter text;
    BufferedWriter writer(text);
    for (const std::string_view word : {"some", " ", "words", ""}) {
      const std::size_t size = co_await writer.write(word);
      EXPECT_EQ(size, word.size());
    }
    co_await writer.write_all(std::string(" and more"));
    EXPECT_EQ(text.writes, 0U);
    EXPECT_EQ(text_of(writer.unflushed()), "some words and more");
    co_await writer.flush();
    EXPECT_EQ(text.writes, 1U);
    EXPECT_EQ(text.text, "some words and more");
    co_await writer.flush();
    EXPECT_EQ(text.writes, 1U);
  });
}

TEST_P(BufferedWrites, EverySizeGoesThroughABufferOfEachSize) {
  run([]() -> Task<void> {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
      for (std::size_t capacity = 1; capacity < 9; ++capacity) {
        TextWriter text(piece);
        BufferedWriter writer(text, BufferOptions{.capacity = capacity});
        std::string all;
        for (std::size_t size = 0; size < 20; ++size) {
          const std::string part(size, static_cast<char>('a' + size));
          co_await writer.write_all(part);
          all += part;
          EXPECT_LE(writer.unflushed().size(), capacity);
        }
        EXPECT_EQ(text.text + text_of(writer.unflushed()), all);
        co_await writer.shutdown();
        EXPECT_EQ(text.text, all);
        EXPECT_EQ(text.shutdowns, 1U);
      }
    }
  });
}

TEST_P(BufferedWrites, WhatIsLargeGoesDirectly) {
  run([]() -> Task<void> {
    TextWriter text;
    BufferedWriter writer(text, BufferOptions{.capacity = 8});
    const std::size_t size = co_await writer.write("more than eight");
    EXPECT_EQ(size, 15U);
    EXPECT_TRUE(writer.unflushed().empty());
    co_await writer.write_all("1");
    co_await writer.write_all("more than eight");  // in order, so not directly
    co_await writer.flush();
    EXPECT_EQ(text.text, "more than eight1more than eight");
  });
}

TEST_P(BufferedWrites, AnErrorLeavesTheRestToBeFlushedAgain) {
  run([]() -> Task<void> {
    TextWriter text(2);
    text.fails_at = 4;
    BufferedWriter writer(text);
    co_await writer.write_all("abcdefgh");
    const std::string error = co_await text_of_error(writer.shutdown());
    EXPECT_EQ(error, "write text: input/output error");
    EXPECT_EQ(text.shutdowns, 0U);
    EXPECT_EQ(text_of(writer.unflushed()), "efgh");
    text.fails_at = SIZE_MAX;
    co_await writer.shutdown();
    EXPECT_EQ(text.text, "abcdefgh");
    EXPECT_EQ(text.shutdowns, 1U);
  });
}

TEST_P(BufferedWrites, AWriterThatTakesNothingIsAnErrorAndNoLoop) {
  run([]() -> Task<void> {
    TextWriter text(0);
    BufferedWriter writer(text);
    co_await writer.write_all("a");
    const std::string error = co_await text_of_error(writer.flush());
    EXPECT_EQ(error, "write text: the writer takes no bytes");
  });
}

TEST_P(BufferedWrites, TheDestructorWritesNothing) {
  run([]() -> Task<void> {
    TextWriter text;
    {
      BufferedWriter writer(text);
      co_await writer.write_all("lost");
    }
    EXPECT_EQ(text.writes, 0U);
    BufferedWriter owner(TextWriter(1));
    co_await owner.write_all("kept");
    co_await owner.flush();
    const TextWriter inner = std::move(owner).into_inner();
    EXPECT_EQ(inner.text, "kept");
  });
}

TEST_P(BufferedWrites, AStreamIsBufferedBothWays) {
  run([]() -> Task<void> {
    auto [client, server] = duplex(3);
    JoinHandle<void> serving = spawn([&server]() -> Task<void> {
      BufferedReader stream{BufferedWriter(std::move(server))};
      while (auto line = co_await stream.read_line()) {
        co_await stream.write_all("<" + *line + ">\n");
        co_await stream.flush();
      }
      co_await stream.write_all("end");
      co_await stream.shutdown();
    });
    BufferedReader answers(client);
    co_await answers.write_all("one\n");
    const auto one = co_await answers.read_line();
    EXPECT_EQ(one, "<one>");
    co_await answers.write_all(std::string_view("two"));
    (void)answers.shutdown();
    const std::string rest = co_await answers.read_to_end(100);
    EXPECT_EQ(rest, "<two>\nend");
    co_await std::move(serving);
  });
}

}  // namespace
}  // namespace weft::test::buffered_writer_test
