// ChildProcess and ExitStatus.
#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <weft/process.hpp>
#include <weft/signal.hpp>
#include <weft/timeout.hpp>

#include "base/check.hpp"
#include "process/child_state.hpp"
#include "process/reaper.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Keeps the child's state: the ChildProcess may go meanwhile.
Task<ExitStatus> wait_for_end(std::shared_ptr<ChildState> child) {
  for (;;) {
    const Result<std::optional<ExitStatus>> status = child->look();
    if (!status) throw IoError(status.error(), "wait for", child->name());
    if (*status) co_return **status;
    const Result<void> ended = co_await attempt(child->end().readable());
    if (!ended) throw IoError(ended.error(), "wait for", child->name());
  }
}

Task<ExitStatus> terminate_child(std::shared_ptr<ChildState> child, Nanoseconds grace) {
  // It may have ended already, but not all of its group.
  if (child->leads_group()) {
    static_cast<void>(child->signal_group(SIGTERM));
  } else {
    static_cast<void>(child->signal(SIGTERM));
  }
  const IoResult<ExitStatus> status = co_await attempt(timeout(wait_for_end(child), grace));
  if (status) {
    child->kill();  // of its group, those that are left
    co_return *status;
  }
  if (status.error() != std::errc::timed_out) throw status.error();
  child->kill();
  co_return co_await wait_for_end(child);
}

}  // namespace
}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

std::string ExitStatus::to_string() const {
  if (signal_ == 0) return "exit code " + std::to_string(code_);
  return "killed by " + signal_name(signal_) + (core_dumped_ ? " (core dumped)" : "");
}

detail::ChildState& ChildProcess::state() const noexcept {
  WEFT_CHECK(state_ != nullptr, "the child was moved from: use the object it was moved to");
  return *state_;
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  drop();
  state_ = std::move(other.state_);
  in = std::move(other.in);
  out = std::move(other.out);
  err = std::move(other.err);
  return *this;
}

ChildProcess::~ChildProcess() { drop(); }

void ChildProcess::drop() noexcept {
  if (state_ == nullptr) return;
  const std::shared_ptr<detail::ChildState> child = std::move(state_);
  child->end().close();
  if (child->inherited()) return;
  if (child->kills_on_drop.load(std::memory_order_relaxed)) child->kill();
  detail::Reaper::take(child);
}

int ChildProcess::pid() const noexcept { return state().id(); }

Task<ExitStatus> ChildProcess::wait() {
  static_cast<void>(state());
  return detail::wait_for_end(state_);
}

Result<std::optional<ExitStatus>> ChildProcess::try_wait() noexcept { return state().look(); }

Result<void> ChildProcess::kill() noexcept { return signal(SIGKILL); }
Result<void> ChildProcess::signal(int number) noexcept { return state().signal(number); }
Result<void> ChildProcess::kill_group() noexcept { return signal_group(SIGKILL); }
Result<void> ChildProcess::signal_group(int number) noexcept {
  return state().signal_group(number);
}

Task<ExitStatus> ChildProcess::terminate(Duration grace) {
  static_cast<void>(state());
  return detail::terminate_child(state_, grace);
}

void ChildProcess::kill_on_drop(bool on) noexcept {
  state().kills_on_drop.store(on, std::memory_order_relaxed);
}

}  // namespace weft::inline v0_1
