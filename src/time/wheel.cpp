// The timer wheel. A deadline counts as a tick, rounded up (so that nothing fires early). 11 levels
// of 6 bits hold the 64 bits of a tick, so every deadline has a slot and no list of "far away"
// timers is needed.
//
// Filing. A node of tick t goes to the level of the highest 6-bit digit in which t and elapsed_
// differ, into the slot of t's digit there. Hence, at level l:
//   (a) the node agrees with elapsed_ in all digits above l;
//   (b) its digit is greater than elapsed_'s; only at level 0 it may be equal, which means due now.
// From (a) and (b): every node of a lower level comes before every node of a higher one. So the
// first slot is the lowest bit of the lowest occupied level, and no slot ever wraps around.
//
// Advancing to any tick before the first slot's begin keeps (a) and (b): it changes only digits at
// or below that slot's level, and at that level stays below the slot. Advancing to its begin breaks
// (b) for that slot alone: at level 0 its nodes are due; higher up they are filed again and land at
// least one level lower.
//
// Nodes without a deadline (`never`) are in the last slot of the last level. No tick reaches it:
// the top level has fewer than 6 bits, so no tick has the digit 63 there. So next_deadline()
// ignores it.
//
// Removing a node leaves the slot's bit set; first() clears it. Such a bit does not concern (a) and
// (b), which are about nodes.
//
// Postponing leaves a node where it is: (a) and (b) hold for its old deadline. When that slot is
// reached the node is filed by the new deadline. That goes to another slot: the slot of its old
// tick has elapsed_'s digits, where only nodes that are due now are filed.
#include "time/wheel.hpp"

namespace weft::inline v0_1::detail {

TimerWheel::TimerWheel(std::int64_t now_ns, unsigned shift) noexcept : shift_(shift) {
  advance_to(tick_of(now_ns));
  for (TimerLink& slot : slots_) slot.next = slot.previous = &slot;
}

TimerWheel::First TimerWheel::first() noexcept {
  unsigned level = 0;
  for (;;) {
    const std::uint64_t bits = occupied_[level];
    if (bits == 0) {
      ++level;
      continue;
    }
    const auto index = static_cast<unsigned>(std::countr_zero(bits));
    const unsigned place = level * slots + index;
    if (slots_[place].next == &slots_[place]) {
      occupied_[level] = bits & (bits - 1);
      continue;
    }
    // By (a) the digits above this level are those of elapsed_; those below are zero at the slot's
    // begin.
    const unsigned shift = level * slot_bits;
    const unsigned end = shift + slot_bits;
    const std::uint64_t above = end < 64 ? elapsed_ >> end << end : 0;
    if (place == endless) return {place, std::numeric_limits<std::uint64_t>::max()};
    return {place, above | (std::uint64_t{index} << shift)};
  }
}

std::int64_t TimerWheel::next_deadline() noexcept {
  if (size_ == 0) return never;
  const std::uint64_t tick = first().tick;
  const std::uint64_t unreachable = std::uint64_t{1} << (63 - shift_);
  return tick >= unreachable ? never : static_cast<std::int64_t>(tick << shift_);
}

TimerNode* TimerWheel::pop_due(std::int64_t now_ns) noexcept {
  const std::uint64_t now = std::max(tick_of(now_ns), elapsed_);
  while (size_ != 0) {
    const First slot = first();
    if (slot.tick > now) break;
    advance_to(slot.tick);
    if (slot.place >= slots) {
      cascade(slot.place);
      continue;
    }
    // SAFETY: a slot that is not empty has nodes.
    auto& node = TimerNode::of(*slots_[slot.place].next);
    remove(node);
    if (node.deadline <= elapsed_ns_) [[likely]]
      return &node;
    insert(node);  // it was postponed
  }
  advance_to(now);
  return nullptr;
}

TimerNode* TimerWheel::pop_any() noexcept {
  if (size_ == 0) return nullptr;
  auto& node = TimerNode::of(*slots_[first().place].next);  // SAFETY: as in pop_due()
  remove(node);
  return &node;
}

void TimerWheel::cascade(unsigned place) noexcept {
  TimerLink& slot = slots_[place];
  TimerLink* link = slot.next;
  slot.next = slot.previous = &slot;
  occupied_[place / slots] &= ~(std::uint64_t{1} << (place % slots));
  while (link != &slot) {
    auto& node = TimerNode::of(*link);  // SAFETY: as in pop_due()
    link = link->next;
    file(node);
  }
}

}  // namespace weft::inline v0_1::detail
