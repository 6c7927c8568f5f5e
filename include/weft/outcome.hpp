// Outcome<T>: how a task ended. There are three ways: a value, an exception, or cancelled.
#pragma once

#include <weft/result.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace weft {

/// What stands for void where a value is needed (in tuples of results).
struct Unit {
  friend bool operator==(Unit, Unit) noexcept { return true; }
};

/// T, or Unit for void.
template <class T>
using ValueOf = std::conditional_t<std::is_void_v<T>, Unit, T>;

/// T where it must be an object: Unit for void, std::reference_wrapper for a reference.
template <class T>
using ObjectOf = std::conditional_t<std::is_reference_v<T>,
                                    std::reference_wrapper<std::remove_reference_t<T>>, ValueOf<T>>;

template <class T>
class Outcome {
  using Stored = std::conditional_t<std::is_reference_v<T>,
                                    std::add_pointer_t<std::remove_reference_t<T>>, ValueOf<T>>;

 public:
  /// Cancelled, until something is set.
  Outcome() noexcept {}

  [[nodiscard]] bool cancelled() const noexcept { return state_.index() == 0; }
  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 1; }
  [[nodiscard]] bool failed() const noexcept { return state_.index() == 2; }

  /// The exception of a failed outcome, else null.
  [[nodiscard]] std::exception_ptr error() const noexcept {
    return failed() ? std::get<2>(state_) : std::exception_ptr{};
  }

  /// The value, which stays. Precondition: there is one.
  [[nodiscard]] const Stored& value() const noexcept { return *std::get_if<1>(&state_); }

  /// The value, moved out; rethrows the exception of a failed outcome; throws IoError
  /// (errc::operation_canceled) for a cancelled one.
  T take() {
    if (failed()) std::rethrow_exception(std::get<2>(std::move(state_)));
    if (cancelled()) throw IoError(std::make_error_code(std::errc::operation_canceled), "task");
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(*std::get<1>(state_));
    } else if constexpr (!std::is_void_v<T>) {
      return std::get<1>(std::move(state_));
    }
  }

  template <class... U>
  void set_value(U&&... value) {
    if constexpr (std::is_reference_v<T>) {
      state_.template emplace<1>(std::addressof(value)...);
    } else {
      state_.template emplace<1>(std::forward<U>(value)...);
    }
  }
  void set_error(std::exception_ptr error) noexcept {
    state_.template emplace<2>(std::move(error));
  }

  /// Becomes what `other` is. If moving its value throws, then that exception is the outcome.
  void take_over(Outcome& other) noexcept {
    if (other.failed()) {
      set_error(std::get<2>(std::move(other.state_)));
    } else if (other.has_value()) {
      try {
        state_.template emplace<1>(std::get<1>(std::move(other.state_)));
      } catch (...) {
        set_error(std::current_exception());
      }
    } else {
      state_.template emplace<0>();
    }
  }

 private:
  std::variant<std::monostate, Stored, std::exception_ptr> state_;
};

}  // namespace weft
