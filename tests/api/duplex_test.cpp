// duplex(): order, capacity, the ends of its directions, cancels, other threads and runtimes.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <weft/buffered.hpp>
#include <weft/duplex.hpp>
#include <weft/on_complete.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include "io_support.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::duplex_test {
namespace {

using namespace std::chrono_literals;

class DuplexTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DuplexTest);

std::string numbers(std::size_t size) {
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

Task<std::string> read_all(DuplexEnd& end) {
  std::string text;
  std::array<char, 7> buffer{};
  for (;;) {
    const std::size_t size = co_await end.read(buffer);
    if (size == 0) co_return text;
    text.append(buffer.data(), size);
  }
}

TEST_P(DuplexTest, BytesComeInOrderThroughEachCapacity) {
  run([]() -> Task<void> {
    const std::string there = numbers(5000);
    const std::string back = numbers(3333);
    for (const std::size_t capacity : {1U, 2U, 7U, 64U, 100'000U}) {
      auto [a, b] = duplex(capacity);
      auto write = [](DuplexEnd& end, const std::string& text) -> Task<void> {
        co_await end.write_all(text);
        EXPECT_TRUE(end.shutdown().has_value());
      };
      auto [w1, w2, got_there, got_back] =
          co_await when_all(write(a, there), write(b, back), read_all(b), read_all(a));
      EXPECT_TRUE(got_there == there) << capacity;
      EXPECT_TRUE(got_back == back) << capacity;
    }
  });
}

TEST_P(DuplexTest, AWriteTakesWhatThereIsRoomFor) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(4);
    const std::size_t four = co_await a.write("abcdef");
    EXPECT_EQ(four, 4U);
    EXPECT_EQ(a.try_write("g").error(), std::errc::operation_would_block);
    const auto waited = co_await attempt(timeout(a.write("g"), 1ms));
    EXPECT_EQ(waited.error(), std::errc::timed_out);
    std::array<char, 3> three{};
    EXPECT_EQ(b.try_read(std::as_writable_bytes(std::span(three))).value(), 3U);
    EXPECT_EQ(a.try_write("efgh").value(), 3U);
    std::string rest(4, ' ');
    co_await b.read_exact(rest);
    EXPECT_EQ(rest, "defg");
    EXPECT_EQ(b.try_read(std::as_writable_bytes(std::span(three))).error(),
              std::errc::operation_would_block);
    const std::size_t nothing = co_await a.write("");
    EXPECT_EQ(nothing, 0U);
    const std::size_t none = co_await b.read(std::span<std::byte>());
    EXPECT_EQ(none, 0U);
  });
}

TEST_P(DuplexTest, ShutdownEndsOneDirection) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(16);
    co_await a.write_all("last");
    EXPECT_TRUE(a.shutdown().has_value());
    const std::string error = co_await text_of_error(a.write("more"));
    EXPECT_EQ(error, "write duplex: broken pipe");
    const std::string last = co_await read_all(b);
    EXPECT_EQ(last, "last");
    co_await b.readable();
    co_await b.write_all("answer");
    std::string answer(6, ' ');
    co_await a.read_exact(answer);
    EXPECT_EQ(answer, "answer");
    const std::string end = co_await text_of_error(b.read_exact(answer));
    EXPECT_EQ(end, "read duplex: unexpected end of stream");
  });
}

TEST_P(DuplexTest, CloseEndsBothDirections) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(16);
    co_await a.write_all("left");
    co_await b.write_all("lost");
    EXPECT_TRUE(static_cast<bool>(a));
    a.close();
    EXPECT_FALSE(static_cast<bool>(a));
    EXPECT_EQ(a.shutdown().error(), std::errc::operation_canceled);
    std::array<char, 8> buffer{};
    const auto read = co_await attempt(a.read(buffer));
    EXPECT_EQ(read.error(), std::errc::operation_canceled);
    const auto write = co_await attempt(a.write("x"));
    EXPECT_EQ(write.error(), std::errc::operation_canceled);
    const auto broken = co_await attempt(b.write("x"));
    EXPECT_EQ(broken.error(), std::errc::broken_pipe);
    co_await b.writable();  // a write would not wait
    const std::string left = co_await read_all(b);
    EXPECT_EQ(left, "left");
  });
}

TEST_P(DuplexTest, TheDestructorAndAnAssignmentClose) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(16);
    {
      const DuplexEnd gone = std::move(a);
    }
    const std::string none = co_await read_all(b);
    EXPECT_EQ(none, "");
    auto [c, d] = duplex(16);
    b = std::move(c);
    co_await d.write_all("new");
    std::string text(3, ' ');
    co_await b.read_exact(text);
    EXPECT_EQ(text, "new");
  });
}

/// Starts a read and a write of `end` that wait, calls `close()`, and returns their errors.
template <class Close>
Task<std::pair<std::string, std::string>> errors_under(DuplexEnd& end, Close close) {
  auto read = [&end]() -> Task<std::string> {
    std::array<char, 8> buffer{};
    auto size = co_await attempt(end.read(buffer));
    co_return size ? std::to_string(*size) : size.error().message();
  };
  auto write = [&end]() -> Task<std::string> {
    auto size = co_await attempt(end.write("x"));
    co_return size ? std::to_string(*size) : size.error().message();
  };
  JoinHandle<std::string> reading = spawn(read);
  JoinHandle<std::string> writing = spawn(write);
  co_await yield_now();
  std::thread closer(close);
  std::string of_read = co_await std::move(reading);
  std::string of_write = co_await std::move(writing);
  closer.join();
  std::pair<std::string, std::string> both(of_read, of_write);
  co_return both;
}

TEST_P(DuplexTest, ClosedByAnotherThreadUnderWaitingOperations) {
  run([]() -> Task<void> {
    for (int round = 0; round < 20; ++round) {
      auto [a, b] = duplex(2);
      EXPECT_EQ(a.try_write("ab").value(), 2U);
      auto close_peer = [&b] { b.close(); };
      const auto peer = co_await errors_under(a, close_peer);
      EXPECT_EQ(peer.first, "0");
      EXPECT_EQ(peer.second, std::make_error_code(std::errc::broken_pipe).message());
      auto [c, d] = duplex(2);
      EXPECT_EQ(c.try_write("ab").value(), 2U);
      auto close_own = [&c] { c.close(); };
      const auto own = co_await errors_under(c, close_own);
      EXPECT_EQ(own.first, std::make_error_code(std::errc::operation_canceled).message());
      EXPECT_EQ(own.second, std::make_error_code(std::errc::operation_canceled).message());
    }
  });
}

TEST_P(DuplexTest, TwoRuntimesTalk) {
  auto [here, there] = duplex(5);
  const std::string text = numbers(20'000);
  std::thread other([&there, &text] {
    block_on([&there, &text]() -> Task<void> {
      std::string got = co_await read_all(there);
      EXPECT_TRUE(got == text);
      co_await there.write_all(got);
      there.close();
    });
  });
  run([&here, &text]() -> Task<void> {
    co_await here.write_all(text);
    EXPECT_TRUE(here.shutdown().has_value());
    const std::string back = co_await read_all(here);
    EXPECT_TRUE(back == text);
  });
  other.join();
}

TEST_P(DuplexTest, ACancelledOperationHasDoneNothing) {
  run([]() -> Task<void> {
    const std::string text = numbers(3000);
    auto [a, b] = duplex(3);
    JoinHandle<void> writing = spawn([&a, &text]() -> Task<void> {
      std::string_view rest = text;
      for (unsigned i = 0; !rest.empty(); ++i) {
        const auto size =
            co_await attempt(timeout(a.write(rest), std::chrono::microseconds(i % 9)));
        if (size) rest.remove_prefix(*size);
      }
      EXPECT_TRUE(a.shutdown().has_value());
    });
    std::string got;
    std::array<char, 2> buffer{};
    for (unsigned i = 0;; ++i) {
      const auto size = co_await attempt(timeout(b.read(buffer), std::chrono::microseconds(i % 7)));
      if (!size) continue;
      if (*size == 0) break;
      got.append(buffer.data(), *size);
    }
    EXPECT_TRUE(got == text);
    co_await std::move(writing);
  });
}

TEST_P(DuplexTest, WaitersAreServedInOrder) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(8);
    std::array<std::array<char, 2>, 3> buffers{};
    std::vector<JoinHandle<std::size_t>> readers;
    for (auto& buffer : buffers) {
      auto read = [&b, &buffer]() -> Task<std::size_t> {
        const std::size_t size = co_await b.read(buffer);
        co_return size;
      };
      readers.push_back(spawn(SpawnOptions().local(), read));
      co_await yield_now();
    }
    EXPECT_EQ(a.try_write("abcdef").value(), 6U);
    for (auto& reader : readers) {
      const std::size_t size = co_await std::move(reader);
      EXPECT_EQ(size, 2U);
    }
    EXPECT_EQ(std::string_view(buffers[0].data(), 2), "ab");
    EXPECT_EQ(std::string_view(buffers[1].data(), 2), "cd");
    EXPECT_EQ(std::string_view(buffers[2].data(), 2), "ef");
  });
}

TEST_P(DuplexTest, IsAwaitedByCallbacksAndInASelect) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(8);
    std::array<char, 8> buffer{};
    auto reading = on_complete(b.read(buffer), [](std::size_t size) { return size; });
    co_await a.write_all("abc");
    const std::size_t size = co_await std::move(reading);
    EXPECT_EQ(size, 3U);
    const auto first = co_await select(b.read(buffer), a.writable());
    EXPECT_TRUE(first.has<1>());
  });
}

TEST_P(DuplexTest, TheEndOfThePeerIsToldWhileBytesAreUnread) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(8);
    co_await a.write_all("unread");
    const auto early = co_await select(b.peer_ended(), b.peer_closed(), yield_now());
    EXPECT_TRUE(early.has<2>());
    auto ended = spawn(as_task(b.peer_ended()));
    EXPECT_TRUE(a.shutdown().has_value());
    co_await std::move(ended);
    co_await b.peer_ended();  // from now on at once
    const auto closed = co_await select(b.peer_closed(), yield_now());
    EXPECT_TRUE(closed.has<1>()) << "a shutdown is no close";
    std::string text(6, ' ');
    co_await b.read_exact(text);
    EXPECT_EQ(text, "unread");
  });
}

TEST_P(DuplexTest, TheCloseOfThePeerIsToldBesideAWaitingWrite) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(2);
    co_await b.write_all("xx");
    auto writing = spawn(as_task(attempt(b.write("y"))));
    auto closed = spawn(as_task(b.peer_closed()));
    auto ended = spawn(as_task(b.peer_ended()));
    co_await yield_now();
    a.close();
    co_await std::move(closed);
    co_await std::move(ended);
    const auto written = co_await std::move(writing);
    EXPECT_EQ(written.error(), std::errc::broken_pipe);
  });
}

TEST_P(DuplexTest, TheOwnCloseEndsTheWaitsForThePeer) {
  run([]() -> Task<void> {
    auto [a, b] = duplex(2);
    auto closed = spawn(as_task(attempt(b.peer_closed())));
    auto ended = spawn(as_task(attempt(b.peer_ended())));
    co_await yield_now();
    b.close();
    const auto of_closed = co_await std::move(closed);
    const auto of_ended = co_await std::move(ended);
    EXPECT_EQ(of_closed.error(), std::errc::operation_canceled);
    EXPECT_EQ(of_ended.error(), std::errc::operation_canceled);
    const std::string late = co_await text_of_error(b.peer_closed());
    EXPECT_EQ(late, "write duplex: operation canceled");
  });
}

TEST(DuplexMisuse, NeedsACapacity) {
  EXPECT_THROW(static_cast<void>(duplex(0)), std::invalid_argument);
}

}  // namespace
}  // namespace weft::test::duplex_test
