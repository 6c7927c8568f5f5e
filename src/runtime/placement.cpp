// SpawnOptions become the owner and the executor of a task.
//
// Called by whatever starts a task, on any thread. Nothing here keeps a state.
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include <stdexcept>
#include <string>

#include "exec/worker.hpp"
#include "runtime/impl.hpp"
#include "runtime/thread_per_core_executor.hpp"

namespace weft::inline v0_1 {

SpawnOptions& SpawnOptions::owner(Runtime& runtime) noexcept {
  owner_ = &runtime.impl_->tasks();
  owned_by_runtime_ = true;
  return *this;
}

SpawnOptions& SpawnOptions::owner(Scope& scope) noexcept {
  owner_ = &detail::owned_tasks_of(scope);
  owned_by_runtime_ = false;
  return *this;
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

namespace {

[[noreturn]] void throw_contradiction(const char* one, const char* other) {
  throw std::invalid_argument(std::string("weft::SpawnOptions: ") + one + " and " + other +
                              " contradict each other");
}

TaskExecutor& executor_here(const TaskExecutor& whole) {
  Worker* const worker = Worker::current();
  if (worker == nullptr || &worker->executor().whole() != &whole) {
    throw std::logic_error(
        "weft::SpawnOptions::local: this thread is no worker of the owner's runtime");
  }
  return worker->local();
}

[[noreturn]] void throw_no_worker(std::size_t index, std::size_t count) {
  throw std::out_of_range("weft::SpawnOptions::on_worker: there is no worker " +
                          std::to_string(index) + ": the runtime has " + std::to_string(count) +
                          ", from 0");
}

TaskExecutor& executor_of_worker(TaskExecutor& whole, std::size_t index) {
  if (auto* const per_core = dynamic_cast<ThreadPerCoreExecutor*>(&whole)) {
    if (index >= per_core->size()) throw_no_worker(index, per_core->size());
    return per_core->scheduler(index);
  }
  // SAFETY: a runtime as a whole has one of these two executors.
  auto& scheduler = static_cast<Scheduler&>(whole);
  if (index >= scheduler.permanent()) throw_no_worker(index, scheduler.permanent());
  return scheduler.worker(index).local();
}

}  // namespace

Placement::Placement(const SpawnOptions& options)
    : owner_(owner_of(options)),
      executor_(executor_for(owner_, options)),
      isolated_(options.isolated_) {}

Placement::Placement(OwnedTasks& owner, const SpawnOptions& options)
    : owner_(owner), executor_(executor_for(owner, options)), isolated_(options.isolated_) {
  if (options.owner_ != nullptr && options.owner_ != &owner) {
    throw std::invalid_argument(
        "weft::SpawnOptions: owner() names another owner than the one whose spawn() is called; "
        "call "
        "weft::spawn()");
  }
}

OwnedTasks& Placement::owner_of(const SpawnOptions& options) {
  if (options.owner_ == nullptr) return OwnedTasks::current();
  // A thread from outside that goes on spawning must not keep a shutdown from its end.
  if (options.owned_by_runtime_ && options.owner_->cancelled_all()) throw_shut_down();
  return *options.owner_;
}

TaskExecutor* Placement::executor_for(OwnedTasks& owner, const SpawnOptions& options) {
  if (options.local_ && options.worker_) throw_contradiction("local()", "on_worker()");
  if (options.local_ && options.priority_) throw_contradiction("local()", "priority()");
  if (options.worker_ && options.priority_) throw_contradiction("on_worker()", "priority()");
  if (options.local_) return &executor_here(owner.executor().whole());
  if (options.worker_) return &executor_of_worker(owner.executor().whole(), *options.worker_);
  if (options.priority_) return &owner.executor_for_task().of_priority(*options.priority_);
  return nullptr;
}

}  // namespace weft::inline v0_1::detail
