// Annotations for the model checker (<weft/model.hpp>), which cost nothing in the other modes of
// <weft/atomic.hpp>: plain data that atomics guard (Shared), objects that must not outlive an
// execution (Tracked), and the name of an object in reports (name).
//
//   weft::model::Shared<int> value;                      // guarded by `ready`
//   value.write() = 42;
//   ready.store(true, std::memory_order_release);
#pragma once

#include <source_location>
#include <type_traits>
#include <utility>
#include <weft/atomic.hpp>

namespace weft::inline v0_1::model {
inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE == 2

namespace hooks {
void data_begins(const void* object, std::source_location where) noexcept;
void data_ends(const void* object) noexcept;
void data_read(const void* object, std::source_location where) noexcept;
void data_written(const void* object, std::source_location where) noexcept;
void tracked_begins(const void* object) noexcept;
void tracked_ends(const void* object) noexcept;
void name(const void* object, const char* name) noexcept;
}  // namespace hooks

/// A T that several threads use and that is no atomic, so that other operations must order its
/// uses. The checker reports two uses of which one is a write and neither happens before the other
/// (a data race, [intro.races]), whatever the interleaving was. It also reports a use after the
/// destructor, and an object that outlives the execution. A use is a call of read() or write();
/// later accesses through the reference are not seen. Uses are not scheduling points: code without
/// data races cannot observe the difference.
template <class T>
class Shared {
  using Where = std::source_location;

 public:
  Shared(Where where = Where::current()) : value_() { hooks::data_begins(this, where); }
  explicit(false) Shared(T initial, Where where = Where::current()) : value_(std::move(initial)) {
    hooks::data_begins(this, where);
  }
  Shared(const Shared& other) : Shared(other.read()) {}
  Shared(Shared&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : Shared(std::move(other.write())) {}
  Shared& operator=(const Shared& other) {
    write() = other.read();
    return *this;
  }
  Shared& operator=(Shared&& other) noexcept(std::is_nothrow_move_assignable_v<T>) {
    write() = std::move(other.write());
    return *this;
  }
  ~Shared() { hooks::data_ends(this); }

  [[nodiscard]] const T& read(Where where = Where::current()) const noexcept {
    hooks::data_read(this, where);
    return value_;
  }
  [[nodiscard]] T& write(Where where = Where::current()) noexcept {
    hooks::data_written(this, where);
    return value_;
  }

 private:
  T value_;
};

/// A base of objects that must be destroyed before the execution that made them ends. The checker
/// reports a leak, and a second destruction. Objects that contain an Atomic or a Shared do not need
/// it.
class Tracked {
 public:
  Tracked() noexcept { hooks::tracked_begins(this); }
  Tracked(const Tracked&) noexcept : Tracked() {}
  Tracked& operator=(const Tracked&) noexcept { return *this; }

 protected:
  ~Tracked() { hooks::tracked_ends(this); }
};

/// Sets the name of `object` in reports: an Atomic, a Shared, a mutex, … instead of "object 3".
/// `text` must outlive the execution. No effect outside of an execution.
template <class T>
void name(const T& object, const char* text) noexcept {
  hooks::name(&object, text);
}

#else

template <class T>
class Shared {
 public:
  constexpr Shared() = default;
  constexpr explicit(false) Shared(T initial) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(initial)) {}

  [[nodiscard]] constexpr const T& read() const noexcept { return value_; }
  [[nodiscard]] constexpr T& write() noexcept { return value_; }

 private:
  T value_{};
};

class Tracked {};

template <class T>
constexpr void name(const T&, const char*) noexcept {}

#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::model
