// select() of any number of awaitables of one type.
#pragma once

#include <weft/select.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft {

/// What a select over a range gave. As Selection: losers that had got their value have it.
template <class T>
class RangeSelection {
 public:
  explicit RangeSelection(std::size_t winner, std::vector<Outcome<T>> outcomes) noexcept
      : winner_(winner), outcomes_(std::move(outcomes)) {}

  /// Which awaitable won, counted from 0.
  [[nodiscard]] std::size_t index() const noexcept { return winner_; }
  /// How many there were.
  [[nodiscard]] std::size_t size() const noexcept { return outcomes_.size(); }
  /// Whether awaitable `index` (below size()) has a result: it won, or it ended although it was
  /// cancelled.
  [[nodiscard]] bool has(std::size_t index) const noexcept { return !outcomes_[index].cancelled(); }
  /// The result of awaitable `index` (below size()), moved out; rethrows its exception. Throws
  /// IoError (errc::operation_canceled) if it has none.
  T take(std::size_t index) { return outcomes_[index].take(); }
  /// The winner's.
  T take() { return take(winner_); }

 private:
  std::size_t winner_;
  std::vector<Outcome<T>> outcomes_;
};

namespace detail {

template <class Group, class T>
class SelectRangeAwaiter final : public Group {
 public:
  explicit SelectRangeAwaiter(std::vector<Task<T>> tasks) : children_(tasks.size()) {
    std::size_t index = 0;
    for (Task<T>& task : tasks) {
      children_[index].emplace(static_cast<Group&>(*this), index, std::move(task));
      ++index;
    }
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return this->suspend(innermost.promise(), static_cast<std::uint32_t>(children_.size()));
  }
  RangeSelection<T> await_resume() {
    const std::size_t decisive = this->decisive();
    if (decisive != Group::none && children_[decisive]->outcome().failed() &&
        !somebody_has_value()) {
      std::rethrow_exception(children_[decisive]->outcome().error());
    }
    std::vector<Outcome<T>> outcomes;
    outcomes.reserve(children_.size());
    for (auto& child : children_) outcomes.push_back(std::move(child->outcome()));
    return RangeSelection<T>(this->winner(), std::move(outcomes));
  }

 private:
  /// Whether something would be lost with the outcomes.
  [[nodiscard]] bool somebody_has_value() noexcept {
    return !std::is_void_v<T> &&
           std::ranges::any_of(children_, [](auto& c) { return c->outcome().has_value(); });
  }
  void start_children() noexcept override {
    for (auto& child : children_) {
      if (this->winner() == Group::none) {
        child->start(this->parent());
      } else {  // decided already: what has not begun need not be
        child->skip();
        this->child_ended();
      }
    }
  }
  void cancel_children() noexcept override {
    for (auto& child : children_) child->cancel();
  }

  std::vector<std::optional<Child<T, Group>>> children_;
};

}  // namespace detail

template <class Group, class T>
class [[nodiscard]] SelectRange {
 public:
  template <class A>
  explicit SelectRange(std::vector<A> awaitables, const char* what) {
    if (awaitables.empty()) throw std::invalid_argument(what);
    tasks_.reserve(awaitables.size());
    for (A& awaitable : awaitables) tasks_.push_back(as_task(std::move(awaitable)));
  }
  detail::SelectRangeAwaiter<Group, T> operator co_await() && {
    return detail::SelectRangeAwaiter<Group, T>(std::move(tasks_));
  }

 private:
  std::vector<Task<T>> tasks_;
};

/// select() of any number of awaitables of one type: see there. Throws std::invalid_argument for
/// none, which would never end.
template <Awaitable A>
auto select(std::vector<A> awaitables) {
  return SelectRange<detail::FirstGroup, AwaitResult<A>>(
      std::move(awaitables), "weft::select: there is nothing to select from");
}

}  // namespace weft
