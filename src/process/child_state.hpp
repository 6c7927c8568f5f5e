// ChildState: a child process that this one has to wait for. Owned by its ChildProcess, by waits
// under way, and at last by the Reaper. Thread-safe.
//
// The pidfd means the child for as long as it is open, so no number of a process can be mistaken
// for another one's. A child that leads a group is left a zombie until its ChildProcess goes. So
// long its number, which is the group's, cannot be given to another process, and a signal to the
// group reaches no other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <weft/atomic.hpp>
#include <weft/net.hpp>
#include <weft/process.hpp>
#include <weft/result.hpp>

#include "base/fork.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

class ChildState {
 public:
  /// A child that was started, or will be: see started().
  ChildState(std::string program, bool leads_group) noexcept
      : program_(std::move(program)), leads_group_(leads_group) {}
  ChildState(const ChildState&) = delete;
  ChildState& operator=(const ChildState&) = delete;

  /// Before any other call. Throws std::bad_alloc; then the caller still owns the pidfd.
  void started(int id, Fd& pidfd);

  [[nodiscard]] int id() const noexcept { return id_; }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
  /// "make (process 4711)", for errors.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool leads_group() const noexcept { return leads_group_; }
  /// Whether this process is the child of a fork() of the one that started it.
  [[nodiscard]] bool inherited() const noexcept { return forks_ != ForkCount::now(); }
  /// To wait for its end.
  [[nodiscard]] Pollable& end() noexcept { return *end_; }

  /// Looks whether it has ended. Never waits. Errors: see ChildProcess::wait().
  [[nodiscard]] Result<std::optional<ExitStatus>> look() noexcept;
  /// The same, and leaves no zombie. Returns whether there is nothing more to wait for.
  [[nodiscard]] bool reap() noexcept;

  [[nodiscard]] Result<void> signal(int number) noexcept;
  [[nodiscard]] Result<void> signal_group(int number) noexcept;
  /// Kills it, and its group.
  void kill() noexcept;

  Atomic<bool> kills_on_drop{false};  // relaxed: orders nothing

 private:
  friend class Reaper;
  [[nodiscard]] Result<std::optional<ExitStatus>> look_locked(bool reaps) noexcept;

  const std::string program_;
  const bool leads_group_;
  const std::uint32_t forks_ = ForkCount::now();
  int id_ = 0;
  Fd pidfd_;
  std::optional<Pollable> end_;

  ThreadMutex mutex_;
  std::optional<ExitStatus> status_;  // guarded by mutex_
  std::error_code lost_;              // guarded by mutex_: why there is no status
  bool is_gone_ = false;              // guarded by mutex_: the system has forgotten it

  // The Reaper's, guarded by its mutex
  std::shared_ptr<ChildState> kept_;
  ChildState* next_ = nullptr;
  bool watched_ = false;
};

}  // namespace weft::inline v0_1::detail
