// TimerNode: a timer's node in the timer wheel.
#pragma once

#include <cstdint>
#include <type_traits>

namespace weft::inline v0_1::detail {

/// A link in a list of the timer wheel: of a node, or of the list itself.
struct TimerLink {
  TimerLink* next = nullptr;  ///< Null while a node is in no list.
  TimerLink* previous = nullptr;
};

/// A node of the timer wheel. `deadline` is in nanoseconds of the steady clock.
struct TimerNode {
  /// The kind of object that contains the node.
  enum class Kind : std::uint8_t { operation, callback, sleep };

  TimerNode() noexcept = default;
  explicit TimerNode(Kind of_what) noexcept : kind(of_what) {}
  /// The node that contains the link `its`.
  [[nodiscard]] static TimerNode& of(TimerLink& its) noexcept;

  TimerLink link;
  std::int64_t deadline = 0;
  const Kind kind = Kind::operation;
  bool due = false;  ///< For a Timer: not in the wheel, its callback waits for its turn.
};
static_assert(std::is_standard_layout_v<TimerNode>);

inline TimerNode& TimerNode::of(TimerLink& its) noexcept {
  // SAFETY: the link is the first member of a node, and so has its address.
  return reinterpret_cast<TimerNode&>(its);
}

}  // namespace weft::inline v0_1::detail
