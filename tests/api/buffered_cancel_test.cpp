// A cancel at each point at which an operation of a BufferedReader or BufferedWriter waits: nothing
// is lost and nothing comes twice.
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/buffered.hpp>
#include <weft/buffered_writer.hpp>
#include <weft/spawn.hpp>

#include "io_support.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::buffered_cancel_test {
namespace {

class BufferedCancels : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(BufferedCancels);

const std::string input = "a line\nand another one\nthe end";

/// Starts `operation(reader)` on a reader that gives one byte for each token, gives it `tokens`,
/// cancels it when it waits for the next one, and then expects all of the input from the reader,
/// but what the operation has delivered.
template <class Operation>
Task<void> cancel_after(std::size_t tokens, Operation operation) {
  ManualEvent gate;
  BufferedReader reader(TextReader(input, 1, &gate), BufferOptions{.capacity = 4});
  std::string delivered;
  auto work = [&]() -> Task<void> { delivered = co_await operation(reader); };
  JoinHandle<void> running = spawn(work);
  for (std::size_t i = 0; i < tokens; ++i) {
    auto waits = [&] { return gate.awaited() || running.ended(); };
    co_await until(waits);
    if (running.ended()) break;
    gate.set();
  }
  auto waits_again = [&] { return gate.awaited() || running.ended(); };
  co_await until(waits_again);
  running.cancel();
  const Outcome<void> outcome = co_await std::move(running).outcome();
  EXPECT_EQ(outcome.cancelled(), delivered.empty());

  for (std::size_t i = 0; i < input.size() + 2; ++i) gate.set();
  const std::string rest = co_await reader.read_to_end(1000);
  EXPECT_EQ(delivered + rest, input) << "cancelled after " << tokens << " bytes";
}

template <class Operation>
Task<void> cancel_everywhere(Operation operation) {
  for (std::size_t tokens = 0; tokens <= input.size(); ++tokens) {
    co_await cancel_after(tokens, operation);
  }
}

using Reader = BufferedReader<TextReader>;

TEST_P(BufferedCancels, OfReadLine) {
  run([]() -> Task<void> {
    auto operation = [](Reader& reader) -> Task<std::string> {
      LineOptions kept;
      kept.keep_delimiter();
      auto line = co_await reader.read_line(kept);
      co_return line.value_or("");
    };
    co_await cancel_everywhere(operation);
  });
}

TEST_P(BufferedCancels, OfReadUntil) {
  run([]() -> Task<void> {
    auto operation = [](Reader& reader) -> Task<std::string> {
      LineOptions kept;
      kept.keep_delimiter();
      auto text = co_await reader.read_until("another", kept);
      co_return text.value_or("");
    };
    co_await cancel_everywhere(operation);
  });
}

TEST_P(BufferedCancels, OfReadExactWithinTheBufferAndBeyondIt) {
  run([]() -> Task<void> {
    for (const std::size_t size : {std::size_t{3}, std::size_t{20}}) {
      auto operation = [size](Reader& reader) -> Task<std::string> {
        std::string text(size, ' ');
        co_await reader.read_exact(text);
        co_return text;
      };
      co_await cancel_everywhere(operation);
    }
  });
}

TEST_P(BufferedCancels, OfReadPeekAndReadToEnd) {
  run([]() -> Task<void> {
    auto read = [](Reader& reader) -> Task<std::string> {
      std::string text(3, ' ');
      const std::size_t size = co_await reader.read(text);
      co_return text.substr(0, size);
    };
    co_await cancel_everywhere(read);
    auto peek = [](Reader& reader) -> Task<std::string> {
      const std::span<const std::byte> seen = co_await reader.peek(10);
      std::string text = text_of(seen);
      reader.consume(seen.size());
      co_return text;
    };
    co_await cancel_everywhere(peek);
    auto all = [](Reader& reader) -> Task<std::string> {
      std::string text = co_await reader.read_to_end(1000);
      co_return text;
    };
    co_await cancel_everywhere(all);
  });
}

/// Flushes a writer that takes one byte for each token, cancels that after `tokens`, and flushes
/// again.
Task<void> cancel_flush_after(std::size_t tokens) {
  ManualEvent gate;
  TextWriter text(1, &gate);
  BufferedWriter writer(text, BufferOptions{.capacity = 64});
  co_await writer.write_all(input);
  EXPECT_EQ(text_of(writer.unflushed()), input);
  auto flush = [&]() -> Task<void> { co_await writer.flush(); };
  JoinHandle<void> flushing = spawn(flush);
  for (std::size_t i = 0; i < tokens; ++i) {
    auto waits = [&] { return gate.awaited(); };
    co_await until(waits);
    gate.set();
  }
  auto waits_again = [&] { return gate.awaited(); };
  co_await until(waits_again);
  flushing.cancel();
  const Outcome<void> outcome = co_await std::move(flushing).outcome();
  EXPECT_TRUE(outcome.cancelled());
  EXPECT_EQ(text.text, input.substr(0, tokens));
  EXPECT_EQ(text_of(writer.unflushed()), input.substr(tokens));
  for (std::size_t i = 0; i < input.size(); ++i) gate.set();
  co_await writer.flush();
  EXPECT_EQ(text.text, input);
  EXPECT_TRUE(writer.unflushed().empty());
}

TEST_P(BufferedCancels, OfFlush) {
  run([]() -> Task<void> {
    for (std::size_t tokens = 0; tokens < input.size(); ++tokens) {
      co_await cancel_flush_after(tokens);
    }
  });
}

TEST_P(BufferedCancels, OfAWriteThatWaitsForRoomTakesNothing) {
  run([]() -> Task<void> {
    ManualEvent gate;
    TextWriter text(1, &gate);
    BufferedWriter writer(text, BufferOptions{.capacity = 4});
    co_await writer.write_all("ab");
    co_await writer.write_all("cd");  // the buffer is full
    auto write = [&]() -> Task<void> {
      const std::size_t size = co_await writer.write("efg");
      ADD_FAILURE() << "took " << size;
    };
    JoinHandle<void> writing = spawn(write);
    auto waits = [&] { return gate.awaited(); };
    co_await until(waits);
    writing.cancel();
    const Outcome<void> outcome = co_await std::move(writing).outcome();
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(text_of(writer.unflushed()), "abcd");
    for (int i = 0; i < 4; ++i) gate.set();
    co_await writer.flush();
    EXPECT_EQ(text.text, "abcd");
  });
}

}  // namespace
}  // namespace weft::test::buffered_cancel_test
