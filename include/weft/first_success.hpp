// first_success: several awaitables at once, the first to *succeed* wins.
//
//   auto first = co_await weft::first_success(ask(primary), ask(replica));
//   Answer answer = first.index() == 0 ? first.take<0>() : first.take<1>();
//
// With select() (<weft/select.hpp>) and when_any() (<weft/when_any.hpp>) the first to end wins, be
// it with a failure.
#pragma once

#include <weft/select.hpp>
#include <weft/when_any.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {

namespace detail {

/// The first child with a value wins; if all have failed, the first failure is that of the whole.
class SuccessGroup : public FirstGroup {
 public:
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  ~SuccessGroup() = default;
  [[nodiscard]] std::size_t decisive() const noexcept {
    // Relaxed: read after the last child, whose end the counter orders.
    return winner() == none ? first_failed_.load(std::memory_order_relaxed) : none;
  }
  [[nodiscard]] bool ended_as_cancelled() noexcept override {
    return winner() == none && some_cancelled_.load(std::memory_order_relaxed);
  }

 private:
  Atomic<std::size_t> first_failed_{none};
  Atomic<bool> some_cancelled_{false};
};

}  // namespace detail

/// Runs all awaitables at once, on this worker; the first that gives a value wins, and the others
/// are cancelled. When all have ended, gives a Selection: what a loser had got in spite of its
/// cancel is in it. A failure does not count as long as there is a value; if all fail, rethrows the
/// failure that came first. They are started in order, and none after one has won. Cancel: cancels
/// all and waits; if one had got its value, that is delivered.
template <Awaitable... A>
  requires(sizeof...(A) > 0)
auto first_success(A... awaitables) {
  return detail::Select<detail::SuccessGroup, AwaitResult<A>...>(as_task(std::move(awaitables))...);
}

/// The same for any number of awaitables of one type; gives a RangeSelection. Throws
/// std::invalid_argument for none.
template <Awaitable A>
auto first_success(std::vector<A> awaitables) {
  return detail::SelectRange<detail::SuccessGroup, AwaitResult<A>>(
      std::move(awaitables), "weft::first_success: there is nothing to wait for");
}

}  // namespace weft::inline v0_1
