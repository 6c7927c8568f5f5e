// BodyWriter against targets that take as much as a test says.
#include <weft/http/body_writer.hpp>

#include <weft/http/error.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weft::inline v0_1::http::body_writer_test {
namespace {

/// Takes at most `most` bytes at once; if it is closed, waits until it is opened.
class Target final : public BodyTarget {
 public:
  explicit Target(std::size_t most_at_once) noexcept : most(most_at_once), open(true) {}
  [[nodiscard]] Task<std::size_t> write_some(std::span<const IoSlice> slices) override {
    co_await open.wait();
    ++calls;
    std::size_t taken = 0;
    for (const IoSlice& slice : slices) {
      const std::size_t size = std::min(slice.size, most - taken);
      got.append(reinterpret_cast<const char*>(slice.data), size);
      taken += size;
    }
    co_return taken;
  }

  std::size_t most;
  ManualResetEvent open;
  std::string got;
  int calls = 0;
};

std::string unchunked(std::string_view raw, std::string& behind) {
  std::string body;
  for (;;) {
    const std::size_t line = raw.find("\r\n");
    if (line == raw.npos) return "bad: no line";
    const std::size_t size = std::stoul(std::string(raw.substr(0, line)), nullptr, 16);
    raw.remove_prefix(line + 2);
    if (size == 0) break;
    if (raw.substr(std::min(size, raw.size()), 2) != "\r\n") return "bad: no end of a chunk";
    body.append(raw.substr(0, size));
    raw.remove_prefix(size + 2);
  }
  behind = raw;
  return body;
}

constexpr std::size_t sizes[] = {1,      10,     0,      4095,    4096, 16'383,  16'384, 16'385,
                                 65'535, 65'536, 70'000, 200'000, 3,    100'000, 5};

template <class W>
void run(W work) {
  RuntimeOptions options;
  options.current_thread = true;
  Runtime runtime(std::move(options));
  runtime.block_on(std::move(work));
}

/// Writes a text in pieces of many sizes.
Task<std::string> write_pieces(BodyWriter& out) {
  std::string all;
  int number = 0;
  for (const std::size_t size : sizes) {
    const std::string piece(size, static_cast<char>('a' + number));
    co_await out.write_all(piece);
    all += piece;
    if (++number % 4 == 0) co_await out.flush();
    EXPECT_EQ(out.bytes_written(), all.size());
  }
  co_return all;
}

TEST(BodyWriter, FramesWhateverItsTargetTakes) {
  for (const std::size_t most : {1U, 2U, 7U, 1000U, 20'000U, 10'000'000U}) {
    run([most]() -> Task<void> {
      Target target(most);
      BodyWriter out(target, {BodyFraming::End::chunked, 0}, "head\r\n");
      out.add_trailer("X-A", "1");
      const std::string all = co_await write_pieces(out);
      out.add_trailer("X-B", "2");
      co_await out.finish();
      EXPECT_TRUE(target.got.starts_with("head\r\n"));
      std::string behind;
      EXPECT_EQ(unchunked(std::string_view(target.got).substr(6), behind), all) << most;
      EXPECT_EQ(behind, "X-A: 1\r\nX-B: 2\r\n\r\n");
    });
    run([most]() -> Task<void> {
      Target target(most);
      BodyWriter out(target, {BodyFraming::End::close, 0}, "head\r\n");
      const std::string all = co_await write_pieces(out);
      co_await out.finish();
      EXPECT_EQ(target.got, "head\r\n" + all) << most;
    });
  }
}

TEST(BodyWriter, GathersAndSendsLargeWritesFromWhereTheyAre) {
  run([]() -> Task<void> {
    Target target(10'000'000);
    BodyWriter out(target, {BodyFraming::End::length, 1000 + 65'536}, "head");
    for (int i = 0; i < 1000; ++i) co_await out.write_all("x");
    EXPECT_EQ(target.calls, 0);
    EXPECT_FALSE(out.begun());
    const std::string large(65'536, 'y');
    const std::size_t taken = co_await out.write(large);
    EXPECT_EQ(taken, large.size());
    EXPECT_EQ(target.calls, 1) << "with what was gathered";
    co_await out.finish();
    EXPECT_EQ(target.calls, 1);
    EXPECT_EQ(target.got, "head" + std::string(1000, 'x') + large);
  });
}

TEST(BodyWriter, ACancelledWriteHasTakenNothing) {
  for (const bool chunked : {true, false}) {
    for (const std::size_t size : {100U, 16'384U, 50'000U}) {
      run([=]() -> Task<void> {
        Target target(1000);
        const auto end = chunked ? BodyFraming::End::chunked : BodyFraming::End::close;
        BodyWriter out(target, {end, 0});
        std::string taken;
        const std::string piece(size, 'p');
        for (int i = 0; i < 300; ++i) {
          // Opened for a moment now and then, so that a part of what is pending goes out.
          if (i % 3 == 0) {
            target.open.set();
          } else {
            target.open.reset();
          }
          auto first = co_await select(out.write(piece), yield_now());
          std::size_t more = 0;
          if (first.template has<0>()) more = first.template take<0>();
          taken.append(piece, 0, more);
          EXPECT_EQ(out.bytes_written(), taken.size());
        }
        target.open.set();
        co_await out.finish();
        std::string behind;
        EXPECT_EQ(chunked ? unchunked(target.got, behind) : target.got, taken) << size;
      });
    }
  }
}

TEST(BodyWriter, HoldsItsAnnouncedLength) {
  run([]() -> Task<void> {
    Target target(1000);
    BodyWriter out(target, {BodyFraming::End::length, 10});
    EXPECT_EQ(out.length(), 10U);
    const auto more = co_await attempt(out.write_all("12345678901"));
    EXPECT_EQ(more.error().code(), Errc::body_too_long);
    co_await out.write_all("123456789");
    const auto early = co_await attempt(out.finish());
    EXPECT_EQ(early.error().code(), Errc::body_too_short);
    co_await out.write_all("0");
    co_await out.finish();
    EXPECT_EQ(target.got, "1234567890");
    const auto late = co_await attempt(out.write("x"));
    EXPECT_FALSE(late.has_value());
  });
}

}  // namespace
}  // namespace weft::inline v0_1::http::body_writer_test
