// futures::race: several futures, of which the first to be ready is wanted. For awaitables, whose
// losers are waited for and whose late results are kept, see select in <weft/select.hpp>.
#pragma once

#include <weft/detail/children.hpp>
#include <weft/future.hpp>

#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

namespace weft::futures {

/// See race().
template <Future... F>
class [[nodiscard]] Race {
  using Winner = std::variant<ObjectOf<FutureResult<F>>...>;

 public:
  explicit Race(F... futures) : children_(std::move(futures)...) {}

  Poll<Winner> poll(Context& cx) {
    bool won = false;
    (void)children_.poll(cx, [&](auto&) {
      won = true;
      return false;
    });
    if (!won) return Pending();
    children_.drop();
    return take<0>();
  }

 private:
  /// The result of the one that is ready.
  template <std::size_t I>
  Poll<Winner> take() {
    auto& result = children_.template get<I>().result();
    if (result.is_ready()) {
      return Poll<Winner>::ready(std::in_place_index<I>, result.take_value());
    }
    if constexpr (I + 1 < sizeof...(F)) {
      return take<I + 1>();
    } else {
      return Pending();
    }
  }

  ChildTuple<F...> children_;
};

/// A future of a variant of what the first of `futures` to be ready gave: its index() is the
/// winner's (Unit for void, std::reference_wrapper for a reference). The others are cancelled by
/// being destroyed; of several that are ready at one poll the one that was woken first wins. If
/// the poll of one throws before that, so does this.
template <Future... F>
  requires(sizeof...(F) > 0)
Race<F...> race(F... futures) {
  return Race<F...>(std::move(futures)...);
}

/// The winner of a race of futures of one type.
template <class T>
struct RaceWinner {
  std::size_t index;  ///< which, counted from 0
  T value;
};

/// See race().
template <Future F>
class [[nodiscard]] RaceVector {
  using Winner = RaceWinner<ObjectOf<FutureResult<F>>>;

 public:
  explicit RaceVector(std::vector<F> futures) : children_(std::move(futures)) {}

  Poll<Winner> poll(Context& cx) {
    bool won = false;
    (void)children_.poll(cx, [&](auto&) {
      won = true;
      return false;
    });
    if (!won) return Pending();
    children_.drop();
    std::size_t index = 0;
    while (children_.get()[index].result().is_pending()) ++index;
    return Poll<Winner>(Winner{index, children_.get()[index].result().take_value()});
  }

 private:
  ChildVector<F> children_;
};

/// The same for any number of futures of one type. None: it is never ready.
template <Future F>
RaceVector<F> race(std::vector<F> futures) {
  return RaceVector<F>(std::move(futures));
}

}  // namespace weft::futures
