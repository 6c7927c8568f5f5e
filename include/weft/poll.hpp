// Poll<T>: what polling a future gives: pending, or ready with a value. See <weft/future.hpp>.
#pragma once

#include <weft/outcome.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

/// `return weft::Pending();`: not yet; the waker that was registered will tell when to poll again.
struct Pending {};

/// A rule of the poll protocol was broken (always a mistake of the calling code): says which on
/// stderr and aborts, in every build.
[[noreturn, gnu::cold, gnu::noinline]] void poll_rule_broken(const char* rule) noexcept;

/// T is an object, a reference or void. As thread-safe as T.
template <class T>
class [[nodiscard]] Poll {
  using Stored = std::conditional_t<std::is_reference_v<T>,
                                    std::add_pointer_t<std::remove_reference_t<T>>, ValueOf<T>>;

 public:
  using value_type = T;

  Poll(Pending = {}) noexcept {}
  /// Ready, with what T can be made of: `return 42;`.
  template <class U>
    requires(!std::is_void_v<T> && !std::is_reference_v<T> &&
             !std::same_as<std::remove_cvref_t<U>, Poll> &&
             !std::same_as<std::remove_cvref_t<U>, Pending> && std::convertible_to<U &&, T>)
  Poll(U&& value) : value_(std::in_place, std::forward<U>(value)) {}

  /// Ready, spelled out; for references and void the only way.
  static Poll ready()
    requires std::is_void_v<T>
  {
    return Poll(std::in_place, Unit{});
  }
  template <class U>
    requires std::is_reference_v<T>
  static Poll ready(U&& object) noexcept {
    T bound = static_cast<U&&>(object);
    return Poll(std::in_place, std::addressof(bound));
  }
  template <class... Args>
    requires(std::is_object_v<T> && std::constructible_from<T, Args...>)
  static Poll ready(Args&&... args) {
    return Poll(std::in_place, std::forward<Args>(args)...);
  }

  Poll(const Poll&) = default;
  Poll(Poll&&) = default;
  ~Poll() = default;
  /// Makes the value anew: T need not be assignable.
  Poll& operator=(Poll&& other) noexcept(std::is_nothrow_move_constructible_v<Stored>) {
    if (this == &other) return *this;
    value_.reset();
    if (other.value_.has_value()) value_.emplace(std::move(*other.value_));
    return *this;
  }

  [[nodiscard]] bool is_ready() const noexcept { return value_.has_value(); }
  [[nodiscard]] bool is_pending() const noexcept { return !value_.has_value(); }

  /// The value, where it is. Precondition as for take().
  [[nodiscard]] std::add_lvalue_reference_t<T> value()
    requires(!std::is_void_v<T>)
  {
    require_ready();
    if constexpr (std::is_reference_v<T>) {
      return **value_;
    } else {
      return *value_;
    }
  }
  /// The value, moved out: once. Precondition, checked in every build: it is ready.
  T take() {
    require_ready();
    if constexpr (std::is_reference_v<T>) {
      return static_cast<T>(**value_);
    } else if constexpr (!std::is_void_v<T>) {
      return std::move(*value_);
    }
  }
  /// As take(), with Unit for void: for those who collect values.
  ValueOf<T> take_value() {
    if constexpr (std::is_void_v<T>) {
      take();
      return Unit{};
    } else {
      return take();
    }
  }

 private:
  template <class... Args>
  explicit Poll(std::in_place_t, Args&&... args)
      : value_(std::in_place, std::forward<Args>(args)...) {}

  void require_ready() const noexcept {
    if (!value_.has_value()) poll_rule_broken("a value was taken from a Poll that is pending");
  }

  std::optional<Stored> value_;
};

template <class P>
inline constexpr bool is_poll = false;
template <class T>
inline constexpr bool is_poll<Poll<T>> = true;

}  // namespace weft
