// Shared by the C++ subjects of bench/run fiber. The command line is CELL COUNT. Prints one line
// with the figure on standard output. Exit code 1 if the work was done wrong.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "measure.hpp"

namespace bench {

/// Each cell takes its count and returns its figure.
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
