#include "process/child_program.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

// For each function here: the sanitizers' state is that of the parent's thread.
#if defined(__clang__)
#define WEFT_IN_CHILD __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined")))
#else
#define WEFT_IN_CHILD
#endif

namespace weft::inline v0_1::detail {

namespace {

constexpr long exit_code_of_failure = 127;
constexpr std::size_t kernel_mask_bytes = 8;
constexpr int last_signal = 64;
constexpr unsigned close_on_exec_flag = 4;  // CLOSE_RANGE_CLOEXEC

/// The system's sigaction; the handler comes first on all processors that Linux runs on but MIPS.
struct KernelAction {
  void* handler;
  unsigned long rest[7];
};

/// Returns the result, or a negative errno value. The C library's function for any system call
/// does nothing else.
WEFT_IN_CHILD long system_call(long number, long a = 0, long b = 0, long c = 0,
                               long d = 0) noexcept {
  const long result = ::syscall(number, a, b, c, d);
  return result >= 0 ? result : -errno;
}

WEFT_IN_CHILD long address_of(const void* object) noexcept {
  return reinterpret_cast<long>(object);
}

/// Handlers would run in the child once its signals are unblocked.
WEFT_IN_CHILD void reset_signals() noexcept {
  for (int number = 1; number <= last_signal; ++number) {
    KernelAction now = {};
    const long got = system_call(SYS_rt_sigaction, number, 0, address_of(&now),
                                 static_cast<long>(kernel_mask_bytes));
    const bool is_plain = now.handler == nullptr || now.handler == reinterpret_cast<void*>(1);
    if (got < 0 || (is_plain && number != SIGPIPE)) continue;
    const KernelAction standard = {};
    system_call(SYS_rt_sigaction, number, address_of(&standard), 0,
                static_cast<long>(kernel_mask_bytes));
  }
}

/// What the system reports for an entry of a directory; the name follows the type.
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t size;
  std::uint8_t type;
};
constexpr long offset_of_name = 19;

/// Returns the number that `text` is, or -1.
WEFT_IN_CHILD int number_in(const char* text) noexcept {
  int number = 0;
  if (*text == '\0') return -1;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return -1;
    number = number * 10 + (*text - '0');
  }
  return number;
}

/// For kernels before 5.11: each handle by itself.
WEFT_IN_CHILD long close_each_on_exec() noexcept {
  const long directory = system_call(SYS_openat, AT_FDCWD, address_of("/proc/self/fd"),
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return directory;
  alignas(DirectoryEntry) char room[2048];
  for (;;) {
    const long size = system_call(SYS_getdents64, directory, address_of(room), sizeof room);
    if (size <= 0) return size;
    for (long at = 0; at < size;) {
      // SAFETY: the system has put entries there, each aligned and of the size that it says.
      const auto* const entry = reinterpret_cast<const DirectoryEntry*>(room + at);
      const int handle = number_in(room + at + offset_of_name);
      if (handle > 2) system_call(SYS_fcntl, handle, F_SETFD, FD_CLOEXEC);
      at += entry->size;
    }
  }
}

WEFT_IN_CHILD long close_others_on_exec(const ChildPlan& plan) noexcept {
  if (plan.has_close_range) {
    const long done = system_call(SYS_close_range, 3, static_cast<long>(~0U), close_on_exec_flag);
    if (done != -ENOSYS && done != -EINVAL && done != -EPERM) return done;
  }
  return close_each_on_exec();
}

/// First out of the way what a later move would overwrite, then into place.
WEFT_IN_CHILD long move_handles(ChildPlan& plan) noexcept {
  for (std::size_t i = 0; i < plan.move_count; ++i) {
    HandleMove& move = plan.moves[i];
    if (move.from >= plan.first_free || move.from == move.to) continue;
    plan.subject = move.from;
    const long copy = system_call(SYS_fcntl, move.from, F_DUPFD_CLOEXEC, plan.first_free);
    if (copy < 0) return copy;
    move.from = static_cast<int>(copy);
  }
  for (std::size_t i = 0; i < plan.move_count; ++i) {
    const HandleMove& move = plan.moves[i];
    plan.subject = move.from;
    const long done = move.from == move.to ? system_call(SYS_fcntl, move.from, F_SETFD, 0)
                                           : system_call(SYS_dup3, move.from, move.to, 0);
    if (done < 0) return done;
  }
  return 0;
}

WEFT_IN_CHILD long take_limits(ChildPlan& plan) noexcept {
  for (std::size_t i = 0; i < plan.limit_count; ++i) {
    plan.subject = static_cast<int>(i);
    const long done =
        system_call(SYS_prlimit64, 0, plan.limits[i].resource, address_of(&plan.limits[i].values));
    if (done < 0) return done;
  }
  return 0;
}

WEFT_IN_CHILD long take_groups(const ChildPlan& plan) noexcept {
  const long done =
      system_call(SYS_setgroups, static_cast<long>(plan.group_count), address_of(plan.groups));
  return done == -EPERM && plan.may_keep_groups ? 0 : done;
}

WEFT_IN_CHILD long execute(ChildPlan& plan) noexcept {
  long error = -ENOENT;
  int denied = -1;
  for (int i = 0; plan.candidates[i] != nullptr; ++i) {
    plan.subject = i;
    error = system_call(SYS_execve, address_of(plan.candidates[i]), address_of(plan.arguments),
                        address_of(plan.environment));
    if (error == -EACCES) {
      denied = i;
    } else if (error != -ENOENT && error != -ENOTDIR && error != -ESTALE && error != -ENODEV &&
               error != -ETIMEDOUT) {
      return error;
    }
  }
  if (denied < 0) return error;
  plan.subject = denied;
  return -EACCES;
}

/// Begins a step. Returns the error that a test wants.
WEFT_IN_CHILD long begin(ChildPlan& plan, SpawnStep step) noexcept {
  plan.step = step;
  plan.subject = 0;
  return -plan.planned_errors[static_cast<std::size_t>(step)];
}

WEFT_IN_CHILD long perform(ChildPlan& plan, SpawnStep step) noexcept {
  if (const long error = begin(plan, step); error != 0) return error;
  switch (step) {
    case SpawnStep::session:
      return system_call(SYS_setsid);
    case SpawnStep::group:
      return system_call(SYS_setpgid, 0, 0);
    case SpawnStep::limit:
      return take_limits(plan);
    case SpawnStep::handles: {
      const long closed = close_others_on_exec(plan);
      return closed < 0 ? closed : move_handles(plan);
    }
    case SpawnStep::groups:
      return take_groups(plan);
    case SpawnStep::gid:
      return system_call(SYS_setresgid, plan.gid, plan.gid, plan.gid);
    case SpawnStep::uid:
      return system_call(SYS_setresuid, plan.uid, plan.uid, plan.uid);
    case SpawnStep::directory:
      return system_call(SYS_chdir, address_of(plan.directory));
    case SpawnStep::exec:
      system_call(SYS_rt_sigprocmask, SIG_SETMASK, address_of(&plan.mask), 0,
                  static_cast<long>(kernel_mask_bytes));
      return execute(plan);
    default:
      return 0;
  }
}

WEFT_IN_CHILD bool wants(const ChildPlan& plan, SpawnStep step) noexcept {
  switch (step) {
    case SpawnStep::session:
      return plan.leads == ChildPlan::Leads::session;
    case SpawnStep::group:
      return plan.leads == ChildPlan::Leads::group;
    case SpawnStep::limit:
      return plan.limit_count != 0;
    case SpawnStep::groups:
      return plan.sets_groups;
    case SpawnStep::gid:
      return plan.sets_gid;
    case SpawnStep::uid:
      return plan.sets_uid;
    case SpawnStep::directory:
      return plan.directory != nullptr;
    default:
      return true;
  }
}

}  // namespace

WEFT_IN_CHILD int run_child(void* argument) noexcept {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  reset_signals();
  if (plan.sets_umask) system_call(SYS_umask, plan.umask);
  long result = 0;
  for (int step = static_cast<int>(SpawnStep::session);
       step <= static_cast<int>(SpawnStep::exec) && result >= 0; ++step) {
    const auto next = static_cast<SpawnStep>(step);
    if (wants(plan, next)) result = perform(plan, next);
  }
  plan.error = static_cast<int>(-result);
  system_call(SYS_exit_group, exit_code_of_failure);
  return 0;
}

#undef WEFT_IN_CHILD

}  // namespace weft::inline v0_1::detail
