// The operations of files: preparing, continuing after a part, results, errors.
#include <weft/file.hpp>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>

#include "fs/error.hpp"
#include "fs/file_handle.hpp"

namespace weft::inline v0_1 {

namespace {

class FileCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.file"; }
  std::string message(int code) const override {
    switch (static_cast<FileErrc>(code)) {
      case FileErrc::unexpected_end:
        return "unexpected end of file";
      case FileErrc::too_large:
        return "file is larger than the limit";
      case FileErrc::no_watch_left:
        return "no inotify watch is left: raise fs.inotify.max_user_watches";
    }
    return "unknown error " + std::to_string(code);
  }
};

/// For prepare(), which cannot fail: a timer that is due ends at once, and finish() gives the
/// error.
void end_at_once(Operation& op) noexcept {
  op.kind = OperationKind::timer;
  op.source = nullptr;
  op.set_deadline(0);
}

/// What a transfer that bypasses the page cache asks for, as a part of an error's subject.
std::string with_alignment(const FileSource& file) {
  const Result<DirectAlignment> needed = detail::direct_alignment_of(file.handle());
  if (!needed) return file.name + " (direct I/O: buffers, offsets and sizes must be aligned)";
  return file.name + " (direct I/O: buffers must be aligned to " + std::to_string(needed->memory) +
         " bytes, offsets and sizes to " + std::to_string(needed->offset) + ")";
}

}  // namespace

const std::error_category& file_category() noexcept {
  static const FileCategory category;
  return category;
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void FileRequest::prepare(Operation& op) noexcept {
  call.set_name(operation, file->name);
  op.kind = kind;
  op.source = file;
  op.io.file = &call;
}

IoError FileRequest::error(std::error_code code) const {
  const bool moves = kind == OperationKind::read_at || kind == OperationKind::write_at;
  // Its use, until the end of the await, keeps the handle open.
  if (moves && file->direct && code == std::errc::invalid_argument) {
    return IoError(code, operation, with_alignment(*file));
  }
  return IoError(code, operation, file->name);
}

Result<std::size_t> FileTransferRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of_file(result));
  return static_cast<std::size_t>(result);
}

/// True: bytes were moved, and bytes are left.
bool FileWholeRequest::again(FileWholeRequest& self, Operation& op) noexcept {
  if (op.result <= 0) return false;
  FileCall::Arguments& what = self.call.arguments;
  const std::size_t done = std::min(static_cast<std::size_t>(op.result), what.buffer.size);
  what.buffer.data += done;
  what.buffer.size -= done;
  if (what.offset != FileCall::at_cursor && !what.appends) {
    what.offset += static_cast<std::int64_t>(done);
  }
  return what.buffer.size != 0;
}

Result<void> FileWholeRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of_file(result));
  if (call.arguments.buffer.size == 0) return {};
  // A write that takes nothing, and says nothing, would be tried for ever.
  if (kind == OperationKind::write_at) return fail(std::errc::io_error);
  return fail(make_error_code(FileErrc::unexpected_end));
}

Result<void> FileSyncRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of_file(result));
  return {};
}

Result<std::uint64_t> FileSeekRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of_file(result));
  return static_cast<std::uint64_t>(result);
}

void FileOpenRequest::prepare(Operation& op) noexcept {
  if (failure) return end_at_once(op);
  call.set_name("open", path);
  call.arguments.path = path.c_str();
  call.arguments.flags = flags;
  call.arguments.mode = mode;
  op.kind = OperationKind::open;
  op.source = nullptr;
  op.io.file = &call;
}

Result<File> FileOpenRequest::finish(std::int64_t result) {
  if (failure) return fail(failure);
  if (result < 0) return fail(code_of_file(result));
  Result<FileOwner> file =
      make_file(Fd(static_cast<int>(result)), std::move(path), (flags & O_DIRECT) != 0);
  if (!file) return fail(file.error());
  return File(std::move(*file));
}

IoError FileOpenRequest::error(std::error_code code) const { return IoError(code, "open", path); }

void FileCloseRequest::prepare(Operation& op) noexcept {
  call.set_name("close", file->name);
  call.arguments.handle = file->handle();
  op.kind = OperationKind::close;
  op.source = nullptr;
  op.io.file = &call;
}

Result<void> FileCloseRequest::finish(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of_file(result));
  return {};
}

IoError FileCloseRequest::error(std::error_code code) const {
  return IoError(code, "close", file->name);
}

}  // namespace weft::inline v0_1::detail
