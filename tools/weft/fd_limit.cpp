#include "fd_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace weft::tool {

std::size_t raise_fd_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

std::size_t sockets_within(std::size_t file_limit) noexcept {
  // Standard streams, event queue, signals, probes, and files that libraries open for a moment.
  constexpr std::size_t others = 64;
  if (file_limit > 2 * others) return file_limit - others;
  return std::max<std::size_t>(file_limit / 2, 1);
}

}  // namespace weft::tool
