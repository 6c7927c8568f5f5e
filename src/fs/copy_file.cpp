// copy_file(): shared blocks, else a copy inside the system, else a copy through memory.
#include <weft/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "fs/error.hpp"
#include "fs/metadata.hpp"
#include "fs/path_text.hpp"
#include "fs/whole_file.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* copying = "copy_file";

struct ::statx status_of(const Fd& handle, std::string_view name) {
  struct ::statx found{};
  or_throw(FileSyscalls::statx(handle.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found), copying,
           name);
  return found;
}

bool are_same(const struct ::statx& one, const struct ::statx& other) noexcept {
  return one.stx_ino == other.stx_ino && one.stx_dev_major == other.stx_dev_major &&
         one.stx_dev_minor == other.stx_dev_minor;
}

/// Whether the system says by `error` that it cannot copy between these two by itself.
bool needs_memory(std::int64_t error) noexcept {
  return error == -EXDEV || error == -EOPNOTSUPP || error == -EINVAL || error == -ENOSYS ||
         error == -EPERM || error == -EBADF;
}

/// Copies what is behind the cursors. Returns how much; none: the system cannot.
std::optional<std::uint64_t> copy_in_system(const Fd& from, const Fd& to, std::string_view name,
                                            const StopFlag& stop) {
  constexpr std::size_t step = std::size_t{16} << 20;
  std::uint64_t copied = 0;
  for (;;) {
    stop.check();
    const std::int64_t moved = FileSyscalls::copy_file_range(from.get(), to.get(), step);
    if (moved < 0 && copied == 0 && needs_memory(moved)) return std::nullopt;
    // Some file systems copy nothing, and say that this is the end: a read knows better.
    if (moved == 0) return copied == 0 ? std::nullopt : std::optional(copied);
    copied += static_cast<std::uint64_t>(or_throw(moved, copying, name));
  }
}

std::uint64_t copy_through_memory(const Fd& from, const Fd& to, std::string_view name,
                                  const StopFlag& stop) {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(step_size);
  std::uint64_t copied = 0;
  for (;;) {
    stop.check();
    const iovec room{memory.get(), step_size};
    const auto size = static_cast<std::size_t>(or_throw(
        FileSyscalls::preadv2(from.get(), &room, 1, FileCall::at_cursor, 0), copying, name));
    if (size == 0) return copied;
    write_whole(to.get(), {memory.get(), size}, copying, name, stop);
    copied += size;
  }
}

/// Opens the target; `made`: it was not there.
Fd open_target(const std::filesystem::path& to, mode_t mode, std::string_view name, bool& made) {
  std::int64_t result =
      FileSyscalls::openat(AT_FDCWD, to.c_str(), O_WRONLY | O_CREAT | O_EXCL, mode);
  made = result >= 0;
  if (result == -EEXIST) result = FileSyscalls::openat(AT_FDCWD, to.c_str(), O_WRONLY, 0);
  return Fd(static_cast<int>(or_throw(result, copying, name)));
}

std::uint64_t copy(const std::filesystem::path& source, const std::filesystem::path& target,
                   std::string_view name, const StopFlag& stop) {
  const Fd from(static_cast<int>(or_throw(
      FileSyscalls::openat(AT_FDCWD, path_text(source, copying), O_RDONLY, 0), copying, name)));
  const struct ::statx status = status_of(from, name);
  if (!S_ISREG(status.stx_mode)) {
    throw_file_error(make_error_code(std::errc::invalid_argument), copying, name);
  }
  path_text(target, copying);
  bool made = false;
  Fd to = open_target(target, status.stx_mode & 0777U, name, made);
  NameGuard guard(target);
  if (!made) guard.keep();
  const struct ::statx status_of_target = status_of(to, name);
  if (are_same(status, status_of_target)) {
    throw_file_error(make_error_code(std::errc::invalid_argument), copying, name);
  }
  // Of a file that has just been made, ext4 would take this for a replacement, and write the copy
  // to the disk before its close() returns (auto_da_alloc in ext4(5)).
  if (!made) or_throw(FileSyscalls::ftruncate(to.get(), 0), copying, name);
  or_throw(FileSyscalls::fchmod(to.get(), permissions_for(status, status_of_target)), copying,
           name);
  std::optional<std::uint64_t> copied;
  if (FileSyscalls::clone(to.get(), from.get()) == 0) copied = status.stx_size;
  if (!copied) copied = copy_in_system(from, to, name, stop);
  if (!copied) copied = copy_through_memory(from, to, name, stop);
  close_handle(to, copying, name);
  guard.keep();
  return *copied;
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<std::uint64_t> copy_file(std::filesystem::path from, std::filesystem::path to) {
  const std::string name = detail::two_paths(from, to);
  const auto work = [&](const detail::StopFlag& stop) {
    return detail::copy(from, to, name, stop);
  };
  co_return co_await detail::on_file_lane(detail::copying, name, work);
}

}  // namespace weft::inline v0_1
