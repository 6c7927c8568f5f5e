// read_file(), read_text(), write_file(): one job each.
#include "fs/whole_file.hpp"

#include <weft/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "fs/error.hpp"
#include "fs/metadata.hpp"
#include "fs/path_text.hpp"
#include "os/file_syscalls.hpp"
#include "os/pipe_signal.hpp"

namespace weft::inline v0_1::detail {

void write_whole(int handle, std::span<const std::byte> data, const char* operation,
                 std::string_view path, const StopFlag& stop) {
  const BlockedPipeSignal blocked;  // the path may be that of a pipe
  while (!data.empty()) {
    stop.check();
    const std::span<const std::byte> part = data.first(std::min(data.size(), step_size));
    // The system only reads what it writes to a file.
    const iovec slice{const_cast<std::byte*>(part.data()), part.size()};
    const std::int64_t written = FileSyscalls::pwritev2(handle, &slice, 1, FileCall::at_cursor, 0);
    if (written != static_cast<std::int64_t>(part.size())) blocked.consume();
    or_throw(written, operation, path);
    if (written == 0) throw_file_error(make_error_code(std::errc::io_error), operation, path);
    data = data.subspan(static_cast<std::size_t>(written));
  }
}

void sync_handle(int handle, const char* operation, std::string_view path) {
  or_throw(FileSyscalls::fsync(handle, false), operation, path);
}

void sync_directory(const std::filesystem::path& directory, const char* operation) {
  const Fd handle(static_cast<int>(
      or_throw(FileSyscalls::openat(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY, 0),
               operation, directory.native())));
  sync_handle(handle.get(), operation, directory.native());
}

void close_handle(Fd& handle, const char* operation, std::string_view path) {
  or_throw(Syscalls::close(handle.release()), operation, path);
}

NameGuard::~NameGuard() {
  if (!kept_) static_cast<void>(FileSyscalls::unlinkat(AT_FDCWD, path_.c_str(), 0));
}

Fd open_new_in(const std::filesystem::path& directory, int flags, std::uint32_t mode,
               FileOperation operation, std::filesystem::path& made) {
  constexpr int most_attempts = 100;
  std::int64_t result = -EEXIST;
  for (int attempt = 0; result == -EEXIST && attempt < most_attempts; ++attempt) {
    made = directory / temporary_name();
    result = FileSyscalls::openat(AT_FDCWD, made.c_str(), flags | O_CREAT | O_EXCL | O_NOFOLLOW,
                                  static_cast<mode_t>(mode));
  }
  return Fd(static_cast<int>(or_throw(result, operation.name, operation.path)));
}

namespace {

/// Reads the file into `contents`, a vector or string of bytes.
template <class Contents>
void read_whole(const std::filesystem::path& path, std::uint64_t limit, Contents& contents,
                const StopFlag& stop) {
  constexpr const char* operation = "read_file";
  const std::string& name = path.native();
  const Fd handle(static_cast<int>(or_throw(
      FileSyscalls::openat(AT_FDCWD, path_text(path, operation), O_RDONLY, 0), operation, name)));
  struct ::statx found{};
  or_throw(FileSyscalls::statx(handle.get(), "", AT_EMPTY_PATH, STATX_SIZE, &found), operation,
           name);
  if (found.stx_size > limit) throw_file_error(FileErrc::too_large, operation, name);
  // One byte more than it should have: the read that fills the rest meets the end. Files of /proc
  // say that they have none.
  constexpr std::uint64_t least_room = 4096;
  contents.resize(std::max<std::uint64_t>(found.stx_size + 1, least_room));
  std::size_t size = 0;
  for (;;) {
    stop.check();
    const iovec room{contents.data() + size, std::min(contents.size() - size, step_size)};
    const auto read = static_cast<std::size_t>(or_throw(
        FileSyscalls::preadv2(handle.get(), &room, 1, FileCall::at_cursor, 0), operation, name));
    size += read;
    if (size > limit) throw_file_error(FileErrc::too_large, operation, name);
    if (read == 0) break;
    if (size == contents.size()) contents.resize(2 * size);
  }
  contents.resize(size);
}

template <class Contents>
Task<Contents> read_whole_file(std::filesystem::path path, std::uint64_t limit) {
  Contents contents;
  const auto work = [&](const StopFlag& stop) { read_whole(path, limit, contents, stop); };
  co_await on_file_lane("read_file", path.native(), work);
  co_return contents;
}

constexpr const char* operation_name = "write_file";

/// Gives the new file the permissions of the one that is at `path`, if there is one.
void take_permissions(int handle, const std::filesystem::path& path) {
  constexpr unsigned wanted = STATX_MODE | STATX_TYPE | STATX_UID | STATX_GID;
  struct ::statx old{};
  const std::int64_t result =
      FileSyscalls::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, wanted, &old);
  if (result < 0 || !S_ISREG(old.stx_mode)) return;
  struct ::statx made{};
  or_throw(FileSyscalls::statx(handle, "", AT_EMPTY_PATH, wanted, &made), operation_name,
           path.native());
  or_throw(FileSyscalls::fchmod(handle, permissions_for(old, made)), operation_name, path.native());
}

void replace_file(const std::filesystem::path& path, std::span<const std::byte> data,
                  const WriteOptions& options, const StopFlag& stop) {
  const std::filesystem::path directory = directory_of(path);
  std::filesystem::path made;
  const std::string& name = path.native();
  Fd handle = open_new_in(directory, O_WRONLY, options.permissions_of_new,
                          FileOperation(operation_name, name), made);
  NameGuard beside(std::move(made));
  take_permissions(handle.get(), path);
  write_whole(handle.get(), data, operation_name, name, stop);
  if (options.is_durable) sync_handle(handle.get(), operation_name, name);
  close_handle(handle, operation_name, name);
  stop.check();
  or_throw(FileSyscalls::rename(beside.path().c_str(), path.c_str(), 0), operation_name, name);
  beside.keep();
  if (options.is_durable) sync_directory(directory, operation_name);
}

void write_in_place(const std::filesystem::path& path, std::span<const std::byte> data,
                    const WriteOptions& options, const StopFlag& stop) {
  const std::string& name = path.native();
  Fd handle(static_cast<int>(
      or_throw(FileSyscalls::openat(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                    static_cast<mode_t>(options.permissions_of_new)),
               operation_name, name)));
  write_whole(handle.get(), data, operation_name, name, stop);
  if (options.is_durable) sync_handle(handle.get(), operation_name, name);
  close_handle(handle, operation_name, name);
  if (options.is_durable) sync_directory(directory_of(path), operation_name);
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<std::vector<std::byte>> read_file(std::filesystem::path path, std::uint64_t limit) {
  return detail::read_whole_file<std::vector<std::byte>>(std::move(path), limit);
}

Task<std::string> read_text(std::filesystem::path path, std::uint64_t limit) {
  return detail::read_whole_file<std::string>(std::move(path), limit);
}

Task<void> write_file(std::filesystem::path path, std::span<const std::byte> data,
                      WriteOptions options) {
  const auto work = [&](const detail::StopFlag& stop) {
    detail::path_text(path, detail::operation_name);
    if (options.is_atomic) {
      detail::replace_file(path, data, options, stop);
    } else {
      detail::write_in_place(path, data, options, stop);
    }
  };
  co_await detail::on_file_lane(detail::operation_name, path.native(), work);
}

Task<void> write_file(std::filesystem::path path, std::string_view text, WriteOptions options) {
  return write_file(std::move(path), std::as_bytes(std::span(text)), options);
}

}  // namespace weft::inline v0_1
