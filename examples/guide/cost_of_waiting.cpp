// What a wait costs: a thousand at once, as coroutines or fibers of one thread, and as threads.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "stopwatch.hpp"

constexpr int waits = 1'000;
constexpr std::chrono::milliseconds length(500);

/// Memory of this process that is really there.
long resident_kib() {
  std::ifstream file("/proc/self/statm");
  long pages = 0;
  file >> pages >> pages;  // the second number
  return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/// How often a thread of this process went to sleep or was stopped for another.
long context_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

// [waits]
weft::Task<void> wait_as_coroutines(long& memory_kib) {
  std::vector<weft::JoinHandle<void>> all;
  for (int i = 0; i < waits; ++i) all.push_back(weft::spawn(weft::sleep_for, length));
  co_await weft::sleep_for(length / 2);
  memory_kib = resident_kib();  // in the middle of the wait
  for (auto& one : all) co_await std::move(one);
}

weft::Task<void> wait_as_fibers(long& memory_kib) {
  std::vector<weft::JoinHandle<void>> all;
  for (int i = 0; i < waits; ++i) {
    all.push_back(weft::spawn(weft::fiber([] { weft::await(weft::sleep_for(length)); })));
  }
  co_await weft::sleep_for(length / 2);
  memory_kib = resident_kib();
  for (auto& one : all) co_await std::move(one);
}

void wait_as_threads(long& memory_kib) {
  std::vector<std::jthread> all;
  for (int i = 0; i < waits; ++i) all.emplace_back([] { std::this_thread::sleep_for(length); });
  std::this_thread::sleep_for(length / 2);
  memory_kib = resident_kib();
}  // joins all
// [/waits]

template <class F>
void measure(const char* name, F run) {
  const Stopwatch watch;
  const long before_kib = resident_kib();
  const long before_switches = context_switches();
  long memory_kib = 0;
  run(memory_kib);
  std::printf("%-18s %6.2f s %7.3f s %7ld KiB %9ld\n", name, watch.wall_s(), watch.cpu_s(),
              memory_kib - before_kib, context_switches() - before_switches);
}

int main() {
  std::printf("%d waits of %d ms\n\n", waits, static_cast<int>(length.count()));
  std::printf("%-18s %8s %9s %11s %9s\n", "", "wall", "CPU", "memory", "switches");
  measure("1,000 coroutines", [](long& kib) { weft::block_on(wait_as_coroutines(kib)); });
  measure("1,000 fibers", [](long& kib) { weft::block_on(wait_as_fibers(kib)); });
  measure("1,000 threads", wait_as_threads);
}
