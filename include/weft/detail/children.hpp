// ChildTuple and ChildVector: a fixed number of futures that are held and polled together, each
// only after it was woken. The base of join, try_join and race.
//
// A child is destroyed as soon as it is ready; its result stays. Movable until the first poll.
#pragma once

#include <weft/detail/ready_set.hpp>
#include <weft/future.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft::inline v0_1::detail {

/// One child: the future, which is destroyed as soon as it is ready, and its result.
template <Future F>
class GroupChild {
 public:
  explicit GroupChild(F&& future) noexcept(std::is_nothrow_move_constructible_v<F>)
      : future_(std::move(future)) {}

  /// Polls the future, unless it was destroyed. True: it became ready in this call.
  [[nodiscard]] bool poll(Context& cx) {
    if (!future_.has_value()) return false;  // late wake by a waker that was kept
    result_ = future_->poll(cx);
    if (result_.is_pending()) return false;
    future_.reset();
    return true;
  }
  /// Destroys the future, which cancels it.
  void drop() noexcept { future_.reset(); }
  [[nodiscard]] Poll<FutureResult<F>>& result() noexcept { return result_; }

 private:
  std::optional<F> future_;
  Poll<FutureResult<F>> result_;
};

/// Futures of any types.
template <Future... F>
class ChildTuple {
 public:
  explicit ChildTuple(F&&... futures) : children_(std::move(futures)...) {}

  /// Polls the children that were woken. For each that became ready, calls `on_ready` with its
  /// result, a Poll<T>&; stops when that returns false. True: all children are ready.
  template <class OnReady>
  [[nodiscard]] bool poll(Context& cx, OnReady on_ready) {
    return poll_all(cx, on_ready, std::index_sequence_for<F...>{});
  }
  template <std::size_t I>
  [[nodiscard]] auto& get() noexcept {
    return std::get<I>(children_);
  }
  /// Cancels all children that are not ready.
  void drop() noexcept {
    std::apply([](auto&... child) { (child.drop(), ...); }, children_);
  }

 private:
  enum class Polled : unsigned char { pending, go_on, stop };

  template <std::size_t I, class OnReady>
  static Polled poll_child(ChildTuple& self, Context& cx, OnReady& on_ready) {
    auto& child = std::get<I>(self.children_);
    if (!child.poll(cx)) return Polled::pending;
    return on_ready(child.result()) ? Polled::go_on : Polled::stop;
  }
  template <class OnReady, std::size_t... I>
  bool poll_all(Context& cx, OnReady& on_ready, std::index_sequence<I...>) {
    using PollChild = Polled (*)(ChildTuple&, Context&, OnReady&);
    static constexpr std::array<PollChild, sizeof...(F)> poll_at{
        &ChildTuple::poll_child<I, OnReady>...};
    group_.poll(cx, sizeof...(F), [&](std::size_t index, Context& child_cx) {
      const Polled polled = poll_at[index](*this, child_cx, on_ready);
      if (polled != Polled::pending) --left_;
      return polled != Polled::stop && left_ != 0;
    });
    return left_ == 0;
  }

  ReadySet group_;
  std::tuple<GroupChild<F>...> children_;
  std::size_t left_ = sizeof...(F);
};

/// Any number of futures of one type.
template <Future F>
class ChildVector {
 public:
  explicit ChildVector(std::vector<F> futures) : left_(futures.size()) {
    children_.reserve(futures.size());
    for (F& future : futures) children_.emplace_back(std::move(future));
  }

  /// As ChildTuple::poll(). True if there are no children.
  template <class OnReady>
  [[nodiscard]] bool poll(Context& cx, OnReady on_ready) {
    if (left_ == 0) return true;
    group_.poll(cx, children_.size(), [&](std::size_t index, Context& child_cx) {
      auto& child = children_[index];
      if (!child.poll(child_cx)) return true;
      --left_;
      return on_ready(child.result()) && left_ != 0;
    });
    return left_ == 0;
  }
  [[nodiscard]] std::vector<GroupChild<F>>& get() noexcept { return children_; }
  /// Cancels all children that are not ready.
  void drop() noexcept {
    for (auto& child : children_) child.drop();
  }

 private:
  ReadySet group_;
  std::vector<GroupChild<F>> children_;
  std::size_t left_;
};

}  // namespace weft::inline v0_1::detail
