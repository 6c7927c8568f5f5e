// The threads of a runtime's workers: their start and end, with the calls that a user has asked for
// there (RuntimeOptions::on_worker_start, on_worker_stop).
#include <mutex>
#include <system_error>
#include <utility>

#include "base/runtime_hold.hpp"
#include "os/fault.hpp"
#include "os/syscalls.hpp"
#include "os/thread.hpp"
#include "runtime/impl.hpp"

namespace weft::inline v0_1 {

void Runtime::Impl::start_threads() {
  if (schedulers_.front()->size() > 1) {
    watchdog_ = std::make_unique<detail::Watchdog>(schedulers_.front()->pool());
  }
  threads_.reserve(workers_ + most_spares_);
  try {
    run_threads();
  } catch (...) {
    stop_threads();
    throw;
  }
  // In other cases no worker's beginning can fail.
  if (!options_.on_worker_start && !options_.thread_per_core) return;
  all_started_.park();
  // No lock: the last worker to begin has unparked this thread, after all others.
  if (start_error_ == nullptr) return;
  stop_threads();
  std::rethrow_exception(start_error_);
}

void Runtime::Impl::run_threads() {
  for (std::size_t i = 0; i < workers_; ++i) {
    std::thread thread;
    if (const std::error_code error = detail::start_thread(thread, [this, i] { work(i); })) {
      throw IoError(error, "weft::Runtime: worker thread");
    }
    threads_.push_back(std::move(thread));  // there is room
  }
  if (watchdog_ == nullptr) return;
  if (const std::error_code error = watchdog_->start()) {
    throw IoError(error, "weft::Runtime: watchdog thread");
  }
}

/// On the worker's thread. Returns what kept it from beginning, or null.
std::exception_ptr Runtime::Impl::begin_work(std::size_t index) noexcept {
  try {
    detail::name_current_thread(options_.name, index);
    if (options_.thread_per_core) {
      const int refused = detail::Syscalls::planned_failure(detail::Call::pin_thread);
      const Result<unsigned> cpu =
          refused == 0 ? detail::pin_current_thread(index) : fail(os_error(refused));
      if (cpu) {
        starts_[index]->cpu = *cpu;
      } else {
        starts_[index]->cpu_error = cpu.error();
      }
    }
    if (options_.on_worker_start) options_.on_worker_start(index);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

void Runtime::Impl::end_work(std::size_t index) noexcept {
  if (!options_.on_worker_stop) return;
  try {
    options_.on_worker_stop(index);
  } catch (...) {
    report(std::current_exception());
  }
}

void Runtime::Impl::report(std::exception_ptr error) noexcept {
  (*tasks_->failure_handler())(UnhandledFailure{std::move(error), nullptr});
}

void Runtime::Impl::work(std::size_t index) noexcept {
  detail::set_joined_by(tasks_.get());
  const std::exception_ptr error = begin_work(index);
  {
    const std::lock_guard lock(start_mutex_);
    if (error != nullptr && start_error_ == nullptr) start_error_ = error;
    if (++started_ == workers_) all_started_.unpark();
  }
  if (error != nullptr) return;
  {
    const detail::ScopedContext here(context(index));
    worker(index).run_until([this] { return stopped(); });
  }
  end_work(index);
}

void Runtime::Impl::stop_threads() noexcept {
  if (watchdog_ != nullptr) watchdog_->stop();
  stop_.store(true, std::memory_order_release);
  for (const auto& scheduler : schedulers_) scheduler->unpark_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace weft::inline v0_1
