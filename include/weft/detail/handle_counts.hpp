// HandleCounts and HandleRef: what a channel's senders and receivers share, counted by side, and the
// reference that a Sender or a Receiver has. For those who write channels.
//
// Thread-safe. Who holds a side may hold it once more; whoever gives up the last hold of a side
// tells the shared part, and the last hold of all destroys it.
#pragma once

#include <weft/atomic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::detail {

enum class Side : std::uint8_t { sender, receiver };

class HandleCounts {
 public:
  HandleCounts(const HandleCounts&) = delete;
  HandleCounts& operator=(const HandleCounts&) = delete;

  /// One more of that side. The caller holds one, of either side.
  void hold(Side side) noexcept {
    // Relaxed: whoever adds a hold has one, so neither count decides anything now.
    holds_.fetch_add(1, std::memory_order_relaxed);
    count(side).fetch_add(1, std::memory_order_relaxed);
  }
  /// One fewer. It may be gone when this returns.
  void drop(Side side) noexcept {
    // Release: what this holder did comes before what the last one does. Acquire: the last one.
    if (count(side).fetch_sub(1, std::memory_order_acq_rel) == 1) side_gone(side);
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  /// How many of that side there are. A moment later it may be another number.
  [[nodiscard]] std::size_t holders(Side side) const noexcept {
    return counts_[static_cast<std::size_t>(side)].load(std::memory_order_relaxed);
  }

 protected:
  /// Held once by each side.
  HandleCounts() noexcept = default;
  ~HandleCounts() = default;
  /// The last of that side has gone; the caller still holds it.
  virtual void side_gone(Side side) noexcept = 0;
  /// Nobody holds it any more.
  virtual void destroy() noexcept = 0;

 private:
  [[nodiscard]] Atomic<std::uint32_t>& count(Side side) noexcept {
    return counts_[static_cast<std::size_t>(side)];
  }

  Atomic<std::uint32_t> holds_{2};
  std::array<Atomic<std::uint32_t>, 2> counts_{1, 1};
};

/// A counted reference of one side; empty after a move. As thread-safe as a shared_ptr is.
template <class Shared, Side side>
class HandleRef {
 public:
  /// Takes over one hold.
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

}  // namespace weft::detail
