// Exercise 11.3: the bell once more, of weft's parts for what waits in a queue: any number of tasks
// wait, and threads, and each ring wakes the first.
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <weft/extend/leaf.hpp>
#include <weft/weft.hpp>

// [bell]
class QueueBell {
 public:
  /// What is waited for, and how: QueueOp makes the leaf of it.
  class Request {
   public:
    using Node = weft::Waiter;
    explicit Request(QueueBell& bell) noexcept : bell_(&bell) {}
    bool take(Node& /*node*/) noexcept {
      const std::lock_guard lock(bell_->mutex_);
      return bell_->take_ring();
    }
    weft::Queued queue(Node& node) noexcept { return bell_->queue(node); }
    bool withdraw(Node& node) noexcept {
      const std::lock_guard lock(bell_->mutex_);
      return bell_->waiters_.withdraw(node);
    }
    void result(Node& /*node*/) const noexcept {}

   private:
    QueueBell* bell_;
  };

  [[nodiscard]] weft::QueueOp<Request> rings() noexcept {
    return weft::QueueOp<Request>(Request(*this));
  }
  /// For a thread that runs no tasks.
  void wait_for_ring() { weft::wait_on_thread(Request(*this), "QueueBell::wait_for_ring()"); }

  /// Any thread.
  void ring() {
    weft::ServedList served;
    {
      const std::lock_guard lock(mutex_);
      if (waiters_.first() == nullptr) {
        ++rings_;
      } else {
        waiters_.serve_first(served);
      }
    }
    served.wake_all();  // outside the lock
  }

 private:
  bool take_ring() noexcept {
    if (rings_ == 0) return false;
    --rings_;
    return true;
  }
  weft::Queued queue(weft::Waiter& waiter) noexcept {
    const std::lock_guard lock(mutex_);
    if (weft::WaiterList::refuses(waiter)) return weft::Queued::refused;
    if (take_ring()) {
      weft::WaiterList::served_at_once(waiter);
      return weft::Queued::served;
    }
    waiters_.append(waiter);
    return weft::Queued::waiting;
  }

  std::mutex mutex_;
  weft::WaiterList waiters_;  // this and the next: guarded by mutex_
  int rings_ = 0;
};
// [/bell]

// [use]
weft::Task<void> listen(QueueBell& bell) { co_await bell.rings(); }

weft::Task<void> three_tasks(QueueBell& bell) {
  auto first = weft::spawn([&] { return listen(bell); });
  auto second = weft::spawn([&] { return listen(bell); });
  auto third = weft::spawn([&] { return listen(bell); });
  co_await weft::yield_now();  // now all three wait
  second.cancel();
  bell.ring();
  bell.ring();
  bell.ring();
  weft::Outcome<void> of_second = co_await std::move(second).outcome();
  co_await std::move(first);
  co_await std::move(third);
  std::printf("two of three have heard a ring, one was cancelled: %s\n",
              of_second.cancelled() ? "yes" : "no");
}
// [/use]

int main() {
  QueueBell bell;
  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  runtime.block_on(three_tasks(bell));
  bell.wait_for_ring();
  std::puts("the third ring was kept, and a thread has taken it");
}
