// Atomic<T> in the deterministic mode of <weft/atomic.hpp>, which includes this file. Each
// operation is a scheduling point of the model checker (<weft/model.hpp>), which also decides which
// of the stored values a load returns, and records the operation for a report. On a thread that no
// Execution started, the operations act immediately, as those of std::atomic.
//
// Each operation has one parameter more than in the other modes: its source location, which a
// caller never passes.
#pragma once

#if defined(WEFT_ATOMIC_MODE) && WEFT_ATOMIC_MODE == 2

#ifndef WEFT_ATOMIC_NAMESPACE
#error "include <weft/atomic.hpp>, which includes this file where it is wanted"
#endif

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace weft::inline v0_1 {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// What the checker records of an operation.
struct ModelAccess {
  enum class Kind : std::uint8_t { unsigned_number, signed_number, truth, pointer, bits, none };

  const void* object;     ///< its address; null for a fence
  const char* operation;  ///< its name
  std::memory_order order;
  std::memory_order failure;  ///< of a compare-exchange
  Kind kind;                  ///< how its values are printed
  std::uint8_t bytes;         ///< of a value
  std::source_location where;
};

/// The hooks: compiled once, in the library of this mode. Values are passed as their bits.
namespace model_hooks {
void atomic_begins(const void* object, std::uint64_t value) noexcept;
void mutex_begins(const void* object) noexcept;
/// For an Atomic or a mutex.
void object_ends(const void* object) noexcept;
/// The scheduling point. Returns false if no checker is active here; then the other hooks must not
/// be called.
[[nodiscard]] bool before(const ModelAccess& access) noexcept;
[[nodiscard]] std::uint64_t load(const ModelAccess& access, std::uint64_t newest) noexcept;
[[nodiscard]] std::uint64_t load_newest(const ModelAccess& access, std::uint64_t newest) noexcept;
void store(const ModelAccess& access, std::uint64_t value) noexcept;
void modify(const ModelAccess& access, std::uint64_t before, std::uint64_t after) noexcept;
/// Returns whether it succeeds; if not, sets `expected` to the value read.
[[nodiscard]] bool compare(const ModelAccess& access, std::uint64_t newest, std::uint64_t& expected,
                           std::uint64_t desired, bool weak) noexcept;
void fence(std::memory_order order, std::source_location where) noexcept;
/// The fences of base/asymmetric_fence.hpp.
void asymmetric_fence(bool heavy, std::source_location where) noexcept;
}  // namespace model_hooks

template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && std::atomic<T>::is_always_lock_free);
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  static constexpr bool kCounts = std::integral<T> && !std::same_as<T, bool>;
  using Where = std::source_location;

 public:
  constexpr Atomic() noexcept : Atomic(T{}) {}
  constexpr explicit(false) Atomic(T initial) noexcept : value_(initial) {
    if !consteval {
      model_hooks::atomic_begins(this, bits_of(initial));
    }
  }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;
  constexpr ~Atomic() {
    if !consteval {
      model_hooks::object_ends(this);
    }
  }

  [[nodiscard]] T load(std::memory_order order, Where where = Where::current()) const noexcept {
    const ModelAccess access = named("load", order, order, where);
    if (!model_hooks::before(access)) return value_.load(order);
    return value_of(model_hooks::load(access, newest()));
  }
  /// Returns the value stored last, as the kernel reads a futex's word. For base/futex.hpp.
  [[nodiscard]] T load_newest(const char* operation,
                              Where where = Where::current()) const noexcept {
    constexpr std::memory_order order = std::memory_order_relaxed;
    const ModelAccess access = named(operation, order, order, where);
    if (!model_hooks::before(access)) return value_.load(order);
    return value_of(model_hooks::load_newest(access, newest()));
  }
  void store(T desired, std::memory_order order, Where where = Where::current()) noexcept {
    const ModelAccess access = named("store", order, order, where);
    if (!model_hooks::before(access)) return value_.store(desired, order);
    model_hooks::store(access, bits_of(desired));
    value_.store(desired, std::memory_order_relaxed);
  }
  T exchange(T desired, std::memory_order order, Where where = Where::current()) noexcept {
    const ModelAccess access = named("exchange", order, order, where);
    if (!model_hooks::before(access)) return value_.exchange(desired, order);
    return modify(access, desired);
  }
  [[nodiscard]] bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                             std::memory_order failure,
                                             Where where = Where::current()) noexcept {
    const ModelAccess access = named("compare_exchange_strong", success, failure, where);
    if (!model_hooks::before(access)) {
      return value_.compare_exchange_strong(expected, desired, success, failure);
    }
    return compare(access, expected, desired, false);
  }
  [[nodiscard]] bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                                           std::memory_order failure,
                                           Where where = Where::current()) noexcept {
    const ModelAccess access = named("compare_exchange_weak", success, failure, where);
    if (!model_hooks::before(access)) {
      return value_.compare_exchange_weak(expected, desired, success, failure);
    }
    return compare(access, expected, desired, true);
  }
  T fetch_add(T amount, std::memory_order order, Where where = Where::current()) noexcept
    requires kCounts
  {
    const ModelAccess access = named("fetch_add", order, order, where);
    if (!model_hooks::before(access)) return value_.fetch_add(amount, order);
    return modify(access, value_of(newest() + bits_of(amount)));
  }
  T fetch_sub(T amount, std::memory_order order, Where where = Where::current()) noexcept
    requires kCounts
  {
    const ModelAccess access = named("fetch_sub", order, order, where);
    if (!model_hooks::before(access)) return value_.fetch_sub(amount, order);
    return modify(access, value_of(newest() - bits_of(amount)));
  }
  T fetch_or(T bits, std::memory_order order, Where where = Where::current()) noexcept
    requires kCounts
  {
    const ModelAccess access = named("fetch_or", order, order, where);
    if (!model_hooks::before(access)) return value_.fetch_or(bits, order);
    return modify(access, value_of(newest() | bits_of(bits)));
  }
  T fetch_and(T bits, std::memory_order order, Where where = Where::current()) noexcept
    requires kCounts
  {
    const ModelAccess access = named("fetch_and", order, order, where);
    if (!model_hooks::before(access)) return value_.fetch_and(bits, order);
    return modify(access, value_of(newest() & bits_of(bits)));
  }

 private:
  // SAFETY of both: T is trivially copyable and no larger than 64 bits. Sums and differences are
  // correct in the low bytes, which are the ones that little-endian machines keep.
  [[nodiscard]] static std::uint64_t bits_of(T value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  }
  [[nodiscard]] static T value_of(std::uint64_t bits) noexcept {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
  }
  [[nodiscard]] static constexpr ModelAccess::Kind kind() noexcept {
    if constexpr (std::same_as<T, bool>) {
      return ModelAccess::Kind::truth;
    } else if constexpr (std::is_pointer_v<T>) {
      return ModelAccess::Kind::pointer;
    } else if constexpr (std::signed_integral<T>) {
      return ModelAccess::Kind::signed_number;
    } else if constexpr (std::integral<T>) {
      return ModelAccess::Kind::unsigned_number;
    } else {
      return ModelAccess::Kind::bits;
    }
  }
  [[nodiscard]] ModelAccess named(const char* operation, std::memory_order order,
                                  std::memory_order failure, Where where) const noexcept {
    return {this, operation, order, failure, kind(), sizeof(T), where};
  }
  [[nodiscard]] std::uint64_t newest() const noexcept {
    return bits_of(value_.load(std::memory_order_relaxed));
  }
  T modify(const ModelAccess& access, T desired) noexcept {
    const std::uint64_t before = newest();
    model_hooks::modify(access, before, bits_of(desired));
    value_.store(desired, std::memory_order_relaxed);
    return value_of(before);
  }
  [[nodiscard]] bool compare(const ModelAccess& access, T& expected, T desired,
                             bool weak) noexcept {
    std::uint64_t seen = bits_of(expected);
    if (model_hooks::compare(access, newest(), seen, bits_of(desired), weak)) {
      value_.store(desired, std::memory_order_relaxed);
      return true;
    }
    expected = value_of(seen);
    return false;
  }

  std::atomic<T> value_;
};

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1

#endif
