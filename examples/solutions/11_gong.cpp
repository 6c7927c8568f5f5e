// Exercise 11.1: a leaf for which many tasks wait: a gong, whose one stroke wakes them all.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>
#include <weft/extend/leaf.hpp>
#include <weft/weft.hpp>

// [gong]
class Gong {
 public:
  class Wait : private weft::CancelHook {
   public:
    explicit Wait(Gong& gong) noexcept : CancelHook(&Wait::on_cancel_request), gong_(gong) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <weft::WeftPromise P>
    bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
      return suspend(innermost.promise());
    }
    void await_resume() const noexcept {}

   private:
    friend class Gong;
    bool suspend(weft::PromiseBase& innermost) noexcept;
    static void on_cancel_request(CancelHook& self) noexcept;

    Gong& gong_;
    weft::TaskHeader* task_ = nullptr;
    bool refused_ = false;  // guarded by the gong's mutex: the cancel came first
  };

  class Stroke {
   public:
    explicit Stroke(Gong& gong) noexcept : gong_(gong) {}
    Wait operator co_await() const noexcept { return Wait(gong_); }

   private:
    Gong& gong_;
  };
  [[nodiscard]] Stroke next_stroke() noexcept { return Stroke(*this); }

  /// Wakes all that wait now. A stroke is not kept.
  std::size_t strike() {
    std::vector<weft::TaskHeader*> tasks;
    {
      const std::lock_guard lock(mutex_);
      for (Wait* const wait : waiting_) tasks.push_back(wait->task_);
      waiting_.clear();
    }
    for (weft::TaskHeader* const task : tasks) task->leaf_ended(false);
    return tasks.size();
  }

 private:
  std::mutex mutex_;
  std::vector<Wait*> waiting_;  // guarded by mutex_
};
// [/gong]

// [suspend]
bool Gong::Wait::suspend(weft::PromiseBase& innermost) noexcept {
  task_ = &innermost.task();
  weft::TaskHeader& task = *task_;
  if (!task.suspended_and_armed(innermost, *this)) return true;
  {
    const std::lock_guard lock(gong_.mutex_);
    if (!refused_) {
      gong_.waiting_.push_back(this);
      return true;
    }
  }
  task.leaf_ended(true);
  return true;
}

void Gong::Wait::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a Wait.
  auto& wait = static_cast<Wait&>(self);
  weft::TaskHeader* const task = wait.task_;
  bool withdrawn = false;
  {
    const std::lock_guard lock(wait.gong_.mutex_);
    wait.refused_ = true;
    withdrawn = std::erase(wait.gong_.waiting_, &wait) != 0;
  }
  if (withdrawn) task->leaf_ended(true);
  task->request_finished();
}
// [/suspend]

// [use]
weft::Task<void> listen(Gong& gong, int& heard) {
  co_await gong.next_stroke();
  ++heard;  // the tasks of one thread: no lock
}

weft::Task<void> program() {
  Gong gong;
  int heard = 0;
  std::vector<weft::JoinHandle<void>> listeners;
  for (int i = 0; i < 5; ++i) {
    listeners.push_back(weft::spawn([&] { return listen(gong, heard); }));
  }
  co_await weft::yield_now();  // now all five wait
  listeners[1].cancel();
  listeners[3].cancel();
  const std::size_t woken = gong.strike();
  for (auto& listener : listeners) {
    static_cast<void>(co_await std::move(listener).outcome());
  }
  std::printf("five listened, two were cancelled: %zu woken, %d heard it\n", woken, heard);
  std::printf("no task listens now: %zu woken\n", gong.strike());
}
// [/use]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
