#include "out_of_memory/failing_malloc.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

extern "C" {
// glibc's own.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace weft::test {

namespace {

constexpr std::int64_t never = -1;
std::atomic<std::int64_t> failing_from{never};  // the number of the allocation
std::atomic<std::int64_t> allocations{0};
std::atomic<Fails> failing{Fails::once};

bool must_fail() noexcept {
  const std::int64_t from = failing_from.load(std::memory_order_acquire);
  if (from == never) return false;
  const std::int64_t number = allocations.fetch_add(1, std::memory_order_relaxed);
  if (number < from) return false;
  if (number > from && failing.load(std::memory_order_relaxed) == Fails::once) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

void fail_allocation_after(std::int64_t successes, Fails how) noexcept {
  allocations.store(0, std::memory_order_relaxed);
  failing.store(how, std::memory_order_relaxed);
  failing_from.store(successes, std::memory_order_release);
}

bool end_failures() noexcept {
  const std::int64_t from = failing_from.exchange(never);
  return from != never && allocations.load() > from;
}

}  // namespace weft::test

extern "C" {

void* malloc(std::size_t size) noexcept {
  return weft::test::must_fail() ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return weft::test::must_fail() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  return weft::test::must_fail() ? nullptr : __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return weft::test::must_fail() ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  if (weft::test::must_fail()) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory != nullptr ? 0 : ENOMEM;
}

}  // extern "C"

#ifdef WEFT_FAIL_BY_ENVIRONMENT
// For LD_PRELOAD: WEFT_FAIL_ALLOCATION is the number of the allocation, counted from the start of
// main(): what a library's static objects need before that cannot be an error of the program. At
// the end one byte on descriptor WEFT_FAIL_REPORT says whether one has failed.
namespace {

using Main = int (*)(int, char**, char**);
Main programs_main = nullptr;

int armed_main(int count, char** arguments, char** environment) {
  if (const char* const text = std::getenv("WEFT_FAIL_ALLOCATION")) {
    weft::test::fail_allocation_after(std::strtoll(text, nullptr, 10));
  }
  return programs_main(count, arguments, environment);
}

[[gnu::destructor]] void report() noexcept {
  const char byte = weft::test::end_failures() ? '1' : '0';
  if (const char* const text = std::getenv("WEFT_FAIL_REPORT")) {
    static_cast<void>(!::write(std::atoi(text), &byte, 1));
  }
}

}  // namespace

extern "C" int __libc_start_main(Main main, int count, char** arguments, void (*init)(),
                                 void (*fini)(), void (*rtld_fini)(), void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto start = reinterpret_cast<Start>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  programs_main = main;
  return start(&armed_main, count, arguments, init, fini, rtld_fini, stack_end);
}
#endif
