// The timer wheel. A deadline counts as a tick, rounded up (so that nothing fires early); 11
// levels of 6 bits hold the 64 bits that ticks can have, so every deadline finds a place and no
// list of "far away" timers is needed.
//
// Filing. A node of tick t goes to the level of the highest 6-bit digit in which t and elapsed_
// differ, into the slot of t's digit there. Hence, at level l: (a) the node agrees with elapsed_ in
// all digits above l, and (b) its digit is greater than elapsed_'s; only at level 0 it may be
// equal, which means due now. From (a) and (b): every node of a lower level comes before every node
// of a higher one, so the first slot is the lowest bit of the lowest occupied level, and no slot
// ever wraps around.
//
// Advancing to any tick before the first slot's begin keeps (a) and (b): it changes only digits of
// levels at or below that slot's level, and there stays below the slot. Advancing to its begin
// breaks (b) for that slot alone: at level 0 its nodes are due, higher up they are filed anew and
// land at least one level lower.
#include "time/wheel.hpp"

#include <algorithm>
#include <bit>

namespace weft {

/// Steady clocks do not go below zero; a negative deadline is one that has passed.
std::uint64_t TimerWheel::ticks_rounded_down(std::int64_t ns) const noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0)) >> shift_;
}
std::uint64_t TimerWheel::ticks_rounded_up(std::int64_t ns) const noexcept {
  if (ns == never)
    return std::numeric_limits<std::uint64_t>::max() >> shift_;  // no clock gets there
  const std::uint64_t rest = (std::uint64_t{1} << shift_) - 1;
  return (static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0)) + rest) >> shift_;
}

TimerWheel::TimerWheel(std::int64_t now_ns, unsigned shift) noexcept
    : shift_(shift), elapsed_(ticks_rounded_down(now_ns)) {}

void TimerWheel::insert(TimerNode& node) noexcept {
  file(node, ticks_rounded_up(node.deadline));
  ++size_;
}

void TimerWheel::remove(TimerNode& node) noexcept {
  unlink(node);
  --size_;
}

void TimerWheel::file(TimerNode& node, std::uint64_t tick) noexcept {
  tick = std::max(tick, elapsed_);
  // The lowest digit's bits are set so that equal ticks come out as level 0.
  const auto differing = static_cast<unsigned>(std::bit_width((tick ^ elapsed_) | (slots - 1)));
  const unsigned level = (differing - 1) / slot_bits;
  const auto index = static_cast<unsigned>(tick >> (level * slot_bits)) & (slots - 1);
  const unsigned place = level * slots + index;
  Slot& slot = slots_[place];
  node.place = static_cast<std::uint16_t>(place);
  node.next = nullptr;
  node.previous = slot.tail;
  (slot.tail != nullptr ? slot.tail->next : slot.head) = &node;
  slot.tail = &node;
  occupied_[level] |= std::uint64_t{1} << index;
}

void TimerWheel::unlink(TimerNode& node) noexcept {
  const unsigned place = node.place;
  Slot& slot = slots_[place];
  (node.previous != nullptr ? node.previous->next : slot.head) = node.next;
  (node.next != nullptr ? node.next->previous : slot.tail) = node.previous;
  if (slot.head == nullptr) {
    occupied_[place / slots] &= ~(std::uint64_t{1} << (place % slots));
  }
}

TimerWheel::First TimerWheel::first() const noexcept {
  unsigned level = 0;
  while (occupied_[level] == 0) ++level;
  const auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
  const unsigned shift = level * slot_bits;
  // By (a), the digits above this level are those of elapsed_; those below are zero where the slot
  // begins.
  const unsigned end = shift + slot_bits;
  const std::uint64_t above = end < 64 ? elapsed_ >> end << end : 0;
  return {level * slots + index, above | (std::uint64_t{index} << shift)};
}

std::int64_t TimerWheel::next_deadline() const noexcept {
  if (empty()) return never;
  const std::uint64_t tick = first().tick;
  const std::uint64_t unreachable = std::uint64_t{1} << (63 - shift_);
  return tick >= unreachable ? never : static_cast<std::int64_t>(tick << shift_);
}

TimerNode* TimerWheel::pop_due(std::int64_t now_ns) noexcept {
  const std::uint64_t now = std::max(ticks_rounded_down(now_ns), elapsed_);
  while (!empty()) {
    const First slot = first();
    if (slot.tick > now) break;
    elapsed_ = slot.tick;
    if (slot.place < slots) {
      TimerNode& node = *slots_[slot.place].head;
      remove(node);
      return &node;
    }
    cascade(slot.place);
  }
  elapsed_ = now;
  return nullptr;
}

void TimerWheel::cascade(unsigned place) noexcept {
  TimerNode* node = slots_[place].head;
  slots_[place] = Slot{};
  occupied_[place / slots] &= ~(std::uint64_t{1} << (place % slots));
  while (node != nullptr) {
    TimerNode* const next = node->next;
    file(*node, ticks_rounded_up(node->deadline));
    node = next;
  }
}

}  // namespace weft
