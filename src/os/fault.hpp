// FaultPlan: makes system calls in tests fail with a chosen errno or transfer less, and counts the
// calls. Consulted only by Syscalls; production installs none. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>
#include <weft/atomic.hpp>

namespace weft::inline v0_1::detail {

/// The functions of Syscalls and FileSyscalls by name.
enum class Call : std::uint8_t {
  read,
  readv,
  recvmsg,
  recvmmsg,  ///< `size` is the most messages.
  write,
  send,
  sendmsg,
  sendmmsg,       ///< `size` is the most messages.
  writev,         ///< Every vectored write; counts as pwritev2, too, if made so.
  pwritev2,       ///< The form without SIGPIPE: EOPNOTSUPP makes it fall back.
  read_file,      ///< Reads of files; counts as read_in_place, too, if made so.
  read_in_place,  ///< Those that take only what is in memory: EAGAIN makes it fall back.
  write_file,     ///< Writes of files.
  openat,
  fsync,  ///< And fdatasync.
  lseek,
  statx,
  ftruncate,
  fallocate,
  flock,
  fchmod,
  fchmodat,
  mkdirat,
  unlinkat,
  renameat,
  linkat,
  symlinkat,
  readlinkat,
  getdents,
  ficlone,
  copy_file_range,
  inotify_init,
  inotify_add_watch,
  accept4,
  eventfd,
  socket,
  socketpair,
  epoll_create,
  connect,
  bind,
  listen,
  shutdown,
  getsockname,
  getpeername,
  getsockopt,
  setsockopt,
  close,
  lstat,
  unlink,
  chmod,
  mkfifo,
  poll_now,
  ppoll,
  epoll_ctl,
  epoll_wait,    ///< Every wait; counts as epoll_pwait2, too, if made so.
  epoll_pwait2,  ///< The form with nanoseconds: ENOSYS makes it fall back.
  map_pages,
  guard_pages,      ///< Every guard; counts as guard_by_marker, too, if made so.
  guard_by_marker,  ///< The form that splits no mapping: EINVAL makes it fall back.
  pin_thread,
  start_thread,
  peek,
  pipe2,
  open_pipe,
  splice,
  sendfile,
  sigaction,           ///< The installation of weft's signal handler.
  child_pipe,          ///< pipe2(2) for a child's stream.
  child_open,          ///< open(2) for a child's stream.
  child_clone,         ///< Every clone(2); counts as child_clone_pidfd, too, if made so.
  child_clone_pidfd,   ///< The form that gives a pidfd: ENOSYS makes it fall back.
  child_pidfd_open,    ///< What takes its place.
  child_step,          ///< A step in the child; its SpawnStep takes the place of a handle.
  child_close_range,   ///< One call for all handles: ENOSYS makes it fall back.
  child_wait,          ///< waitid(2).
  child_signal,        ///< pidfd_send_signal(2).
  child_signal_group,  ///< kill(2).
  count_,
};

/// A fault for some of the calls of one kind.
struct Fault {
  static constexpr int any_handle = -1;
  static constexpr std::uint64_t always = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::size_t not_shortened = std::numeric_limits<std::size_t>::max();

  Call call;
  int errno_value = 0;               ///< Not 0: the call is not made and fails with this.
  std::size_t size = not_shortened;  ///< The most bytes that a transfer may have.
  int handle = any_handle;  ///< Only calls on this handle count (epoll_ctl: the one watched).
  std::uint64_t skip = 0;   ///< The number of matching calls that pass first.
  std::uint64_t times = 1;  ///< The number of calls after these that are hit.
};

class FaultPlan {
 public:
  FaultPlan() = default;
  FaultPlan(const FaultPlan&) = delete;
  FaultPlan& operator=(const FaultPlan&) = delete;

  void add(const Fault& fault);
  void clear();

  /// The fault for the call about to be made; none: the call is made as usual. Counts the call.
  [[nodiscard]] std::optional<Fault> judge(Call call, int handle) noexcept;

  /// The number of calls of this kind since construction or reset, EINTR repetitions included.
  [[nodiscard]] std::uint64_t calls(Call call) const noexcept;
  void reset_counts() noexcept;
  /// How many calls the added faults have hit.
  [[nodiscard]] std::uint64_t struck() const noexcept;
  /// Whether any added fault shortens transfers.
  [[nodiscard]] bool shortens() const noexcept;

 private:
  static constexpr std::size_t kinds = static_cast<std::size_t>(Call::count_);

  // Relaxed throughout: counters and a hint; the test itself orders what they are compared with.
  std::array<Atomic<std::uint64_t>, kinds> calls_{};
  Atomic<std::uint64_t> struck_{0};
  Atomic<bool> shortens_{false};
  ThreadMutex mutex_;
  std::vector<Fault> faults_;  // guarded by mutex_; their skip and times count down
};

/// A FaultPlan that is installed for its lifetime.
class ScopedFaults : public FaultPlan {
 public:
  ScopedFaults() noexcept;
  ~ScopedFaults();

 private:
  FaultPlan* before_;
};

}  // namespace weft::inline v0_1::detail
