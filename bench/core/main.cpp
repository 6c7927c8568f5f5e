// The main function of every C++ program of the core benchmarks.
#include <cstdio>
#include <cstdlib>

#include "core/core.hpp"

int main(int argc, char** argv) {
  bench::Cells cells = bench::task_cells();
  cells.merge(bench::sync_cells());
  cells.merge(bench::load_cells());
  const auto cell = argc == 4 ? cells.find(argv[1]) : cells.end();
  if (cell == cells.end()) {
    std::fprintf(stderr, "usage: %s CELL WORKERS COUNT\ncells:", argv[0]);
    for (const auto& [name, function] : cells) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  const auto number = [](const char* text) {
    return static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
  };
  for (double figure : cell->second({number(argv[2]), number(argv[3])})) {
    std::printf("%.4f ", figure);
  }
  std::printf("\n");
  std::fflush(stdout);
  // Tasks that still sleep need not be destroyed one by one.
  std::_Exit(0);
}
