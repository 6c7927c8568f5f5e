#include "os/pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <weft/atomic.hpp>

#include "os/fault.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

#ifndef MADV_GUARD_INSTALL
constexpr int MADV_GUARD_INSTALL = 102;
#endif

// Relaxed: a hint; a thread that does not see it yet finds out by itself.
Atomic<bool> no_guard_markers{false};

}  // namespace

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

Result<std::byte*> Pages::reserve(std::size_t size) noexcept {
  if (const int planned = Syscalls::planned_failure(Call::map_pages); planned != 0) {
    return fail(os_error(planned));
  }
  void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (pages == MAP_FAILED) return fail(os_error(errno));
  // No huge pages: a stack that uses one page must not get 512. A kernel without huge pages refuses
  // the call, which does no harm.
  static_cast<void>(::madvise(pages, size, MADV_NOHUGEPAGE));
  return static_cast<std::byte*>(pages);
}

void Pages::release(std::span<std::byte> pages) noexcept { ::munmap(pages.data(), pages.size()); }

Result<void> Pages::guard(std::span<std::byte> pages) noexcept {
  if (const int planned = Syscalls::planned_failure(Call::guard_pages); planned != 0) {
    return fail(os_error(planned));
  }
  if (!no_guard_markers.load(std::memory_order_relaxed)) {
    int error = Syscalls::planned_failure(Call::guard_by_marker);
    if (error == 0 && ::madvise(pages.data(), pages.size(), MADV_GUARD_INSTALL) != 0) {
      error = errno;
      no_guard_markers.store(error == EINVAL, std::memory_order_relaxed);
    }
    if (error == 0) return {};
  }
  if (::mprotect(pages.data(), pages.size(), PROT_NONE) == 0) return {};
  return fail(os_error(errno));
}

void Pages::decommit(std::span<std::byte> pages) noexcept {
  static_cast<void>(::madvise(pages.data(), pages.size(), MADV_DONTNEED));
}

}  // namespace weft::inline v0_1::detail
