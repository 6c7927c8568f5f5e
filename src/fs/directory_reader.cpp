#include "fs/directory_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "fs/metadata.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// The fixed part of the kernel's linux_dirent64; the name follows, ended by a NUL.
struct Record {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t size;
  std::uint8_t type;
};
constexpr std::size_t name_at = offsetof(Record, type) + 1;

/// The type of an entry whose directory does not tell it.
FileType ask_type(int directory, const std::string& name) noexcept {
  struct ::statx found{};
  const std::int64_t result = FileSyscalls::statx(
      directory, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &found);
  return result < 0 ? FileType::unknown : type_from(found.stx_mode);
}

}  // namespace

std::int64_t DirectoryReader::next(std::vector<DirectoryName>& names) {
  const auto room = std::make_unique_for_overwrite<std::byte[]>(batch_bytes);
  const std::int64_t size = FileSyscalls::getdents(directory_.get(), room.get(), batch_bytes);
  for (std::int64_t at = 0; at < size;) {
    Record record{};
    std::memcpy(&record, room.get() + at, name_at);
    // SAFETY: the kernel ends each name with a NUL within its record.
    std::string name(reinterpret_cast<const char*>(room.get()) + at + name_at);
    at += record.size;
    if (name == "." || name == "..") continue;
    FileType type = type_from(DTTOIF(unsigned{record.type}));
    if (record.type == DT_UNKNOWN) type = ask_type(directory_.get(), name);
    names.push_back({std::move(name), type});
  }
  return size;
}

void DirectoryReader::rewind() noexcept {
  static_cast<void>(FileSyscalls::lseek(directory_.get(), 0, SEEK_SET));
}

}  // namespace weft::inline v0_1::detail
