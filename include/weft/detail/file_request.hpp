// The operations of files, as requests (see IoRequest in <weft/extend/io.hpp>). Users get them from
// File in <weft/file.hpp> and need not name them.
//
// A request points to its file, which an operation keeps from its start to its end, and to the
// user's buffer, which must outlive the operation.
#pragma once

#include <weft/extend/file_call.hpp>
#include <weft/extend/io.hpp>
#include <weft/extend/operation.hpp>
#include <weft/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace weft::inline v0_1 {
class File;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

/// Ends one owner of a file: its last one closes the file.
struct FileCloser {
  void operator()(FileSource* file) const noexcept {
    file->drop_owner(is_borrower ? 0 : interest::both);
  }
  bool is_borrower = false;  ///< Whether its end closes nothing.
};
using FileOwner = std::unique_ptr<FileSource, FileCloser>;

/// What the operations on an open file have in common.
struct FileRequest {
  void prepare(Operation& op) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  FileSource* file;
  OperationKind kind;
  const char* operation;  ///< Its name in errors.
  FileCall call;

 protected:
  FileRequest(FileSource* on, OperationKind what, const char* called) noexcept
      : file(on), kind(what), operation(called) {}
};

/// read_at, read, write_at, write, append: what one system call moves.
struct FileTransferRequest : FileRequest {
  using value_type = std::size_t;
  FileTransferRequest(FileSource* on, OperationKind what, const char* called, IoSlice buffer,
                      std::int64_t offset) noexcept
      : FileRequest(on, what, called) {
    call.arguments.buffer = buffer;
    call.arguments.offset = offset;
  }
  FileTransferRequest(FileSource* on, OperationKind what, const char* called,
                      std::span<const IoSlice> slices, std::int64_t offset) noexcept
      : FileRequest(on, what, called) {
    call.arguments.slices = slices;
    call.arguments.offset = offset;
  }
  Result<std::size_t> finish(std::int64_t result) noexcept;
};

/// read_exact_at, read_exact, write_all_at, write_all, append: until all bytes are moved.
struct FileWholeRequest : FileRequest {
  using value_type = void;
  FileWholeRequest(FileSource* on, OperationKind what, const char* called, IoSlice buffer,
                   std::int64_t offset) noexcept
      : FileRequest(on, what, called) {
    call.arguments.buffer = buffer;
    call.arguments.offset = offset;
  }
  static bool again(FileWholeRequest& self, Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
};

/// sync and sync_data.
struct FileSyncRequest : FileRequest {
  using value_type = void;
  FileSyncRequest(FileSource* on, const char* called, bool data_only) noexcept
      : FileRequest(on, OperationKind::sync, called) {
    call.arguments.data_only = data_only;
  }
  Result<void> finish(std::int64_t result) noexcept;
};

/// seek.
struct FileSeekRequest : FileRequest {
  using value_type = std::uint64_t;
  FileSeekRequest(FileSource* on, std::int64_t by, int whence) noexcept
      : FileRequest(on, OperationKind::seek, "seek") {
    call.arguments.offset = by;
    call.arguments.flags = whence;
  }
  Result<std::uint64_t> finish(std::int64_t result) noexcept;
};

/// open.
struct FileOpenRequest {
  using value_type = File;
  /// `failure`: why it is not even tried.
  FileOpenRequest(std::string at, int with, std::uint32_t permissions,
                  std::error_code why_not) noexcept
      : path(std::move(at)), flags(with), mode(permissions), failure(why_not) {}
  void prepare(Operation& op) noexcept;
  Result<File> finish(std::int64_t result);
  [[nodiscard]] IoError error(std::error_code code) const;

  std::string path;
  int flags;
  std::uint32_t mode;
  std::error_code failure;
  FileCall call;
};

/// close, of a handle that the request is given: it is closed on an error, too.
struct FileCloseRequest {
  using value_type = void;
  explicit FileCloseRequest(FileSource* of) noexcept : file(of) {}
  void prepare(Operation& op) noexcept;
  Result<void> finish(std::int64_t result) noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

  FileSource* file;
  FileCall call;
};

}  // namespace weft::inline v0_1::detail
