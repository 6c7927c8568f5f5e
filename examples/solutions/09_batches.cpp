// Exercise 9.2: an operator of one's own: a stream of batches, the last of which may be smaller.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

// [batches]
template <class S>
weft::AsyncGenerator<std::vector<int>> batches(S source, std::size_t size) {
  std::vector<int> batch;
  for (;;) {
    auto item = co_await source.next();
    if (!item) break;
    batch.push_back(*item);
    if (batch.size() == size) co_yield std::exchange(batch, {});
  }
  if (!batch.empty()) co_yield std::move(batch);
}
// [/batches]

// [main]
weft::AsyncGenerator<int> numbers(int count) {
  for (int i = 1; i <= count; ++i) {
    co_await weft::sleep_for(std::chrono::milliseconds(1));
    co_yield i;
  }
}

weft::Task<void> print_batches() {
  auto in_batches = batches(numbers(7), 3);
  while (auto batch = co_await in_batches.next()) {
    std::printf("a batch of %zu:", batch->size());
    for (const int number : *batch) std::printf(" %d", number);
    std::puts("");
  }
}
// [/main]

int main() { weft::block_on(print_batches()); }
