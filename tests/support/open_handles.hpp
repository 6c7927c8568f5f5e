// How many handles the process has open, for tests that must end with as many as they began with.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "support/sanitizers.hpp"

namespace weft::testing {

/// Returns whether `entry` of /proc/self/fd counts. Under ThreadSanitizer pipes do not: it starts a
/// symbolizer the first time it checks its suppressions, and keeps the two pipes to it.
inline bool counts_as_handle(int directory, const char* entry) {
  if (!test::thread_sanitizer) return true;
  std::array<char, 32> target{};
  const ssize_t size = ::readlinkat(directory, entry, target.data(), target.size());
  return size < 0 ||
         !std::string_view(target.data(), static_cast<std::size_t>(size)).starts_with("pipe:");
}

inline std::size_t open_handles() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) std::abort();
  std::size_t count = 0;
  while (const dirent* const entry = ::readdir(directory)) {
    if (counts_as_handle(::dirfd(directory), entry->d_name)) ++count;
  }
  ::closedir(directory);
  return count;
}

/// Waits some seconds for that number and returns what it is in the end. For the end of a test: a
/// look-up that was given up may have a file open a little longer; a leak stays.
inline std::size_t settled_handles(std::size_t expected) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (open_handles() != expected && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  return open_handles();
}

}  // namespace weft::testing
