#include "os/file_syscalls.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "os/perform.hpp"

namespace weft::inline v0_1::detail {

namespace {

template <class Function>
std::int64_t perform_on(Call kind, int fd, Function call) noexcept {
  return perform(kind, fd, [&](std::size_t) { return call(); });
}

std::int64_t read_slices(int fd, const iovec* slices, int count, std::int64_t offset,
                         int flags) noexcept {
  if ((flags & RWF_NOWAIT) == 0) return ::preadv2(fd, slices, count, offset, flags);
  // One attempt: the loop around it repeats it if it was interrupted.
  const std::int64_t result = perform_once(
      Call::read_in_place, fd, [=] { return ::preadv2(fd, slices, count, offset, flags); });
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace

std::int64_t FileSyscalls::openat(int directory, const char* path, int flags,
                                  mode_t mode) noexcept {
  return perform_on(Call::openat, directory,
                    [=] { return ::openat(directory, path, flags | O_CLOEXEC, mode); });
}

std::int64_t FileSyscalls::preadv2(int fd, const iovec* slices, std::size_t count,
                                   std::int64_t offset, int flags) noexcept {
  return perform(Call::read_file, fd, [&](std::size_t room) {
    return within(room, slices, count, [=](const iovec* first, int n) {
      return read_slices(fd, first, n, offset, flags);
    });
  });
}

std::int64_t FileSyscalls::pwritev2(int fd, const iovec* slices, std::size_t count,
                                    std::int64_t offset, int flags) noexcept {
  return perform(Call::write_file, fd, [&](std::size_t room) {
    return within(room, slices, count, [=](const iovec* first, int n) {
      return ::pwritev2(fd, first, n, offset, flags);
    });
  });
}

std::int64_t FileSyscalls::fsync(int fd, bool data_only) noexcept {
  return perform_on(Call::fsync, fd, [=] { return data_only ? ::fdatasync(fd) : ::fsync(fd); });
}

std::int64_t FileSyscalls::lseek(int fd, std::int64_t offset, int whence) noexcept {
  return perform_on(Call::lseek, fd, [=] { return ::lseek(fd, offset, whence); });
}

std::int64_t FileSyscalls::statx(int directory, const char* path, int flags, unsigned mask,
                                 struct ::statx* found) noexcept {
  return perform_on(Call::statx, directory,
                    [=] { return ::statx(directory, path, flags, mask, found); });
}

std::int64_t FileSyscalls::ftruncate(int fd, std::int64_t size) noexcept {
  return perform_on(Call::ftruncate, fd, [=] { return ::ftruncate(fd, size); });
}

std::int64_t FileSyscalls::fallocate(int fd, int mode, std::int64_t offset,
                                     std::int64_t size) noexcept {
  return perform_on(Call::fallocate, fd, [=] { return ::fallocate(fd, mode, offset, size); });
}

std::int64_t FileSyscalls::flock(int fd, int operation) noexcept {
  return perform_on(Call::flock, fd, [=] { return ::flock(fd, operation); });
}

std::int64_t FileSyscalls::fchmod(int fd, mode_t mode) noexcept {
  return perform_on(Call::fchmod, fd, [=] { return ::fchmod(fd, mode); });
}

std::int64_t FileSyscalls::fchmodat(int directory, const char* path, mode_t mode) noexcept {
  return perform_on(Call::fchmodat, directory,
                    [=] { return ::fchmodat(directory, path, mode, 0); });
}

std::int64_t FileSyscalls::mkdirat(int directory, const char* path, mode_t mode) noexcept {
  return perform_on(Call::mkdirat, directory, [=] { return ::mkdirat(directory, path, mode); });
}

std::int64_t FileSyscalls::unlinkat(int directory, const char* path, int flags) noexcept {
  return perform_on(Call::unlinkat, directory, [=] { return ::unlinkat(directory, path, flags); });
}

std::int64_t FileSyscalls::rename(const char* from, const char* to, unsigned flags) noexcept {
  return perform_on(Call::renameat, AT_FDCWD,
                    [=] { return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, flags); });
}

std::int64_t FileSyscalls::linkat(int directory, const char* from, const char* to,
                                  int flags) noexcept {
  return perform_on(Call::linkat, directory,
                    [=] { return ::linkat(directory, from, AT_FDCWD, to, flags); });
}

std::int64_t FileSyscalls::symlink(const char* target, const char* path) noexcept {
  return perform_on(Call::symlinkat, AT_FDCWD, [=] { return ::symlinkat(target, AT_FDCWD, path); });
}

std::int64_t FileSyscalls::readlink(const char* path, char* room, std::size_t size) noexcept {
  return perform_on(Call::readlinkat, AT_FDCWD,
                    [=] { return ::readlinkat(AT_FDCWD, path, room, size); });
}

std::int64_t FileSyscalls::getdents(int directory, void* room, std::size_t size) noexcept {
  return perform_on(Call::getdents, directory,
                    [=] { return ::syscall(SYS_getdents64, directory, room, size); });
}

std::int64_t FileSyscalls::clone(int to, int from) noexcept {
  return perform_on(Call::ficlone, to, [=] { return ::ioctl(to, FICLONE, from); });
}

std::int64_t FileSyscalls::copy_file_range(int from, int to, std::size_t size) noexcept {
  return perform(Call::copy_file_range, from, [=](std::size_t room) {
    return ::copy_file_range(from, nullptr, to, nullptr, std::min(size, room), 0);
  });
}

std::int64_t FileSyscalls::inotify_init() noexcept {
  return perform_on(Call::inotify_init, Fault::any_handle,
                    [] { return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); });
}

std::int64_t FileSyscalls::inotify_add_watch(int fd, const char* path,
                                             std::uint32_t mask) noexcept {
  return perform_on(Call::inotify_add_watch, fd,
                    [=] { return ::inotify_add_watch(fd, path, mask); });
}

std::int64_t FileSyscalls::inotify_rm_watch(int fd, int watch) noexcept {
  return ::inotify_rm_watch(fd, watch) < 0 ? -errno : 0;
}

}  // namespace weft::inline v0_1::detail
