// BlockingPool: the life of a worker: runs jobs while there are any → pushes itself on the idle
// stack and sleeps → is popped and unparked by submit() or stop(), or times out. All decisions are
// made under the mutex. So a worker that times out is either still on the stack, and ends; or it
// has been popped, and a token is on its way, which it takes.
#include "compute/blocking_pool.hpp"

#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "base/thread_context.hpp"
#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

struct BlockingPool::Worker {
  ThreadParker parker;
  Worker* next_idle = nullptr;
  bool idle = false;  // on the idle stack
  bool busy = false;  // runs the job of `running`
  Running running;
  bool ended = false;  // will not touch the pool again: join() hardly waits
  std::thread thread;
};

// Never inlined: see thread_context().
[[gnu::noinline]] BlockingPool* BlockingPool::current() noexcept { return thread_context().pool; }

BlockingPool::BlockingPool(Options options) : options_(std::move(options)) {}
BlockingPool::~BlockingPool() { stop(); }

std::size_t BlockingPool::threads() const noexcept {
  const std::lock_guard lock(mutex_);
  return live_;
}

std::size_t BlockingPool::queued() const noexcept {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Runnable* job = first_job_; job != nullptr; job = job->next) ++count;
  return count;
}

Result<void> BlockingPool::submit(BlockingJob& job) noexcept {
  const std::unique_lock lock(mutex_);
  if (stopping_) return fail(std::errc::operation_canceled);
  // A worker that is awake takes the job only after its own, so each job wakes or starts a worker.
  Worker* const idle = pop_idle();
  if (idle == nullptr && live_ < options_.most_threads) {
    const std::error_code error = start_worker();
    if (error && live_ == 0) return fail(error);
  }
  job.next = nullptr;
  job.queued_ = true;
  submitted_.fetch_add(1, std::memory_order_relaxed);
  if (last_job_ != nullptr) {
    last_job_->next = &job;
  } else {
    first_job_ = &job;
  }
  last_job_ = &job;
  // With the mutex held: after that, stop() may end and destroy an unparked worker.
  if (idle != nullptr) idle->parker.unpark();
  return {};
}

std::error_code BlockingPool::start_worker() noexcept try {
  join_ended();
  workers_.push_back(std::make_unique<Worker>());
  Worker& worker = *workers_.back();
  try {
    worker.thread = std::thread([this, &worker]() noexcept { run(worker); });
  } catch (...) {
    workers_.pop_back();
    throw;
  }
  ++live_;
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
} catch (const std::system_error& error) {
  return error.code();
}

void BlockingPool::join_ended() noexcept {
  std::erase_if(workers_, [](const std::unique_ptr<Worker>& worker) {
    if (worker->ended) worker->thread.join();
    return worker->ended;
  });
}

void BlockingPool::run(Worker& worker) noexcept {
  name_current_thread(options_.name);
  do {
    while (BlockingJob* job = pop_job(worker)) {
      job->run();  // it may be destroyed now
      job_ended();
    }
  } while (wait_for_work(worker));
}

BlockingJob* BlockingPool::pop_job(Worker& worker) noexcept {
  const std::lock_guard lock(mutex_);
  BlockingJob* const job = first_job_;
  worker.busy = job != nullptr;
  if (job != nullptr) {
    first_job_ = static_cast<BlockingJob*>(job->next);
    if (first_job_ == nullptr) last_job_ = nullptr;
    job->queued_ = false;
    worker.running = {job->site(), std::chrono::steady_clock::now()};
  }
  return job;
}

bool BlockingPool::withdraw(BlockingJob& job) noexcept {
  const std::lock_guard lock(mutex_);
  if (!job.queued_) return false;
  Runnable* before = nullptr;
  for (Runnable* each = first_job_; each != &job; each = each->next) before = each;
  auto* const after = static_cast<BlockingJob*>(job.next);
  if (before == nullptr) {
    first_job_ = after;
  } else {
    before->next = after;
  }
  if (last_job_ == &job) last_job_ = static_cast<BlockingJob*>(before);
  job.queued_ = false;
  job_ended();
  return true;
}

std::vector<BlockingPool::Running> BlockingPool::running() const {
  const std::lock_guard lock(mutex_);
  std::vector<Running> all;
  for (const auto& worker : workers_) {
    if (worker->busy) all.push_back(worker->running);
  }
  return all;
}

/// Waits for a job. False: the worker must end.
bool BlockingPool::wait_for_work(Worker& worker) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (first_job_ != nullptr) return true;
    if (stopping_) {
      --live_;
      worker.ended = true;
      return false;
    }
    worker.next_idle = std::exchange(idle_, &worker);
    worker.idle = true;
  }
  if (worker.parker.park_for(options_.idle_limit)) return true;
  {
    const std::lock_guard lock(mutex_);
    if (worker.idle) {
      remove_idle(worker);
      --live_;
      worker.ended = true;
      return false;
    }
  }
  // Popped while timing out: takes the token, so that none is left for the next sleep.
  worker.parker.park();
  return true;
}

BlockingPool::Worker* BlockingPool::pop_idle() noexcept {
  Worker* const worker = idle_;
  if (worker != nullptr) remove_idle(*worker);
  return worker;
}

void BlockingPool::remove_idle(Worker& worker) noexcept {
  Worker** link = &idle_;
  while (*link != &worker) link = &(*link)->next_idle;
  *link = worker.next_idle;
  worker.idle = false;
}

void BlockingPool::stop() noexcept {
  std::vector<std::unique_ptr<Worker>> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    workers.swap(workers_);
    while (Worker* idle = pop_idle()) idle->parker.unpark();
  }
  for (const std::unique_ptr<Worker>& worker : workers) worker->thread.join();
}

}  // namespace weft::inline v0_1::detail
