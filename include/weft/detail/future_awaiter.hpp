// FutureAwaiter<F>: a future awaited by a coroutine, or by any other user of weft's awaitables.
//
// The awaiter is a Runnable of its own. A wake puts the awaiter, not the task, into the run queue;
// there it polls, and when the future is ready it resumes the task in the same run (decision 009).
//
// The waker's state is one word:
//   polling    the future is being polled, or the wait is over
//   waiting    the poll returned pending
//   notified   a wake has come
// Only the step waiting → notified schedules the awaiter, and only a run of the awaiter ends the
// wait; so a wake touches the awaiter only while it must exist. Until the waker is cloned the word
// is in the awaiter, and nothing is allocated. The first clone allocates a block (from the frame
// pool) and stores a pointer to it in the awaiter's word; from then on the block's word is the
// state. The block lives as long as there are clones. After the wait its word stays polling or
// notified, and a wake only marks it.
//
// Cancel: the future is polled one last time. If it is ready, its result is delivered and nothing
// is lost. Otherwise it is destroyed with the frames of the task, innermost first. A future that
// was not polled yet is not polled at all.
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

namespace weft::inline v0_1::detail {

/// The part of a future's awaiter that needs no template.
class FutureLeaf : private Runnable, private CancelHook {
 protected:
  /// Polls the future. True: the outcome is set.
  using PollFuture = bool (*)(FutureLeaf&, Context&) noexcept;

  explicit FutureLeaf(PollFuture poll_future) noexcept
      : Runnable(&FutureLeaf::run_leaf),
        CancelHook(&FutureLeaf::on_cancel_request),
        poll_future_(poll_future),
        waker_(RawWaker{this, &own_vtable}) {}
  ~FutureLeaf() = default;

  /// Polls, and suspends the task of `innermost` until the future is ready. False: it is ready, go
  /// on at once.
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
  Waker waker_;                     // given to polls: of word_, later of the block
  bool armed_ = false;              // whether a cancel can reach the leaf: from its first wait on
};

/// `F` is as get_awaiter() got it. An lvalue is polled in place; its owner keeps it there. An
/// rvalue is moved into the awaiter before its first poll; an immovable rvalue is polled in place,
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
    // SAFETY: only the leaf of a FutureAwaiter<F> gets this function.
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

}  // namespace weft::inline v0_1::detail
