// Pages: memory in whole pages from the system, for stacks. Any thread; the caller makes sure that
// only one thread at a time uses a range.
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <span>

namespace weft::inline v0_1::detail {

[[nodiscard]] std::size_t page_size() noexcept;

struct Pages {
  /// Reserves zeroed address space. It uses memory only for touched pages, and never huge pages.
  /// `size` is a multiple of the page size.
  [[nodiscard]] static Result<std::byte*> reserve(std::size_t size) noexcept;
  static void release(std::span<std::byte> pages) noexcept;
  /// Makes accesses to `pages` raise SIGSEGV: by a marker in the page table (MADV_GUARD_INSTALL,
  /// Linux 6.13), else by mprotect(2), which costs two of the process's mappings, limited by
  /// vm.max_map_count.
  [[nodiscard]] static Result<void> guard(std::span<std::byte> pages) noexcept;
  /// Returns the memory to the system; keeps the address space, zeroed, and its guards.
  static void decommit(std::span<std::byte> pages) noexcept;
};

}  // namespace weft::inline v0_1::detail
