// resume_on(): a task moves to another runtime, its host, and stays a task of its home.
//
// On the host its executor is a ForeignExecutor, which forwards to the host's and is counted among
// the host's tasks: so the host's threads stay until the task has left. It is made by the move, and
// deleted by the next move, or after the task has ended.
//
// The end of such a task touches two runtimes. Its owner is told on a thread of the host, which is
// one from outside to the home runtime. So the home executor is held from before the end until its
// threads were told to look again (one may wait in block_on() for this very task). The host is told
// last: until then it has a task.
#include <weft/resume_on.hpp>

#include <stdexcept>

namespace weft::inline v0_1::detail {

class ForeignExecutor final : public TaskExecutor {
 public:
  /// Throws what OwnedTasks::added() does. `home`: the task's executor before it left its home.
  static ForeignExecutor& begin(OwnedTasks& host, TaskExecutor& home) {
    auto* const made = new ForeignExecutor(host, home);
    try {
      host.added();
    } catch (...) {
      delete made;
      throw;
    }
    return *made;
  }
  /// The task has left the host. The last touch of this executor, and of the host.
  void end() noexcept {
    OwnedTasks& host = host_;
    delete this;
    if (host.ended()) host.removed(false);
  }

  /// That of `task`, or null. Also null within a fiber of a task that has moved: there the executor
  /// is the fiber's, and the task stays where it is until the fiber has ended.
  static ForeignExecutor* of(const TaskHeader& task) noexcept {
    return task.on_foreign_ ? dynamic_cast<ForeignExecutor*>(task.executor_) : nullptr;
  }
  /// `task` goes on on `foreign`; null: on `home`.
  static void move(TaskHeader& task, ForeignExecutor* foreign, TaskExecutor& home) noexcept {
    task.on_foreign_ = foreign != nullptr;
    task.move_to(foreign != nullptr ? *foreign : home);
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

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

detail::TaskExecutor& TaskHeader::home_executor() const noexcept {
  const detail::ForeignExecutor* const foreign = detail::ForeignExecutor::of(*this);
  return foreign != nullptr ? foreign->home().shared() : executor_->shared();
}

void TaskHeader::conclude_on_foreign(Ending ending) noexcept {
  detail::ForeignExecutor& foreign = *detail::ForeignExecutor::of(*this);
  detail::TaskExecutor& home = foreign.home().shared();
  home.hold();
  finish_(*this, ending);
  home.look_again();
  home.release();
  foreign.end();
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

bool ResumeOnAwaiter::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  if (!task.suspended_to_begin(innermost)) return true;
  ForeignExecutor* const before = ForeignExecutor::of(task);
  TaskExecutor& home = before != nullptr ? before->home() : task.executor();
  ForeignExecutor* foreign = nullptr;
  try {
    if (home.bound()) {
      throw std::logic_error(
          "weft::resume_on: this task may not leave its worker: it is a fiber, or bound by its "
          "options");
    }
    if (&home.whole() != &host_->executor()) foreign = &ForeignExecutor::begin(*host_, home);
  } catch (...) {
    error_ = std::current_exception();
    return false;
  }
  ForeignExecutor::move(task, foreign, home);
  // The former host may end from here on, but not before this thread, if that is its worker.
  if (before != nullptr) before->end();
  task.resume_later();  // from here on the task may go on, and end, on another thread
  return true;
}

}  // namespace weft::inline v0_1::detail
