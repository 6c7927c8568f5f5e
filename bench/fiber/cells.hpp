// What the C++ subjects of bench/run fiber share: CELL COUNT on the command line, one line with the
// figure on standard output; exit code 1 if what was done was wrong.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "measure.hpp"

namespace bench {

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
