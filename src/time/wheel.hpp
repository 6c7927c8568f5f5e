// TimerWheel: a hierarchical timing wheel (Varghese & Lauck, SOSP 1987) with 64-slot levels and a
// bitmap for each level, for millions of timers with O(1) insert and cancel. It never reads a
// clock: `now` is an argument. Not thread-safe: it belongs to one worker. Owns no timer: nodes are
// intrusive.
//
// Invariants (wheel.cpp says why they hold):
//  - A node is filed in the lowest level whose span reaches its deadline, or the deadline it had
//    before postpone().
//  - `elapsed_` never goes back.
//  - A node fires only when `now >= deadline` (never early), and at most one tick after its
//    deadline if pop_due() is called in time.
//  - The bit of a slot with a node is set. The bit of an empty slot may be set until first() reads
//    it.
#pragma once

#include <weft/detail/timer_node.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace weft::inline v0_1::detail {

/// Appends `node` to `list`.
inline void append(TimerLink& list, TimerNode& node) noexcept {
  TimerLink* const last = list.previous;
  node.link.previous = last;
  last->next = &node.link;
  node.link.next = &list;
  list.previous = &node.link;
}

/// Removes `node` from the list that it is in.
inline void unlink(TimerNode& node) noexcept {
  node.link.previous->next = node.link.next;
  node.link.next->previous = node.link.previous;
  node.link.next = nullptr;
}

class TimerWheel {
 public:
  static constexpr unsigned tick_shift = 16;  ///< The usual tick is 2^16 ns = 65.5 µs.
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  /// A tick is 2^shift ns.
  explicit TimerWheel(std::int64_t now_ns, unsigned shift = tick_shift) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Files `node` under node.deadline. A deadline that has passed is returned by the next
  /// pop_due(), even within a series of pop_due() calls at the same time: so a caller must not keep
  /// reinserting what it has just popped with a deadline in the past. A deadline of `never` is kept
  /// and never fires.
  void insert(TimerNode& node) noexcept {
    file(node);
    ++size_;
  }
  /// Removes a filed node. O(1).
  void remove(TimerNode& node) noexcept {
    unlink(node);
    --size_;
  }
  /// Gives a filed node a later or equal deadline. The node is filed again when its old deadline
  /// comes.
  static void postpone(TimerNode& node, std::int64_t deadline) noexcept {
    node.deadline = deadline;
  }
  /// The time, in nanoseconds, at which to call pop_due() next, or `never`. It may be earlier than
  /// the first deadline: then pop_due() files nodes again and returns none. That happens at most
  /// once a level, so at most ten times for one timer, and once more for each postponed one. It is
  /// never later than one tick after the first deadline.
  [[nodiscard]] std::int64_t next_deadline() noexcept;
  /// Removes and returns a node that is due at `now_ns`; null when no more are due. The order is by
  /// tick, and within a tick first in, first out. The caller may insert and remove between two
  /// calls.
  [[nodiscard]] TimerNode* pop_due(std::int64_t now_ns) noexcept;
  /// Removes and returns any node; null when there is none.
  [[nodiscard]] TimerNode* pop_any() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 11;
  static constexpr unsigned endless = levels * slots - 1;  // the place of nodes that never fire

  /// The first slot in time order: its number (level * slots + index) and the tick at which it
  /// begins.
  struct First {
    unsigned place;
    std::uint64_t tick;
  };

  /// The tick that contains `now_ns`. Steady clocks stay between zero and `never`.
  [[nodiscard]] std::uint64_t tick_of(std::int64_t now_ns) const noexcept {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(now_ns, 0, never - 1)) >> shift_;
  }
  void advance_to(std::uint64_t tick) noexcept {
    elapsed_ = tick;
    elapsed_ns_ = static_cast<std::int64_t>(tick << shift_);
  }
  [[nodiscard]] First first() noexcept;  // precondition: not empty
  void file(TimerNode& node) noexcept {
    if (node.deadline == never) [[unlikely]]
      return file_at(levels - 1, endless % slots, node);
    const std::int64_t at = std::max(node.deadline, elapsed_ns_);
    const auto tick = static_cast<std::uint64_t>(((at - 1) >> shift_) + 1);  // rounded up
    // The bits of the lowest digit are set so that equal ticks give level 0.
    const auto highest = static_cast<unsigned>(std::bit_width((tick ^ elapsed_) | (slots - 1)) - 1);
    const unsigned level = highest * 43 >> 8;  // = highest / slot_bits
    const auto index = static_cast<unsigned>(tick >> (level * slot_bits)) & (slots - 1);
    file_at(level, index, node);
  }
  void file_at(unsigned level, unsigned index, TimerNode& node) noexcept {
    append(slots_[level * slots + index], node);
    occupied_[level] |= std::uint64_t{1} << index;
  }
  void cascade(unsigned place) noexcept;

  const unsigned shift_;
  std::uint64_t elapsed_;    // the tick up to which the wheel was advanced
  std::int64_t elapsed_ns_;  // the begin of that tick
  std::size_t size_ = 0;
  // Bit i of level l is set if slots_[l * slots + i] may have nodes.
  std::array<std::uint64_t, levels> occupied_{};
  std::array<TimerLink, levels * slots> slots_;  // lists, closed to rings
};

}  // namespace weft::inline v0_1::detail
