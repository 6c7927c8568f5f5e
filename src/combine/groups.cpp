// The effect of one child's end on the others: when_all, select, first_success.
#include <weft/first_success.hpp>
#include <weft/select.hpp>
#include <weft/when_all.hpp>

namespace weft::inline v0_1::detail {

// In all groups a child that ends cancels the others before child_ended(), while it still counts;
// so the group still exists. Relaxed throughout: child_ended() orders the flags for the parent.

void AllGroup::on_child_end(std::size_t index, bool cancelled, bool failed) noexcept {
  if (cancelled) some_cancelled_.store(true, std::memory_order_relaxed);
  std::size_t expected = none;
  if (failed && failed_.compare_exchange_strong(expected, index, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
    cancel_children();
  }
  child_ended();
}

void FirstGroup::win(std::size_t index) noexcept {
  std::size_t expected = none;
  if (winner_.compare_exchange_strong(expected, index, std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
    cancel_children();
  }
}

void FirstGroup::on_child_end(std::size_t index, bool cancelled, bool) noexcept {
  if (!cancelled) win(index);
  child_ended();
}

void SuccessGroup::on_child_end(std::size_t index, bool cancelled, bool failed) noexcept {
  std::size_t expected = none;
  if (cancelled) {
    some_cancelled_.store(true, std::memory_order_relaxed);
  } else if (!failed) {
    win(index);
  } else {
    (void)first_failed_.compare_exchange_strong(expected, index, std::memory_order_relaxed,
                                                std::memory_order_relaxed);
  }
  child_ended();
}

}  // namespace weft::inline v0_1::detail
