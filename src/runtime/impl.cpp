#include "runtime/impl.hpp"

#include <mutex>
#include <stdexcept>

#include "base/check.hpp"
#include "base/runtime_hold.hpp"
#include "os/thread.hpp"
#include "reactor/readiness_driver.hpp"
#include "runtime/failure_report.hpp"
#include "runtime/slow_shutdown.hpp"

namespace weft::inline v0_1 {

namespace {

constexpr std::size_t most_workers = 1024;
constexpr std::size_t max_spare_workers = 64;
constexpr std::uint32_t most_runs_a_poll = 1024;

/// Throws std::invalid_argument if the options contradict each other, or exceed a limit.
std::size_t worker_count(const RuntimeOptions& options) {
  if (options.compute_threads > most_workers) {
    throw std::invalid_argument("weft::Runtime: compute_threads must be at most 1024, not " +
                                std::to_string(options.compute_threads));
  }
  if (options.virtual_time && !options.current_thread) {
    throw std::invalid_argument("weft::Runtime: virtual_time needs current_thread");
  }
  if (options.thread_per_core && options.current_thread) {
    throw std::invalid_argument("weft::Runtime: thread_per_core and current_thread are two things");
  }
  if (options.current_thread) return 1;
  if (options.workers > most_workers) {
    throw std::invalid_argument("weft::Runtime: workers must be at most 1024, not " +
                                std::to_string(options.workers));
  }
  return options.workers != 0 ? options.workers : detail::cpu_count();
}

/// Wakes a thread that is outside the runtime.
class ThreadJoiner final : public detail::JoinWaiter {
 public:
  ThreadJoiner() noexcept : detail::JoinWaiter(&ThreadJoiner::on_end) {}
  void wait() noexcept { parker_.park(); }

 private:
  static void on_end(detail::JoinWaiter& self) noexcept {
    static_cast<ThreadJoiner&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

/// The same for a thread that may run the worker of a current_thread runtime meanwhile.
class LeaseJoiner final : public detail::JoinWaiter, public detail::WorkerCoreLease::Waiter {
 public:
  explicit LeaseJoiner(detail::WorkerCoreLease& lease) noexcept
      : detail::JoinWaiter(&LeaseJoiner::on_end), core_lease_(lease) {}

 private:
  static void on_end(detail::JoinWaiter& self) noexcept {
    auto& joiner = static_cast<LeaseJoiner&>(self);
    joiner.core_lease_.end_wait(joiner);
  }
  detail::WorkerCoreLease& core_lease_;
};

}  // namespace

// The runtime from the inside

Runtime::Impl::Impl(RuntimeOptions options)
    : options_(std::move(options)),
      workers_(worker_count(options_)),
      most_spares_(workers_ > 1 && !options_.thread_per_core ? max_spare_workers : 0),
      lanes_(options_.blocking_threads, options_.lookup_threads, options_.file_threads,
             options_.lanes),
      team_(options_.compute_threads) {
  parks_.reserve(workers_ + most_spares_);
  fiber_schedulers_.reserve(workers_ + most_spares_);
  starts_.reserve(workers_ + most_spares_);
  for (std::size_t i = 0; i < workers_; ++i) add_worker();
  make_schedulers();
  detail::TaskExecutor& executor = options_.thread_per_core
                                       ? static_cast<detail::TaskExecutor&>(per_core_)
                                       : *schedulers_.front();
  tasks_ = std::make_unique<detail::RootTasks>(
      executor, options_.thread_per_core, workers_ + most_spares_, std::move(options_.on_failure),
      detail::Log(std::move(options_.log), options_.name));
  if (!options_.current_thread) start_threads();
}

Runtime::Impl::~Impl() { shutdown(); }

/// Makes the parts that each worker has of its own.
void Runtime::Impl::add_worker() {
  detail::Clock& clock =
      options_.virtual_time ? static_cast<detail::Clock&>(virtual_clock_) : steady_clock_;
  auto driver = detail::ReadinessDriver::create(static_cast<unsigned>(parks_.size()), &file_lane_);
  if (!driver) throw IoError(driver.error(), "weft::Runtime: event queue");
  auto park = std::make_unique<detail::ReactorPark>(std::move(*driver), clock);
  auto fiber_scheduler = std::make_unique<detail::FiberScheduler>();
  auto start = std::make_unique<Start>();
  if (options_.virtual_time) park->skip_time_of(virtual_clock_, others_);
  parks_.push_back(std::move(park));  // there is room: see the constructor
  fiber_schedulers_.push_back(std::move(fiber_scheduler));
  starts_.push_back(std::move(start));
}

void Runtime::Impl::make_schedulers() {
  std::vector<detail::Park*> parks;
  for (const auto& park : parks_) parks.push_back(park.get());
  if (!options_.thread_per_core) {
    schedulers_.push_back(std::make_unique<detail::Scheduler>(parks, most_spares_));
  } else {
    for (detail::Park* const park : parks) {
      schedulers_.push_back(std::make_unique<detail::Scheduler>(std::vector{park}, 0, &per_core_));
      per_core_.add(*schedulers_.back());
    }
  }
  for (std::size_t i = 0; i < parks_.size(); ++i) {
    parks_[i]->reactor().calls().run_on(worker(i).local());
  }
}

detail::Worker& Runtime::Impl::worker(std::size_t index) noexcept {
  return options_.thread_per_core ? schedulers_[index]->worker(0)
                                  : schedulers_.front()->worker(index);
}

detail::ThreadContext Runtime::Impl::context(std::size_t index) noexcept {
  detail::ThreadContext context;
  context.reactor = &parks_[index]->reactor();
  context.tasks = tasks_.get();
  context.tally = &tasks_->count().of_worker(index);
  context.pool = &lanes_.pool(detail::Lanes::for_calls);
  context.lookups = &lanes_.pool(detail::Lanes::for_lookups);
  context.files = &lanes_.pool(detail::Lanes::for_files);
  context.lanes = &lanes_;
  context.team = &team_;
  context.fiber_scheduler = fiber_schedulers_[index].get();
  context.spare_workers = this;
  return context;
}

template <class Stop>
void Runtime::Impl::drive(Stop stop) noexcept {
  const detail::ScopedContext here(context(0));
  worker(0).run_until(stop);
}

/// Until there is no task, or until `over`. The waiter ends the wait for the lease.
void Runtime::Impl::drive_until_empty(detail::WorkerCoreLease::Waiter& waiter,
                                      const Atomic<bool>& over) noexcept {
  core_lease_.wait(waiter, [&] {
    drive([&] { return tasks_->close_if_empty() || over.load(std::memory_order_acquire); });
    if (tasks_->close_if_empty()) parks_[0]->reactor().drop_timers();
  });
}

void Runtime::Impl::wait(detail::SpawnedTask& task) {
  if (options_.current_thread) {
    LeaseJoiner joiner(core_lease_);
    if (task.wait_with(joiner) != detail::SpawnedTask::Registered::waiting) return;
    core_lease_.wait(joiner, [&] { drive([&task] { return task.ended(); }); });
    // A loop that steps this runtime has seen nothing of what came meanwhile, and the worker no
    // longer counts as parked. The unpark makes the handle readable, so that the loop calls poll().
    if (stepped_.load(std::memory_order_relaxed)) parks_[0]->unpark();
    return;
  }
  ThreadJoiner joiner;
  if (task.wait_with(joiner) == detail::SpawnedTask::Registered::waiting) joiner.wait();
}

void Runtime::Impl::require_stepped(const char* what) const {
  require_own_process();
  if (options_.current_thread) return;
  throw std::logic_error(std::string(what) +
                         ": only a current_thread runtime is run by a loop of one's own");
}

std::optional<std::chrono::nanoseconds> Runtime::Impl::poll() {
  require_stepped("weft::Runtime::poll");
  // Before the lease: a thread that has it instead reads this when it gives the lease back.
  stepped_.store(true, std::memory_order_relaxed);
  if (!core_lease_.try_take()) return std::nullopt;  // the thread in block_on() runs what is ready
  bool idle = false;
  {
    const detail::ScopedContext here(context(0));
    idle = worker(0).run_ready(most_runs_a_poll);
    if (idle && options_.virtual_time && parks_[0]->skip()) idle = false;
  }
  const std::int64_t timeout = idle ? parks_[0]->timeout() : 0;
  core_lease_.leave();
  if (timeout < 0) return std::nullopt;
  return std::chrono::nanoseconds(timeout);
}

NativeHandle Runtime::Impl::native_handle() const {
  require_stepped("weft::Runtime::native_handle");
  return parks_[0]->reactor().native_handle();
}

void Runtime::Impl::require_own_process() const {
  if (!inherited()) return;
  throw std::logic_error(
      "weft::Runtime: this one belongs to the parent process: make a new one after fork()");
}

void Runtime::Impl::keep_for_ever(std::unique_ptr<Impl> impl) noexcept {
  impl->next_kept_ = kept_;
  kept_ = impl.release();
}

void Runtime::Impl::require_outside() const noexcept {
  WEFT_CHECK(detail::OwnedTasks::current_or_null() != tasks_.get() &&
                 !detail::RuntimeHold::is_on(*tasks_) && !team_.is_on_member() &&
                 !lanes_.is_on_thread(),
             "Runtime::shutdown(), ~Runtime(), or std::exit() with a static Runtime, in a task of "
             "that runtime, or in what one awaits on another thread, would wait for itself: let "
             "the thread that made the runtime end it, or call std::_Exit()");
}

void Runtime::Impl::shutdown() noexcept {
  if (inherited()) return;
  require_outside();
  const std::lock_guard lock(shutdown_mutex_);  // a second caller returns when the first does
  if (ended_) return;
  ending_.store(true, std::memory_order_relaxed);
  tasks_->cancel_all();
  const detail::SlowShutdown report(lanes_, team_, *tasks_);
  if (options_.current_thread) {
    const Atomic<bool> never{false};
    detail::WorkerCoreLease::Waiter waiter;
    drive_until_empty(waiter, never);
  } else {
    static_cast<void>(tasks_->close_when_empty(std::chrono::steady_clock::time_point::max()));
  }
  end_all();
}

/// The tasks have ended. With shutdown_mutex_ held.
void Runtime::Impl::end_all() noexcept {
  lanes_.stop();
  team_.stop();
  stop_threads();
  ended_ = true;
  if (options_.current_thread) return;
  for (const auto& park : parks_) park->reactor().drop_timers();
}

// The public face

Runtime::Runtime(RuntimeOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Runtime::~Runtime() {
  if (impl_->inherited()) Impl::keep_for_ever(std::move(impl_));
}

void Runtime::shutdown() noexcept { impl_->shutdown(); }

ShutdownResult Runtime::shutdown(Duration limit) { return impl_->shutdown(limit); }

RuntimeMetrics Runtime::metrics() const {
  impl_->require_own_process();
  return impl_->metrics();
}

std::size_t Runtime::workers() const noexcept { return impl_->workers(); }

std::size_t Runtime::live_tasks() const noexcept { return impl_->tasks().size(); }

detail::OwnedTasks& Runtime::tasks() {
  impl_->require_own_process();
  // A thread from outside that goes on spawning must not keep a shutdown from its end.
  if (impl_->ending()) detail::throw_shut_down();
  return impl_->tasks();
}

detail::OwnedTasks& detail::owned_tasks_of(Runtime& runtime) { return runtime.tasks(); }

void Runtime::wait(detail::SpawnedTask& task) { impl_->wait(task); }

std::optional<std::chrono::nanoseconds> Runtime::poll() {
  require_no_task();
  return impl_->poll();
}

NativeHandle Runtime::native_handle() const { return impl_->native_handle(); }

}  // namespace weft::inline v0_1
