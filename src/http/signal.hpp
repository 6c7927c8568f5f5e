// Signal: set once, from any thread; one task waits for it. A leaf awaitable written against the
// public headers; tells a session to drain.
#pragma once

#include <coroutine>

#include <weft/atomic.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Wakes the waiting task, or the next one to wait. Idempotent. Any thread.
  void set() noexcept;

  class Awaiter : private CancelHook {
   public:
    explicit Awaiter(Signal& signal) noexcept
        : CancelHook(&Awaiter::on_cancel_request), signal_(signal) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <WeftPromise P>
    bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
      return suspend(innermost.promise());
    }
    void await_resume() const noexcept {}

   private:
    friend class Signal;
    [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;
    static void on_cancel_request(CancelHook& self) noexcept;

    Signal& signal_;
    TaskHeader* task_ = nullptr;
    bool cancelled_ = false;  // guarded by the signal's mutex
  };

  class [[nodiscard]] Wait {
   public:
    explicit Wait(Signal& signal) noexcept : signal_(&signal) {}
    Awaiter operator co_await() && noexcept { return Awaiter(*signal_); }

   private:
    Signal* signal_;
  };

  /// Waits until it is set. One task at a time. Cancel: stops waiting.
  Wait wait() noexcept { return Wait(*this); }

 private:
  ThreadMutex mutex_;
  bool is_set_ = false;        // guarded by mutex_
  Awaiter* waiter_ = nullptr;  // guarded by mutex_; the thread that removes it ends its wait
};

}  // namespace weft::inline v0_1::http
