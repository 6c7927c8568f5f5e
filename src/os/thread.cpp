#include "os/thread.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <limits>
#include <memory>
#include <thread>

#if WEFT_ATOMIC_MODE != 2
#include "os/fault.hpp"
#include "os/syscalls.hpp"
#endif

namespace weft::inline v0_1::detail {

void name_current_thread(std::string_view name) noexcept {
  std::array<char, 16> text{};  // the system's limit, terminator included
  std::copy_n(name.begin(), std::min(name.size(), text.size() - 1), text.begin());
  pthread_setname_np(pthread_self(), text.data());
}

// Allocates nothing: a worker must be able to begin.
void name_current_thread(std::string_view name, std::size_t number) noexcept {
  std::array<char, 16 + std::numeric_limits<std::size_t>::digits10 + 2> text{};
  char* end = std::copy_n(name.begin(), std::min<std::size_t>(name.size(), 15), text.begin());
  *end++ = '-';
  end = std::to_chars(end, text.end(), number).ptr;
  name_current_thread(std::string_view(text.data(), end));
}

#if WEFT_ATOMIC_MODE != 2
int planned_start_failure() noexcept { return Syscalls::planned_failure(Call::start_thread); }
#endif

namespace {

/// The processors on which the calling thread may run.
class CpuMask {
 public:
  /// Empty if the system does not tell.
  static CpuMask of_this_thread() noexcept {
    // The kernel refuses a mask smaller than its own, so the size grows until it fits.
    for (std::size_t cpus = 1024; cpus <= std::size_t{1} << 20; cpus *= 2) {
      CpuMask mask(cpus);
      if (mask.set_ == nullptr) break;
      if (sched_getaffinity(0, mask.size(), mask.set_.get()) == 0) return mask;
      if (errno != EINVAL) break;
    }
    return CpuMask(0);
  }

  [[nodiscard]] std::size_t count() const noexcept {
    return set_ != nullptr ? static_cast<std::size_t>(CPU_COUNT_S(size(), set_.get())) : 0;
  }
  /// The system's number of the processor with index `number` in this mask. Precondition: it
  /// exists.
  [[nodiscard]] std::size_t at(std::size_t number) const noexcept {
    std::size_t cpu = 0;
    while (!CPU_ISSET_S(cpu, size(), set_.get()) || number-- != 0) ++cpu;
    return cpu;
  }
  /// Restricts the calling thread to that processor. Returns 0 or an errno value.
  [[nodiscard]] int bind_to(std::size_t cpu) noexcept {
    CPU_ZERO_S(size(), set_.get());
    CPU_SET_S(cpu, size(), set_.get());
    return sched_setaffinity(0, size(), set_.get()) == 0 ? 0 : errno;
  }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
  };
  explicit CpuMask(std::size_t cpus) noexcept
      : cpus_(cpus), set_(cpus != 0 ? CPU_ALLOC(cpus) : nullptr) {}
  [[nodiscard]] std::size_t size() const noexcept { return CPU_ALLOC_SIZE(cpus_); }

  std::size_t cpus_;
  std::unique_ptr<cpu_set_t, Free> set_;
};

}  // namespace

unsigned cpu_count() noexcept {
  const std::size_t count = CpuMask::of_this_thread().count();
  if (count != 0) return static_cast<unsigned>(count);
  return std::max(std::thread::hardware_concurrency(), 1U);
}

Result<unsigned> pin_current_thread(std::size_t number) noexcept {
  CpuMask mask = CpuMask::of_this_thread();
  const std::size_t count = mask.count();
  if (count == 0) return fail(std::errc::function_not_supported);
  const std::size_t cpu = mask.at(number % count);
  if (const int error = mask.bind_to(cpu); error != 0) return fail(os_error(error));
  return static_cast<unsigned>(cpu);
}

}  // namespace weft::inline v0_1::detail
