// BlockingPool: the life of a worker: runs jobs while there are any → pushes itself on the idle
// stack and sleeps → is popped and unparked by submit() or stop(), or times out. All decisions are
// made under the mutex. So a worker that times out is either still on the stack, and ends; or it
// has been popped, and a token is on its way, which it takes.
#include "compute/blocking_pool.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.hpp"
#include "base/runtime_hold.hpp"
#include "base/thread_context.hpp"
#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

struct BlockingPool::Worker {
  ThreadParker parker;
  Worker* next_idle = nullptr;
  bool idle = false;  // on the idle stack
  // The number of the job that runs now, or has just ended; 0: none. Not its address, at which
  // there may be another job by now.
  std::uint32_t job = 0;
  bool given_up = false;  // that job is
  Running running;        // about it
  bool ended = false;     // will not touch the pool again: join() hardly waits
  std::thread thread;
};

/// Everything of the pool, owned by the pool and by each of its threads.
class BlockingPool::Shared {
 public:
  explicit Shared(Options options) : options_(std::move(options)) {}

  [[nodiscard]] Result<void> submit(BlockingJob& job, const std::shared_ptr<Shared>& self) noexcept;
  [[nodiscard]] bool withdraw(BlockingJob& job) noexcept;
  [[nodiscard]] bool give_up(BlockingJob& job, const std::shared_ptr<Shared>& self) noexcept;
  void stop() noexcept;
  [[nodiscard]] std::size_t threads() const noexcept;
  [[nodiscard]] std::size_t queued() const noexcept;
  [[nodiscard]] std::vector<Running> running() const;
  /// It stays reachable for leak checkers. One thread at a time.
  static void keep_for_ever(std::shared_ptr<Shared> shared) noexcept {
    Shared& it = *shared;
    it.next_kept_ = std::exchange(kept_, &it);
    it.kept_by_itself_ = std::move(shared);
  }

  Atomic<std::uint64_t> submitted{0};
  Atomic<std::uint64_t> ended{0};

 private:
  void run(Worker& worker) noexcept;
  [[nodiscard]] BlockingJob* next_job(Worker& worker) noexcept;
  [[nodiscard]] bool idle_for_a_while(Worker& worker) noexcept;
  [[nodiscard]] std::thread take_thread() noexcept;

  // With the mutex held
  [[nodiscard]] std::size_t limit() const noexcept {
    return options_.most_threads + std::min(given_up_, most_given_up);
  }
  [[nodiscard]] std::error_code start_worker(const std::shared_ptr<Shared>& self) noexcept;
  void join_ended() noexcept;
  void leave(Worker& worker) noexcept;
  [[nodiscard]] Worker* pop_idle() noexcept;
  void remove_idle(Worker& worker) noexcept;
  void push_job(BlockingJob& job) noexcept;
  [[nodiscard]] BlockingJob* pop_job(Worker& worker) noexcept;
  [[nodiscard]] bool unqueue(BlockingJob& job) noexcept;
  void end_job(Worker& worker) noexcept;
  void count_end() noexcept { ended.fetch_add(1, std::memory_order_release); }

  static inline constinit Shared* kept_ = nullptr;
  Shared* next_kept_ = nullptr;
  std::shared_ptr<Shared> kept_by_itself_;

  const Options options_;
  mutable ThreadMutex mutex_;  // guards all that follows
  BlockingJob* first_job_ = nullptr;
  BlockingJob* last_job_ = nullptr;
  // A stack: the thread that went to sleep last is the warmest; the others may time out.
  Worker* idle_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::uint32_t last_number_ = 0;
  std::size_t live_ = 0;      // workers that have not decided to end
  std::size_t given_up_ = 0;  // those of them whose job was given up
  bool stopping_ = false;
};

// The pool's face

// Never inlined: see thread_context().
[[gnu::noinline]] BlockingPool* BlockingPool::current() noexcept { return thread_context().pool; }
[[gnu::noinline]] BlockingPool* BlockingPool::of_lookups() noexcept {
  return thread_context().lookups;
}
[[gnu::noinline]] BlockingPool* BlockingPool::of_files() noexcept { return thread_context().files; }

BlockingPool::BlockingPool(Options options)
    : shared_(std::make_shared<Shared>(std::move(options))) {}
BlockingPool::~BlockingPool() {
  if (!inherited()) {
    WEFT_CHECK(!is_on_thread(),
               "~BlockingThreads() on one of its own threads would wait for itself: let another "
               "thread destroy it");
    stop();
    return;
  }
  // Its threads, and maybe the one that held its lock, are the parent's: it stays as it is.
  Shared::keep_for_ever(std::move(shared_));
}

Result<void> BlockingPool::submit(BlockingJob& job) noexcept {
  if (inherited()) return fail(std::errc::owner_dead);
  return shared_->submit(job, shared_);
}
bool BlockingPool::withdraw(BlockingJob& job) noexcept { return shared_->withdraw(job); }
bool BlockingPool::give_up(BlockingJob& job) noexcept { return shared_->give_up(job, shared_); }
void BlockingPool::stop() noexcept { shared_->stop(); }
bool BlockingPool::is_on_thread() const noexcept { return is_joined_by(shared_.get()); }
std::size_t BlockingPool::threads() const noexcept { return shared_->threads(); }
std::size_t BlockingPool::queued() const noexcept { return shared_->queued(); }
std::vector<BlockingPool::Running> BlockingPool::running() const { return shared_->running(); }

std::uint64_t BlockingPool::submitted() const noexcept {
  return shared_->submitted.load(std::memory_order_relaxed);  // relaxed: a count, orders nothing
}
std::uint64_t BlockingPool::ended() const noexcept {
  return shared_->ended.load(std::memory_order_acquire);  // acquire: pairs with count_end()
}

// Callers

Result<void> BlockingPool::Shared::submit(BlockingJob& job,
                                          const std::shared_ptr<Shared>& self) noexcept {
  Worker* idle = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(std::errc::operation_canceled);
    // A worker that is awake takes the job only after its own, so each job wakes or starts one.
    idle = pop_idle();
    if (idle == nullptr && live_ < limit()) {
      const std::error_code error = start_worker(self);
      // Those with a job that was given up may be away for long.
      if (error && live_ == given_up_) return fail(error);
    }
    push_job(job);
  }
  // Without the mutex, for which it would wait at once if it ran before this thread goes on. It
  // cannot end before it has this token, and nothing of it is used after the token is there.
  if (idle != nullptr) idle->parker.unpark();
  return {};
}

void BlockingPool::Shared::push_job(BlockingJob& job) noexcept {
  job.next = nullptr;
  job.queued_ = true;
  submitted.fetch_add(1, std::memory_order_relaxed);
  if (last_job_ != nullptr) {
    last_job_->next = &job;
  } else {
    first_job_ = &job;
  }
  last_job_ = &job;
}

bool BlockingPool::Shared::withdraw(BlockingJob& job) noexcept {
  const std::lock_guard lock(mutex_);
  return unqueue(job);
}

bool BlockingPool::Shared::give_up(BlockingJob& job, const std::shared_ptr<Shared>& self) noexcept {
  const std::lock_guard lock(mutex_);
  if (unqueue(job)) return true;
  if (job.number_ == 0) return false;  // it was not submitted
  const auto found =
      std::ranges::find(workers_, job.number_, [](const auto& each) { return each->job; });
  if (found == workers_.end() || (*found)->given_up) return false;  // it has ended
  (*found)->given_up = true;
  ++given_up_;
  count_end();
  // While jobs are queued no worker is idle. Without a further thread they wait for those there.
  if (first_job_ != nullptr && live_ < limit()) static_cast<void>(start_worker(self));
  return false;
}

/// Takes `job` out of the queue, if it is there.
bool BlockingPool::Shared::unqueue(BlockingJob& job) noexcept {
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
  count_end();
  return true;
}

std::error_code BlockingPool::Shared::start_worker(const std::shared_ptr<Shared>& self) noexcept {
  join_ended();
  try {
    workers_.push_back(std::make_unique<Worker>());
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  Worker& worker = *workers_.back();
  const std::error_code error =
      start_thread(worker.thread, [self, &worker]() noexcept { self->run(worker); });
  if (error) {
    workers_.pop_back();
  } else {
    ++live_;
  }
  return error;
}

void BlockingPool::Shared::join_ended() noexcept {
  std::erase_if(workers_, [](const std::unique_ptr<Worker>& worker) {
    if (worker->ended) worker->thread.join();
    return worker->ended;
  });
}

std::size_t BlockingPool::Shared::threads() const noexcept {
  const std::lock_guard lock(mutex_);
  return live_;
}

std::size_t BlockingPool::Shared::queued() const noexcept {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Runnable* job = first_job_; job != nullptr; job = job->next) ++count;
  return count;
}

std::vector<BlockingPool::Running> BlockingPool::Shared::running() const {
  const std::lock_guard lock(mutex_);
  std::vector<Running> all;
  for (const auto& worker : workers_) {
    if (worker->job != 0 && !worker->given_up) all.push_back(worker->running);
  }
  return all;
}

// Workers

void BlockingPool::Shared::run(Worker& worker) noexcept {
  name_current_thread(options_.name);
  set_joined_by(this);
  while (BlockingJob* const job = next_job(worker)) job->run();  // it may be destroyed then
}

/// Counts the end of the worker's job and waits for another one. Null: the worker must end.
BlockingJob* BlockingPool::Shared::next_job(Worker& worker) noexcept {
  do {
    const std::lock_guard lock(mutex_);
    end_job(worker);
    // One that was given up has come back, while another thread has its place.
    const bool surplus = live_ > limit();
    if (!surplus) {
      if (BlockingJob* const job = pop_job(worker)) return job;
    }
    if (surplus || stopping_) {
      leave(worker);
      return nullptr;
    }
    worker.next_idle = std::exchange(idle_, &worker);
    worker.idle = true;
  } while (idle_for_a_while(worker));
  return nullptr;
}

/// Sleeps on the idle stack. False: for longer than it may; the worker must end.
bool BlockingPool::Shared::idle_for_a_while(Worker& worker) noexcept {
  if (worker.parker.park_for(options_.idle_limit)) return true;
  {
    const std::lock_guard lock(mutex_);
    if (worker.idle) {
      remove_idle(worker);
      leave(worker);
      return false;
    }
  }
  // Popped while timing out: takes the token, so that none is left for the next sleep.
  worker.parker.park();
  return true;
}

void BlockingPool::Shared::leave(Worker& worker) noexcept {
  --live_;
  worker.ended = true;
}

BlockingJob* BlockingPool::Shared::pop_job(Worker& worker) noexcept {
  BlockingJob* const job = first_job_;
  if (job == nullptr) return nullptr;
  first_job_ = static_cast<BlockingJob*>(job->next);
  if (first_job_ == nullptr) last_job_ = nullptr;
  job->queued_ = false;
  last_number_ = std::max(last_number_ + 1, 1U);  // it may wrap
  worker.job = job->number_ = last_number_;
  worker.running = {job->site(), std::chrono::steady_clock::now(), ShortText<24>(job->operation()),
                    ShortText<160>(job->subject())};
  return job;
}

void BlockingPool::Shared::end_job(Worker& worker) noexcept {
  if (worker.job == 0) return;
  worker.job = 0;
  if (std::exchange(worker.given_up, false)) {
    --given_up_;  // its end was counted by give_up()
  } else {
    count_end();
  }
}

BlockingPool::Worker* BlockingPool::Shared::pop_idle() noexcept {
  Worker* const worker = idle_;
  if (worker != nullptr) remove_idle(*worker);
  return worker;
}

void BlockingPool::Shared::remove_idle(Worker& worker) noexcept {
  Worker** link = &idle_;
  while (*link != &worker) link = &(*link)->next_idle;
  *link = worker.next_idle;
  worker.idle = false;
}

// The end

/// The workers stay in the list, so that running() still tells what stop() waits for.
void BlockingPool::Shared::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    while (Worker* idle = pop_idle()) idle->parker.unpark();
  }
  for (;;) {
    std::thread thread = take_thread();
    if (!thread.joinable()) return;
    thread.join();
  }
}

/// Detaches the threads whose jobs were given up, and returns one of the others; none: there is
/// none.
std::thread BlockingPool::Shared::take_thread() noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    if (!worker->thread.joinable()) continue;
    if (!worker->given_up) return std::move(worker->thread);
    worker->thread.detach();
  }
  return {};
}

}  // namespace weft::inline v0_1::detail
