// Generators, and streams of what comes over time.
#include <chrono>
#include <cstdio>
#include <ranges>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "stopwatch.hpp"

using std::chrono::milliseconds;
namespace streams = weft::streams;

// [generator]
weft::Generator<int> squares() {
  for (int i = 1;; ++i) {
    const int square = i * i;
    co_yield square;
  }
}

void show_odd_squares() {
  std::printf("odd squares:");
  for (const int square : squares() | std::views::filter([](int n) { return n % 2 == 1; })) {
    if (square > 100) break;
    std::printf(" %d", square);
  }
  std::printf("\n");
}
// [/generator]

// [async]
weft::AsyncGenerator<std::string> headlines() {
  for (int number = 1; number <= 3; ++number) {
    co_await weft::sleep_for(milliseconds(10));  // stands for a server that is asked
    co_yield "headline " + std::to_string(number);
  }
}

weft::Task<void> read_headlines() {
  auto news = headlines();
  while (auto headline = co_await news.next()) std::printf("%s\n", headline->c_str());
}
// [/async]

// [pipe]
weft::Task<std::size_t> length_of(int page) {
  co_await weft::sleep_for(milliseconds(100));  // stands for a download
  co_return static_cast<std::size_t>(page) * 1000;
}

weft::Task<void> measure_pages() {
  auto lengths = streams::from_range(std::views::iota(1, 13))  //
                 | streams::buffered(6, length_of)             // six downloads at once, in order
                 | streams::filter([](std::size_t length) { return length % 3 == 0; });
  while (auto length = co_await lengths.next()) std::printf("%zu ", *length);
  std::printf("bytes\n");
}
// [/pipe]

// [merge]
weft::Task<void> read_with_a_clock() {
  auto to_text = [](weft::TimePoint) { return std::string("tick"); };
  auto ticks = streams::ticks(milliseconds(4)) | streams::map(to_text);
  auto all = streams::merge(headlines(), std::move(ticks));
  int ticked = 0;
  int read = 0;
  while (read < 3) {
    auto text = co_await all.next();
    ++(*text == "tick" ? ticked : read);
  }
  std::printf("%d headlines, and the clock has ticked in between: %s\n", read,
              ticked > 0 ? "yes" : "no");
}
// [/merge]

int main() {
  show_odd_squares();
  weft::block_on(read_headlines());
  const Stopwatch watch;
  weft::block_on(measure_pages());
  std::printf("after %.1f s\n", watch.wall_s());
  weft::block_on(read_with_a_clock());
}
