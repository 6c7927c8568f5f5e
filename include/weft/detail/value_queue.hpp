// ValueQueue<T>: a first-in first-out queue of values, in a list of rings from the frame pool. A
// value does not move until it is taken. For authors of channels. Not thread-safe: its owner's lock
// guards it.
//
// New values go into the last ring; values are taken from the first. A queue that never holds more
// than `ring_size` values has one ring and allocates once. Otherwise a ring is added when the last
// one is full, and one ring that became empty is kept for reuse.
#pragma once

#include <weft/extend/frame_pool.hpp>

#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

template <class T>
class ValueQueue {
 public:
  /// Room for `ring_size` values, rounded up to a power of two. Zero: the queue will hold no value.
  /// Throws std::bad_alloc, and std::length_error if so many values are impossible.
  explicit ValueQueue(std::size_t ring_size) {
    if (ring_size > most) throw std::length_error("weft::channel: the capacity is too large");
    mask_ = ring_size == 0 ? 0 : std::bit_ceil(ring_size) - 1;
    if (ring_size != 0) first_ = last_ = make_ring();
  }
  ValueQueue(const ValueQueue&) = delete;
  ValueQueue& operator=(const ValueQueue&) = delete;
  ~ValueQueue() {
    clear();
    if (first_ != nullptr) free_ring(first_);
    if (spare_ != nullptr) free_ring(spare_);
  }

  /// Appends a value. Throws std::bad_alloc, and what moving a T throws; then nothing has changed.
  void push(T&& value) {
    if (last_->size > mask_) [[unlikely]]
      return push_in_new_ring(std::move(value));
    ::new (address(*last_, last_->head + last_->size)) Cell(std::move(value));
    ++last_->size;
  }
  /// Moves the first value into `slot`. The value has left the queue even if moving it throws.
  /// Precondition: there is one.
  void pop_into(std::optional<T>& slot) {
    const Removal removal(*this);
    if constexpr (std::is_same_v<Cell, std::optional<T>>) {
      slot = front();
    } else {
      slot.emplace(std::move(front()));
    }
  }
  void clear() noexcept {
    while (first_ != nullptr && first_->size != 0) const Removal removal(*this);
  }

 private:
  // Small trivial values are kept as the optional in which they leave: a copy of the whole is one
  // store, which the loads of later copies can forward from. If value and flag are stored apart, a
  // load of both waits for the two stores (measured with g++ 12: 10 ns a value).
  static constexpr bool small_and_trivial = std::is_trivially_copyable_v<T> &&
                                            std::is_copy_assignable_v<std::optional<T>> &&
                                            sizeof(T) <= 8;
  using Cell = std::conditional_t<small_and_trivial, std::optional<T>, T>;
  struct Ring {
    Ring* next = nullptr;
    std::size_t head = 0;  // index of the first value, modulo the size of the ring
    std::size_t size = 0;
  };
  /// Removes the first value in its destructor, also if moving that value throws.
  class Removal {
   public:
    explicit Removal(ValueQueue& queue) noexcept : queue_(queue) {}
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    ~Removal() { queue_.remove_front(); }

   private:
    ValueQueue& queue_;
  };

  static constexpr std::size_t alignment = alignof(Cell) > alignof(Ring) ? alignof(Cell)
                                                                         : alignof(Ring);
  static constexpr std::size_t offset = (sizeof(Ring) + alignment - 1) / alignment * alignment;
  static constexpr std::size_t most = std::bit_floor((SIZE_MAX / 4 - offset) / sizeof(Cell));
  // Cells with an alignment of their own take no part in the pool.
  static constexpr bool over_aligned = alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

  [[nodiscard]] std::size_t ring_bytes() const noexcept {
    return offset + (mask_ + 1) * sizeof(Cell);
  }
  [[nodiscard]] Ring* make_ring() const {
    if constexpr (over_aligned) {
      return ::new (::operator new(ring_bytes(), std::align_val_t{alignment})) Ring();
    } else {
      return ::new (allocate_frame(ring_bytes())) Ring();
    }
  }
  void free_ring(Ring* ring) const noexcept {
    if constexpr (over_aligned) {
      ::operator delete(static_cast<void*>(ring), std::align_val_t{alignment});
    } else {
      deallocate_frame(ring, ring_bytes());
    }
  }
  [[nodiscard]] void* address(Ring& ring, std::size_t index) const noexcept {
    return reinterpret_cast<std::byte*>(&ring) + offset + (index & mask_) * sizeof(Cell);
  }
  [[nodiscard]] Cell& front() noexcept {
    // SAFETY: push() has constructed a Cell there, and remove_front() has not destroyed it.
    return *std::launder(static_cast<Cell*>(address(*first_, first_->head)));
  }

  void push_in_new_ring(T&& value) {
    Ring* const ring = spare_ != nullptr ? spare_ : make_ring();
    spare_ = ring;  // kept by the queue even if the move throws
    ::new (address(*ring, 0)) Cell(std::move(value));
    ring->size = 1;
    spare_ = nullptr;
    last_ = last_->next = ring;
  }
  void remove_front() noexcept {
    std::destroy_at(&front());
    ++first_->head;
    if (--first_->size == 0 && first_->next != nullptr) [[unlikely]]
      retire(std::exchange(first_, first_->next));
  }
  void retire(Ring* empty) noexcept {
    if (spare_ != nullptr) return free_ring(empty);
    spare_ = ::new (static_cast<void*>(empty)) Ring();
  }

  std::size_t mask_;
  Ring* first_ = nullptr;
  Ring* last_ = nullptr;
  Ring* spare_ = nullptr;
};

}  // namespace weft::inline v0_1::detail
