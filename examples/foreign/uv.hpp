// libuv and weft, in both directions: UvLoop drives a libuv loop by a task, UvStepper steps a weft
// runtime from a libuv loop.
#pragma once

#include <uv.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "request.hpp"

namespace foreign {

/// A call into a loop, see UvLoop::call().
class UvCall final : public Request {
 public:
  using Function = std::move_only_function<void(uv_loop_t&)>;
  UvCall(std::shared_ptr<Requests> requests, Function&& what) noexcept
      : Request(std::move(requests)), function(std::move(what)) {}
  void await_resume() const { rethrow(); }

  Function function;
};

/// A libuv loop whose turns a task makes. Code written for libuv runs beside tasks, on their
/// threads, without a thread of its own.
///
/// The rule for threads: a libuv loop is not thread-safe. Its callbacks run within run(), one at a
/// time, on the worker of that call. libuv may be called from callbacks, from functions given to
/// call(), and while run() is not under way. They must not wait, nor throw.
class UvLoop {
 public:
  /// Throws weft::IoError if there are no more handles.
  UvLoop() : requests_(std::make_shared<Requests>()) {
    if (const int error = uv_loop_init(&loop_); error != 0) {
      throw weft::IoError(weft::os_error(-error), "create libuv loop");
    }
    const weft::Result<void> added =
        requests_->queue.add(uv_backend_fd(&loop_), 0, weft::Interest::readable);
    if (!added) {
      uv_loop_close(&loop_);
      throw weft::IoError(added.error(), "watch libuv loop");
    }
  }
  /// Closes the remaining handles, whose memory must still exist (so declare it before the loop).
  /// Blocks until work on libuv's threads has ended. Neither run() nor call() may be under way.
  ~UvLoop() {
    uv_walk(&loop_, &UvLoop::close_handle, nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  [[nodiscard]] uv_loop_t* get() noexcept { return &loop_; }

  // [run]
  /// Makes turns until the loop has no active handle or request, as uv_run(UV_RUN_DEFAULT). Timers
  /// have libuv's resolution, a millisecond. One task at a time. Throws weft::IoError.
  /// Cancel: between two turns. The loop stays as it is; it can be driven on or destroyed.
  [[nodiscard]] weft::Task<void> run() {
    std::array<weft::Event, 4> room;
    for (;;) {
      make_calls();
      if (uv_run(&loop_, UV_RUN_NOWAIT) == 0) co_return;
      const weft::TimePoint due = next_turn();
      co_await weft::wait_for_events(requests_->queue, room, due);
    }
  }
  // [/run]

  /// See call().
  class Call {
   public:
    Call(std::shared_ptr<Requests> requests, UvCall::Function function) noexcept
        : requests_(std::move(requests)), function_(std::move(function)) {}
    UvCall operator co_await() && noexcept {
      return UvCall(std::move(requests_), std::move(function_));
    }

   private:
    std::shared_ptr<Requests> requests_;
    UvCall::Function function_;
  };
  /// Calls `function(loop)` between two turns of run(), waits until that is over, and rethrows its
  /// exception. Any task, on any worker. While run() is not under way it waits for it.
  /// Cancel: the function is not called, unless it was before.
  [[nodiscard]] Call call(UvCall::Function function) { return {requests_, std::move(function)}; }

 private:
  void make_calls() noexcept {
    while (Request* const request = requests_->next()) {
      try {
        static_cast<UvCall&>(*request).function(loop_);
      } catch (...) {
        request->set_error(std::current_exception());
      }
      requests_->end(*request);
    }
  }
  [[nodiscard]] weft::TimePoint next_turn() noexcept {
    uv_update_time(&loop_);
    const int timeout_ms = uv_backend_timeout(&loop_);
    return timeout_ms < 0 ? weft::TimePoint::max()
                          : weft::deadline_after(std::chrono::milliseconds(timeout_ms));
  }
  static void close_handle(uv_handle_t* handle, void*) noexcept {
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  }

  uv_loop_t loop_;
  std::shared_ptr<Requests> requests_;
};

/// Steps a current_thread runtime from a libuv loop: tasks and callbacks of one thread, which need
/// no locks against each other. Used by the loop's thread. Keeps the loop alive until it is closed.
class UvStepper {
 public:
  /// The loop must run until it has ended by itself after close(). The runtime must live until
  /// close(). Throws std::logic_error for a runtime of another kind, weft::IoError if libuv cannot
  /// watch it.
  UvStepper(uv_loop_t* loop, weft::Runtime& runtime) {
    auto self = std::make_unique<Self>(loop, runtime);
    self->start();
    self_ = self.release();
  }
  /// As close().
  ~UvStepper() { close(); }
  UvStepper(const UvStepper&) = delete;
  UvStepper& operator=(const UvStepper&) = delete;

  /// Stops stepping. Tasks that have not ended wait for another thread that polls the runtime, or
  /// the runtime's destructor cancels them. Callable from within a task. Idempotent.
  void close() noexcept {
    if (self_ != nullptr) std::exchange(self_, nullptr)->stop();
  }

 private:
  /// Lives until libuv has closed its timer.
  class Self {
   public:
    Self(uv_loop_t* loop, weft::Runtime& runtime) : loop_(loop), runtime_(runtime) {}

    void start() {
      if (const int error = watch(runtime_.native_handle()); error != 0) {
        throw weft::IoError(weft::os_error(-error), "watch a runtime");
      }
      uv_timer_init(loop_, &timer_);
      timer_.data = this;
      step_after(0);  // what is ready now runs at the first turn
    }
    void stop() noexcept {
      stopped_ = true;
      unwatch();
      uv_close(as_handle(timer_),
               [](uv_handle_t* timer) { delete static_cast<Self*>(timer->data); });
    }

   private:
    template <class Handle>
    static uv_handle_t* as_handle(Handle& handle) noexcept {
      return reinterpret_cast<uv_handle_t*>(&handle);  // SAFETY: as libuv's manual says
    }
    static void on_ready(uv_poll_t* poll, int, int) noexcept {
      static_cast<Self*>(poll->data)->step();
    }
    static void on_timer(uv_timer_t* timer) noexcept { static_cast<Self*>(timer->data)->step(); }

    // [step]
    /// Runs what is ready, and schedules the next call by libuv.
    void step() noexcept {
      const std::optional<std::chrono::nanoseconds> next = runtime_.poll();
      if (stopped_) return;
      uv_timer_stop(&timer_);
      if (next) {
        const auto after = std::chrono::ceil<std::chrono::milliseconds>(*next);
        step_after(static_cast<std::uint64_t>(after.count()));
      }
      const weft::NativeHandle handle = runtime_.native_handle();
      if (handle != watched_ && watch(handle) != 0) step_after(1);  // until it can be watched
    }
    // [/step]
    void step_after(std::uint64_t milliseconds) noexcept {
      uv_update_time(loop_);
      uv_timer_start(&timer_, &Self::on_timer, milliseconds, 0);
    }

    /// A uv_poll_t cannot change its handle, and may be destroyed only after libuv has closed it.
    [[nodiscard]] int watch(weft::NativeHandle handle) {
      unwatch();
      auto poll = std::make_unique<uv_poll_t>();
      if (const int error = uv_poll_init(loop_, poll.get(), handle); error != 0) return error;
      poll_ = poll.release();
      poll_->data = this;
      watched_ = handle;
      return uv_poll_start(poll_, UV_READABLE, &Self::on_ready);
    }
    void unwatch() noexcept {
      if (poll_ == nullptr) return;
      watched_ = weft::invalid_handle;
      const auto free_poll = [](uv_handle_t* poll) { delete reinterpret_cast<uv_poll_t*>(poll); };
      uv_close(as_handle(*std::exchange(poll_, nullptr)), free_poll);
    }

    uv_loop_t* const loop_;
    weft::Runtime& runtime_;
    uv_timer_t timer_;
    uv_poll_t* poll_ = nullptr;
    weft::NativeHandle watched_ = weft::invalid_handle;
    bool stopped_ = false;
  };

  Self* self_ = nullptr;  // owned by itself until close()
};

}  // namespace foreign
