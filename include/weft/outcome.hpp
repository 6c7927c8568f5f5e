// Outcome<T>: how a task ended: with a value, with an exception, or cancelled.
//
//   weft::Outcome<int> outcome = co_await std::move(handle).outcome();
//   if (outcome.has_value()) use(outcome.value());
#pragma once

#include <weft/result.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// Takes the place of void where a value is needed, e.g. in tuples of results.
struct Unit {
  friend bool operator==(Unit, Unit) noexcept { return true; }
};

/// T, or Unit for void.
template <class T>
using ValueOf = std::conditional_t<std::is_void_v<T>, Unit, T>;

/// T as an object: Unit for void, std::reference_wrapper for a reference.
template <class T>
using ObjectOf = std::conditional_t<std::is_reference_v<T>,
                                    std::reference_wrapper<std::remove_reference_t<T>>, ValueOf<T>>;

namespace detail {

/// What `make()` gives as an exception; without memory for it, std::bad_alloc. For errors that are
/// made where nothing may be thrown: an exception with a text needs memory.
template <class F>
[[nodiscard]] std::exception_ptr exception_of(F make) noexcept {
  try {
    return std::make_exception_ptr(make());
  } catch (...) {
    return std::current_exception();
  }
}

/// What the join of a cancelled task throws: errc::operation_canceled. If the joining task was
/// itself asked to cancel and ends by this, it ends as cancelled: of two tasks that are asked one
/// after the other, the second may learn of the end of the first before it is asked.
class CancelledJoin final : public IoError {
 public:
  explicit CancelledJoin(std::string_view operation = "task");
};

/// Whether `error` is a CancelledJoin.
[[nodiscard]] bool is_cancelled_join(const std::exception_ptr& error) noexcept;

}  // namespace detail

/// The result of a coroutine that has returned: its value, or its exception. Only read after the
/// coroutine has returned, so it has no state for "not yet".
template <class T>
class Returned;

template <>
class Returned<void> {
 public:
  void set_value() noexcept {}
  void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }
  /// Returns the exception; null: none.
  [[nodiscard]] std::exception_ptr& error() noexcept { return error_; }
  /// Rethrows the exception, if there is one.
  void take() const {
    if (error_ != nullptr) [[unlikely]]
      std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

template <class T>
class Outcome {
  using Stored = std::conditional_t<std::is_reference_v<T>,
                                    std::add_pointer_t<std::remove_reference_t<T>>, ValueOf<T>>;

 public:
  /// Makes a cancelled outcome, until a result is set.
  Outcome() noexcept {}
  Outcome(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<Stored>) {
    take_from(other);
  }
  Outcome& operator=(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<Stored>) {
    if (this == &other) return *this;
    reset();
    take_from(other);
    return *this;
  }
  ~Outcome() { reset(); }

  [[nodiscard]] bool cancelled() const noexcept { return state_ == State::cancelled; }
  [[nodiscard]] bool has_value() const noexcept { return state_ == State::value; }
  [[nodiscard]] bool failed() const noexcept { return state_ == State::failed; }

  /// Returns the exception of a failed outcome, otherwise null.
  [[nodiscard]] std::exception_ptr error() const noexcept {
    return failed() ? error_ : std::exception_ptr{};
  }

  /// Returns the value in place. Precondition: there is one.
  [[nodiscard]] const Stored& value() const noexcept { return value_; }

  /// Moves the value out. Rethrows the exception of a failed outcome; throws IoError
  /// (errc::operation_canceled) for a cancelled one.
  T take() {
    if (state_ != State::value) [[unlikely]]
      rethrow();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*value_);
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(value_);
    }
  }

  template <class... U>
  void set_value(U&&... value) {
    reset();
    if constexpr (std::is_reference_v<T>) {
      ::new (&value_) Stored(std::addressof(value)...);
    } else if constexpr (std::is_arithmetic_v<Stored> && sizeof...(U) == 1) {
      // A cast: clang would warn here of a `co_return 0` in a Task<std::size_t>.
      ::new (&value_) Stored(static_cast<Stored>(std::forward<U>(value))...);
    } else {
      ::new (&value_) Stored(std::forward<U>(value)...);
    }
    state_ = State::value;
  }
  void set_error(std::exception_ptr error) noexcept {
    reset();
    ::new (&error_) std::exception_ptr(std::move(error));
    state_ = State::failed;
  }
  /// Sets the value that `function` returns, or the exception that it throws.
  template <class F>
  void set_result_of(F&& function) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        std::invoke(std::forward<F>(function));
        set_value();
      } else {
        set_value(std::invoke(std::forward<F>(function)));
      }
    } catch (...) {
      set_error(std::current_exception());
    }
  }

  /// Takes the outcome of `other`. If moving the value throws, that exception becomes the outcome.
  void take_over(Outcome& other) noexcept {
    if constexpr (std::is_nothrow_move_constructible_v<Stored>) {
      *this = std::move(other);
    } else {
      try {
        *this = std::move(other);
      } catch (...) {
        set_error(std::current_exception());
      }
    }
  }
  void take_over(Returned<void>& other) noexcept
    requires std::is_void_v<T>
  {
    if (other.error() == nullptr) [[likely]] {
      set_value();
    } else {
      set_error(std::move(other.error()));
    }
  }

 private:
  enum class State : std::uint8_t { cancelled, value, failed };

  void reset() noexcept {
    const State state = std::exchange(state_, State::cancelled);
    if (state == State::failed) [[unlikely]]
      destroy_error();
    if constexpr (!std::is_trivially_destructible_v<Stored>) {
      if (state == State::value) std::destroy_at(&value_);
    }
  }
  /// Precondition: this one is cancelled. It stays cancelled if moving throws.
  void take_from(Outcome& other) noexcept(std::is_nothrow_move_constructible_v<Stored>) {
    if (other.has_value()) {
      ::new (&value_) Stored(std::move(other.value_));
      state_ = State::value;
    } else if (other.failed()) [[unlikely]] {
      ::new (&error_) std::exception_ptr(std::move(other.error_));
      state_ = State::failed;
    }
  }
  // Not inlined: otherwise g++ 12 warns of an error that does not exist.
  [[gnu::noinline]] void destroy_error() noexcept { std::destroy_at(&error_); }
  /// Throws for an outcome without a value.
  [[noreturn]] void rethrow() const {
    if (failed()) std::rethrow_exception(error_);
    throw detail::CancelledJoin();
  }

  union {
    Stored value_;
    std::exception_ptr error_;
  };
  State state_ = State::cancelled;
};

template <class T>
class Returned final : public Outcome<T> {};

}  // namespace weft::inline v0_1
