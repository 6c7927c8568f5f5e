// run_child(): what a new child does between clone(2) and execve(2). Called by Spawner through
// Syscalls::child_clone().
//
// The child shares the memory of its parent, whose calling thread is suspended meanwhile, while the
// other threads run. So the child makes system calls and nothing else: it takes no lock, allocates
// nothing, calls nothing that a sanitizer instruments, and writes only to its stack, to errno and
// to its plan. All signals are blocked, as the parent's handlers would run in the child.
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <weft/process.hpp>

namespace weft::inline v0_1::detail {

inline constexpr std::size_t spawn_steps = static_cast<std::size_t>(SpawnStep::exec) + 1;

/// Handle `from` of the parent becomes `to` in the child.
struct HandleMove {
  int from;
  int to;
};

struct ResourceLimit {
  int resource;
  rlimit values;
};

/// What the child is to do, in memory of the parent, and how far it has come.
struct ChildPlan {
  enum class Leads : std::uint8_t { nothing, group, session };

  const char* const* candidates = nullptr;  ///< Paths of the program, the last one null.
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;  ///< Null: the parent's.
  HandleMove* moves = nullptr;      ///< No two have one `to`. The child changes them.
  std::size_t move_count = 0;
  int first_free = 3;  ///< Above each `to`.
  const ResourceLimit* limits = nullptr;
  std::size_t limit_count = 0;
  const std::uint32_t* groups = nullptr;
  std::size_t group_count = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t umask = 0;
  Leads leads = Leads::nothing;
  bool sets_groups = false;
  bool may_keep_groups = false;  ///< If setting them is not permitted, no error.
  bool sets_uid = false;
  bool sets_gid = false;
  bool sets_umask = false;
  bool has_close_range = true;
  sigset_t mask{};                       ///< Of the child.
  int planned_errors[spawn_steps] = {};  ///< By step: what a test wants to fail.

  // Written by the child
  SpawnStep step = SpawnStep::clone;  ///< Which it was at.
  int error = 0;                      ///< An errno value; 0: the program has begun.
  int subject = 0;                    ///< The handle, limit or candidate concerned.
};

/// `plan`: a ChildPlan. Does not return, whatever its type.
int run_child(void* plan) noexcept;

}  // namespace weft::inline v0_1::detail
