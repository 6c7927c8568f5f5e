// Waiting is not working: five waits share one thread, but computing wants a core each.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "stopwatch.hpp"

// [waits]
weft::Task<void> wait_one_second() { co_await weft::sleep_for(std::chrono::seconds(1)); }

weft::Task<void> wait_five_times() {
  std::vector<weft::Task<void>> waits;
  for (int i = 0; i < 5; ++i) waits.push_back(wait_one_second());
  co_await weft::when_all(std::move(waits));
}
// [/waits]

// [work]
/// A job that only computes: it never waits for anything.
std::uint64_t compute() {
  std::uint64_t x = 1;
  for (int i = 0; i < 60'000'000; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

void compute_on(int threads, int jobs) {
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([=] {
      for (int job = 0; job < jobs / threads; ++job) {
        if (compute() == 0) std::puts("never: the sequence has no zero");
      }
    });
  }
}  // joins
// [/work]

template <class F>
void measure(const char* what, F run) {
  const Stopwatch watch;
  run();
  std::printf("%-26s %5.2f s  %5.2f s\n", what, watch.wall_s(), watch.cpu_s());
}

int main() {
  std::printf("cores: %u\n\n%-26s %7s  %7s\n", std::thread::hardware_concurrency(), "", "wall",
              "CPU");
  measure("5 waits of 1 s, 1 thread", [] { weft::block_on(wait_five_times()); });
  measure("4 computations, 1 thread", [] { compute_on(1, 4); });
  measure("4 computations, 2 threads", [] { compute_on(2, 4); });
  measure("4 computations, 4 threads", [] { compute_on(4, 4); });
}
