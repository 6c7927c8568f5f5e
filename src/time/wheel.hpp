// TimerWheel: hierarchical timing wheel (Varghese & Lauck, SOSP 1987) with 64-slot levels and a
// bitmap a level, for millions of timers with O(1) insert and cancel. It never reads a clock: `now`
// is an argument. Not thread-safe: one worker's. Owns no timer: nodes are intrusive.
//
// Invariants: a node is filed in the lowest level whose span reaches its deadline, or reached the
// one that it had before postpone(); `elapsed_` never goes back; a node fires only when `now >=
// deadline` (never early), and no later than one tick after it when pop_due() is called in time.
// A slot that has a node has its bit; one that has none may have it until somebody looks. Why they
// hold is told in wheel.cpp.
#pragma once

#include <weft/detail/timer_node.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace weft::detail {

/// Puts `node` at the end of the list `list`.
inline void append(TimerLink& list, TimerNode& node) noexcept {
  TimerLink* const last = list.previous;
  node.link.previous = last;
  last->next = &node.link;
  node.link.next = &list;
  list.previous = &node.link;
}

/// Takes `node` out of whichever list it is in.
inline void unlink(TimerNode& node) noexcept {
  node.link.previous->next = node.link.next;
  node.link.next->previous = node.link.previous;
  node.link.next = nullptr;
}

class TimerWheel {
 public:
  static constexpr unsigned tick_shift = 16;  ///< a tick is 2^16 ns = 65.5 µs, as a rule
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  /// `shift`: a tick is 2^shift ns.
  explicit TimerWheel(std::int64_t now_ns, unsigned shift = tick_shift) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Files `node` under node.deadline. A deadline that has passed is given out by the next
  /// pop_due(), also by one of the series that is under way: who files anew what it has just popped
  /// must not do so with a deadline in the past for ever. A deadline of `never` is kept and never
  /// fires.
  void insert(TimerNode& node) noexcept {
    file(node);
    ++size_;
  }
  /// Takes out a node that is filed. O(1).
  void remove(TimerNode& node) noexcept {
    unlink(node);
    --size_;
  }
  /// Gives a node that is filed a deadline that is not before the one it has: it is filed anew when
  /// that comes, not now.
  static void postpone(TimerNode& node, std::int64_t deadline) noexcept {
    node.deadline = deadline;
  }
  /// Nanoseconds at which pop_due() should be called next, or `never`. It may be earlier than the
  /// first deadline (then pop_due() files nodes anew and gives out none; at most once a level, so
  /// at most ten times for one timer, and once more for each that was postponed), never later than
  /// a tick after it.
  [[nodiscard]] std::int64_t next_deadline() noexcept;
  /// Takes out what is due at `now_ns` and gives it to the caller one by one, in order of tick and
  /// within a tick first come, first served; null when no more is due. The caller may insert and
  /// remove between two calls.
  [[nodiscard]] TimerNode* pop_due(std::int64_t now_ns) noexcept;
  /// Takes out any node; null when there is none.
  [[nodiscard]] TimerNode* pop_any() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 11;
  static constexpr unsigned endless = levels * slots - 1;  // the place of what never fires

  /// The first slot in the order of time: its number (level * slots + index) and the tick at which
  /// it begins.
  struct First {
    unsigned place;
    std::uint64_t tick;
  };

  /// The tick that `now_ns` is in. Steady clocks do not go below zero, nor to `never`.
  [[nodiscard]] std::uint64_t tick_of(std::int64_t now_ns) const noexcept {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(now_ns, 0, never - 1)) >> shift_;
  }
  void advance_to(std::uint64_t tick) noexcept {
    elapsed_ = tick;
    elapsed_ns_ = static_cast<std::int64_t>(tick << shift_);
  }
  [[nodiscard]] First first() noexcept;  // not when empty
  void file(TimerNode& node) noexcept {
    if (node.deadline == never) [[unlikely]]
      return file_at(levels - 1, endless % slots, node);
    const std::int64_t at = std::max(node.deadline, elapsed_ns_);
    const auto tick = static_cast<std::uint64_t>(((at - 1) >> shift_) + 1);  // rounded up
    // The lowest digit's bits are set so that equal ticks come out as level 0.
    const auto highest = static_cast<unsigned>(std::bit_width((tick ^ elapsed_) | (slots - 1)) - 1);
    const unsigned level = highest * 43 >> 8;  // that is, highest / slot_bits
    const auto index = static_cast<unsigned>(tick >> (level * slot_bits)) & (slots - 1);
    file_at(level, index, node);
  }
  void file_at(unsigned level, unsigned index, TimerNode& node) noexcept {
    append(slots_[level * slots + index], node);
    occupied_[level] |= std::uint64_t{1} << index;
  }
  void cascade(unsigned place) noexcept;

  const unsigned shift_;
  std::uint64_t elapsed_;    // ticks up to which the wheel has been advanced …
  std::int64_t elapsed_ns_;  // … and when that one begins
  std::size_t size_ = 0;
  std::array<std::uint64_t, levels>
      occupied_{};  // bit i of level l: slots_[l * slots + i] may not be empty
  std::array<TimerLink, levels * slots> slots_;  // lists, closed to rings
};

}  // namespace weft::detail
