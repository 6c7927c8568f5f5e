// SocketFile: the file of a Unix socket that was bound here, which is removed at its end. Used by
// Unix listeners and datagram sockets. Thread-safety: remove() is for any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <weft/atomic.hpp>
#include <weft/detail/net_request.hpp>
#include <weft/endpoint.hpp>
#include <weft/result.hpp>

#include "base/fork.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// Invariant: removes the file at most once, and only if the path still names the file that this
/// process has made: another program may have removed it, and bound the path again.
class SocketFile {
 public:
  SocketFile(std::string path, std::uint64_t device, std::uint64_t number) noexcept
      : path_(std::move(path)), device_(device), number_(number) {}
  ~SocketFile() { remove(); }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  void remove() noexcept;
  /// Lets the file stay. Relaxed: nothing is read by the flag.
  void leave() noexcept { is_removed_.store(true, std::memory_order_relaxed); }

 private:
  const std::string path_;
  const std::uint64_t device_;
  const std::uint64_t number_;
  const std::uint32_t process_ = ForkCount::now();  // a forked child leaves the file alone
  Atomic<bool> is_removed_{false};                  // or is to stay
};

/// A bound socket, and its file, if it has one. The file goes first.
struct BoundUnix {
  void leave_file() noexcept {
    if (file != nullptr) file->leave();
  }
  Fd handle;
  std::unique_ptr<SocketFile> file;
};

/// Opens a socket of that type and binds it to `at`. `mode`: permissions of the file; negative: as
/// the process's mask says. Throws std::bad_alloc.
[[nodiscard]] Result<BoundUnix> bind_unix(const Endpoint& at, int type, bool remove_stale,
                                          int mode);

}  // namespace weft::inline v0_1::detail
