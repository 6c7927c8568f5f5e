// futures::join(), try_join() and race(): several futures as one. Each child is polled only when it
// was woken. One allocation, from the frame pool, at the first poll. For awaitables, each as a task
// of its own, use when_all() in <weft/when_all.hpp>.
//
//   auto [page, size] = co_await weft::futures::join(fetch(url), measure(url));
#pragma once

#include <weft/detail/children.hpp>
#include <weft/future.hpp>

#include <concepts>
#include <cstddef>
#include <expected>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace weft::inline v0_1::futures {

/// See join().
template <Future... F>
class [[nodiscard]] Join {
  using Values = std::tuple<ValueOf<FutureResult<F>>...>;

 public:
  explicit Join(F... futures) : children_(std::move(futures)...) {}

  Poll<Values> poll(Context& cx) {
    if (!children_.poll(cx, [](auto&) { return true; })) return Pending();
    return take(std::index_sequence_for<F...>{});
  }

 private:
  template <std::size_t... I>
  Poll<Values> take(std::index_sequence<I...>) {
    return Poll<Values>::ready(children_.template get<I>().result().take_value()...);
  }

  weft::detail::ChildTuple<F...> children_;
};

/// Returns a future of a tuple of the results of all `futures` (Unit for void). If the poll of one
/// throws, so does this; the others are cancelled when the future is destroyed.
template <Future... F>
  requires(sizeof...(F) > 0)
Join<F...> join(F... futures) {
  return Join<F...>(std::move(futures)...);
}

/// See join().
template <Future F>
class [[nodiscard]] JoinVector {
  using Values = std::vector<ValueOf<FutureResult<F>>>;

 public:
  explicit JoinVector(std::vector<F> futures) : children_(std::move(futures)) {}

  Poll<Values> poll(Context& cx) {
    if (!children_.poll(cx, [](auto&) { return true; })) return Pending();
    Values values;
    values.reserve(children_.get().size());
    for (auto& child : children_.get()) values.push_back(child.result().take_value());
    return Poll<Values>::ready(std::move(values));
  }

 private:
  weft::detail::ChildVector<F> children_;
};

/// Does the same for any number of futures of one type, none included: the result is a vector in
/// their order. Not for futures of references.
template <Future F>
  requires(!std::is_reference_v<FutureResult<F>>)
JoinVector<F> join(std::vector<F> futures) {
  return JoinVector<F>(std::move(futures));
}

/// The value of a future of std::expected<U, E> on success, and its error.
template <Future F>
using FutureSuccess = typename FutureResult<F>::value_type;
template <Future F>
using FutureError = typename FutureResult<F>::error_type;

/// A future of std::expected<U, E>, such as a Result<U>.
template <class F>
concept FallibleFuture = Future<F> && requires {
  requires std::same_as<FutureResult<F>, std::expected<FutureSuccess<F>, FutureError<F>>>;
};

/// The value of a success; Unit for void.
template <class U, class E>
ValueOf<U> success_of(std::expected<U, E>&& result) {
  if constexpr (std::is_void_v<U>) {
    return Unit{};
  } else {
    return *std::move(result);
  }
}

/// See try_join().
template <FallibleFuture First, FallibleFuture... F>
class [[nodiscard]] TryJoin {
  using Error = FutureError<First>;
  using Values = std::tuple<ValueOf<FutureSuccess<First>>, ValueOf<FutureSuccess<F>>...>;
  using Joined = std::expected<Values, Error>;
  static constexpr std::size_t size = 1 + sizeof...(F);

 public:
  explicit TryJoin(First first, F... futures)
      : children_(std::move(first), std::move(futures)...) {}

  Poll<Joined> poll(Context& cx) {
    std::optional<Error> error;
    const bool ready = children_.poll(cx, [&](auto& result) {
      if (!result.value().has_value()) error.emplace(std::move(result.value().error()));
      return !error.has_value();
    });
    if (error.has_value()) {
      children_.drop();
      return Poll<Joined>::ready(std::unexpect, *std::move(error));
    }
    if (!ready) return Pending();
    return succeed(std::make_index_sequence<size>{});
  }

 private:
  template <std::size_t... I>
  Poll<Joined> succeed(std::index_sequence<I...>) {
    return Poll<Joined>::ready(std::in_place,
                               success_of(children_.template get<I>().result().take())...);
  }

  weft::detail::ChildTuple<First, F...> children_;
};

/// Returns a future of the successes of all `futures`, which are of std::expected with one error
/// type, as a tuple (Unit for void). The first failure ends it with that error; the others are
/// cancelled.
template <FallibleFuture First, FallibleFuture... F>
  requires(std::same_as<FutureError<First>, FutureError<F>> && ...)
TryJoin<First, F...> try_join(First first, F... futures) {
  return TryJoin<First, F...>(std::move(first), std::move(futures)...);
}

/// See try_join().
template <FallibleFuture F>
class [[nodiscard]] TryJoinVector {
  using Error = FutureError<F>;
  using Values = std::vector<ValueOf<FutureSuccess<F>>>;
  using Joined = std::expected<Values, Error>;

 public:
  explicit TryJoinVector(std::vector<F> futures) : children_(std::move(futures)) {}

  Poll<Joined> poll(Context& cx) {
    std::optional<Error> error;
    const bool ready = children_.poll(cx, [&](auto& result) {
      if (!result.value().has_value()) error.emplace(std::move(result.value().error()));
      return !error.has_value();
    });
    if (error.has_value()) {
      children_.drop();
      return Poll<Joined>::ready(std::unexpect, *std::move(error));
    }
    if (!ready) return Pending();
    Values values;
    values.reserve(children_.get().size());
    for (auto& child : children_.get()) values.push_back(success_of(child.result().take()));
    return Poll<Joined>::ready(std::move(values));
  }

 private:
  weft::detail::ChildVector<F> children_;
};

/// Does the same for any number of futures of one type: the result is a vector in their order.
template <FallibleFuture F>
TryJoinVector<F> try_join(std::vector<F> futures) {
  return TryJoinVector<F>(std::move(futures));
}

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
  /// Takes the result of the future that is ready.
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

  weft::detail::ChildTuple<F...> children_;
};

/// Returns a future of a variant with the result of the first of `futures` to be ready; its index()
/// is that of the winner (Unit for void, std::reference_wrapper for a reference). The others are
/// destroyed, which cancels them. If several are ready at one poll, the one that was woken first
/// wins. If the poll of one throws before that, so does this.
template <Future... F>
  requires(sizeof...(F) > 0)
Race<F...> race(F... futures) {
  return Race<F...>(std::move(futures)...);
}

/// The winner of a race of futures of one type.
template <class T>
struct RaceWinner {
  std::size_t index;  ///< the winner's index, counted from 0
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
  weft::detail::ChildVector<F> children_;
};

/// Does the same for any number of futures of one type. With none it is never ready.
template <Future F>
RaceVector<F> race(std::vector<F> futures) {
  return RaceVector<F>(std::move(futures));
}

}  // namespace weft::inline v0_1::futures
