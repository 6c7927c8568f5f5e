// Streams that run ahead of their consumer: merge() of several streams, and buffered(), which works
// on several items of one at once.
//
//   auto events = streams::merge(std::move(commands), streams::ticks(1s) | streams::map(as_event));
//   auto pages = streams::from_range(urls) | streams::buffered(8, fetch);
//
// What runs ahead is a task of its own with children of its own, started by the first next(). They
// belong to the runtime, as what spawn() starts, or to the owner (a Scope, a Runtime) that the
// functions …_in are given. While the consumer pauses they go on until there is no more room;
// nothing is dropped.
//
// Cancel, and early drop: they are asked to cancel, and end soon after, which their owner waits
// for, not the one who drops, as a destructor cannot wait. What they own themselves (the sources,
// the function, the items) they keep until then. What those *refer to* must outlive the owner, as
// for spawn(): whoever captures local variables by reference gives a scope within which they live:
//
//   co_await weft::scope([&](weft::Scope& s) -> weft::Task<void> {
//     auto pages = std::move(urls) | streams::buffered_in(s, 8, [&](Url u) { return get(client, u);
//     }); while (auto page = co_await pages.next()) …      // may be left at any time, in any way
//   });
//
// Items that had been made and not taken are gone with the stream.
//
// An error of a source, or of an awaited call, comes at its place among the items, and is the last.
#pragma once

#include <weft/async_generator.hpp>
#include <weft/detail/reorder_buffer.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>
#include <weft/stream.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::streams {

namespace detail {

/// A task that is asked to cancel when its user goes.
class CancelledWithUser {
 public:
  explicit CancelledWithUser(JoinHandle<void> handle) noexcept : handle_(std::move(handle)) {}
  CancelledWithUser(const CancelledWithUser&) = delete;
  CancelledWithUser& operator=(const CancelledWithUser&) = delete;
  ~CancelledWithUser() { handle_.cancel(); }

 private:
  JoinHandle<void> handle_;
};

template <class T>
using ReorderBufferRef = std::shared_ptr<weft::detail::ReorderBuffer<T>>;

}  // namespace detail

/// The consumer's side: starts `produce(buffer)`, a Task, and gives what comes out of the buffer.
template <class T, class Produce>
AsyncGenerator<T> consume(weft::detail::OwnedTasks* owner, detail::ReorderBufferRef<T> buffer,
                          Produce produce) {
  weft::detail::OwnedTasks& tasks = owner != nullptr ? *owner : weft::detail::OwnedTasks::current();
  const detail::CancelledWithUser producer(spawn_in(tasks, std::move(produce), buffer));
  for (;;) {
    Permit permit = co_await buffer->ready().acquire();
    permit.forget();
    Outcome<T> next = buffer->take();
    if (next.cancelled()) break;
    buffer->room().release();
    decltype(auto) value = next.take();
    co_yield static_cast<decltype(value)&&>(value);
  }
}

// merge

template <class T, Stream S>
Task<void> pump(weft::detail::ReorderBuffer<T>& buffer, S& source) {
  Outcome<T> failure;
  try {
    for (;;) {
      Permit turn = co_await buffer.room().acquire();
      auto item = co_await source.next();
      if (!item) break;
      Outcome<T> outcome;
      outcome.set_value(*std::move(item));
      turn.forget();
      buffer.put(std::move(outcome));
    }
  } catch (...) {
    failure.set_error(std::current_exception());
  }
  if (failure.failed()) buffer.put(std::move(failure));
  buffer.leave();
}

template <class T, class... S>
Task<void> run_merge(detail::ReorderBufferRef<T> buffer, std::tuple<S...> sources) {
  weft::detail::ReorderBufferCloser<T> closer(*buffer);
  auto body = [&](Scope& scope) -> Task<void> {
    std::apply(
        [&](S&... source) { (scope.spawn(pump<T, S>, std::ref(*buffer), std::ref(source)), ...); },
        sources);
    co_return;
  };
  try {
    co_await scope(std::move(body));
  } catch (...) {  // no memory for one of them
    closer.note(std::current_exception());
  }
}

template <class... S>
auto merge_for(weft::detail::OwnedTasks* owner, S... sources) {
  using T = std::common_type_t<StreamValue<S>...>;
  static_assert((!std::is_reference_v<StreamValue<S>> && ...),
                "weft: merge() gives objects, as its sources go on while an item is in use");
  constexpr std::size_t count = sizeof...(S);
  auto produce =
      [all = std::tuple<S...>(std::move(sources)...)](detail::ReorderBufferRef<T> buffer) mutable {
        return run_merge<T, S...>(std::move(buffer), std::move(all));
      };
  return consume<T>(owner, std::make_shared<weft::detail::ReorderBuffer<T>>(count, count),
                    std::move(produce));
}

/// The items of all `sources` (of one common type), in the order in which they come; one that gives
/// much keeps none of the others waiting. Ends when all have. Each is asked for its next item as
/// soon as there is room: there are at most as many items made and not taken as there are sources.
/// Tasks of the current runtime: see above for what sources may refer to.
template <Stream... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto merge(S... sources) {
  return merge_for(nullptr, std::move(sources)...);
}
/// The same as tasks of `owner`: a Scope, a Runtime or a OwnedTasks, which must outlive the stream.
template <class Owner, Stream... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto merge_in(Owner& owner, S... sources) {
  return merge_for(&weft::detail::owned_tasks_of(owner), std::move(sources)...);
}

// buffered

namespace detail {

enum class Order : bool { of_source, of_ends };

}  // namespace detail

template <detail::Order order, class T, class A>
Task<void> run_call(weft::detail::ReorderBuffer<T>& buffer, std::size_t place, A awaitable) {
  Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<AwaitResult<A>>) {
      co_await std::move(awaitable);
      outcome.set_value();
    } else {
      decltype(auto) value = co_await std::move(awaitable);
      outcome.set_value(static_cast<decltype(value)&&>(value));
    }
  } catch (...) {
    outcome.set_error(std::current_exception());
  }
  if constexpr (order == detail::Order::of_source) {
    buffer.put(place, std::move(outcome));
  } else {
    buffer.put(std::move(outcome));
    buffer.leave();
  }
}

template <detail::Order order, class T, Stream S, class F>
Task<void> pump_calls(Scope& scope, weft::detail::ReorderBuffer<T>& buffer, S& source,
                      F& function) {
  using A = std::invoke_result_t<F&, StreamElement<S>>;
  Outcome<T> last;  // the end, unless it is an error
  std::size_t place = 0;
  bool joined = false;
  try {
    for (;; ++place) {
      Permit turn = co_await buffer.room().acquire();
      auto item = co_await source.next();
      if (!item) break;
      buffer.join();
      joined = true;
      scope.spawn(run_call<order, T, std::remove_cvref_t<A>>, std::ref(buffer), place,
                  std::invoke(function, *std::move(item)));
      joined = false;
      turn.forget();  // until the consumer has taken the result
    }
  } catch (...) {
    last.set_error(std::current_exception());
    if (joined) buffer.leave();
  }
  if constexpr (order == detail::Order::of_source) {
    buffer.put(place, std::move(last));
  } else {
    if (last.failed()) buffer.put(std::move(last));
    buffer.leave();
  }
}

template <detail::Order order, class T, Stream S, class F>
Task<void> run_calls(detail::ReorderBufferRef<T> buffer, S source, F function) {
  weft::detail::ReorderBufferCloser<T> closer(*buffer);
  auto body = [&](Scope& scope) {
    return pump_calls<order, T, S, F>(scope, *buffer, source, function);
  };
  try {
    co_await scope(std::move(body));
  } catch (...) {
    closer.note(std::current_exception());
  }
}

template <detail::Order order, Stream S, class F>
auto buffered_of(weft::detail::OwnedTasks* owner, S source, std::size_t most, F function) {
  static_assert(Awaitable<std::invoke_result_t<F&, StreamElement<S>>>,
                "weft: buffered() is for what is awaited: a function that gives an awaitable, or a "
                "stream of awaitables");
  using T = ValueOf<Settled<F, StreamElement<S>>>;
  auto produce = [source = std::move(source),
                  f = std::move(function)](detail::ReorderBufferRef<T> buffer) mutable {
    return run_calls<order, T, S, F>(std::move(buffer), std::move(source), std::move(f));
  };
  return consume<T>(owner, std::make_shared<weft::detail::ReorderBuffer<T>>(most, 1),
                    std::move(produce));
}

namespace detail {

/// The item itself, which is to be awaited.
class Itself {
 public:
  Itself() noexcept {}
  template <class A>
  std::remove_cvref_t<A> operator()(A&& awaitable) const {
    return std::forward<A>(awaitable);
  }
};

}  // namespace detail

[[noreturn]] void throw_none_at_once();
[[noreturn]] void throw_too_many_at_once();

template <detail::Order order, class F>
auto buffered_pipe(weft::detail::OwnedTasks* owner, std::size_t most, F function) {
  if (most == 0) throw_none_at_once();
  if (most > std::numeric_limits<std::uint32_t>::max()) throw_too_many_at_once();
  return Pipe([owner, most, f = std::move(function)]<Stream S>(S source) mutable {
    return buffered_of<order>(owner, std::move(source), most, std::move(f));
  });
}

/// What the awaitables give that `function` makes of the items; up to `most` of them run at once,
/// on any worker, and wait to be taken; the results come in the order of the items (Unit for void).
/// The function is called for one item after the other. A few blocks for each item, as for spawn().
/// Throws std::invalid_argument for 0, and for 2^32 and more: room for two results each is made at
/// once. Tasks of the current runtime: see above for what they may
/// refer to.
template <class F = detail::Itself>
auto buffered(std::size_t most, F function = F()) {
  return buffered_pipe<detail::Order::of_source>(nullptr, most, std::move(function));
}
/// The same with the results in the order in which they come.
template <class F = detail::Itself>
auto buffered_unordered(std::size_t most, F function = F()) {
  return buffered_pipe<detail::Order::of_ends>(nullptr, most, std::move(function));
}
/// The same as tasks of `owner`: a Scope, a Runtime or a OwnedTasks, which must outlive the stream.
template <class Owner, class F = detail::Itself>
auto buffered_in(Owner& owner, std::size_t most, F function = F()) {
  return buffered_pipe<detail::Order::of_source>(&weft::detail::owned_tasks_of(owner), most,
                                                 std::move(function));
}
template <class Owner, class F = detail::Itself>
auto buffered_unordered_in(Owner& owner, std::size_t most, F function = F()) {
  return buffered_pipe<detail::Order::of_ends>(&weft::detail::owned_tasks_of(owner), most,
                                               std::move(function));
}

}  // namespace weft::streams
