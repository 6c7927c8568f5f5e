// block_in_place(): while a worker's thread is in a call that blocks, a spare worker stands in.
//
// A spare worker is one like any other, with a reactor, fibers and a thread of its own; the runtime
// makes it when it is first needed. When it is no longer needed it keeps what is bound to it
// (fibers that have started there) and its reactor, and hands everything else over; mostly it
// sleeps. The next call that blocks activates it again. So no task ever moves because of this, and
// the thread that has blocked has its own worker again at once, without waiting for another thread.
//
// The worker whose thread blocks keeps what is bound to it. Its queue goes to the injector, and the
// watchdog polls its reactor until the thread is back.
#include <weft/block_in_place.hpp>
#include <weft/detail/task_context.hpp>

#include <memory>
#include <mutex>
#include <utility>

#include "base/runtime_hold.hpp"
#include "base/thread_context.hpp"
#include "os/thread.hpp"
#include "runtime/impl.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] SpareWorkers* SpareWorkers::current() noexcept {
  return thread_context().spare_workers;
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

bool Runtime::Impl::activate_spare() noexcept try {
  const std::lock_guard lock(spares_mutex_);
  for (std::size_t i = workers_; i < threads_.size(); ++i) {
    if (starts_[i]->active.exchange(true, std::memory_order_relaxed)) continue;
    parks_[i]->unpark();
    return true;
  }
  if (threads_.size() >= workers_ + most_spares_ || most_spares_ == 0) return false;
  add_spare();
  return true;
} catch (...) {  // no memory, descriptor or thread: then no worker stands in
  return false;
}

/// With spares_mutex_ held.
void Runtime::Impl::add_spare() {
  const std::size_t index = threads_.size();
  if (parks_.size() == index) {  // else an earlier call made it, and failed to start a thread
    add_worker();
    detail::Worker& spare = schedulers_.front()->add_spare(*parks_[index]);
    parks_[index]->reactor().calls().run_on(spare.local());
  }
  std::thread thread;
  if (const std::error_code error =
          detail::start_thread(thread, [this, index] { work_as_spare(index); })) {
    throw IoError(error, "weft::Runtime: spare worker");
  }
  threads_.push_back(std::move(thread));  // there is room
}

void Runtime::Impl::deactivate_spare() noexcept {
  const std::lock_guard lock(spares_mutex_);
  // The last one that is active, so that the first ones stay warm.
  for (std::size_t i = threads_.size(); i-- > workers_;) {
    if (!starts_[i]->active.exchange(false, std::memory_order_relaxed)) continue;
    parks_[i]->unpark();
    return;
  }
}

void Runtime::Impl::work_as_spare(std::size_t index) noexcept {
  detail::set_joined_by(tasks_.get());
  if (std::exception_ptr error = begin_work(index); error != nullptr) report(std::move(error));
  detail::Worker& self = worker(index);
  const auto is_active = [&active = starts_[index]->active] {
    return active.load(std::memory_order_relaxed);  // relaxed: only a hint; it orders nothing
  };
  {
    const detail::ScopedContext here(context(index));
    schedulers_.front()->pool().idle().join();
    while (!stopped()) {
      self.run_until([&] { return stopped() || !is_active(); });
      if (!stopped()) self.serve_until([&] { return stopped() || is_active(); });
    }
  }
  end_work(index);
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

// The public face

struct BlockInPlace::Out {
  Out(SpareWorkers& spares, Worker& its_worker) noexcept
      : spare_workers(spares), worker(its_worker), hold(OwnedTasks::current_or_null()) {}

  SpareWorkers& spare_workers;
  Worker& worker;
  ThreadContext context;
  RuntimeHold hold;  // the end of the runtime waits for the call, as for the task
};

BlockInPlace::BlockInPlace() {
  Worker* const worker = Worker::current();
  SpareWorkers* const spare_workers = SpareWorkers::current();
  if (worker == nullptr || spare_workers == nullptr) return;
  auto out = std::make_unique<Out>(*spare_workers, *worker);
  if (!spare_workers->activate_spare()) return;
  worker->hand_over();
  worker->set_away(true);
  Reactor::current()->allow_remote_polls();
  ThreadContext no_worker;
  no_worker.bound = TaskContext::current();  // for the task, and so for what it calls here
  out->context = exchange_context(no_worker);
  out_ = out.release();
}

BlockInPlace::~BlockInPlace() {
  if (out_ == nullptr) return;
  const std::unique_ptr<Out> out(out_);
  exchange_context(out->context);
  out->worker.interrupted();
  out->worker.set_away(false);
  out->spare_workers.deactivate_spare();
}

}  // namespace weft::inline v0_1::detail
