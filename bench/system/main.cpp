// The cells of a C++ program of the system benchmarks, for core/main.cpp.
#include "system/system.hpp"

bench::Cells bench::task_cells() {
  Cells cells = files_cells();
  cells.merge(udp_cells());
  return cells;
}
bench::Cells bench::sync_cells() { return process_cells(); }
bench::Cells bench::load_cells() { return dns_cells(); }
