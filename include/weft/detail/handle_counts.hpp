// HandleCounts and HandleRef: the reference counts of a channel's senders and receivers, by side,
// and the reference in a Sender or Receiver. For authors of channels.
//
// Thread-safe. A holder of a side may add a reference to that side. Dropping the last reference of
// a side calls side_gone(); dropping the last of all calls destroy().
#pragma once

#include <weft/atomic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1::detail {

enum class Side : std::uint8_t { sender, receiver };

class HandleCounts {
 public:
  HandleCounts(const HandleCounts&) = delete;
  HandleCounts& operator=(const HandleCounts&) = delete;

  /// Adds a reference of that side. Precondition: the caller has one, of either side.
  void hold(Side side) noexcept {
    // Relaxed: the caller has a reference, so neither count can reach zero now.
    holds_.fetch_add(1, std::memory_order_relaxed);
    count(side).fetch_add(1, std::memory_order_relaxed);
  }
  /// Drops a reference of that side. *this may be gone when this returns.
  void drop(Side side) noexcept {
    // Release: what this holder did happens before what the last holder does. Acquire: for the last
    // one.
    if (count(side).fetch_sub(1, std::memory_order_acq_rel) == 1) side_gone(side);
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  // References that keep the object, but no side of it.
  /// Adds one. Precondition: the caller has one, of any kind.
  void hold_weakly() noexcept {
    holds_.fetch_add(1, std::memory_order_relaxed);  // relaxed: as in hold()
  }
  void drop_weakly() noexcept {
    // As in drop().
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  /// Adds a reference of that side, unless there is none any more; returns whether it did.
  /// Precondition: the caller has a reference, of any kind.
  [[nodiscard]] bool try_hold(Side side) noexcept {
    // Relaxed, also on failure: nothing follows from the count but that it is not zero.
    std::uint32_t holders = count(side).load(std::memory_order_relaxed);
    while (holders != 0) {
      if (count(side).compare_exchange_weak(holders, holders + 1, std::memory_order_relaxed,
                                            std::memory_order_relaxed)) {
        hold_weakly();
        return true;
      }
    }
    return false;
  }
  /// The number of references of that side; it may be outdated when this returns.
  [[nodiscard]] std::size_t holders(Side side) const noexcept {
    return counts_[static_cast<std::size_t>(side)].load(std::memory_order_relaxed);
  }

 protected:
  /// Starts with one reference of each side.
  HandleCounts() noexcept = default;
  ~HandleCounts() = default;
  /// Called after the last reference of that side was dropped; the caller still holds the object.
  virtual void side_gone(Side side) noexcept = 0;
  /// Called when there is no reference any more.
  virtual void destroy() noexcept = 0;

 private:
  [[nodiscard]] Atomic<std::uint32_t>& count(Side side) noexcept {
    return counts_[static_cast<std::size_t>(side)];
  }

  Atomic<std::uint32_t> holds_{2};
  std::array<Atomic<std::uint32_t>, 2> counts_{1, 1};
};

/// A counted reference of no side; empty after a move. As thread-safe as std::shared_ptr.
template <class Shared>
class WeakHandleRef {
 public:
  explicit WeakHandleRef(Shared& held) noexcept : shared_(&held) { held.hold_weakly(); }
  WeakHandleRef(const WeakHandleRef& other) noexcept : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->hold_weakly();
  }
  WeakHandleRef(WeakHandleRef&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  WeakHandleRef& operator=(WeakHandleRef other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~WeakHandleRef() {
    if (shared_ != nullptr) shared_->drop_weakly();
  }
  [[nodiscard]] Shared* get() const noexcept { return shared_; }

 private:
  Shared* shared_;
};

/// A counted reference of one side; empty after a move. As thread-safe as std::shared_ptr.
template <class Shared, Side side>
class HandleRef {
 public:
  /// Takes over one reference.
  explicit HandleRef(Shared& held) noexcept : shared_(&held) {}
  HandleRef(const HandleRef& other) noexcept : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->hold(side);
  }
  HandleRef(HandleRef&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  HandleRef& operator=(HandleRef other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~HandleRef() {
    if (shared_ != nullptr) shared_->drop(side);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return shared_ != nullptr; }
  [[nodiscard]] Shared& operator*() const noexcept { return *shared_; }
  [[nodiscard]] Shared* operator->() const noexcept { return shared_; }

 private:
  Shared* shared_;
};

}  // namespace weft::inline v0_1::detail
