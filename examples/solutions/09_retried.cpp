// Exercise 9.3: a stream that is begun anew when it fails, from where it was.
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [feed]
/// Gives the numbers from `from` to 6. Its connection breaks after two of them.
weft::AsyncGenerator<int> feed(int from) {
  std::printf("  connects, from %d on\n", from);
  for (int number = from; number <= 6; ++number) {
    co_await weft::sleep_for(milliseconds(1));
    if (number == from + 2) throw std::runtime_error("connection broken");
    co_yield number;
  }
}
// [/feed]

// [retried]
/// Gives what feed() gives, and connects anew when it fails, `retries` times at most.
weft::AsyncGenerator<int> retried(int retries) {
  int next = 1;
  for (;;) {
    auto source = feed(next);
    bool failed = false;
    for (;;) {
      std::optional<int> number;
      try {
        auto item = co_await source.next();
        if (item) number = *item;
      } catch (const std::runtime_error&) {
        if (retries == 0) throw;
        failed = true;
      }
      if (!number) break;
      next = *number + 1;
      co_yield *number;
    }
    if (!failed) co_return;
    --retries;
    co_await weft::sleep_for(milliseconds(5));  // not at once: it may be overloaded
  }
}
// [/retried]

// [main]
weft::Task<void> read_all(int retries) {
  std::printf("%d retries:\n", retries);
  auto numbers = retried(retries);
  try {
    while (auto number = co_await numbers.next()) std::printf("%d\n", *number);
    std::puts("the end");
  } catch (const std::runtime_error& error) {
    std::printf("failed: %s\n", error.what());
  }
}
// [/main]

int main() {
  weft::block_on(read_all(5));
  weft::block_on(read_all(1));
}
