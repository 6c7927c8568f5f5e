// DirectoryReader: the entries of an open directory, a batch for each call, by getdents64(2): one
// system call for some hundred entries, and names as bytes. On a thread for files.
#pragma once

#include <weft/file_metadata.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// A name in a directory, and its type as far as the directory knows it.
struct DirectoryName {
  std::string name;
  FileType type;
};

class DirectoryReader {
 public:
  /// Enough for some hundred names.
  static constexpr std::size_t batch_bytes = std::size_t{32} * 1024;

  DirectoryReader() noexcept = default;
  explicit DirectoryReader(Fd directory) noexcept : directory_(std::move(directory)) {}

  /// Appends the next names to `names`, without "." and "..". Returns 0 at the end, a negative
  /// errno value for an error, else a positive number. Throws std::bad_alloc.
  [[nodiscard]] std::int64_t next(std::vector<DirectoryName>& names);
  /// Begins from the front again.
  void rewind() noexcept;
  [[nodiscard]] int handle() const noexcept { return directory_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(directory_); }
  void close() noexcept { directory_.reset(); }

 private:
  Fd directory_;
};

}  // namespace weft::inline v0_1::detail
