// BufferedReader: lines, delimiters, look-ahead, limits; with readers that give one byte at a time,
// and all at once.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/buffered.hpp>
#include <weft/duplex.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/streams.hpp>
#include <weft/timeout.hpp>

#include "io_support.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::buffered_reader_test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

class BufferedReads : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(BufferedReads);

/// Calls `check(piece, capacity)`, a coroutine, for pieces and buffers of several sizes.
template <class Check>
Task<void> for_sizes(Check check) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, SIZE_MAX}) {
    for (const std::size_t capacity : {std::size_t{1}, std::size_t{3}, std::size_t{8192}}) {
      const BufferOptions options{.capacity = capacity};
      co_await check(piece, options);
      if (!::testing::Test::HasFailure()) continue;
      ADD_FAILURE() << "with pieces of " << piece << " bytes, capacity " << capacity;
      co_return;
    }
  }
}

template <class R>
Task<std::vector<std::string>> all_lines(R& reader, LineOptions options = {}) {
  std::vector<std::string> lines;
  while (auto line = co_await reader.read_line(options)) lines.push_back(std::move(*line));
  co_return lines;
}

TEST_P(BufferedReads, LinesEndWithLfOrCrlfAndTheLastMayLackIt) {
  struct Case {
    std::string text;
    std::vector<std::string> lines;
  };
  const std::vector<Case> cases{
      {"", {}},
      {"\n", {""}},
      {"\r\n", {""}},
      {"\n\n", {"", ""}},
      {"one\ntwo\n", {"one", "two"}},
      {"one\r\ntwo\r\n", {"one", "two"}},
      {"one\ntwo", {"one", "two"}},
      {"one\r\ntwo\r", {"one", "two\r"}},
      {"a\rb\n", {"a\rb"}},
      {"a\r\r\n", {"a\r"}},
      {"\r", {"\r"}},
      {"zero\0byte\n\0"s, {"zero\0byte"s, "\0"s}},
      {"\n\rx\n", {"", "\rx"}},
  };
  run([&]() -> Task<void> {
    auto check = [&cases](std::size_t piece, BufferOptions options) -> Task<void> {
      for (const Case& one : cases) {
        BufferedReader reader(TextReader(one.text, piece), options);
        const std::vector<std::string> lines = co_await all_lines(reader);
        EXPECT_EQ(lines, one.lines) << one.text;
        EXPECT_TRUE(reader.buffered().empty());
      }
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, ALimitIsMetExactlyOrTheLineIsTooLong) {
  struct Case {
    std::string text;
    bool fits;
  };
  const std::vector<Case> cases{
      {"abcd\n", true},      {"abcd\r\n", true},
      {"abcd", true},        {"abc\r", true},
      {"abcde\n", false},    {"abcde", false},
      {"abcd\re\n", false},  {"abcd\r", false},
      {"abcd\r\r\n", false}, {"abcdefghijklmnop\n", false},
  };
  run([&]() -> Task<void> {
    auto check = [&cases](std::size_t piece, BufferOptions options) -> Task<void> {
      for (const Case& one : cases) {
        BufferedReader reader(TextReader(one.text, piece), options);
        const auto line = co_await attempt(reader.read_line(4));
        EXPECT_EQ(line.has_value(), one.fits) << one.text;
        if (line) continue;
        EXPECT_EQ(line.error(), make_error_code(IoErrc::line_too_long));
        EXPECT_STREQ(line.error().what(), "read line text (limit: 4 bytes): the line is too long");
        const auto again = co_await attempt(reader.read_line(4));  // nothing was taken
        EXPECT_FALSE(again.has_value());
        const auto longer = co_await reader.read_line(20);
        EXPECT_EQ(
            longer.value_or(""),
            one.text.substr(0, one.text.find_first_of('\n')).substr(0, one.text.find("\r\n")));
      }
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, ALineThatIsTooLongCanBeDropped) {
  run([]() -> Task<void> {
    auto check = [](std::size_t piece, BufferOptions options) -> Task<void> {
      BufferedReader reader(TextReader(std::string(1000, 'x') + "\nnext\nlast", piece), options);
      const auto line = co_await attempt(reader.read_line(10));
      EXPECT_FALSE(line.has_value());
      const bool dropped = co_await reader.discard_line();
      EXPECT_TRUE(dropped);
      const auto next = co_await reader.read_line(10);
      EXPECT_EQ(next, "next");
      const bool has_end = co_await reader.discard_line();
      EXPECT_FALSE(has_end);
      EXPECT_TRUE(reader.buffered().empty());
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, HalfACommandIsNoLineWhereTheDelimiterIsRequired) {
  run([]() -> Task<void> {
    auto check = [](std::size_t piece, BufferOptions options) -> Task<void> {
      BufferedReader reader(TextReader("PUT a\nDELETE al", piece), options);
      LineOptions lines;
      lines.require_delimiter();
      const auto first = co_await reader.read_line(lines);
      EXPECT_EQ(first, "PUT a");
      const std::string error = co_await text_of_error(reader.read_line(lines));
      EXPECT_EQ(error, "read line text: unexpected end of stream");
      EXPECT_EQ(text_of(reader.buffered()), "DELETE al");
      EXPECT_EQ(reader.take_buffered(), "DELETE al");
      const auto end = co_await reader.read_line(lines);
      EXPECT_EQ(end, std::nullopt);
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, DelimitersAreFoundAcrossPieces) {
  run([]() -> Task<void> {
    auto check = [](std::size_t piece, BufferOptions options) -> Task<void> {
      BufferedReader reader(TextReader("key:value\r\n\r\nababac!abc", piece), options);
      const auto key = co_await reader.read_until(':');
      EXPECT_EQ(key, "key");
      LineOptions kept;
      kept.keep_delimiter();
      const auto head = co_await reader.read_until("\r\n\r\n", kept);
      EXPECT_EQ(head, "value\r\n\r\n");
      const auto overlapping = co_await reader.read_until("abac");
      EXPECT_EQ(overlapping, "ab");
      const auto too_long = co_await attempt(reader.read_until("c", 2));
      EXPECT_FALSE(too_long.has_value());
      const bool found = co_await reader.discard_until("!a");
      EXPECT_TRUE(found);
      const auto rest = co_await reader.read_until("none", 2);
      EXPECT_EQ(rest, "bc");
      const auto end = co_await reader.read_until("none");
      EXPECT_EQ(end, std::nullopt);
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, AnEmptyDelimiterIsAMistake) {
  run([]() -> Task<void> {
    BufferedReader reader(TextReader("text"));
    bool thrown = false;
    try {
      (void)co_await reader.read_until("");
    } catch (const std::invalid_argument&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    thrown = false;
    try {
      (void)co_await reader.discard_until("");
    } catch (const std::invalid_argument&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  });
}

TEST_P(BufferedReads, WhatIsBufferedNeedsNoRead) {
  run([]() -> Task<void> {
    TextReader text("one\ntwo\nthree\nfour");
    BufferedReader reader(text);  // borrowed
    EXPECT_FALSE(reader.has_line());
    const auto one = co_await reader.read_line();
    EXPECT_EQ(text.reads, 1U);
    EXPECT_TRUE(reader.has_line());
    const auto two = co_await reader.read_line();
    std::array<char, 5> three{};
    co_await reader.read_exact(three);
    std::array<char, 100> rest{};
    const std::size_t size = co_await reader.read(rest);
    EXPECT_EQ(text.reads, 1U);
    EXPECT_EQ(one, "one");
    EXPECT_EQ(two, "two");
    EXPECT_EQ(std::string_view(three.data(), three.size()), "three");
    EXPECT_EQ(std::string_view(rest.data(), size), "\nfour");
    const std::size_t none = co_await reader.read(rest);
    EXPECT_EQ(none, 0U);
  });
}

TEST_P(BufferedReads, FillBufferedAndConsumeLendTheMemory) {
  run([]() -> Task<void> {
    BufferedReader reader(TextReader("abcdefghij", 3), BufferOptions{.capacity = 8});
    std::string seen;
    for (;;) {
      const std::size_t more = co_await reader.fill();
      if (more == 0) break;
      seen += text_of(reader.buffered().first(1));
      reader.consume(1);
    }
    EXPECT_EQ(seen, "abcd");
    EXPECT_EQ(text_of(reader.buffered()), "efghij");
  });
}

TEST_P(BufferedReads, AFullBufferIsAnErrorOfFill) {
  run([]() -> Task<void> {
    BufferedReader reader(TextReader("abcdefghij"), BufferOptions{.capacity = 4});
    const std::size_t more = co_await reader.fill();
    EXPECT_EQ(more, 4U);
    const auto full = co_await attempt(reader.fill());
    EXPECT_FALSE(full.has_value());
    EXPECT_EQ(full.error(), std::errc::no_buffer_space);
    reader.consume(1);
    const std::size_t again = co_await reader.fill();
    EXPECT_EQ(again, 1U);
    EXPECT_EQ(text_of(reader.buffered()), "bcde");
  });
}

TEST_P(BufferedReads, PeekWaitsForSoManyAndTakesNone) {
  run([]() -> Task<void> {
    auto check = [](std::size_t piece, BufferOptions options) -> Task<void> {
      BufferedReader reader(TextReader("abcdefghij", piece), options);
      const std::span<const std::byte> four = co_await reader.peek(4);
      EXPECT_EQ(text_of(four), "abcd");
      const std::span<const std::byte> two = co_await reader.peek(2);
      EXPECT_EQ(text_of(two), "ab");
      const std::span<const std::byte> none = co_await reader.peek(0);
      EXPECT_TRUE(none.empty());
      const std::span<const std::byte> all = co_await reader.peek(100);
      EXPECT_EQ(text_of(all), "abcdefghij");
      const std::string rest = co_await reader.read_to_end(10);
      EXPECT_EQ(rest, "abcdefghij");
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, ReadExactThatMeetsTheEndTakesNothing) {
  run([]() -> Task<void> {
    auto check = [](std::size_t piece, BufferOptions options) -> Task<void> {
      BufferedReader reader(TextReader("abcdef", piece), options);
      std::string two(2, ' ');
      co_await reader.read_exact(two);
      EXPECT_EQ(two, "ab");
      std::string five(5, ' ');
      const std::string error = co_await text_of_error(reader.read_exact(five));
      EXPECT_EQ(error, "read text: unexpected end of stream");
      EXPECT_EQ(text_of(reader.buffered()), "cdef");
      std::string four(4, ' ');
      co_await reader.read_exact(four);
      EXPECT_EQ(four, "cdef");
      co_await reader.read_exact(std::span<std::byte>());
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, ReadToEndHasALimit) {
  run([]() -> Task<void> {
    auto check = [](std::size_t piece, BufferOptions options) -> Task<void> {
      BufferedReader reader(TextReader("abcdef", piece), options);
      const std::string error = co_await text_of_error(reader.read_to_end(5));
      EXPECT_EQ(error, "read to end text (limit: 5 bytes): there is more than the limit allows");
      const std::string all = co_await reader.read_to_end(6);
      EXPECT_EQ(all, "abcdef");
      const std::string nothing = co_await reader.read_to_end(SIZE_MAX);
      EXPECT_EQ(nothing, "");
    };
    co_await for_sizes(check);
  });
}

TEST_P(BufferedReads, AnErrorOfTheReaderLosesNothing) {
  run([]() -> Task<void> {
    BufferedReader reader(TextReader("one line\n", 1));
    reader.inner().fails_at = 4;
    const std::string error = co_await text_of_error(reader.read_line());
    EXPECT_EQ(error, "read text: input/output error");
    reader.inner().fails_at = SIZE_MAX;
    const auto line = co_await reader.read_line();
    EXPECT_EQ(line, "one line");
  });
}

TEST_P(BufferedReads, TheInnerReaderComesBackAndTheRestIsKnown) {
  run([]() -> Task<void> {
    BufferedReader reader(TextReader("one\ntwo\nthree", 9));
    const auto one = co_await reader.read_line();
    EXPECT_EQ(one, "one");
    const std::string rest = reader.take_buffered();
    EXPECT_EQ(rest, "two\nt");
    TextReader text = std::move(reader).into_inner();
    EXPECT_EQ(text.given(), 9U);
  });
}

TEST_P(BufferedReads, LinesAreAStream) {
  run([]() -> Task<void> {
    BufferedReader reader(TextReader("1\n2\n3\n4\n"));
    const std::vector<std::string> two =
        co_await (reader.lines() | streams::take(2) | streams::collect());
    EXPECT_EQ(two, (std::vector<std::string>{"1", "2"}));
    const auto third = co_await reader.read_line();
    EXPECT_EQ(third, "3");
  });
}

TEST_P(BufferedReads, AReaderThatFreesItsBufferReadsTheSame) {
  run([]() -> Task<void> {
    auto [writer, other] = duplex(4);
    BufferedReader reader(other, BufferOptions{.capacity = 16, .free_when_idle = true});
    JoinHandle<void> writing = spawn([&writer]() -> Task<void> {
      co_await writer.write_all("one\ntwo is longer\nthree");
      (void)writer.shutdown();
    });
    const std::vector<std::string> lines = co_await all_lines(reader);
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two is longer", "three"}));
    co_await std::move(writing);
  });
}

TEST(BufferedReadsInTime, ATimeoutOfOneLineEndsNothingAndLosesNothing) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    auto [writer, other] = duplex(64);
    JoinHandle<void> writing = spawn([&writer]() -> Task<void> {
      for (const std::string_view part : {"fi", "rst\nsec", "ond", "\n", "thi", "rd\n"}) {
        co_await sleep_for(10ms);
        co_await writer.write_all(part);
      }
      (void)writer.shutdown();
    });
    BufferedReader reader(other);
    Lines lines = reader.lines();
    std::vector<std::string> got;
    int timeouts = 0;
    for (;;) {
      const auto line = co_await attempt(timeout(lines.next(), 3ms));
      if (!line) {
        EXPECT_EQ(line.error(), std::errc::timed_out);
        ++timeouts;
        continue;
      }
      if (!*line) break;
      got.push_back(**line);
    }
    EXPECT_EQ(got, (std::vector<std::string>{"first", "second", "third"}));
    EXPECT_GE(timeouts, 12);
    co_await std::move(writing);
  });
}

}  // namespace
}  // namespace weft::test::buffered_reader_test
