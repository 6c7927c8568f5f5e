// CancellationSource and CancellationToken: a cancel for work that no scope holds together.
// run_until_cancelled(): ends an awaitable when a token is cancelled.
//
//   weft::CancellationSource stop;
//   weft::spawn(weft::run_until_cancelled(stop.token(), poll_forever())).detach();
//   …
//   stop.cancel();              // from any thread: polling ends, awaited or not
//
// Where one task waits for another, a scope, a JoinHandle or a timeout() is simpler: their cancel
// needs no token. A token is for parts of a program that only share an event: "this session ends",
// "this request was given up".
//
// A source made from a token is a child: the cancel of the token cancels it, too, and its own
// cancel reaches nothing above. There is a bridge to std::stop_token in both directions.
//
// Sources and tokens are values that share a state: copied freely, as thread-safe as a
// std::shared_ptr; the state is thread-safe. A cancel is for good. What came before cancel() is
// seen by what it ends. A source that is destroyed cancels nothing.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/awaitable.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/outcome.hpp>
#include <weft/select.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// What sources and tokens share. The proof is in src/reactor/cancellation_token.cpp.
class CancellationState {
 public:
  /// The caller has the one reference. `parent` may be null.
  explicit CancellationState(CancellationState* parent) noexcept;
  CancellationState(const CancellationState&) = delete;
  CancellationState& operator=(const CancellationState&) = delete;

  void hold() noexcept {
    holds_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller has a reference
  }
  /// Drops a reference. `state` may be null.
  static void drop(CancellationState* state) noexcept;

  void cancel() noexcept;
  [[nodiscard]] bool is_cancelled() const noexcept {
    return cancelled_.load(std::memory_order_acquire);  // acquire: pairs with cancel()
  }
  [[nodiscard]] ManualResetEvent& event() noexcept { return event_; }
  [[nodiscard]] std::stop_token stop_token();
  /// Called once, before the state is shared. Throws std::bad_alloc.
  void follow(std::stop_token token);

 private:
  class Follow {
   public:
    explicit Follow(CancellationState& state) noexcept : state_(&state) {}
    void operator()() const noexcept;

   private:
    CancellationState* state_;
  };
  ~CancellationState() = default;

  [[nodiscard]] bool try_hold() noexcept;
  void link(CancellationState& child) noexcept;
  void unlink(CancellationState& child) noexcept;
  [[nodiscard]] CancellationState* cancel_children(CancellationState* before) noexcept;
  void request_stop() noexcept;

  CancellationState* const parent_;  // a reference
  Atomic<std::uint32_t> holds_{1};
  Atomic<bool> cancelled_{false};
  CancellationState* next_cancelled_ = nullptr;  // used by the thread that cancels it
  ManualResetEvent event_;
  ThreadMutex mutex_;
  CancellationState* first_child_ = nullptr;       // guarded by mutex_, as are …
  CancellationState* next_sibling_ = nullptr;      // … these two by the parent's
  CancellationState* previous_sibling_ = nullptr;  //
  std::optional<std::stop_source> stop_;           // guarded by mutex_
  std::optional<std::stop_callback<Follow>> followed_;
};

/// A reference to a state.
class CancellationRef {
 public:
  /// Takes over one reference.
  explicit CancellationRef(CancellationState& state) noexcept : state_(&state) {}
  CancellationRef(const CancellationRef& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->hold();
  }
  CancellationRef(CancellationRef&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  CancellationRef& operator=(CancellationRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~CancellationRef() { CancellationState::drop(state_); }
  [[nodiscard]] CancellationState* operator->() const noexcept { return state_; }
  [[nodiscard]] CancellationState& operator*() const noexcept { return *state_; }

 private:
  CancellationState* state_;
};

/// How QueueOp waits for a cancel. It keeps the state.
class CancelledRequest {
 public:
  using Node = Waiter;
  explicit CancelledRequest(CancellationRef state) noexcept
      : state_(std::move(state)), request_(state_->event()) {}

  [[nodiscard]] bool take(Node& node) noexcept { return request_.take(node); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return request_.queue(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return request_.withdraw(node); }
  void result(Node&) noexcept {}

 private:
  CancellationRef state_;
  EventRequest request_;
};

}  // namespace detail

/// Learns of a cancel; see the top of this header. One that was moved from must not be used.
class CancellationToken {
 public:
  /// Returns whether cancel() was called.
  [[nodiscard]] bool is_cancelled() const noexcept { return state_->is_cancelled(); }
  /// Waits for the cancel. The wait keeps what it needs: the token may go meanwhile. No errors.
  /// Cancel of the wait: stops waiting.
  [[nodiscard]] QueueOp<detail::CancelledRequest> cancelled() const noexcept {
    return QueueOp<detail::CancelledRequest>(detail::CancelledRequest(state_));
  }
  /// The same, and blocks the calling thread. Throws std::logic_error on a thread that runs tasks.
  void blocking_wait() const;
  /// Returns a std::stop_token that is requested to stop when this is cancelled, for code that
  /// takes one. Its callbacks run within cancel(). Throws std::bad_alloc.
  [[nodiscard]] std::stop_token stop_token() const { return state_->stop_token(); }

 private:
  friend class CancellationSource;
  explicit CancellationToken(detail::CancellationRef state) noexcept : state_(std::move(state)) {}

  detail::CancellationRef state_;
};

/// Cancels its tokens; see the top of this header. One that was moved from must not be used.
class CancellationSource {
 public:
  /// Each throws std::bad_alloc.
  CancellationSource();
  /// A child: `parent`'s cancel cancels this, too. One of a cancelled token is cancelled.
  explicit CancellationSource(const CancellationToken& parent);
  /// Is cancelled when `token` is requested to stop, within that request.
  explicit CancellationSource(std::stop_token token);

  /// Cancels the tokens of this source and of all sources below it. Returns at once, as often as it
  /// is called. Only callbacks that are registered at a std::stop_token run in here. Any thread.
  void cancel() const noexcept { state_->cancel(); }
  /// Returns whether it was cancelled, itself or from above.
  [[nodiscard]] bool is_cancelled() const noexcept { return state_->is_cancelled(); }
  [[nodiscard]] CancellationToken token() const noexcept { return CancellationToken(state_); }

 private:
  detail::CancellationRef state_;
};

namespace detail {

template <class T>
Task<std::optional<ObjectOf<T>>> run_until_cancelled(CancellationToken token, Task<T> work) {
  if (token.is_cancelled()) co_return std::nullopt;
  Selection<T, void> first = co_await select(std::move(work), token.cancelled());
  if (!first.template has<0>()) co_return std::nullopt;
  if constexpr (std::is_void_v<T>) {
    first.template take<0>();
    co_return std::optional<Unit>(std::in_place);
  } else {
    co_return std::optional<ObjectOf<T>>(first.template take<0>());
  }
}

}  // namespace detail

/// Awaits `awaitable` and returns its result in an optional (Unit for void). When `token` is
/// cancelled, cancels the awaitable and waits for its end: returns nothing, or the result that it
/// got in spite of that. Begins nothing after the cancel. Rethrows what the awaitable throws.
/// Cancel: cancels the awaitable.
template <Awaitable A>
[[nodiscard]] Task<std::optional<ObjectOf<AwaitResult<A>>>> run_until_cancelled(
    CancellationToken token, A awaitable) {
  return detail::run_until_cancelled<AwaitResult<A>>(std::move(token),
                                                     as_task(std::move(awaitable)));
}

}  // namespace weft::inline v0_1
