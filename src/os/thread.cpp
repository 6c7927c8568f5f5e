#include "os/thread.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <thread>

namespace weft {

void name_current_thread(std::string_view name) noexcept {
  std::array<char, 16> text{};  // the system's limit, terminator included
  std::copy_n(name.begin(), std::min(name.size(), text.size() - 1), text.begin());
  pthread_setname_np(pthread_self(), text.data());
}

unsigned cpu_count() noexcept {
  // The kernel refuses a mask that is smaller than its own, so the size grows until it fits.
  for (std::size_t cpus = 1024; cpus <= std::size_t{1} << 20; cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(
        CPU_ALLOC(cpus), [](cpu_set_t* set) { CPU_FREE(set); });
    if (mask == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(cpus);
    if (sched_getaffinity(0, size, mask.get()) == 0) {
      return static_cast<unsigned>(std::max(CPU_COUNT_S(size, mask.get()), 1));
    }
    if (errno != EINVAL) break;
  }
  return std::max(std::thread::hardware_concurrency(), 1U);
}

}  // namespace weft
