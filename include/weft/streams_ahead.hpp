// Streams that run ahead of their consumer: merge() of several streams, and buffered(), which works
// on several items of one at once.
//
//   auto events = streams::merge(std::move(commands), streams::ticks(1s) | streams::map(as_event));
//   auto pages = streams::from_range(urls) | streams::buffered(8, fetch);
//
// What runs ahead is a task of its own with children of its own, started by the first next(). It
// belongs to the runtime, as what spawn() starts, or to the owner (a Scope, a Runtime) that
// SpawnOptions name. While the consumer pauses it goes on until there is no more room; nothing is
// dropped.
//
// Cancel, and early drop: the tasks are asked to cancel, and end soon after. Their owner waits for
// that, not the stream, as a destructor cannot wait. What they own themselves (the sources, the
// function, the items) they keep until then. What those *refer to* must outlive the owner, as for
// spawn(): a function that captures local variables by reference needs a scope within which they
// live:
//
//   co_await weft::scope([&](weft::Scope& s) -> weft::Task<void> {
//     auto in_scope = weft::SpawnOptions().owner(s);
//     auto pages = std::move(urls)
//                  | streams::buffered(in_scope, 8, [&](Url u) { return get(client, u); });
//     while (auto page = co_await pages.next()) use(*page);   // may be left at any time
//   });
//
// Items that had been made and not taken are gone with the stream.
//
// An error of a source, or of an awaited call, comes at its place among the items, and is the last.
//
// Thread-safety: a stream is used by one thread at a time.
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

namespace weft::inline v0_1::streams {

namespace detail {

using weft::detail::ReorderBuffer;
using weft::detail::ReorderBufferCloser;

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
using ReorderBufferRef = std::shared_ptr<ReorderBuffer<T>>;

/// The consumer's side: starts `produce(buffer)`, a Task, and gives what comes out of the buffer.
template <class T, class Produce>
AsyncGenerator<T> consume(SpawnOptions options, ReorderBufferRef<T> buffer, Produce produce) {
  const CancelledWithUser producer(weft::spawn(options, std::move(produce), buffer));
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
Task<void> pump(ReorderBuffer<T>& buffer, S& source) {
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
Task<void> run_merge(ReorderBufferRef<T> buffer, std::tuple<S...> sources) {
  ReorderBufferCloser<T> closer(*buffer);
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
auto merge_for(SpawnOptions options, S... sources) {
  using T = std::common_type_t<StreamValue<S>...>;
  static_assert((!std::is_reference_v<StreamValue<S>> && ...),
                "weft: merge() gives objects, as its sources go on while an item is in use");
  constexpr std::size_t count = sizeof...(S);
  auto produce = [all =
                      std::tuple<S...>(std::move(sources)...)](ReorderBufferRef<T> buffer) mutable {
    return run_merge<T, S...>(std::move(buffer), std::move(all));
  };
  return consume<T>(options, std::make_shared<ReorderBuffer<T>>(count, count), std::move(produce));
}

}  // namespace detail

/// The items of all `sources` (of one common type), in the order in which they come; one that gives
/// much keeps none of the others waiting. Ends when all have. Each is asked for its next item as
/// soon as there is room: there are at most as many items made and not taken as there are sources.
/// Tasks of the current runtime: see above for what sources may refer to. The first next() throws
/// what spawn() does.
template <Stream... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto merge(S... sources) {
  return detail::merge_for(SpawnOptions(), std::move(sources)...);
}
/// The same as tasks that `options` describe, whose owner must outlive the stream. The first next()
/// throws as they say, too.
template <Stream... S>
  requires(sizeof...(S) > 0)
[[nodiscard]] auto merge(SpawnOptions options, S... sources) {
  return detail::merge_for(options, std::move(sources)...);
}

// buffered

namespace detail {

enum class Order : bool { of_source, of_ends };

template <Order order, class T, class A>
Task<void> run_call(ReorderBuffer<T>& buffer, std::size_t place, A awaitable) {
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
  if constexpr (order == Order::of_source) {
    buffer.put(place, std::move(outcome));
  } else {
    buffer.put(std::move(outcome));
    buffer.leave();
  }
}

template <Order order, class T, Stream S, class F>
Task<void> pump_calls(Scope& scope, ReorderBuffer<T>& buffer, S& source, F& function) {
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
  if constexpr (order == Order::of_source) {
    buffer.put(place, std::move(last));
  } else {
    if (last.failed()) buffer.put(std::move(last));
    buffer.leave();
  }
}

template <Order order, class T, Stream S, class F>
Task<void> run_calls(ReorderBufferRef<T> buffer, S source, F function) {
  ReorderBufferCloser<T> closer(*buffer);
  auto body = [&](Scope& scope) {
    return pump_calls<order, T, S, F>(scope, *buffer, source, function);
  };
  try {
    co_await scope(std::move(body));
  } catch (...) {
    closer.note(std::current_exception());
  }
}

template <Order order, Stream S, class F>
auto buffered_of(SpawnOptions options, S source, std::size_t most, F function) {
  static_assert(Awaitable<std::invoke_result_t<F&, StreamElement<S>>>,
                "weft: buffered() is for what is awaited: a function that gives an awaitable, or a "
                "stream of awaitables");
  using T = ValueOf<Settled<F, StreamElement<S>>>;
  auto produce = [source = std::move(source),
                  f = std::move(function)](ReorderBufferRef<T> buffer) mutable {
    return run_calls<order, T, S, F>(std::move(buffer), std::move(source), std::move(f));
  };
  return consume<T>(options, std::make_shared<ReorderBuffer<T>>(most, 1), std::move(produce));
}

/// The item itself, which is to be awaited.
class Itself {
 public:
  Itself() noexcept {}
  template <class A>
  std::remove_cvref_t<A> operator()(A&& awaitable) const {
    return std::forward<A>(awaitable);
  }
};

[[noreturn]] void throw_none_at_once();
[[noreturn]] void throw_too_many_at_once();

template <Order order, class F>
auto buffered_pipe(SpawnOptions options, std::size_t most, F function) {
  if (most == 0) throw_none_at_once();
  if (most > std::numeric_limits<std::uint32_t>::max()) throw_too_many_at_once();
  return Pipe([options, most, f = std::move(function)]<Stream S>(S source) mutable {
    return buffered_of<order>(options, std::move(source), most, std::move(f));
  });
}

}  // namespace detail

/// What the awaitables give that `function` makes of the items; up to `most` of them run at once,
/// on any worker, and wait to be taken; the results come in the order of the items (Unit for void).
/// The function is called for one item after the other. A few blocks for each item, as for spawn().
/// Throws std::invalid_argument for 0, and for 2^32 and more: room for two results each is made at
/// once. Tasks of the current runtime: see above for what they may refer to. The first next()
/// throws what spawn() does.
template <class F = detail::Itself>
auto buffered(std::size_t most, F function = F()) {
  return detail::buffered_pipe<detail::Order::of_source>(SpawnOptions(), most, std::move(function));
}
/// The same as tasks that `options` describe, whose owner must outlive the stream. The first next()
/// throws as they say, too.
template <class F = detail::Itself>
auto buffered(SpawnOptions options, std::size_t most, F function = F()) {
  return detail::buffered_pipe<detail::Order::of_source>(options, most, std::move(function));
}
/// As buffered(), with the results in the order in which they come.
template <class F = detail::Itself>
auto buffered_unordered(std::size_t most, F function = F()) {
  return detail::buffered_pipe<detail::Order::of_ends>(SpawnOptions(), most, std::move(function));
}
/// The same as tasks that `options` describe: see buffered().
template <class F = detail::Itself>
auto buffered_unordered(SpawnOptions options, std::size_t most, F function = F()) {
  return detail::buffered_pipe<detail::Order::of_ends>(options, most, std::move(function));
}

}  // namespace weft::inline v0_1::streams
