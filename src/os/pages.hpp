// Pages: memory by whole pages from the system, for stacks. Any thread; the caller sees to it that
// a stretch is used by one at a time.
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <span>

namespace weft::detail {

[[nodiscard]] std::size_t page_size() noexcept;

struct Pages {
  /// Reserves address space, zeroed, that costs memory only where it is touched, page by page and
  /// never by huge pages. `size` is a multiple of the page size.
  [[nodiscard]] static Result<std::byte*> reserve(std::size_t size) noexcept;
  static void release(std::span<std::byte> pages) noexcept;
  /// Whoever touches `pages` from now on gets SIGSEGV. By a marker in the page table
  /// (MADV_GUARD_INSTALL, Linux 6.13), else by mprotect(2), which takes two of the process's
  /// mappings, of which there are vm.max_map_count.
  [[nodiscard]] static Result<void> guard(std::span<std::byte> pages) noexcept;
  /// Gives the memory back to the system and keeps the address space, zeroed, and its guards.
  static void decommit(std::span<std::byte> pages) noexcept;
};

}  // namespace weft::detail
