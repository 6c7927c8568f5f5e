// Threads that weft did not make: they may wait for tasks, start them and cancel them. A thread
// that runs tasks must not block on one.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "stopwatch.hpp"

using std::chrono::milliseconds;

// [block]
weft::Task<int> square(int number) {
  co_await weft::sleep_for(milliseconds(50));
  co_return number* number;
}

int squares_of_four_threads(weft::Runtime& runtime) {
  std::vector<int> squares(4);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      squares[static_cast<std::size_t>(i)] = runtime.block_on(square(i));  // this thread sleeps
    });
  }
  threads.clear();  // joins all
  return squares[0] + squares[1] + squares[2] + squares[3];
}
// [/block]

// [refused]
weft::Task<void> block_inside(weft::Runtime& runtime) {
  try {
    runtime.block_on(square(5));
  } catch (const std::logic_error& error) {
    std::printf("inside:  %s\n", error.what());
  }
  co_return;
}
// [/refused]

int main() {
  weft::RuntimeOptions options;
  options.workers = 1;
  weft::Runtime runtime(std::move(options));
  const Stopwatch watch;
  const int sum = squares_of_four_threads(runtime);
  std::printf("outside: four threads, one worker: sum %d after %.2f s\n", sum, watch.wall_s());
  runtime.block_on(block_inside(runtime));
}
