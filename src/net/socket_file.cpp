#include "net/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "net/message_socket.hpp"
#include "net/native_address.hpp"
#include "net/socket.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// What a path names: which file it is, and whether that is a socket.
struct Named {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  bool is_socket = false;
  friend bool operator==(const Named&, const Named&) = default;
};

Result<Named> named_by(const std::string& path) noexcept {
  struct stat about{};
  const Result<void> got = checked(Syscalls::lstat(path.c_str(), &about));
  if (!got) return fail(got.error());
  return Named{
      .device = about.st_dev, .number = about.st_ino, .is_socket = S_ISSOCK(about.st_mode)};
}

/// Whether the path names a socket to which no process listens any more: a connect says so. A full
/// queue, a socket of another type and a missing permission are signs of life.
bool is_stale(const NativeAddress& address, int type) noexcept {
  const Result<Fd> probe = open_socket(AF_UNIX, type);
  if (!probe) return false;
  return Syscalls::connect(probe->get(), address.get(), address.size) == -ECONNREFUSED;
}

Result<void> bind_handle(int handle, const NativeAddress& address) noexcept {
  return checked(Syscalls::bind(handle, address.get(), address.size));
}

/// Binds again after it has removed a stale socket. The path is looked at before and after the
/// probe, so that a socket that another process has put there meanwhile is not removed, except
/// within the moment between the second look and the removal.
Result<void> bind_in_place_of_stale(int handle, const std::string& path,
                                    const NativeAddress& address, int type) noexcept {
  const auto in_use = fail(std::errc::address_in_use);
  const Result<Named> before = named_by(path);
  if (before && !before->is_socket) return in_use;
  if (before) {
    if (!is_stale(address, type)) return in_use;
    const Result<Named> after = named_by(path);
    if (after && *after != *before) return in_use;
    if (after) {
      const Result<void> removed = checked(Syscalls::unlink(path.c_str()));
      if (!removed && removed.error() != std::errc::no_such_file_or_directory) return removed;
    }
  }
  return bind_handle(handle, address);
}

}  // namespace

void SocketFile::remove() noexcept {
  // Relaxed: only one thread goes on; what it then does orders nothing.
  if (is_removed_.exchange(true, std::memory_order_relaxed)) return;
  if (process_ != ForkCount::now()) return;
  const Result<Named> there = named_by(path_);
  const bool is_ours = there && there->device == device_ && there->number == number_;
  // No caller is left to act on an error: the file then stays, as without this.
  if (is_ours) static_cast<void>(Syscalls::unlink(path_.c_str()));
}

Result<BoundUnix> bind_unix(const Endpoint& at, int type, bool remove_stale, int mode) {
  if (!at.is_unix()) return fail(std::errc::invalid_argument);
  const NativeAddress address(at);
  const bool has_file = !at.path().empty() && !at.path().starts_with('@');
  const std::string path(at.path());
  BoundUnix bound;
  Result<Fd> handle = open_socket(AF_UNIX, type);
  if (!handle) return fail(handle.error());
  bound.handle = std::move(*handle);
  Result<void> done = bind_handle(bound.handle.get(), address);
  if (!done && done.error() == std::errc::address_in_use && has_file && remove_stale) {
    done = bind_in_place_of_stale(bound.handle.get(), path, address, type);
  }
  if (!done) return fail(done.error());
  if (!has_file) return bound;
  const Result<Named> file = named_by(path);
  if (!file) return fail(file.error());
  static_cast<void>(ForkCount::begin());
  auto own = std::make_unique<SocketFile>(path, file->device, file->number);
  // Before it listens, so that no process gets in which the mode keeps out.
  if (mode >= 0) done = checked(Syscalls::chmod(path.c_str(), static_cast<unsigned>(mode)));
  if (!done) return fail(done.error());  // and removes the file
  bound.file = std::move(own);
  return bound;
}

}  // namespace weft::inline v0_1::detail
