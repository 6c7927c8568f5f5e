// RunQueue: the local queue of a worker: a fixed ring, first in, first out, that its owner fills
// and empties and from which other workers steal half. The owner uses it through Local, thieves
// through Stealer. The design is that of Go's scheduler (runtime/proc.go: runqput, runqget,
// runqgrab, after D. Vyukov): a consumer copies the elements first and then claims them all with
// one compare-and-swap of head_. So no step of a stealer can hold up another thread, and several
// may try at once; only one wins. (Rejected: tokio's two-part head, needed where slots are not
// atomic: a stealer that is preempted between its two steps keeps the owner's room and locks out
// every other stealer.)
//
// Writers:
//   tail_   the owner alone, in push and steal_into (as the thief): elements ever put in
//   head_   any consumer, by compare-and-swap only: elements ever taken out
//   slots_  the owner alone, and only slots in [tail_, head_ + Capacity): free ones
// Both indices are 64-bit and only grow, so neither wraps in practice (at 1 ns an element: 584
// years), no value of head_ comes again (no ABA), and head_ <= tail_ <= head_ + Capacity in the
// order of events. The arithmetic is modulo 2^64 nevertheless, and the tests start just below the
// wrap.
//
// Why an element is neither lost nor taken twice. A consumer reads h = head_, sees t = tail_ >= h +
// n, copies slots h .. h+n-1 and swaps head_ from h to h+n. If the swap succeeds, head_ was h all
// the time in between:
//   - No other consumer took these elements: that would have moved head_, which never returns.
//   - The copies are not too old: the owner stored each slot before its release store of tail_,
//     which the consumer read with acquire [A]. (The owner itself needs no order.)
//   - The copies are not too new: the owner stores into slot h + Capacity only after it has read,
//     with acquire, a head_ > h [B]. That value was written by this swap or a later one, with
//     release, so the copying happens before that store and cannot read it.
// If the swap fails the copies are thrown away; they may be of any age, so slots_ are atomics.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <weft/atomic.hpp>

#include "base/intrusive_queue.hpp"

namespace weft::inline v0_1::detail {

/// Small in the model checker, so that it sees full queues, and has less to construct.
inline constexpr std::size_t kRunQueueCapacity = WEFT_ATOMIC_MODE == 2 ? 4 : 256;

template <class T, std::size_t Capacity = kRunQueueCapacity>
class RunQueue {
  static_assert(Capacity >= 2 && std::has_single_bit(Capacity));

 public:
  class Local;
  class Stealer;

  /// `start` is the value that both indices start with; tests put it near the wrap.
  explicit RunQueue(std::uint64_t start = 0) noexcept : head_(start), tail_(start) {}
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

 private:
  Atomic<T*>& slot(std::uint64_t index) noexcept { return slots_[index % Capacity]; }

  /// What a consumer that is not the owner may take: [head, head + count).
  struct Window {
    std::uint64_t head;
    std::uint64_t count;
  };
  Window look() const noexcept {
    for (;;) {
      // Acquire: pairs with the release of the swap that wrote this head_. The consumer that
      // swapped had seen tail_ >= this value, so the load below sees no older tail_ and the
      // difference is not negative.
      const std::uint64_t head = head_.load(std::memory_order_acquire);
      // Acquire [A]: pairs with the owner's release store of tail_; makes slots and elements
      // visible.
      const std::uint64_t count = tail_.load(std::memory_order_acquire) - head;
      if (count <= Capacity) return {head, count};
      spin_hint();  // head_ had moved on before tail_ was read: look again
    }
  }

  // On lines of their own: stealers hammer on head_, the owner writes tail_ at each push.
  alignas(64) Atomic<std::uint64_t> head_;
  alignas(64) Atomic<std::uint64_t> tail_;
  alignas(64) std::array<Atomic<T*>, Capacity> slots_{};
};

/// The owner's view. One thread at a time uses it, the worker that owns the queue.
template <class T, std::size_t Capacity>
class RunQueue<T, Capacity>::Local {
 public:
  explicit Local(RunQueue& queue) noexcept : queue_(queue) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

  /// Adds `element` at the end; false if the queue is full. No read-modify-write.
  [[nodiscard]] bool push(T* element) noexcept {
    const std::uint64_t tail = own_tail();
    if (room(tail) == 0) return false;
    // Relaxed: published by the release below.
    queue_.slot(tail).store(element, std::memory_order_relaxed);
    // Release [A]: the slot, and all that the caller did to the element, before a consumer that
    // sees the new tail_.
    queue_.tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// Takes the first element out; null if there is none.
  [[nodiscard]] T* pop() noexcept {
    const std::uint64_t tail = own_tail();
    // Relaxed: slots and tail_ are this thread's own, and room() reads head_ again before it reuses
    // a slot.
    std::uint64_t head = queue_.head_.load(std::memory_order_relaxed);
    while (head != tail) {
      T* const element = queue_.slot(head).load(std::memory_order_relaxed);
      // Release: a stealer that sees the new head_ must see a tail_ at least as new (look()).
      // Relaxed on failure: as above.
      if (queue_.head_.compare_exchange_weak(head, head + 1, std::memory_order_release,
                                             std::memory_order_relaxed)) {
        return element;
      }
    }
    return nullptr;
  }

  /// Takes the first element out if it is `element`.
  [[nodiscard]] bool pop_if(const T* element) noexcept {
    // Orders as in pop(). If it stands there it is still in the queue: only the owner could put it
    // back in.
    std::uint64_t head = queue_.head_.load(std::memory_order_relaxed);
    return head != own_tail() && queue_.slot(head).load(std::memory_order_relaxed) == element &&
           queue_.head_.compare_exchange_strong(head, head + 1, std::memory_order_release,
                                                std::memory_order_relaxed);
  }

  /// Moves the first half of a full queue to the end of `out`, to make room after push() returned
  /// false. Returns how many: none if the queue is not full (any more), in which case push() finds
  /// room.
  std::size_t take_half(IntrusiveQueue<T>& out) noexcept {
    constexpr std::size_t kHalf = Capacity / 2;
    const std::uint64_t tail = own_tail();
    if (room(tail) != 0) return 0;
    std::uint64_t head = tail - Capacity;
    std::array<T*, kHalf> taken;
    for (std::size_t i = 0; i < kHalf; ++i) {
      taken[i] = queue_.slot(head + i).load(std::memory_order_relaxed);
    }
    // Strong: a spurious failure would send the caller back to a push() that still finds no room.
    // Orders as in pop(). The links are written only after the claim: until then a stealer may own
    // the elements.
    if (!queue_.head_.compare_exchange_strong(head, head + kHalf, std::memory_order_release,
                                              std::memory_order_relaxed)) {
      return 0;
    }
    for (T* const element : taken) out.push_back(element);
    return kHalf;
  }

  /// How many elements there are at this moment; others may be stealing them.
  [[nodiscard]] std::size_t size() const noexcept { return Capacity - room(own_tail()); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  friend class Stealer;

  // Relaxed: only this thread writes it.
  [[nodiscard]] std::uint64_t own_tail() const noexcept {
    return queue_.tail_.load(std::memory_order_relaxed);
  }

  // Acquire [B]: pairs with the release of every consumer's swap; its reads of the slots that it
  // freed happen before this thread's stores into them.
  [[nodiscard]] std::size_t room(std::uint64_t tail) const noexcept {
    return Capacity - (tail - queue_.head_.load(std::memory_order_acquire));
  }

  RunQueue& queue_;
};

/// A thief's view; any number of threads use it at once.
template <class T, std::size_t Capacity>
class RunQueue<T, Capacity>::Stealer {
 public:
  explicit Stealer(RunQueue& queue) noexcept : queue_(&queue) {}

  /// Takes the first half (rounded up, at most half of the capacity) of the elements, returns the
  /// first to be run now and puts the others at the end of `into`, as far as they fit. Null if
  /// there is nothing to steal. The caller owns `into`, which is the Local of another queue.
  [[nodiscard]] T* steal_into(Local& into) noexcept {
    const std::uint64_t tail = into.own_tail();
    const std::size_t room = into.room(tail);
    for (;;) {
      const Window window = queue_->look();
      if (window.count == 0) return nullptr;
      std::uint64_t count = window.count - window.count / 2;
      count = std::min<std::uint64_t>({count, Capacity / 2, room + 1});
      T* const first = queue_->slot(window.head).load(std::memory_order_relaxed);
      // Copied beyond the tail_ of `into`, where no consumer looks, so a lost race leaves nothing
      // to undo.
      for (std::uint64_t i = 1; i < count; ++i) {
        T* const element = queue_->slot(window.head + i).load(std::memory_order_relaxed);
        into.queue_.slot(tail + i - 1).store(element, std::memory_order_relaxed);
      }
      std::uint64_t head = window.head;
      // Release [B]: the copying before the owner's next use of the slots. Relaxed on failure:
      // look() again.
      if (queue_->head_.compare_exchange_strong(
              head, window.head + count, std::memory_order_release, std::memory_order_relaxed)) {
        // Release [A], as in push(). What the first owner did to the elements is passed on: look()
        // acquired it.
        if (count > 1) into.queue_.tail_.store(tail + count - 1, std::memory_order_release);
        return first;
      }
    }
  }

  /// Whether there was nothing to steal at this moment. A worker about to park calls it after it
  /// counts as parked and a seq_cst fence; the owner fences between its push and its look at the
  /// counts (IdleSet).
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// How much there was.
  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(queue_->look().count);
  }

 private:
  RunQueue* queue_;
};

}  // namespace weft::inline v0_1::detail
