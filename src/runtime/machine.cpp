#include "runtime/machine.hpp"

#include <mutex>
#include <stdexcept>

#include "base/check.hpp"
#include "os/thread.hpp"
#include "reactor/readiness_driver.hpp"
#include "runtime/failure_report.hpp"
#include "runtime/slow_shutdown.hpp"

namespace weft {

namespace {

constexpr std::size_t most_workers = 1024;
constexpr std::uint32_t most_runs_a_poll = 1024;

std::size_t worker_count(const RuntimeOptions& options) {
  if (options.current_thread) return 1;
  if (options.workers > most_workers) {
    throw std::invalid_argument("weft::Runtime: workers must be at most 1024, not " +
                                std::to_string(options.workers));
  }
  return options.workers != 0 ? options.workers : cpu_count();
}

/// Wakes a thread that is outside the runtime.
class ThreadJoiner final : public JoinWaiter {
 public:
  ThreadJoiner() noexcept : JoinWaiter(&ThreadJoiner::on_end) {}
  void wait() noexcept { parker_.park(); }

 private:
  static void on_end(JoinWaiter& self) noexcept {
    static_cast<ThreadJoiner&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

/// The same for one that waits for the seat of a current_thread runtime meanwhile.
class SeatJoiner final : public JoinWaiter, public Seat::Waiter {
 public:
  explicit SeatJoiner(Seat& seat) noexcept : JoinWaiter(&SeatJoiner::on_end), seat_(seat) {}

 private:
  static void on_end(JoinWaiter& self) noexcept {
    auto& joiner = static_cast<SeatJoiner&>(self);
    joiner.seat_.end_wait(joiner);
  }
  Seat& seat_;
};

}  // namespace

bool ReactorPark::poll() noexcept {
  const std::int64_t now = reactor_.now();
  const std::int64_t since = now - polled_at_;
  if (since > 0 && since < poll_distance_ns)
    return false;  // a clock that stands still does not count
  polled_at_ = now;
  do {
    reactor_.turn(0);
  } while (reactor_.more());
  return true;
}

std::optional<Park::Visited> ReactorPark::visit() noexcept {
  const std::optional<Reactor::Visited> visited = reactor_.visit();
  if (!visited) return std::nullopt;
  return Visited{visited->handle, visited->timeout_ns};
}

/// Skips to the next deadline, if nothing can happen before it. False: there is none, or others
/// compute.
bool ReactorPark::skip() noexcept {
  // The worker has looked for work between the last call and this one. So if all that others had
  // begun had ended by then, and nothing was begun since, what they made runnable has been found.
  const std::optional<std::uint64_t> quiet = others_->all_ended();
  const bool was_quiet = quiet.has_value() && quiet == quiet_since_;
  quiet_since_ = quiet;
  if (!quiet) return false;
  const std::int64_t left = reactor_.timeout();
  if (left < 0) return false;
  if (reactor_.turn(0) != 0 || !was_quiet) return true;
  virtual_clock_->advance(left);
  reactor_.turn(0);
  return true;
}

std::optional<std::uint64_t> OtherThreads::all_ended() const noexcept {
  // Ends first: what was begun meanwhile makes the two differ.
  const std::uint64_t ended = blocking_.ended() + team_.ended();
  if (blocking_.submitted() + team_.submitted() != ended) return std::nullopt;
  return ended;
}

// The root scope

namespace {

constinit thread_local RootTasks::Counter current_counter;

}  // namespace

// Never inlined: a compiler may keep the address of a thread_local over a suspension.
[[gnu::noinline]] RootTasks::Counter RootTasks::make_current(Counter counter) noexcept {
  return std::exchange(current_counter, counter);
}

[[gnu::noinline]] TaskCount::Tally* RootTasks::tally_here() const noexcept {
  return current_counter.tasks == this ? current_counter.tally : nullptr;
}

void RootTasks::close_when_empty() noexcept {
  while (!close_if_empty()) emptied_.park();
}

// The machine

/// Makes a machine's parts current on this thread for as long as it lives.
class Runtime::Machine::ThreadContext {
 public:
  ThreadContext(Machine& machine, std::size_t index) noexcept
      : reactor_(Reactor::make_current(&machine.parks_[index]->reactor())),
        tasks_(TaskSet::make_current(machine.tasks_.get())),
        counter_(RootTasks::make_current(machine.tasks_->counter(index))),
        pool_(BlockingPool::make_current(&machine.blocking_)),
        team_(Team::make_current(&machine.team_)),
        hub_(FiberHub::make_current(machine.hubs_[index].get())) {}
  ~ThreadContext() {
    FiberHub::make_current(hub_);
    Team::make_current(team_);
    BlockingPool::make_current(pool_);
    RootTasks::make_current(counter_);
    TaskSet::make_current(tasks_);
    Reactor::make_current(reactor_);
  }
  ThreadContext(const ThreadContext&) = delete;
  ThreadContext& operator=(const ThreadContext&) = delete;

 private:
  Reactor* reactor_;
  TaskSet* tasks_;
  RootTasks::Counter counter_;
  BlockingPool* pool_;
  Team* team_;
  FiberHub* hub_;
};

Runtime::Machine::Machine(RuntimeOptions options)
    : options_(std::move(options)), team_(options_.compute_threads) {
  if (options_.compute_threads > most_workers) {
    throw std::invalid_argument("weft::Runtime: compute_threads must be at most 1024, not " +
                                std::to_string(options_.compute_threads));
  }
  if (options_.virtual_time && !options_.current_thread) {
    throw std::invalid_argument("weft::Runtime: virtual_time needs current_thread");
  }
  const std::size_t workers = worker_count(options_);
  std::vector<Park*> parks;
  for (std::size_t i = 0; i < workers; ++i) {
    Clock& clock = options_.virtual_time ? static_cast<Clock&>(virtual_clock_) : steady_clock_;
    auto driver = ReadinessDriver::create(static_cast<unsigned>(i));
    if (!driver) throw IoError(driver.error(), "weft::Runtime: event queue");
    parks_.push_back(std::make_unique<ReactorPark>(std::move(*driver), clock));
    if (options_.virtual_time) parks_.back()->skip_time_of(virtual_clock_, others_);
    parks.push_back(parks_.back().get());
    hubs_.push_back(std::make_unique<FiberHub>());
  }
  scheduler_ = std::make_unique<Scheduler>(parks);
  tasks_ = std::make_unique<RootTasks>(*scheduler_, workers, std::move(options_.on_failure));
  if (!options_.current_thread) start_threads();
}

Runtime::Machine::~Machine() { shutdown(); }

void Runtime::Machine::start_threads() {
  if (scheduler_->size() > 1) {
    watchman_ = std::make_unique<Watchman>(*scheduler_);
    scheduler_->watched_by(*watchman_);
  }
  threads_.reserve(scheduler_->size());  // so that nothing but a thread's start can fail below
  try {
    for (std::size_t i = 0; i < scheduler_->size(); ++i) {
      threads_.emplace_back([this, i] { work(i); });
    }
    if (watchman_ != nullptr) watchman_->start();
  } catch (const std::system_error& error) {
    stop_threads();
    throw IoError(error.code(), "weft::Runtime: worker thread");
  }
}

void Runtime::Machine::work(std::size_t index) noexcept {
  name_current_thread(options_.name + "-" + std::to_string(index));
  const ThreadContext context(*this, index);
  // Acquire: pairs with stop_threads(); what came before it is seen by the ending thread.
  scheduler_->worker(index).run_until([this] { return stop_.load(std::memory_order_acquire); });
}

template <class Stop>
void Runtime::Machine::drive(Stop stop) noexcept {
  const ThreadContext context(*this, 0);
  scheduler_->worker(0).run_until(stop);
}

void Runtime::Machine::wait(SpawnedTask& task) {
  if (options_.current_thread) {
    SeatJoiner joiner(seat_);
    if (task.wait_with(joiner) != SpawnedTask::Registered::waiting) return;
    seat_.wait(joiner, [&] { drive([&task] { return task.ended(); }); });
    // Whoever steps this runtime has seen nothing of what came meanwhile, and no longer counts as
    // asleep: his handle says so, and his poll() puts both right.
    if (stepped_.load(std::memory_order_relaxed)) parks_[0]->unpark();
    return;
  }
  ThreadJoiner joiner;
  if (task.wait_with(joiner) == SpawnedTask::Registered::waiting) joiner.wait();
}

void Runtime::Machine::require_stepped(const char* what) const {
  if (options_.current_thread) return;
  throw std::logic_error(std::string(what) +
                         ": only a current_thread runtime is run by a loop of one's own");
}

std::optional<std::chrono::nanoseconds> Runtime::Machine::poll() {
  require_stepped("weft::Runtime::poll");
  // Before the seat: who takes it instead sees it when he gives it back.
  stepped_.store(true, std::memory_order_relaxed);
  if (!seat_.try_take()) return std::nullopt;  // whoever is in block_on() runs what is ready
  bool idle = false;
  {
    const ThreadContext context(*this, 0);
    idle = scheduler_->worker(0).run_ready(most_runs_a_poll);
    if (idle && options_.virtual_time && parks_[0]->skip()) idle = false;
  }
  const std::int64_t timeout = idle ? parks_[0]->timeout() : 0;
  seat_.leave();
  if (timeout < 0) return std::nullopt;
  return std::chrono::nanoseconds(timeout);
}

NativeHandle Runtime::Machine::native_handle() const {
  require_stepped("weft::Runtime::native_handle");
  return parks_[0]->reactor().native_handle();
}

void Runtime::Machine::shutdown() noexcept {
  WEFT_CHECK(TaskSet::current_or_null() != tasks_.get(),
             "Runtime::shutdown() or ~Runtime() in a task of that runtime would wait for itself");
  std::lock_guard lock(shutdown_mutex_);  // a second caller returns when the first does
  if (ending_.exchange(true, std::memory_order_relaxed)) return;
  tasks_->cancel_all();
  const SlowShutdown report(blocking_);
  if (options_.current_thread) {
    Seat::Waiter waiter;
    seat_.wait(waiter, [this] { drive([this] { return tasks_->close_if_empty(); }); });
  } else {
    tasks_->close_when_empty();
  }
  blocking_.stop();
  team_.stop();
  stop_threads();
}

void Runtime::Machine::stop_threads() noexcept {
  if (watchman_ != nullptr) watchman_->stop();
  stop_.store(true, std::memory_order_release);
  scheduler_->unpark_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// The public face

Runtime::Runtime(RuntimeOptions options)
    : machine_(std::make_unique<Machine>(std::move(options))) {}

Runtime::~Runtime() = default;

void Runtime::shutdown() noexcept { machine_->shutdown(); }

std::size_t Runtime::workers() const noexcept { return machine_->workers(); }

std::size_t Runtime::live_tasks() const noexcept { return machine_->tasks().size(); }

TaskSet& Runtime::tasks() {
  // Else whoever goes on spawning from outside could keep a shutdown from its end.
  if (machine_->ending()) throw_shut_down();
  return machine_->tasks();
}

void Runtime::wait(SpawnedTask& task) { machine_->wait(task); }

std::optional<std::chrono::nanoseconds> Runtime::poll() {
  require_no_task();
  return machine_->poll();
}

NativeHandle Runtime::native_handle() const { return machine_->native_handle(); }

}  // namespace weft
