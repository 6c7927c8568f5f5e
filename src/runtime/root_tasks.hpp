// RootTasks: the outermost scope of a runtime: the owner of every task that has no other.
// Thread-safe.
#pragma once

#include <weft/spawn.hpp>

#include <cstddef>
#include <memory>
#include <utility>

#include "runtime/failure_report.hpp"
#include "task/task_count.hpp"

namespace weft::inline v0_1::detail {

class RootTasks final : public OwnedTasks {
 public:
  /// `spreads`: see OwnedTasks.
  RootTasks(TaskExecutor& executor, bool spreads, std::size_t workers, FailureHandler on_failure)
      : OwnedTasks(executor, nullptr, spreads),
        count_(workers),
        handler_(std::make_shared<const FailureHandler>(guarded(std::move(on_failure)))) {}

  [[nodiscard]] std::shared_ptr<const FailureHandler> failure_handler() const noexcept override {
    return handler_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return count_.living(); }
  [[nodiscard]] TaskCount& count() noexcept { return count_; }
  /// If there is no task: takes none any more, and returns true.
  [[nodiscard]] bool close_if_empty() noexcept { return count_.close_if_none(); }
  /// Waits until there is no task, and takes none any more. On a thread that is no worker.
  void close_when_empty() noexcept;

 private:
  void added() override { count_.begin(tally_here()); }
  [[nodiscard]] bool ended() noexcept override { return count_.end(tally_here()); }
  void removed(bool) noexcept override { emptied_.unpark(); }
  /// That of the calling thread, if it is a worker of this runtime; else null.
  [[nodiscard]] TaskTally* tally_here() const noexcept;

  TaskCount count_;
  std::shared_ptr<const FailureHandler> handler_;
  ThreadParker emptied_;
};

}  // namespace weft::inline v0_1::detail
