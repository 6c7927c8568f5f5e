// FileMetadata: what the system knows of a file beside its contents. A value. See metadata() in
// <weft/directory.hpp> and File::metadata().
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace weft::inline v0_1 {

enum class FileType : std::uint8_t {
  unknown,
  regular,
  directory,
  link,
  fifo,
  socket,
  block_device,
  character_device,
};

struct FileMetadata {
  using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

  [[nodiscard]] bool is_regular() const noexcept { return type == FileType::regular; }
  [[nodiscard]] bool is_directory() const noexcept { return type == FileType::directory; }
  [[nodiscard]] bool is_link() const noexcept { return type == FileType::link; }

  FileType type = FileType::unknown;
  std::uint64_t size = 0;         ///< bytes; of a link, of its target's name
  std::uint64_t allocated = 0;    ///< bytes that it takes on the device
  std::uint32_t permissions = 0;  ///< the twelve bits that set_permissions() sets
  std::uint64_t links = 0;        ///< names that it has
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::uint64_t inode = 0;  ///< with `device`: the same for two names of one file
  std::uint64_t device = 0;
  Time accessed;
  Time modified;                ///< the contents
  Time changed;                 ///< the contents or the metadata
  std::optional<Time> created;  ///< where the file system keeps it
};

}  // namespace weft::inline v0_1
