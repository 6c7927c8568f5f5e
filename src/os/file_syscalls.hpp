// FileSyscalls: the system calls on files, directories and paths: the part of the seam of
// "os/syscalls.hpp" that blocks. Called on threads that may wait for a disk; only preadv2() with
// RWF_NOWAIT, lseek() and the calls of inotify are made elsewhere.
//
// Every function returns its result, or -errno. EINTR: an interrupted call is repeated. New handles
// are close-on-exec. A `directory` may be AT_FDCWD. Thread-safety: any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

struct iovec;

namespace weft::inline v0_1::detail {

struct FileSyscalls {
  static std::int64_t openat(int directory, const char* path, int flags, mode_t mode) noexcept;
  /// preadv2(2); `offset` -1: at the cursor. A short count is a success.
  static std::int64_t preadv2(int fd, const iovec* slices, std::size_t count, std::int64_t offset,
                              int flags) noexcept;
  /// The same for pwritev2(2).
  static std::int64_t pwritev2(int fd, const iovec* slices, std::size_t count, std::int64_t offset,
                               int flags) noexcept;
  /// fsync(2), or fdatasync(2).
  static std::int64_t fsync(int fd, bool data_only) noexcept;
  static std::int64_t lseek(int fd, std::int64_t offset, int whence) noexcept;
  static std::int64_t statx(int directory, const char* path, int flags, unsigned mask,
                            struct ::statx* found) noexcept;
  static std::int64_t ftruncate(int fd, std::int64_t size) noexcept;
  static std::int64_t fallocate(int fd, int mode, std::int64_t offset, std::int64_t size) noexcept;
  static std::int64_t flock(int fd, int operation) noexcept;
  static std::int64_t fchmod(int fd, mode_t mode) noexcept;
  static std::int64_t fchmodat(int directory, const char* path, mode_t mode) noexcept;
  static std::int64_t mkdirat(int directory, const char* path, mode_t mode) noexcept;
  static std::int64_t unlinkat(int directory, const char* path, int flags) noexcept;
  /// renameat2(2) between paths that are absolute, or relative to the working directory.
  static std::int64_t rename(const char* from, const char* to, unsigned flags) noexcept;
  static std::int64_t linkat(int directory, const char* from, const char* to, int flags) noexcept;
  static std::int64_t symlink(const char* target, const char* path) noexcept;
  static std::int64_t readlink(const char* path, char* room, std::size_t size) noexcept;
  /// getdents64(2): whole records.
  static std::int64_t getdents(int directory, void* room, std::size_t size) noexcept;
  /// ioctl FICLONE: `to` shares the blocks of `from`.
  static std::int64_t clone(int to, int from) noexcept;
  static std::int64_t copy_file_range(int from, int to, std::size_t size) noexcept;
  /// Non-blocking.
  static std::int64_t inotify_init() noexcept;
  static std::int64_t inotify_add_watch(int fd, const char* path, std::uint32_t mask) noexcept;
  static std::int64_t inotify_rm_watch(int fd, int watch) noexcept;
};

}  // namespace weft::inline v0_1::detail
