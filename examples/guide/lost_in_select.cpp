// What a select in a loop does to a stream, and merge instead.
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using std::chrono::milliseconds;
namespace streams = weft::streams;

weft::AsyncGenerator<std::string> headlines() {
  for (int number = 1; number <= 3; ++number) {
    co_await weft::sleep_for(milliseconds(11));
    co_yield "headline " + std::to_string(number);
  }
}

// [select]
weft::Task<void> select_in_a_loop() {
  auto news = headlines();
  int ticks = 0;
  try {
    for (;;) {
      auto first = co_await weft::select(news.next(), weft::sleep_for(milliseconds(4)));
      if (first.has<1>()) {
        std::printf("  tick %d\n", ++ticks);
      } else if (auto headline = first.take<0>()) {
        std::printf("  %s\n", headline->c_str());
      } else {
        break;
      }
    }
  } catch (const weft::IoError& error) {
    std::printf("  the stream says: %s\n", error.code().message().c_str());
  }
}
// [/select]

// [merge]
weft::Task<void> merge() {
  auto to_text = [](weft::TimePoint) { return std::string("tick"); };
  auto ticks = streams::ticks(milliseconds(4)) | streams::map(to_text);
  auto all = streams::merge(headlines(), std::move(ticks));
  int read = 0;
  while (read < 3) {
    auto text = co_await all.next();
    if (*text != "tick") ++read;
    std::printf("  %s\n", text->c_str());
  }
}
// [/merge]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that it is the same each time
  weft::Runtime runtime(std::move(options));
  std::puts("select in a loop:");
  runtime.block_on(select_in_a_loop());
  std::puts("merge:");
  runtime.block_on(merge());
}
