// What the C++ subjects of bench/run fiber share: CELL COUNT on the command line, one line with the
// figure on standard output; exit code 1 if what was done was wrong.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

namespace bench {

class Stopwatch {
 public:
  [[nodiscard]] double ns_each(double operations) const {
    const std::chrono::duration<double, std::nano> passed = Clock::now() - start_;
    return passed.count() / operations;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// Bytes of this process that are in memory: proc_pid_statm(5).
inline double resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  long pages = 0;
  if (file == nullptr || std::fscanf(file, "%*s %ld", &pages) != 1) std::exit(1);
  std::fclose(file);
  return static_cast<double>(pages) * 4096;
}

inline void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(1);
}

/// Each cell is given its count and gives its figure.
using Cells = std::map<std::string, std::function<double(std::size_t)>>;

inline int run(const Cells& cells, int argc, char** argv) {
  const auto cell = argc == 3 ? cells.find(argv[1]) : cells.end();
  if (cell == cells.end()) {
    std::fprintf(stderr, "usage: %s CELL COUNT\n", argv[0]);
    return 2;
  }
  std::printf("%.4f\n", cell->second(std::strtoull(argv[2], nullptr, 10)));
  return 0;
}

}  // namespace bench
