// OnceCell<T>: a value that is made once, by the first task that needs it, while other tasks wait.
//
//   weft::OnceCell<Config> config;
//   …
//   const Config& c = co_await config.get_or_init(read_config);   // in a fiber: await(…)
//
// Thread-safe. Once the value is there it is only read. If making it fails or is cancelled, the
// next waiter makes it, with its own function.
#pragma once

#include <weft/detail/waitable_word.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/task.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

class OnceRequest;
class OnceTurn;

/// Whether there is a value, and which caller may make it. The part of OnceCell that is not a
/// template.
class OnceState {
 public:
  OnceState() noexcept : OnceState(false) {}
  explicit OnceState(bool full) noexcept : word_(full ? is_full : is_empty) {}
  ~OnceState();

  [[nodiscard]] bool full() const noexcept {
    // Acquire: pairs with the release in publish().
    return word_.number(std::memory_order_acquire) == is_full;
  }
  /// Waits until it is full, which returns an empty turn, or it is the caller's turn. Cancel: stops
  /// waiting; a turn that was given before the cancel is delivered.
  [[nodiscard]] QueueOp<OnceRequest> enter() noexcept;
  /// Does the same without waiting; returns an empty turn also if another caller has the turn.
  [[nodiscard]] OnceTurn try_enter() noexcept;
  [[nodiscard]] OnceTurn blocking_enter(const char* what);
  [[nodiscard]] std::size_t waiting() const noexcept { return word_.waiting(); }

 private:
  friend class OnceRequest;
  friend class OnceTurn;
  static constexpr std::uintptr_t is_empty = 0;
  static constexpr std::uintptr_t is_busy = 1;
  static constexpr std::uintptr_t is_full = 2;

  [[nodiscard]] bool take() noexcept {
    // Acquire: pairs with the release in pass_on().
    return word_.replace(is_empty, is_busy, std::memory_order_acquire);
  }
  void publish() noexcept;
  void pass_on() noexcept;

  WaitableWord word_;
};

/// The right to make the value. Unless publish() is called, it passes to the next waiter.
/// Move-only.
class [[nodiscard]] OnceTurn {
 public:
  OnceTurn() noexcept = default;
  explicit OnceTurn(OnceState& state) noexcept : state_(&state) {}
  OnceTurn(OnceTurn&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  OnceTurn& operator=(OnceTurn&&) = delete;
  ~OnceTurn() {
    if (state_ != nullptr) state_->pass_on();
  }

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// The value has been made: releases all waiters.
  void publish() noexcept { std::exchange(state_, nullptr)->publish(); }

 private:
  OnceState* state_ = nullptr;
};

/// The request of OnceState::enter(), for QueueOp.
class OnceRequest {
 public:
  using Node = Waiter;
  explicit OnceRequest(OnceState& state) noexcept : state_(&state) {}

  [[nodiscard]] bool take(Node&) noexcept { return state_->full() || state_->take(); }
  [[nodiscard]] Queued queue(Node& node) noexcept;
  [[nodiscard]] bool withdraw(Node& node) noexcept { return state_->word_.withdraw(node); }
  [[nodiscard]] OnceTurn result(Node&) noexcept {
    return state_->full() ? OnceTurn() : OnceTurn(*state_);
  }

 private:
  OnceState* state_;
};

}  // namespace detail

inline QueueOp<detail::OnceRequest> detail::OnceState::enter() noexcept {
  return QueueOp<detail::OnceRequest>(detail::OnceRequest(*this));
}
inline detail::OnceTurn detail::OnceState::try_enter() noexcept {
  return take() ? detail::OnceTurn(*this) : detail::OnceTurn();
}

template <class T>
class OnceCell {
  static_assert(std::is_object_v<T>);

 public:
  /// Makes an empty cell.
  OnceCell() noexcept = default;
  explicit OnceCell(T value) : value_(std::move(value)), state_(true) {}
  /// Precondition: no task waits for the value, or makes it.
  ~OnceCell() = default;
  OnceCell(const OnceCell&) = delete;
  OnceCell& operator=(const OnceCell&) = delete;

  /// Returns the value, or null if there is none.
  [[nodiscard]] const T* get() const noexcept { return state_.full() ? &*value_ : nullptr; }

  /// Returns the value, which lives as long as the cell. If there is none, `init` makes it: a
  /// function that returns a value, or an awaitable of one. If another caller is making it, waits.
  /// Throws what the caller's own `init` throws. Cancel: stops waiting, or cancels the caller's own
  /// `init`. `init` must not use this cell.
  template <class F>
    requires std::invocable<F&>
  [[nodiscard]] Task<const T&> get_or_init(F init) {
    detail::OnceTurn turn = co_await state_.enter();
    if (turn) {
      using Made = std::invoke_result_t<F&>;
      if constexpr (Awaitable<Made>) {
        decltype(auto) made = co_await std::invoke(init);
        value_.emplace(static_cast<AwaitResult<Made>&&>(made));
      } else {
        value_.emplace(std::invoke(init));
      }
      turn.publish();
    }
    co_return *value_;
  }
  /// Does the same, blocking the calling thread; `init` returns the value. Throws std::logic_error
  /// on a thread that runs tasks.
  template <class F>
    requires std::convertible_to<std::invoke_result_t<F&>, T>
  const T& blocking_get_or_init(F init) {
    if (detail::OnceTurn turn = state_.blocking_enter("weft::OnceCell::blocking_get_or_init")) {
      value_.emplace(std::invoke(init));
      turn.publish();
    }
    return *value_;
  }

  /// Stores a value; returns whether it did. False: there is a value, or a caller is making one.
  /// Throws what making a T from `value` throws. Never waits.
  template <class U = T>
    requires std::constructible_from<T, U>
  bool set(U&& value) {
    detail::OnceTurn turn = state_.try_enter();
    if (!turn) return false;
    value_.emplace(std::forward<U>(value));
    turn.publish();
    return true;
  }

  /// Returns the number of waiters. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept { return state_.waiting(); }

 private:
  std::optional<T> value_;  // written by the caller that has the turn; read-only once full
  detail::OnceState state_;
};

}  // namespace weft::inline v0_1
