// FutureAwaiter<F>: a future awaited by a coroutine, or by whatever else awaits weft's awaitables.
//
// The awaiter is a Runnable of its own: a wake puts it, and not the task, into the run queue; there
// it polls, and only when the future is ready is the task resumed, in the same turn.
//
// The waker. Its state is a word: `polling`, `waiting` (from when the poll has given pending) or
// `notified`. Only the step from waiting to notified schedules the awaiter, and only being run ends
// the wait, so a wake touches the awaiter solely when it must still be there. Until somebody clones
// the waker the word lies in the awaiter, and nothing is allocated. The first clone allocates a
// block (from the frame pool) and leaves in the awaiter's word a pointer to it; from then on the
// block's word counts. The block outlives the awaiter for as long as there are clones: then its
// word says polling or notified for ever, and a wake only marks it.
//
// Cancel: the future is polled one last time; if it is ready, its result is delivered and nothing
// is lost; else it is destroyed with the frames of the task, innermost first. One that was not
// polled yet is not begun.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/runnable.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/future.hpp>
#include <weft/outcome.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

namespace weft::detail {

/// The part of an awaiter of futures that needs no template.
class FutureLeaf : private Runnable, private CancelHook {
 protected:
  /// Polls the future; true: the outcome is set.
  using PollFuture = bool (*)(FutureLeaf&, Context&) noexcept;

  explicit FutureLeaf(PollFuture poll_future) noexcept
      : Runnable(&FutureLeaf::run_leaf),
        CancelHook(&FutureLeaf::on_cancel_request),
        poll_future_(poll_future),
        waker_(RawWaker{this, &own_vtable}) {}
  ~FutureLeaf() = default;

  /// Polls, and suspends the task of `innermost` until the future is ready. False: it is, go on at
  /// once.
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;

 private:
  friend class WakerBlock;

  static void run_leaf(Runnable& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;
  enum class Turn : std::uint8_t { ready, cancelled, suspended };
  [[nodiscard]] Turn take_turn() noexcept;
  [[nodiscard]] bool poll() noexcept;
  void begin_poll() noexcept;
  [[nodiscard]] bool is_notified() const noexcept;
  [[nodiscard]] bool begin_wait() noexcept;
  void notify() noexcept;
  void schedule() noexcept { task_->executor().schedule(*this); }

  static const WakerVTable own_vtable;
  static RawWaker clone_own(void* data);
  static void notify_own(void* data) noexcept;

  PollFuture poll_future_;
  TaskHeader* task_ = nullptr;
  Atomic<std::uintptr_t> word_{0};  // a state of the waker, or a WakerBlock; see above
  Waker waker_;         // what polls are given: the word's own, once there is a block the block's
  bool armed_ = false;  // whether a cancel can reach the leaf, from its first wait on
};

/// `F` as get_awaiter() is given it: an lvalue is polled where it is, and its owner keeps it there;
/// an rvalue is moved in here before it is first polled, or, if it cannot move, polled where it is,
/// where it lives until the end of the full expression.
template <class F>
class FutureAwaiter final : private FutureLeaf {
  using Value = FutureResult<F>;
  static constexpr bool in_place = std::is_lvalue_reference_v<F> || !std::move_constructible<F>;

 public:
  explicit FutureAwaiter(F&& future) noexcept(in_place || std::is_nothrow_move_constructible_v<F>)
      : FutureLeaf(&FutureAwaiter::poll_future), future_(static_cast<F&&>(future)) {}
  FutureAwaiter(const FutureAwaiter&) = delete;
  FutureAwaiter& operator=(const FutureAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <std::derived_from<PromiseBase> P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  Value await_resume() { return outcome_.take(); }

 private:
  static bool poll_future(FutureLeaf& leaf, Context& cx) noexcept {
    // SAFETY: this function is given only to the leaf of a FutureAwaiter<F>.
    auto& self = static_cast<FutureAwaiter&>(leaf);
    try {
      Poll<Value> result = self.future_.poll(cx);
      if (result.is_pending()) return false;
      if constexpr (std::is_void_v<Value>) {
        self.outcome_.set_value();
      } else {
        self.outcome_.set_value(result.take());
      }
    } catch (...) {
      self.outcome_.set_error(std::current_exception());
    }
    return true;
  }

  std::conditional_t<in_place, F&&, F> future_;
  Outcome<Value> outcome_;
};

}  // namespace weft::detail
