// resume_on(): a task that has moved to another runtime as a guest.
//
// Its executor is a ForeignExecutor, which stands for the host's and is counted among the host's tasks:
// so the host's threads stay until the guest has gone. The stay is made by the move, and goes with
// the next one, or after the task has ended.
//
// The end of a guest touches two runtimes. Its owner is told on a thread of the host, which is one
// from outside to the owner's runtime: so that one's executor is held from before the end until it
// was told to look again (its thread may wait in block_on() for this very task). The host comes
// last: until then it has a task.
#include <weft/resume_on.hpp>

#include <stdexcept>

namespace weft::detail {

class ForeignExecutor final : public TaskExecutor {
 public:
  /// Throws what OwnedTasks::added() does. `home`: what the task ran on when it was nobody's guest.
  static ForeignExecutor& begin(OwnedTasks& host, TaskExecutor& home) {
    auto* const stay = new ForeignExecutor(host, home);
    try {
      host.added();
    } catch (...) {
      delete stay;
      throw;
    }
    return *stay;
  }
  /// The last touch of it, and of the host.
  void end() noexcept {
    OwnedTasks& host = host_;
    delete this;
    if (host.ended()) host.removed(false);
  }

  /// The stay of `task`, or null. Also null within a fiber of a guest: there the executor is the
  /// fiber's, and the task stays where it is until that has ended.
  static ForeignExecutor* of(const TaskHeader& task) noexcept {
    return task.on_foreign_ ? dynamic_cast<ForeignExecutor*>(task.executor_) : nullptr;
  }
  /// Makes `task` a guest by `stay`; null: one no more, with the executor `home`.
  static void move(TaskHeader& task, ForeignExecutor* stay, TaskExecutor& home) noexcept {
    task.on_foreign_ = stay != nullptr;
    task.move_to(stay != nullptr ? *stay : home);
  }

  [[nodiscard]] TaskExecutor& home() const noexcept { return home_; }

  void schedule(Runnable& work) noexcept override { host_executor_.schedule(work); }
  void defer(Runnable& work) noexcept override { host_executor_.defer(work); }
  void hold() noexcept override { host_executor_.hold(); }
  void release() noexcept override { host_executor_.release(); }
  [[nodiscard]] bool claim(Runnable& work) noexcept override { return host_executor_.claim(work); }
  [[nodiscard]] Runnable* defer_for_next(Runnable& work, Runnable::Run how) noexcept override {
    return host_executor_.defer_for_next(work, how);
  }
  [[nodiscard]] TaskExecutor& shared() noexcept override { return host_executor_; }
  [[nodiscard]] TaskExecutor& whole() noexcept override { return host_executor_.whole(); }
  void look_again() noexcept override { host_executor_.look_again(); }

 private:
  ForeignExecutor(OwnedTasks& host, TaskExecutor& home) noexcept
      : host_(host), host_executor_(host.executor_for_task()), home_(home) {}

  OwnedTasks& host_;
  TaskExecutor& host_executor_;
  TaskExecutor& home_;
};

}  // namespace weft::detail

namespace weft {

detail::TaskExecutor& TaskHeader::home_executor() const noexcept {
  const detail::ForeignExecutor* const stay = detail::ForeignExecutor::of(*this);
  return stay != nullptr ? stay->home().shared() : executor_->shared();
}

void TaskHeader::conclude_on_foreign(Ending ending) noexcept {
  detail::ForeignExecutor& stay = *detail::ForeignExecutor::of(*this);
  detail::TaskExecutor& home = stay.home().shared();
  home.hold();
  finish_(*this, ending);
  home.look_again();
  home.release();
  stay.end();
}

}  // namespace weft

namespace weft::detail {

bool ResumeOnAwaiter::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  if (!task.suspended_to_begin(innermost)) return true;
  ForeignExecutor* const before = ForeignExecutor::of(task);
  TaskExecutor& home = before != nullptr ? before->home() : task.executor();
  ForeignExecutor* stay = nullptr;
  try {
    if (home.bound()) {
      throw std::logic_error("weft::resume_on: this task may not leave its worker");
    }
    if (&home.whole() != &host_->executor()) stay = &ForeignExecutor::begin(*host_, home);
  } catch (...) {
    error_ = std::current_exception();
    return false;
  }
  ForeignExecutor::move(task, stay, home);
  // The former host may end from here on, but not this thread, if it is one of its workers.
  if (before != nullptr) before->end();
  task.resume_later();  // and from here on the task may go on, and end, on another thread
  return true;
}

}  // namespace weft::detail
