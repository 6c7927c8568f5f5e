// futures::join and futures::try_join: several futures as one that is ready when all are. Each
// child is polled only when it was woken. One allocation (from the frame pool), at the first poll.
// For awaitables, each a task of its own, see when_all in <weft/when_all.hpp>.
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
#include <vector>

namespace weft::futures {

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

  ChildTuple<F...> children_;
};

/// A future of a tuple of what all `futures` give (Unit for void). If the poll of one throws, so
/// does this: the others are cancelled when it is destroyed.
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
  ChildVector<F> children_;
};

/// The same for any number of futures of one type: a vector, in their order; none gives an empty
/// one. Not for futures that give references.
template <Future F>
  requires(!std::is_reference_v<FutureResult<F>>)
JoinVector<F> join(std::vector<F> futures) {
  return JoinVector<F>(std::move(futures));
}

/// What a future of std::expected<U, E> succeeds or fails with.
template <Future F>
using FutureSuccess = typename FutureResult<F>::value_type;
template <Future F>
using FutureError = typename FutureResult<F>::error_type;

/// A future that gives a std::expected<U, E>, such as a Result<U>.
template <class F>
concept FallibleFuture = Future<F> && requires {
  requires std::same_as<FutureResult<F>, std::expected<FutureSuccess<F>, FutureError<F>>>;
};

/// The value of a success, Unit for void.
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

  ChildTuple<First, F...> children_;
};

/// A future of what all `futures`, which give std::expected with one type of error, succeed with,
/// as a tuple (Unit for void). The first failure ends it with that error; the others are cancelled.
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
  ChildVector<F> children_;
};

/// The same for any number of futures of one type: a vector, in their order.
template <FallibleFuture F>
TryJoinVector<F> try_join(std::vector<F> futures) {
  return TryJoinVector<F>(std::move(futures));
}

}  // namespace weft::futures
