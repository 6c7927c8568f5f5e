// Counts the allocations by operator new, for the tests in this folder, which replace it.
#pragma once

#include <cstdint>

namespace weft::test {

struct Allocations {
  std::int64_t blocks = 0;
  std::int64_t bytes = 0;
  friend bool operator==(const Allocations&, const Allocations&) = default;
  friend Allocations operator-(Allocations a, Allocations b) {
    return {.blocks = a.blocks - b.blocks, .bytes = a.bytes - b.bytes};
  }
};

/// Returns the allocations up to now, on all threads.
[[nodiscard]] Allocations allocations_so_far() noexcept;

}  // namespace weft::test
