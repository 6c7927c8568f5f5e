// Measuring tools of the C++ programs of bench/run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace bench {

class Stopwatch {
 public:
  [[nodiscard]] double ns() const {
    const std::chrono::duration<double, std::nano> passed = Clock::now() - start_;
    return passed.count();
  }
  [[nodiscard]] double ns_each(double operations) const { return ns() / operations; }
  [[nodiscard]] double ns_each(std::size_t operations) const {
    return ns_each(static_cast<double>(operations));
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// Returns the resident memory of this process, in bytes: proc_pid_statm(5).
inline double resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  long pages = 0;
  if (file == nullptr || std::fscanf(file, "%*s %ld", &pages) != 1) std::exit(1);
  std::fclose(file);
  return static_cast<double>(pages) * 4096;
}

/// Returns the CPU time of this process, of all its threads, in nanoseconds.
inline double cpu_ns() {
  std::timespec time{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) std::exit(1);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// Returns the value that the given share of the samples (0.5, 0.99) does not exceed.
inline double quantile(std::vector<double> samples, double share) {
  std::ranges::sort(samples);
  return samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))];
}

/// Ends the program if the work was done wrong: a fast wrong answer is no result.
inline void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(1);
}

/// Returns the numbers 0 … range - 1 in an order that looks random, the same in every program:
/// Knuth's multiplicative hash (The Art of Computer Programming 3, 6.4).
inline std::size_t scattered(std::size_t i, std::size_t range) {
  return static_cast<std::size_t>(
      (std::uint64_t{i} * 2654435769U % (std::uint64_t{1} << 32)) * range >> 32);
}

/// Computes for so long.
inline void compute_for(std::chrono::nanoseconds duration) {
  const Stopwatch watch;
  while (watch.ns() < static_cast<double>(duration.count())) {
  }
}

}  // namespace bench
