// RootTasks: the outermost scope of a runtime: the owner of every task that has no other.
// Thread-safe.
#pragma once

#include <weft/spawn.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/log.hpp"
#include "runtime/failure_report.hpp"
#include "task/task_count.hpp"

namespace weft::inline v0_1::detail {

class RootTasks final : public OwnedTasks {
 public:
  /// `spreads`: see OwnedTasks.
  RootTasks(TaskExecutor& executor, bool spreads, std::size_t workers, FailureHandler on_failure,
            Log log)
      : OwnedTasks(executor, nullptr, spreads),
        count_(workers),
        log_(std::move(log)),
        handler_(std::make_shared<const FailureHandler>(guarded(std::move(on_failure), log_))) {}

  [[nodiscard]] std::shared_ptr<const FailureHandler> failure_handler() const noexcept override {
    return handler_;
  }
  [[nodiscard]] const Log& log() const noexcept { return log_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_.living(); }
  [[nodiscard]] TaskCount& count() noexcept { return count_; }
  /// If there is no task: takes none any more, and returns true.
  [[nodiscard]] bool close_if_empty() noexcept { return count_.close_if_none(); }
  /// Waits until there is no task, and takes none any more; until `deadline` at most. Returns
  /// whether it is closed. On a thread that is no worker, one at a time.
  [[nodiscard]] bool close_when_empty(std::chrono::steady_clock::time_point deadline) noexcept;

 private:
  void added() override { count_.begin(tally_here()); }
  [[nodiscard]] bool ended() noexcept override { return count_.end(tally_here()); }
  void removed(bool) noexcept override { emptied_.unpark(); }
  /// That of the calling thread, if it is a worker of this runtime; else null.
  [[nodiscard]] TaskTally* tally_here() const noexcept;

  TaskCount count_;
  const Log log_;
  std::shared_ptr<const FailureHandler> handler_;
  ThreadParker emptied_;
};

}  // namespace weft::inline v0_1::detail
