// File: opening, adopting and closing, and what is done to the file as a whole.
#include <weft/file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <new>
#include <weft/sleep.hpp>

#include "base/check.hpp"
#include "fs/error.hpp"
#include "fs/file_handle.hpp"
#include "fs/lane_call.hpp"
#include "fs/metadata.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Calls `call(handle)` on the lane, with the file kept open. Throws what it throws, and IoError if
/// its result is negative.
template <class Call>
Task<std::int64_t> on_file(FileSource* file, const char* operation, Call call) {
  const FileUse use(*file);
  if (!use) {
    throw_file_error(make_error_code(std::errc::operation_canceled), operation, file->name);
  }
  const auto work = [&](const StopFlag&) { return std::int64_t{call(use.handle())}; };
  const std::int64_t result = co_await on_file_lane(operation, file->name, work);
  co_return or_throw(result, operation, file->name);
}

Task<FileMetadata> metadata_of_file(FileSource* file) {
  struct ::statx found{};
  co_await on_file(file, "metadata", [&found](NativeHandle handle) {
    return FileSyscalls::statx(handle, "", AT_EMPTY_PATH, metadata_mask, &found);
  });
  co_return metadata_from(found);
}

/// For a call that gives nothing.
template <class Call>
Task<void> change_file(FileSource* file, const char* operation, Call call) {
  co_await on_file(file, operation, call);
}

std::int64_t signed_size(std::uint64_t size) noexcept {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(size, most));
}

Task<bool> try_lock_file(FileSource* file, int operation) {
  // A lock that another has is no error.
  const auto attempt_it = [operation](NativeHandle handle) {
    const std::int64_t result = FileSyscalls::flock(handle, operation | LOCK_NB);
    return result == -EWOULDBLOCK ? std::int64_t{1} : result;
  };
  const std::int64_t taken = co_await on_file(file, "lock", attempt_it);
  co_return taken == 0;
}

Task<void> lock_file(FileSource* file, int operation) {
  constexpr Nanoseconds first_pause = std::chrono::milliseconds(1);
  constexpr Nanoseconds longest_pause = std::chrono::milliseconds(100);
  for (Nanoseconds pause = first_pause;; pause = std::min(2 * pause, longest_pause)) {
    const bool taken = co_await try_lock_file(file, operation);
    if (taken) co_return;
    co_await sleep_for(pause);
  }
}

/// Gives a handle that was handed over back, unless it was closed.
class Handover {
 public:
  explicit Handover(FileSource& file) noexcept : file_(&file) {}
  ~Handover() {
    if (file_ != nullptr) file_->cancel_handover();
  }
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;
  void done() noexcept { file_ = nullptr; }

 private:
  FileSource* file_;
};

Task<void> close_file(FileOwner file) {
  if (file->is_closed(interest::both) || !file->begin_handover()) {
    throw_file_error(make_error_code(std::errc::operation_canceled), "close", file->name);
  }
  Handover handover(*file);
  file->close();
  co_await file->handed_over();
  const IoResult<void> closed =
      co_await IoOp<FileCloseRequest>(FileCloseRequest(file.get())).attempt();
  handover.done();  // on an error, too; a cancel that came in time does not get here
  if (!closed) throw closed.error();
}

int lock_operation(FileLock kind) noexcept { return kind == FileLock::shared ? LOCK_SH : LOCK_EX; }

bool is_for_files(mode_t mode) noexcept { return S_ISREG(mode) || S_ISBLK(mode); }

}  // namespace

Result<FileOwner> make_file(Fd handle, std::string name, bool direct) noexcept try {
  FileOwner file(new FileSource(handle.get(), std::move(name), direct));
  static_cast<void>(handle.release());
  return file;
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

Result<DirectAlignment> direct_alignment_of(NativeHandle handle) noexcept {
#ifdef STATX_DIOALIGN
  struct ::statx found{};
  const std::int64_t result =
      FileSyscalls::statx(handle, "", AT_EMPTY_PATH, STATX_DIOALIGN, &found);
  if (result < 0) return fail(code_of_file(result));
  if ((found.stx_mask & STATX_DIOALIGN) != 0 && found.stx_dio_offset_align != 0) {
    return DirectAlignment{found.stx_dio_mem_align, found.stx_dio_offset_align};
  }
#endif
  return fail(std::errc::not_supported);
}

FileSource& file_of(FileSource* file) noexcept {
  WEFT_CHECK(file != nullptr,
             "an operation on a File that is empty: it was moved from; open it again");
  return *file;
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

// Opening

std::error_code OpenOptions::contradiction() const noexcept {
  const bool changes = writes_ || appends_;
  const bool wrong = ((creates_ || creates_new_ || truncates_) && !changes) ||
                     (truncates_ && (appends_ || creates_new_));
  return wrong ? make_error_code(std::errc::invalid_argument) : std::error_code();
}

int OpenOptions::system_flags() const noexcept {
  const bool changes = writes_ || appends_;
  int flags = changes ? (reads_ ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (appends_) flags |= O_APPEND;
  if (creates_) flags |= O_CREAT;
  if (creates_new_) flags |= O_CREAT | O_EXCL;
  if (truncates_) flags |= O_TRUNC;
  if (direct_) flags |= O_DIRECT;
  if (no_follow_) flags |= O_NOFOLLOW;
  if (synchronous_) flags |= O_DSYNC;
  return flags | native_ | O_NOCTTY;
}

FileOpenOp File::open(const std::filesystem::path& path, const OpenOptions& options) {
  std::error_code why_not = options.contradiction();
  if (path.native().find('\0') != std::string::npos) {
    why_not = make_error_code(std::errc::invalid_argument);
  }
  return FileOpenOp(
      detail::FileOpenRequest(path.native(), options.system_flags(), options.mode_, why_not));
}

FileOpenOp File::create(const std::filesystem::path& path) {
  return open(path, OpenOptions().write().create().truncate());
}

Result<File> File::adopt(NativeHandle handle, std::string name) noexcept try {
  struct ::statx found{};
  const std::int64_t known =
      detail::FileSyscalls::statx(handle, "", AT_EMPTY_PATH, STATX_TYPE, &found);
  if (known < 0) return fail(detail::code_of_file(known));
  if (!detail::is_for_files(found.stx_mode)) return fail(std::errc::invalid_argument);
  const int flags = ::fcntl(handle, F_GETFL);
  if (flags < 0 || ::fcntl(handle, F_SETFD, FD_CLOEXEC) < 0) return fail(os_error(errno));
  return File(detail::FileOwner(new FileSource(handle, std::move(name), (flags & O_DIRECT) != 0)));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

File File::adopt_opened(OwnedHandle handle, std::string name) {
  auto* const source = new FileSource(handle.get(), std::move(name), false);
  static_cast<void>(handle.release());
  return File(detail::FileOwner(source));
}

// Operations

std::int64_t File::at(std::uint64_t offset) noexcept { return detail::signed_size(offset); }

int File::whence(SeekFrom from) noexcept {
  if (from == SeekFrom::begin) return SEEK_SET;
  return from == SeekFrom::current ? SEEK_CUR : SEEK_END;
}

IoOp<detail::FileWholeRequest> File::append(std::span<const std::byte> data) noexcept {
  detail::FileWholeRequest request(file(), OperationKind::write_at, "append", slice(data), 0);
  request.call.arguments.appends = true;
  return IoOp<detail::FileWholeRequest>(std::move(request));
}

Task<FileMetadata> File::metadata() { return detail::metadata_of_file(file()); }

namespace {

Task<std::uint64_t> size_of_file(FileSource* file) {
  const FileMetadata found = co_await detail::metadata_of_file(file);
  co_return found.size;
}

}  // namespace

Task<std::uint64_t> File::size() { return size_of_file(file()); }

Task<void> File::truncate(std::uint64_t size_bytes) {
  const std::int64_t size = detail::signed_size(size_bytes);
  return detail::change_file(file(), "truncate", [size](NativeHandle handle) {
    return detail::FileSyscalls::ftruncate(handle, size);
  });
}

Task<void> File::allocate(std::uint64_t offset, std::uint64_t size_bytes) {
  const std::int64_t from = detail::signed_size(offset);
  const std::int64_t size = detail::signed_size(size_bytes);
  return detail::change_file(file(), "allocate", [from, size](NativeHandle handle) {
    return detail::FileSyscalls::fallocate(handle, 0, from, size);
  });
}

Task<void> File::set_permissions(std::uint32_t mode) {
  return detail::change_file(file(), "set_permissions", [mode](NativeHandle handle) {
    return detail::FileSyscalls::fchmod(handle, static_cast<mode_t>(mode));
  });
}

Task<void> File::lock(FileLock kind) {
  return detail::lock_file(file(), detail::lock_operation(kind));
}

Task<bool> File::try_lock(FileLock kind) {
  return detail::try_lock_file(file(), detail::lock_operation(kind));
}

Task<void> File::unlock() {
  return detail::change_file(file(), "unlock", [](NativeHandle handle) {
    return detail::FileSyscalls::flock(handle, LOCK_UN);
  });
}

Task<void> File::close() {
  FileSource* const source = file();
  source->add_owner();
  return detail::close_file(detail::FileOwner(source, detail::FileCloser{true}));
}

// What does not wait

File::operator bool() const noexcept {
  return file_ != nullptr && !file_->is_closed(interest::both);
}

const std::string& File::name() const noexcept { return file()->name; }

NativeHandle File::native_handle() const noexcept {
  return *this ? file_->handle() : invalid_handle;
}

FileSource* File::file() const noexcept { return &detail::file_of(file_.get()); }

Result<DirectAlignment> File::direct_alignment() const noexcept {
  const detail::FileUse use(*file());
  if (!use) return fail(std::errc::operation_canceled);
  return detail::direct_alignment_of(use.handle());
}

Result<NativeHandle> File::duplicate_handle() const noexcept {
  const detail::FileUse use(*file());
  if (!use) return fail(std::errc::operation_canceled);
  const int copy = ::fcntl(use.handle(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return fail(os_error(errno));
  return copy;
}

}  // namespace weft::inline v0_1
