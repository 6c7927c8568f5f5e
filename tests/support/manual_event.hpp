// ManualEvent: a leaf written by hand, as a user of <weft/extend/task_header.hpp> would. Any thread
// puts tokens in; one task at a time waits for them. Lossless by construction, so tests can count:
// each token that was set was received, or is still inside.
#pragma once

#include <weft/extend/task_header.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <mutex>

namespace weft::test {

class ManualEvent {
 public:
  class Awaiter : private CancelHook {
   public:
    explicit Awaiter(ManualEvent& event) noexcept
        : CancelHook(&Awaiter::on_cancel_request), event_(event) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <WeftPromise P>
    bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
      return suspend(innermost.promise());
    }
    void await_resume() const noexcept {}

   private:
    friend class ManualEvent;
    [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;
    static void on_cancel_request(CancelHook& self) noexcept;

    ManualEvent& event_;
    TaskHeader* task_ = nullptr;
    bool refused_ = false;  // guarded by the event's mutex: cancelled before it was filed
  };

  /// The wait as a value, for when_all and the like.
  class Wait {
   public:
    explicit Wait(ManualEvent& event) noexcept : event_(event) {}
    [[nodiscard]] Awaiter operator co_await() const noexcept { return Awaiter(event_); }

   private:
    ManualEvent& event_;
  };

  ManualEvent() = default;
  ManualEvent(const ManualEvent&) = delete;
  ManualEvent& operator=(const ManualEvent&) = delete;

  /// Waits for a token and takes it. A cancelled wait takes none.
  [[nodiscard]] Awaiter operator co_await() noexcept { return Awaiter(*this); }
  [[nodiscard]] Wait wait() noexcept { return Wait(*this); }

  /// Puts one token in, or hands it to the task that waits. Any thread.
  void set() noexcept;
  /// Returns the number of tokens that are still inside. Any thread.
  [[nodiscard]] std::size_t tokens() const noexcept;
  /// Returns whether a task waits. Any thread.
  [[nodiscard]] bool awaited() const noexcept;

 private:
  mutable std::mutex mutex_;
  Awaiter* waiter_ = nullptr;  // guarded by mutex_
  std::size_t tokens_ = 0;     // guarded by mutex_
};

}  // namespace weft::test
