// Timer: calls a function at a point of time; armed again and again, without a task.
//
//   weft::Timer idle([&] { connection.cancel(); });
//   idle.arm_after(30s);    // and again at each request: the deadline moves on
//   idle.disarm();          // or the destructor does it
//
// What it is to Asio's steady_timer with a handler that is set once, libuv's uv_timer_t, and Go's
// time.AfterFunc with Reset and Stop. What a coroutine waits for is sleep_for(), in
// <weft/sleep.hpp>, and a bound on what it awaits is timeout().
//
// Where it runs. A timer belongs to the worker on which it was armed, until its callback has run or
// it is disarmed. There, between two tasks, the worker calls it, as it would call a started fiber:
// one after the other in the order of their deadlines (those of the same 65 µs in any order), each
// to its end. So what runs on that worker meanwhile is the callback alone, and a worker that
// computes for long keeps its timers waiting. A callback must not block; it may spawn, wake, set,
// arm and destroy, this timer too. What it throws goes to the failure handler of the runtime.
//
// Who may use it. One thread at a time, whichever (the callback, too, is a use, if it uses the
// timer). On the timer's own worker all is immediate: less than a hundred instructions, no lock, no
// allocation, no system call. From elsewhere, a task that has moved to another worker, or a thread
// outside the runtime, a call is done in the place of the worker while that is in a task: some 2 µs
// at first, less than 0.1 µs from then on until the worker looks for events again. A worker that
// sleeps is woken for it: some 10 µs, if a processor is free for it. It is never as long as what
// tasks compute. Arming takes the timer along to the worker of the caller, so the next call is
// immediate again.
//
// What else ends it. Timers keep no runtime alive: from the end of its shutdown on, which waits for
// tasks only, none of its timers is armed, and what was due is dropped. A timer may outlive the
// runtime, but must not be used while that is being destroyed. A cancel of the task that has armed
// it leaves it as it is, as it belongs to whoever owns it.
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

namespace weft {

namespace detail {
class Reactor;
class TimerCalls;
class TimerErrand;
}  // namespace detail

namespace detail {

class Reactor;
class TimerCalls;
class TimerErrand;

/// A function that takes nothing, of any type: in place if it is small, else in a block of its own.
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

  /// May throw what the function throws. It may destroy this.
  void operator()() { kind_->call(place()); }

 private:
  static constexpr std::size_t room = 3 * sizeof(void*);

  struct Kind {
    void (*call)(void*);
    void (*destroy)(void*) noexcept;  // null: there is nothing to do
  };
  template <class F>
  static constexpr bool fits = sizeof(F) <= room && alignof(F) <= alignof(void*);

  [[nodiscard]] void* place() noexcept { return room_.data(); }

  // SAFETY of the casts: `kind_` is chosen by the constructor, with what stands in the room.
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

/// See the top of this header. 80 bytes on 64-bit systems; it stays where it is.
class Timer : private detail::TimerNode {
 public:
  /// `callback` takes nothing. One that is larger than three pointers is kept in a block of its
  /// own. Throws std::bad_alloc, and what moving the callback throws. Any thread.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Timer> && std::invocable<std::decay_t<F>&>)
  explicit Timer(F&& callback)
      : detail::TimerNode(Kind::callback), callback_(std::forward<F>(callback)) {}
  /// Disarms it. If the callback is running on another thread, waits for its end, as
  /// std::stop_callback does, so never wait in a callback for whoever destroys its timer. From
  /// within the callback: afterwards nobody touches the timer; what the function has captured is
  /// gone.
  ~Timer() {
    // Acquire: pairs with the end of a call on another worker.
    if (detail::Reactor* const home = home_.load(std::memory_order_acquire)) leave(*home);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // In all of these a timer that is armed is armed anew, with another deadline, and no longer
  // periodically. They give whether it was armed: then the call that was due is not made. False: it
  // has been made, or has begun, or none was due. They throw std::logic_error, and do nothing, on a
  // thread that works for no runtime.

  /// Calls once, at `at` or soon after it, never before, and never within this call, even if
  /// it has passed. To move the deadline of one that is armed to a later time is cheapest.
  bool arm_at(TimePoint at) { return arm(at.time_since_epoch().count(), 0); }
  /// The same, `after` from now. It looks at the clock, some 20 ns: who arms many at once looks
  /// once, at weft::now(), and uses arm_at().
  bool arm_after(Duration after) { return arm_at(deadline_after(after)); }
  /// Calls every `period`, from one period from now on, at a fixed rate: what is missed is left
  /// out. Throws std::invalid_argument unless `period` is positive.
  bool arm_every(Duration period);
  /// The callback will not be called any more. Gives whether it was to be. False: it was not
  /// armed; its callback has been called, or was begun on another thread and may still be running:
  /// this does not wait for that. Any thread. No effect if it is not armed.
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

  // With home_'s reactor held, as everything of the node is.
  std::int64_t period_ = 0;  // 0: once
  // The reactor that has it: while it is armed, and while its callback runs. Written by who uses
  // the timer, and set to null by its worker at the end of a call: the last touch of the timer
  // there, unless it was armed again. As that may be at any moment, a use reads it once.
  Atomic<detail::Reactor*> home_{nullptr};
  detail::TimerCallback callback_;
};

}  // namespace weft
