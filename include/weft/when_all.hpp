// when_all(): several awaitables in parallel, with all of their results.
//
//   auto [user, orders] = co_await weft::when_all(load_user(id), load_orders(id));
#pragma once

#include <weft/extend/child_group.hpp>

#include <cstddef>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {

namespace detail {

/// The common part of the fixed and the dynamic form: the first failure cancels the others.
class AllGroup : public ChildGroup {
 public:
  void on_child_end(std::size_t index, bool cancelled, bool failed) noexcept;

 protected:
  ~AllGroup() = default;
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  /// Returns the index of the first child that failed, or none.
  [[nodiscard]] std::size_t first_failed() const noexcept {
    return failed_.load(
        std::memory_order_relaxed);  // read after the last child ended: ordered by the counter
  }
  [[nodiscard]] bool ended_as_cancelled() noexcept override {
    return first_failed() == none && some_cancelled_.load(std::memory_order_relaxed);
  }

 private:
  Atomic<std::size_t> failed_{none};
  Atomic<bool> some_cancelled_{false};
};

template <class... T>
class WhenAllAwaiter final : public AllGroup {
 public:
  explicit WhenAllAwaiter(std::tuple<Task<T>...> tasks) noexcept
      : WhenAllAwaiter(std::move(tasks), std::index_sequence_for<T...>{}) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise(), sizeof...(T));
  }
  std::tuple<ValueOf<T>...> await_resume() {
    std::size_t index = 0;
    std::apply([&](auto&... child) { (rethrow_first(child, index++), ...); }, children_);
    return std::apply(
        [](auto&... child) { return std::tuple<ValueOf<T>...>(value_of(child.outcome())...); },
        children_);
  }

 private:
  template <class U>
  using ChildOf = Child<U, AllGroup>;

  template <std::size_t... I>
  WhenAllAwaiter([[maybe_unused]] std::tuple<Task<T>...> tasks, std::index_sequence<I...>) noexcept
      : children_(Make<T>(*this, I, std::move(std::get<I>(tasks)))...) {}

  // Children cannot move: the tuple constructs each in place through a conversion.
  template <class U>
  struct Make {
    Make(AllGroup& g, std::size_t i, Task<U>&& t) noexcept
        : group(g), index(i), task(std::move(t)) {}
    operator ChildOf<U>() noexcept { return ChildOf<U>(group, index, std::move(task)); }
    AllGroup& group;
    std::size_t index;
    Task<U>&& task;
  };

  template <class C>
  void rethrow_first(C& child, std::size_t index) {
    if (index == first_failed()) std::rethrow_exception(child.outcome().error());
  }
  template <class U>
  static ValueOf<U> value_of(Outcome<U>& outcome) {
    if constexpr (std::is_void_v<U>) {
      return Unit{};
    } else {
      return outcome.take();
    }
  }
  void start_children() noexcept override {
    std::apply([this](auto&... child) { (child.start(parent()), ...); }, children_);
  }
  void cancel_children() noexcept override {
    std::apply([](auto&... child) { (child.cancel(), ...); }, children_);
  }

  std::tuple<ChildOf<T>...> children_;
};

}  // namespace detail

template <class... T>
class [[nodiscard]] WhenAll {
 public:
  explicit WhenAll(Task<T>... tasks) noexcept : tasks_(std::move(tasks)...) {}
  detail::WhenAllAwaiter<T...> operator co_await() && noexcept {
    return detail::WhenAllAwaiter<T...>(std::move(tasks_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  std::tuple<Task<T>...> tasks_;
};

namespace detail {

template <class T>
class WhenAllVectorAwaiter final : public AllGroup {
 public:
  explicit WhenAllVectorAwaiter(std::vector<Task<T>> tasks) : children_(tasks.size()) {
    std::size_t index = 0;
    for (Task<T>& task : tasks) {
      children_[index].emplace(*this, index, std::move(task));
      ++index;
    }
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise(), static_cast<std::uint32_t>(children_.size()));
  }
  std::vector<ValueOf<T>> await_resume() {
    if (first_failed() != none) {
      std::rethrow_exception(children_[first_failed()]->outcome().error());
    }
    std::vector<ValueOf<T>> values;
    values.reserve(children_.size());
    for (auto& child : children_) {
      if constexpr (std::is_void_v<T>) {
        values.emplace_back();
      } else {
        values.push_back(child->outcome().take());
      }
    }
    return values;
  }

 private:
  void start_children() noexcept override {
    for (auto& child : children_) child->start(parent());
  }
  void cancel_children() noexcept override {
    for (auto& child : children_) child->cancel();
  }

  std::vector<std::optional<Child<T, AllGroup>>> children_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] WhenAllVector {
 public:
  explicit WhenAllVector(std::vector<Task<T>> tasks) noexcept : tasks_(std::move(tasks)) {}
  detail::WhenAllVectorAwaiter<T> operator co_await() && {
    return detail::WhenAllVectorAwaiter<T>(std::move(tasks_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  std::vector<Task<T>> tasks_;
};

/// Runs all awaitables concurrently, on this worker, and returns a tuple of their results (Unit for
/// void). The first failure cancels the others and is rethrown when all have ended; results that
/// others got are dropped (awaitables of a Result or an Outcome do not fail). Cancel: cancels all
/// and waits for them; if all get their results in spite of it, these are delivered.
template <Awaitable... A>
auto when_all(A... awaitables) {
  return WhenAll<AwaitResult<A>...>(as_task(std::move(awaitables))...);
}

/// Does the same for any number of tasks of one type; returns a vector in the order of the tasks.
template <class T>
WhenAllVector<T> when_all(std::vector<Task<T>> tasks) noexcept {
  return WhenAllVector<T>(std::move(tasks));
}

}  // namespace weft::inline v0_1
