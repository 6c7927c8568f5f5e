// Timer: calls a function at a point in time. It can be armed again and again, and needs no task.
//
//   weft::Timer idle([&] { connection.cancel(); });
//   idle.arm_after(30s);    // and again at each request: moves the deadline
//   idle.disarm();          // or the destructor does it
//
// Comparable to Asio's steady_timer with a handler that is set once, libuv's uv_timer_t, and Go's
// time.AfterFunc with Reset and Stop. A coroutine waits with sleep_for(), in <weft/sleep.hpp>, and
// limits what it awaits with timeout().
//
// Where the callback runs. A timer belongs to the worker on which it was armed, until its callback
// has returned or it is disarmed. That worker calls the callback between two tasks. Callbacks run
// one after the other, each to its end, in the order of their deadlines (those within the same 65
// µs in any order). So nothing else runs on that worker meanwhile, and a long computation delays
// the timers of its worker. A callback must not block. It may spawn, wake, set, arm and destroy,
// this timer included. An exception of the callback goes to the failure handler of the runtime.
//
// Thread-safety. One thread at a time uses a timer, which may change. A callback that uses the
// timer counts as a user. On the timer's own worker each call is immediate: less than a hundred
// instructions, no lock, no allocation, no system call. On another thread (a task that has moved to
// another worker, or a thread outside the runtime) a call is done on behalf of the worker while
// that runs a task. The first such call takes about 2 µs; later ones take less than 0.1 µs, until
// the worker polls for events again. A sleeping worker is woken for the call, which takes about 10
// µs if a processor is free. A call never waits for a task's computation. Arming moves the timer to
// the caller's worker, so the next call there is immediate again.
//
// What else ends it. A timer does not keep its runtime alive. The runtime's shutdown waits only for
// tasks; from its end on none of the runtime's timers is armed, and due calls are dropped. A timer
// may outlive the runtime, but must not be used while the runtime is being destroyed. Cancelling
// the task that armed it has no effect on the timer, which belongs to its owner.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/operation.hpp>
#include <weft/time.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class Reactor;
class TimerCalls;
class TimerErrand;
}  // namespace detail

namespace detail {

/// A function without arguments, of any type. A small one is stored in place, a larger one in a
/// block of its own.
class TimerCallback {
 public:
  template <class F>
  explicit TimerCallback(F&& function) {
    using Function = std::decay_t<F>;
    if constexpr (fits<Function>) {
      ::new (place()) Function(std::forward<F>(function));
      kind_ = &in_place<Function>;
    } else {
      using Block = std::unique_ptr<Function>;
      ::new (place()) Block(std::make_unique<Function>(std::forward<F>(function)));
      kind_ = &in_block<Function>;
    }
  }
  ~TimerCallback() {
    if (kind_->destroy != nullptr) kind_->destroy(place());
  }
  TimerCallback(const TimerCallback&) = delete;
  TimerCallback& operator=(const TimerCallback&) = delete;

  /// Throws what the function throws. The function may destroy this object.
  void operator()() { kind_->call(place()); }

 private:
  static constexpr std::size_t room = 3 * sizeof(void*);

  struct Kind {
    void (*call)(void*);
    void (*destroy)(void*) noexcept;  // null: the destructor is trivial
  };
  template <class F>
  static constexpr bool fits = sizeof(F) <= room && alignof(F) <= alignof(void*);

  [[nodiscard]] void* place() noexcept { return room_.data(); }

  // SAFETY of the casts: the constructor chooses `kind_` for the object that it puts into the room.
  template <class F>
  static void destroy(void* place) noexcept {
    static_cast<F*>(place)->~F();
  }
  template <class F>
  static constexpr Kind in_place{
      [](void* place) { static_cast<void>(std::invoke(*static_cast<F*>(place))); },
      std::is_trivially_destructible_v<F> ? nullptr : &TimerCallback::destroy<F>};
  template <class F>
  static constexpr Kind in_block{
      [](void* place) {
        static_cast<void>(std::invoke(**static_cast<std::unique_ptr<F>*>(place)));
      },
      &TimerCallback::destroy<std::unique_ptr<F>>};

  const Kind* kind_;
  alignas(void*) std::array<std::byte, room> room_;
};

}  // namespace detail

/// A function with a deadline; see the top of this header. 80 bytes on 64-bit systems. Cannot be
/// moved.
class Timer : private detail::TimerNode {
 public:
  /// Makes a timer that is not armed. `callback` takes no arguments. One larger than three pointers
  /// is stored in a block of its own. Throws std::bad_alloc, and what moving the callback throws.
  /// Any thread.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Timer> && std::invocable<std::decay_t<F>&>)
  explicit Timer(F&& callback)
      : detail::TimerNode(Kind::callback), callback_(std::forward<F>(callback)) {}
  /// Disarms it. If the callback is running on another thread, waits for its end, as
  /// std::stop_callback does; so a callback must never wait for the thread that destroys its timer.
  /// If called from within the callback, does not wait: afterwards the timer is not accessed any
  /// more, and the function's captures are destroyed.
  ~Timer() {
    // Acquire: pairs with the worker's release of home_ at the end of a call.
    if (detail::Reactor* const home = home_.load(std::memory_order_acquire)) leave(*home);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Each of these arms a timer anew that is armed already: with the new deadline, and without the
  // earlier period. They return true if it was armed; the call that was due is then not made. They
  // return false if that call was made or has begun, or none was due. On a thread that works for no
  // runtime they throw std::logic_error and have no effect.

  /// Arms it for one call, at `at` or soon after; never before `at`, and never within this
  /// function, even if `at` has passed. Moving the deadline of an armed timer to a later time is
  /// cheapest.
  bool arm_at(TimePoint at) { return arm(at.time_since_epoch().count(), 0); }
  /// Arms it for one call `after` from now. Reads the clock, about 20 ns: to arm many timers, read
  /// weft::now() once and use arm_at().
  bool arm_after(Duration after) { return arm_at(deadline_after(after)); }
  /// Arms it for a call every `period` at a fixed rate, the first one period from now. Missed calls
  /// are skipped. Throws std::invalid_argument unless `period` is positive.
  bool arm_every(Duration period);
  /// Disarms it: the callback will not be called any more. Returns whether it was armed. False: it
  /// was not armed, or its callback has been called, or has begun on another thread and may still
  /// be running; this does not wait for its end. No effect if it is not armed. Any thread.
  bool disarm() noexcept;

 private:
  friend class detail::Reactor;
  friend class detail::TimerCalls;
  friend class detail::TimerErrand;

  bool arm(std::int64_t at, std::int64_t period);
  bool arm_again(detail::Reactor* home, std::int64_t at, std::int64_t period);
  bool arm_elsewhere(detail::Reactor& home, detail::Reactor& here, std::int64_t at,
                     std::int64_t period) noexcept;
  bool disarm_elsewhere(detail::Reactor& home) noexcept;
  void leave(detail::Reactor& home) noexcept;
  [[nodiscard]] bool armed() const noexcept { return link.next != nullptr; }

  // Guarded by home_'s reactor, like the node.
  std::int64_t period_ = 0;  // 0: once
  // The reactor that holds the timer, while the timer is armed and while its callback runs. Written
  // by the user of the timer. Its worker sets it to null at the end of a call, unless the timer was
  // armed again: that is the worker's last access to the timer. As that may happen at any moment, a
  // use reads it once.
  Atomic<detail::Reactor*> home_{nullptr};
  detail::TimerCallback callback_;
};

}  // namespace weft::inline v0_1
