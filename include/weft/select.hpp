// select: a fixed set of alternatives at once; the first to end wins, the others are cancelled and
// awaited.
//
//   auto first = co_await weft::select(commands.receive(), every.tick());
//   if (first.index() == 0) obey(first.take<0>());
//
// A handle that is moved in and loses is gone, and its task goes on detached: await it by
// `handle.join()`, which leaves it to its owner.
//
// For any number of one type: when_any() (<weft/when_any.hpp>). For the first that *succeeds*:
// first_success() (<weft/first_success.hpp>).
#pragma once

#include <weft/extend/child_group.hpp>

#include <cstddef>
#include <functional>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// Whether F can be called with a T: with nothing for void.
template <class F, class T>
inline constexpr bool takes_result = std::is_invocable_v<F, T>;
template <class F>
inline constexpr bool takes_result<F, void> = std::is_invocable_v<F>;

}  // namespace detail

/// What select() gives. The winner is the first to end; a loser that had got its value before its
/// cancel reached it has one too, so nothing that was received is ever dropped. A value: used by
/// one thread at a time.
template <class... T>
class Selection {
 public:
  explicit Selection(std::size_t winner, Outcome<T>... outcomes)
      : winner_(winner), outcomes_(std::move(outcomes)...) {}

  /// Which awaitable won, counted from 0.
  [[nodiscard]] std::size_t index() const noexcept { return winner_; }
  /// Whether awaitable I has a result, that is, did not end as cancelled. The result of
  /// first_success() may be a failure, which take() rethrows.
  template <std::size_t I>
  [[nodiscard]] bool has() const noexcept {
    return !std::get<I>(outcomes_).cancelled();
  }
  /// The result of awaitable I, moved out; rethrows its exception. Throws IoError
  /// (errc::operation_canceled) if it has none.
  template <std::size_t I>
  auto take() -> std::tuple_element_t<I, std::tuple<std::type_identity<T>...>>::type {
    return std::get<I>(outcomes_).take();
  }
  /// Calls the function in the winner's place with the winner's result, moved out (with nothing for
  /// void), and returns what that returns: one function for each awaitable, all of one return type.
  /// Rethrows as take(). The functions may be coroutines: await what is returned in the same
  /// statement.
  ///
  ///   first.match([&](Command command) { obey(command); }, [&] { tick(); });
  template <class... F>
    requires(sizeof...(F) == sizeof...(T))
  decltype(auto) match(F&&... functions) {
    static_assert((detail::takes_result<F, T> && ...),
                  "weft: match() takes one function for each awaitable, to be called with its "
                  "result, or with nothing if that is void");
    return match_from<0>(std::forward_as_tuple(std::forward<F>(functions)...));
  }

 private:
  template <std::size_t I, class Functions>
  decltype(auto) match_from(Functions&& functions) {
    if constexpr (I + 1 < sizeof...(T)) {
      if (winner_ != I) return match_from<I + 1>(std::forward<Functions>(functions));
    }
    using Value = typename std::tuple_element_t<I, std::tuple<std::type_identity<T>...>>::type;
    if constexpr (std::is_void_v<Value>) {
      take<I>();
      return std::invoke(std::get<I>(std::forward<Functions>(functions)));
    } else {
      return std::invoke(std::get<I>(std::forward<Functions>(functions)), take<I>());
    }
  }

  std::size_t winner_;
  std::tuple<Outcome<T>...> outcomes_;
};

namespace detail {

class FirstGroup : public ChildGroup {
 public:
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  ~FirstGroup() = default;
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  [[nodiscard]] std::size_t winner() const noexcept {
    return winner_.load(
        std::memory_order_relaxed);  // read after the last child, or by the starter itself
  }
  /// The child whose failure, if it has failed, is that of the whole.
  [[nodiscard]] std::size_t decisive() const noexcept { return winner(); }
  [[nodiscard]] bool ended_as_cancelled() noexcept override { return winner() == none; }
  /// The first call makes its index the winner, and cancels the others.
  void win(std::size_t index) noexcept;

 private:
  Atomic<std::size_t> winner_{none};
};

/// `Group`, a FirstGroup, says what it takes to win.
template <class Group, class... T>
class SelectAwaiter final : public Group {
  using Group::decisive;
  using Group::none;
  using Group::parent;
  using Group::winner;

 public:
  explicit SelectAwaiter(std::tuple<Task<T>...> tasks) noexcept
      : SelectAwaiter(std::move(tasks), std::index_sequence_for<T...>{}) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return this->suspend(innermost.promise(), sizeof...(T));
  }
  Selection<T...> await_resume() {
    if (!std::apply([](auto&... child) { return (has_value(child) || ...); }, children_)) {
      std::size_t index = 0;
      std::apply([&](auto&... child) { (rethrow_decisive(child, index++), ...); }, children_);
    }
    return std::apply(
        [this](auto&... child) { return Selection<T...>(winner(), std::move(child.outcome())...); },
        children_);
  }

 private:
  template <class U>
  using ChildOf = Child<U, Group>;

  template <std::size_t... I>
  SelectAwaiter(std::tuple<Task<T>...> tasks, std::index_sequence<I...>) noexcept
      : children_(Make<T>(*this, I, std::move(std::get<I>(tasks)))...) {}

  template <class U>
  struct Make {
    Make(Group& g, std::size_t i, Task<U>&& t) noexcept : group(g), index(i), task(std::move(t)) {}
    operator ChildOf<U>() noexcept { return ChildOf<U>(group, index, std::move(task)); }
    Group& group;
    std::size_t index;
    Task<U>&& task;
  };

  /// Whether something would be lost with the outcome.
  template <class U>
  [[nodiscard]] static bool has_value(ChildOf<U>& child) noexcept {
    return !std::is_void_v<U> && child.outcome().has_value();
  }
  template <class C>
  void rethrow_decisive(C& child, std::size_t index) {
    if (index == decisive() && child.outcome().failed()) {
      std::rethrow_exception(child.outcome().error());
    }
  }
  template <class C>
  void start_or_skip(C& child) noexcept {
    if (winner() == none) {
      child.start(parent());
    } else {  // decided already: what has not begun need not be
      child.skip();
      this->child_ended();
    }
  }
  void start_children() noexcept override {
    std::apply([this](auto&... child) { (this->start_or_skip(child), ...); }, children_);
  }
  void cancel_children() noexcept override {
    std::apply([](auto&... child) { (child.cancel(), ...); }, children_);
  }

  std::tuple<ChildOf<T>...> children_;
};

template <class Group, class... T>
class [[nodiscard]] Select {
 public:
  explicit Select(Task<T>... tasks) noexcept : tasks_(std::move(tasks)...) {}
  SelectAwaiter<Group, T...> operator co_await() && noexcept {
    return SelectAwaiter<Group, T...>(std::move(tasks_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  std::tuple<Task<T>...> tasks_;
};

}  // namespace detail

/// Runs all awaitables at once, on this worker; the first to end wins, be it with a failure, and
/// the others are cancelled. When all have ended, gives a Selection. If the winner failed, rethrows
/// its exception; unless a loser has a value, which would be lost: then take() of the winner
/// rethrows. They are started in order, and none after one has won. Cancel: cancels all and waits;
/// if one had got its result, that is delivered.
template <Awaitable... A>
  requires(sizeof...(A) > 0)
auto select(A... awaitables) {
  return detail::Select<detail::FirstGroup, AwaitResult<A>...>(as_task(std::move(awaitables))...);
}

}  // namespace weft::inline v0_1
