// Shared by the C++ programs of the system benchmarks: files, datagrams, child processes, names.
// The command line, what is printed and the exit code are those of core/core.hpp.
//
// A subject is main.cpp and the files that define the functions at the end. Cells of one name do
// the same work in every subject; bench/README.md describes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/core.hpp"

namespace bench {

// Files. The suite makes the file of data: each block begins with its number.
inline constexpr const char* data_path = "system.data";  // in the working directory
inline constexpr const char* copy_path = "system.copy";
inline constexpr std::size_t block_bytes = 4096;
inline constexpr std::size_t read_depth = 32;         // reads at the same time
inline constexpr std::size_t file_threads = 32;       // where it can be chosen
inline constexpr std::size_t copy_bytes = 256 << 10;  // of the buffer of a copy

// Datagrams
inline constexpr std::size_t datagram_bytes = 64;
inline constexpr std::size_t burst = 32;            // sent before the first of them is received
inline constexpr std::size_t segments = 48;         // that one call sends
inline constexpr std::size_t segment_bytes = 1200;  // as QUIC has them
inline constexpr std::size_t joined_bytes = 65'536;

// Child processes
inline constexpr const char* program_path = "/bin/true";
inline constexpr std::size_t children_at_once = 8;

// Names
inline constexpr std::size_t lookups_at_once = 32;

/// Measures an operation's time, and this process's CPU time for it. (Not that of its children.)
class Meter {
 public:
  /// Returns both, in units of so many nanoseconds.
  [[nodiscard]] Figures each(std::size_t operations, double unit_ns = 1) const {
    const double count = static_cast<double>(operations) * unit_ns;
    return {watch_.ns_each(count), (cpu_ns() - cpu_) / count};
  }

 private:
  double cpu_ = cpu_ns();
  Stopwatch watch_;
};

/// A block in memory, as direct I/O wants it.
class AlignedBlock {
 public:
  AlignedBlock() : data_(static_cast<std::byte*>(std::aligned_alloc(block_bytes, block_bytes))) {
    require(data_ != nullptr, "memory");
  }
  ~AlignedBlock() { std::free(data_); }
  AlignedBlock(const AlignedBlock&) = delete;
  AlignedBlock& operator=(const AlignedBlock&) = delete;
  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  std::byte* data_;
};

/// Returns the number at the beginning of a block or a datagram.
inline std::uint64_t number_in(const void* data) {
  std::uint64_t number = 0;
  std::memcpy(&number, data, sizeof number);
  return number;
}
inline void put_number(void* data, std::uint64_t number) {
  std::memcpy(data, &number, sizeof number);
}

/// Returns whether it is the block of that number.
inline bool is_block(const void* data, std::uint64_t number) { return number_in(data) == number; }

/// Returns the datagrams of a segmented send: each begins with its number.
inline std::string numbered_segments() {
  std::string all(segments * segment_bytes, 'x');
  for (std::size_t i = 0; i < segments; ++i) put_number(all.data() + i * segment_bytes, i);
  return all;
}

/// Checks what has arrived of a segmented send, in one piece or in several.
class SegmentCheck {
 public:
  void arrived(const void* data, std::size_t size) {
    require(size % segment_bytes == 0, "segments");
    const auto* at = static_cast<const char*>(data);
    for (std::size_t i = 0; i < size; i += segment_bytes) {
      require(number_in(at + i) == seen_++, "a segment");
    }
  }
  [[nodiscard]] bool all() const { return seen_ == segments; }
  void reset() { seen_ = 0; }

 private:
  std::size_t seen_ = 0;
};

/// Returns the name that look-up `i` asks for: another one each time, so that no cache has it.
inline std::string name_to_resolve(std::size_t i) {
  return "n" + std::to_string(i) + ".bench.test.";
}
/// Returns the IPv4 address that the name server gives it. (It also has one for IPv6.)
inline std::uint32_t address_of_name(std::size_t i) {
  return (127U << 24) + 65'536 + static_cast<std::uint32_t>(i);
}

/// Returns the IPv4 address of these bytes, which are in network order.
template <class Bytes>
std::uint32_t ipv4_of(const Bytes& bytes) {
  std::uint32_t address = 0;
  for (std::size_t i = 0; i < 4; ++i) address = address << 8U | static_cast<std::uint8_t>(bytes[i]);
  return address;
}

/// Returns the name server that the suite has started: "127.0.0.1:53".
inline std::string name_server() {
  const char* const address = std::getenv("BENCH_NAME_SERVER");
  require(address != nullptr, "BENCH_NAME_SERVER is not set: see name_server.cpp");
  return address;
}

Cells files_cells();
Cells udp_cells();
Cells process_cells();
Cells dns_cells();

}  // namespace bench
