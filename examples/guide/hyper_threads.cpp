// Which of this machine's processors share a core, and what two computations cost each other that
// run on such a pair.
#include <sched.h>

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "processors.hpp"
#include "stopwatch.hpp"

// [siblings]
/// The core to which a processor belongs, as a text that is equal for all processors of that core.
std::string core_of(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                     "/topology/thread_siblings_list");
  std::string siblings;
  return std::getline(file, siblings) ? siblings : std::to_string(cpu);
}

/// The first other processor that shares `cpu`'s core, or that does not.
std::optional<int> other_processor(int cpu, bool same_core) {
  for (const int other : processors()) {
    if (other != cpu && (core_of(other) == core_of(cpu)) == same_core) return other;
  }
  return std::nullopt;
}
// [/siblings]

// [work]
constexpr int rounds = 100;

/// Computes something of which each step needs nothing but the one before it, and four at once: one
/// computation alone keeps the core's units busy.
std::uint64_t compute() {
  std::uint64_t a = 1, b = 2, c = 3, d = 4;
  asm volatile("" : "+r"(a));  // the compiler shall not know the result beforehand
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    a = a * 3 + i;
    b = (b ^ i) * 5;
    c += b >> 3;
    d ^= a << 1;
  }
  return a + b + c + d;
}

/// How long it takes, in milliseconds, if all of these processors do it at once: the shortest of
/// many rounds, since others use the machine as well.
double run_on(const std::vector<int>& cpus) {
  std::barrier together(static_cast<std::ptrdiff_t>(cpus.size()));
  std::vector<double> longest_s(rounds);  // of a round: the thread that takes longest
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (const int cpu : cpus) {
    threads.emplace_back([&, cpu] {
      bind_to(cpu);
      for (double& longest : longest_s) {
        together.arrive_and_wait();
        const Stopwatch watch;
        if (compute() == 0) std::puts("0");
        const std::lock_guard lock(mutex);
        longest = std::max(longest, watch.wall_s());
      }
    });
  }
  threads.clear();  // joins all
  return std::ranges::min(longest_s) * 1000;
}
// [/work]

void measure(const char* name, std::optional<int> other, int cpu) {
  if (!other) {
    std::printf("%-34s there are none\n", name);
  } else {
    std::printf("%-34s %.2f ms\n", name, run_on({cpu, *other}));
  }
}

int main() {
  const int cpu = processors().front();
  std::printf("%-34s %.2f ms\n", "one computation", run_on({cpu}));
  measure("two, on two cores", other_processor(cpu, false), cpu);
  measure("two, on two hyper-threads", other_processor(cpu, true), cpu);
}
