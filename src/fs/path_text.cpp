#include "fs/path_text.hpp"

#include <weft/atomic.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace weft::inline v0_1::detail {

std::string temporary_name(std::string_view prefix) {
  static constinit Atomic<std::uint64_t> count{0};
  // A mixing of bits over what tells this call from others. A name that is taken is found
  // out by O_EXCL.
  const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  std::uint64_t bits = static_cast<std::uint64_t>(ticks) ^
                       (static_cast<std::uint64_t>(::getpid()) << 32) ^
                       (count.fetch_add(1, std::memory_order_relaxed) << 56);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  std::string name(prefix);
  for (int digit = 0; digit < 16; ++digit, bits >>= 4) name += "0123456789abcdef"[bits & 15];
  return name;
}

std::filesystem::path temporary_directory() {
  const char* const chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
}

}  // namespace weft::inline v0_1::detail
