// when_any: any number of awaitables of one type at once, the first to end wins.
//
//   std::vector<weft::Task<Page>> mirrors = ask_mirrors();
//   auto first = co_await weft::when_any(std::move(mirrors));
//   Page page = first.take();                 // of mirror first.index()
//
// It is select() (<weft/select.hpp>), which is for a fixed set of alternatives, for a number that
// is known only when it runs. For the first that *succeeds*: first_success()
// (<weft/first_success.hpp>).
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

namespace weft::inline v0_1 {

/// What when_any() and first_success() of a vector give. As Selection: losers that had got their
/// value have it. A value: used by one thread at a time.
template <class T>
class RangeSelection {
 public:
  explicit RangeSelection(std::size_t winner, std::vector<Outcome<T>> outcomes) noexcept
      : winner_(winner), outcomes_(std::move(outcomes)) {}

  /// Which awaitable won, counted from 0.
  [[nodiscard]] std::size_t index() const noexcept { return winner_; }
  /// How many there were.
  [[nodiscard]] std::size_t size() const noexcept { return outcomes_.size(); }
  /// Whether awaitable `index` (below size()) has a result, of first_success() maybe a failure,
  /// which take() rethrows: it did not end as cancelled.
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
    if (decisive != Group::none && children_[decisive]->outcome().failed() && !some_have_value()) {
      std::rethrow_exception(children_[decisive]->outcome().error());
    }
    std::vector<Outcome<T>> outcomes;
    outcomes.reserve(children_.size());
    for (auto& child : children_) outcomes.push_back(std::move(child->outcome()));
    return RangeSelection<T>(this->winner(), std::move(outcomes));
  }

 private:
  /// Whether something would be lost with the outcomes.
  [[nodiscard]] bool some_have_value() noexcept {
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

template <class Group, class T>
class [[nodiscard]] SelectRange {
 public:
  template <class A>
  explicit SelectRange(std::vector<A> awaitables, const char* what) {
    if (awaitables.empty()) throw std::invalid_argument(what);
    tasks_.reserve(awaitables.size());
    for (A& awaitable : awaitables) tasks_.push_back(as_task(std::move(awaitable)));
  }
  SelectRangeAwaiter<Group, T> operator co_await() && {
    return SelectRangeAwaiter<Group, T>(std::move(tasks_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  std::vector<Task<T>> tasks_;
};

}  // namespace detail

/// Runs all awaitables at once, on this worker; the first to end wins, be it with a failure, and
/// the others are cancelled. When all have ended, gives a RangeSelection. If the winner failed,
/// rethrows its exception; unless a loser has a value, which would be lost: then take() of the
/// winner rethrows. They are started in order, and none after one has won. Throws
/// std::invalid_argument for no awaitables, which would never end. Cancel: cancels all and waits;
/// if one had got its result, that is delivered.
template <Awaitable A>
auto when_any(std::vector<A> awaitables) {
  return detail::SelectRange<detail::FirstGroup, AwaitResult<A>>(
      std::move(awaitables), "weft::when_any: there is nothing to wait for");
}

}  // namespace weft::inline v0_1
