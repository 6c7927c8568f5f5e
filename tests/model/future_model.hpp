// Shared by the model tests of futures: a task that awaits one future, on a worker that really runs
// what is scheduled. Leaf and wakers are the real ones.
#pragma once

#include <weft/detail/future_awaiter.hpp>
#include <weft/extend/frame_pool.hpp>

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "model/model_test.hpp"

namespace weft::model {

/// A coroutine that only counts how often it was resumed.
class Resumed {
 public:
  struct promise_type {
    Resumed get_return_object() noexcept {
      return Resumed(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  explicit Resumed(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  Resumed(const Resumed&) = delete;
  Resumed& operator=(const Resumed&) = delete;
  ~Resumed() { frame_.destroy(); }
  [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return frame_; }

  static Resumed count(int& times) {
    for (;;) {
      ++times;
      co_await std::suspend_always();
    }
  }

 private:
  std::coroutine_handle<> frame_;
};

/// Holds the one Runnable that may be due at a time.
class OneWorker final : public detail::TaskExecutor {
 public:
  void schedule(Runnable& work) noexcept override {
    require(due_ == nullptr, "nothing is scheduled twice, nor two things of one task");
    require(!over, "nothing is scheduled after the end");
    due_ = &work;
    parker_.unpark();
  }
  void defer(Runnable& work) noexcept override {
    schedule(work);
    deferred_ = true;
  }
  void run_next() noexcept {
    parker_.park();
    // Other threads go first, since the worker may depend on them: an AtomicWaker in the middle of
    // a wake answers each registration by another wake.
    if (std::exchange(deferred_, false)) spin_hint();
    Runnable* const work = std::exchange(due_, nullptr);
    if (work != nullptr) work->run();
  }
  bool over = false;

 private:
  Runnable* due_ = nullptr;
  bool deferred_ = false;
  ThreadParker parker_;
};

/// A task that awaits one future, given as a function, and then has ended.
class AwaitingTask final : public TaskHeader {
 public:
  using PollOnce = std::function<bool(Context&)>;

  explicit AwaitingTask(PollOnce poll)
      : TaskHeader(&AwaitingTask::on_finish),
        resumed_frame_(Resumed::count(resumed)),
        promise_(resumed_frame_.handle()) {
    bind(promise_, worker_);
    leaf_.emplace(std::move(poll));
  }

  /// The worker's thread: awaits, and runs what is scheduled until the await has ended.
  void run_to_end() {
    bool suspended = leaf_->suspend(promise_);
    if (!suspended) ++resumed;
    while (resumed + cancelled == 0) worker_.run_next();
    worker_.over = true;
    polls = leaf_->polls;
    got = leaf_->got;
    leaf_.reset();  // as the frame would: from here on no thread may touch it
    require(resumed + cancelled == 1, "one end");
    require(cancelled == 0 || !got, "what was got is delivered");
  }

  int resumed = 0;
  int cancelled = 0;
  int polls = 0;     // this and the next: after the end
  bool got = false;  // whether a poll was ready

 private:
  class Leaf final : public detail::FutureLeaf {
   public:
    explicit Leaf(PollOnce poll) noexcept
        : detail::FutureLeaf(&Leaf::poll_once), poll_(std::move(poll)) {}
    using detail::FutureLeaf::suspend;
    int polls = 0;
    bool got = false;

   private:
    static bool poll_once(detail::FutureLeaf& self, Context& cx) noexcept {
      auto& leaf = static_cast<Leaf&>(self);
      ++leaf.polls;
      leaf.got = leaf.poll_(cx);
      return leaf.got;
    }
    PollOnce poll_;
  };
  class Promise final : public PromiseBase {
   public:
    explicit Promise(std::coroutine_handle<> frame) noexcept : PromiseBase(frame) {}
  };

  static void on_finish(TaskHeader& self, Ending) noexcept {
    ++static_cast<AwaitingTask&>(self).cancelled;
  }

  OneWorker worker_;
  Resumed resumed_frame_;
  Promise promise_;
  std::optional<Leaf> leaf_;
};

/// Hands a waker from a poll to another thread.
class WakerBox {
 public:
  /// The poll. May be called several times: the last waker counts until it was taken.
  void put(const Waker& waker) {
    if (given_) return;
    given_ = true;
    waker_ = waker;
    parker_.unpark();
  }
  [[nodiscard]] Waker take() {
    parker_.park();
    return std::move(waker_);
  }

 private:
  Waker waker_;  // published by parker_
  bool given_ = false;
  ThreadParker parker_;
};

/// Requires that an execution returns all blocks of the pool that it takes.
class NoLeak {
 public:
  NoLeak() noexcept : before_(frame_pool_stats().live_blocks) {}
  NoLeak(const NoLeak&) = delete;
  NoLeak& operator=(const NoLeak&) = delete;
  void check() const {
    require(frame_pool_stats().live_blocks == before_, "every block was given back, once");
  }

 private:
  std::int64_t before_;
};

}  // namespace weft::model
