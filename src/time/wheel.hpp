// TimerWheel: hierarchical timing wheel (Varghese & Lauck, SOSP 1987) with 64-slot levels and a
// bitmap a level, for millions of timers with O(1) insert and cancel. It never reads a clock: `now`
// is an argument. Not thread-safe: one worker's. Owns no timer: nodes are intrusive.
//
// Invariants: a node is filed in the lowest level whose span reaches its deadline; `elapsed_` never
// goes back; a node fires only when `now >= deadline` (never early), and no later than one tick
// after it when pop_due() is called in time. Why they hold is told in wheel.cpp.
#pragma once

#include <weft/operation.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace weft {

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
  void insert(TimerNode& node) noexcept;
  /// Takes out a node that is filed. O(1).
  void remove(TimerNode& node) noexcept;
  /// Nanoseconds at which pop_due() should be called next, or `never`. It may be earlier than the
  /// first deadline (then pop_due() files nodes anew and gives out none; at most once a level, so
  /// at most ten times for one timer), never later than a tick after it.
  [[nodiscard]] std::int64_t next_deadline() const noexcept;
  /// Takes out what is due at `now_ns` and gives it to the caller one by one, in order of tick and
  /// within a tick first come, first served; null when no more is due. The caller may insert and
  /// remove between two calls.
  [[nodiscard]] TimerNode* pop_due(std::int64_t now_ns) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 11;

  struct Slot {
    TimerNode* head = nullptr;
    TimerNode* tail = nullptr;
  };
  /// The first slot in the order of time: its number (level * slots + index) and the tick at which
  /// it begins.
  struct First {
    unsigned place;
    std::uint64_t tick;
  };

  [[nodiscard]] std::uint64_t ticks_rounded_down(std::int64_t ns) const noexcept;
  [[nodiscard]] std::uint64_t ticks_rounded_up(std::int64_t ns) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] First first() const noexcept;  // not when empty
  void file(TimerNode& node, std::uint64_t tick) noexcept;
  void unlink(TimerNode& node) noexcept;
  void cascade(unsigned place) noexcept;

  const unsigned shift_;
  std::array<std::uint64_t, levels>
      occupied_{};         // bit i of level l: slots_[l * slots + i] is not empty
  std::uint64_t elapsed_;  // ticks up to which the wheel has been advanced
  std::size_t size_ = 0;
  std::array<Slot, levels * slots> slots_{};
};

}  // namespace weft
