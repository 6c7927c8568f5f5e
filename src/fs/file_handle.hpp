// Open files inside src/fs: making a FileSource, using its handle. Any thread.
#pragma once

#include <weft/detail/file_request.hpp>
#include <weft/file.hpp>
#include <weft/result.hpp>

#include <fcntl.h>

#include <string>

#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// Makes a FileSource that owns `handle`. If there is no memory, closes the handle.
[[nodiscard]] Result<FileOwner> make_file(Fd handle, std::string name, bool direct) noexcept;

/// What statx(2) says of a handle that bypasses the page cache.
[[nodiscard]] Result<DirectAlignment> direct_alignment_of(NativeHandle handle) noexcept;

/// Checks, in every build, that there is a file, open or closed.
[[nodiscard]] FileSource& file_of(FileSource* file) noexcept;

/// Keeps the handle of a file open while it lives; the file itself, too.
class FileUse {
 public:
  explicit FileUse(FileSource& file) noexcept : file_(file), is_open_(file.begin_use(0)) {}
  ~FileUse() { file_.end_use(); }
  FileUse(const FileUse&) = delete;
  FileUse& operator=(const FileUse&) = delete;

  /// False: it was closed before.
  [[nodiscard]] explicit operator bool() const noexcept { return is_open_; }
  [[nodiscard]] NativeHandle handle() const noexcept { return file_.handle(); }

 private:
  FileSource& file_;
  const bool is_open_;
};

}  // namespace weft::inline v0_1::detail
