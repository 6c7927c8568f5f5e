// weft::streams: sources of streams, operators that turn one stream into another, and consumers.
//
//   namespace streams = weft::streams;
//   auto pages = streams::from_range(urls) | streams::filter(is_new) | streams::buffered(8, fetch);
//   while (auto page = co_await pages.next()) use(*page);
//   co_await (std::move(lines) | streams::for_each(print));
//
// A stream moves into the operator or consumer. Every operator but peekable() is an AsyncGenerator.
// It is lazy: nothing runs before next() is awaited, or beyond what that needs, except for merge()
// and buffered() (see <weft/streams_ahead.hpp>). Each operator allocates one block, and none per
// item unless stated otherwise. The functions passed to operators may return a value, or an
// awaitable, which is awaited. They move into the stream. An exception of a function or of the
// source ends the stream and leaves its next().
//
// Cancel: as of an AsyncGenerator. It ends the stream and all streams that it is made of; so does a
// lost select() or timeout() of one next(). To wait repeatedly for a stream or another event,
// merge() the two. Items that had been taken from the source and not yielded are destroyed; an
// operator that holds an item while it waits says so.
//
// Early destruction: destroys the stream and all streams that it is made of, like an
// AsyncGenerator.
#pragma once

#include <weft/async_generator.hpp>
#include <weft/interval.hpp>
#include <weft/sleep.hpp>
#include <weft/stream.hpp>
#include <weft/streams_ahead.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft::inline v0_1::streams {

// Sources.

/// Yields the elements of a range, which moves in. The elements of a container are moved out of it;
/// those of a view are copied.
template <std::ranges::input_range R>
AsyncGenerator<std::ranges::range_value_t<R>> from_range(R range) {
  for (auto&& element : range) {
    if constexpr (std::ranges::view<R>) {
      std::ranges::range_value_t<R> value(std::forward<decltype(element)>(element));
      co_yield std::move(value);
    } else {
      std::ranges::range_value_t<R> value(std::move(element));
      co_yield std::move(value);
    }
  }
}

/// Yields ticks at a fixed rate without end, the first one `period` after the first next(): the
/// times at which they were due. next() throws std::invalid_argument unless `period` is positive.
inline AsyncGenerator<TimePoint> ticks(Duration period,
                                       Interval::Missed missed = Interval::Missed::skip) {
  Interval interval(period, missed);
  for (;;) {
    const TimePoint due = co_await interval.tick();
    co_yield due;
  }
}

// Operators. Each is `x_of(stream, …)`, a coroutine, and `x(…)`, the right side of a pipe.

/// An object for a function's value, or the lvalue reference that it returned.
template <class S, class F>
using Mapped = std::conditional_t<std::is_lvalue_reference_v<Settled<F, StreamElement<S>>>,
                                  Settled<F, StreamElement<S>>,
                                  std::remove_cvref_t<Settled<F, StreamElement<S>>>>;

template <Stream S, class F>
AsyncGenerator<Mapped<S, F>> map_of(S stream, F function) {
  while (auto item = co_await stream.next()) {
    if constexpr (gives_awaitable<F, StreamElement<S>>) {
      decltype(auto) value = co_await std::invoke(function, *std::move(item));
      co_yield static_cast<decltype(value)&&>(value);
    } else {
      decltype(auto) value = std::invoke(function, *std::move(item));
      co_yield static_cast<decltype(value)&&>(value);
    }
  }
}
/// Yields the result of `function` for each item, one after the other (buffered() does several in
/// parallel). A cancel while it waits destroys the item.
template <class F>
auto map(F function) {
  return Pipe([f = std::move(function)]<Stream S>(S stream) mutable {
    static_assert(!std::is_void_v<Settled<F, StreamElement<S>>>,
                  "weft: the function of map() gives nothing: use for_each()");
    return map_of(std::move(stream), std::move(f));
  });
}

template <Stream S, class P>
AsyncGenerator<StreamValue<S>> filter_of(S stream, P predicate) {
  while (auto item = co_await stream.next()) {
    bool keep = false;
    if constexpr (gives_awaitable<P, decltype(std::as_const(*item))>) {
      keep = co_await std::invoke(predicate, std::as_const(*item));
    } else {
      keep = static_cast<bool>(std::invoke(predicate, std::as_const(*item)));
    }
    if (keep) co_yield *std::move(item);
  }
}
/// Yields the items for which `predicate` returns true.
template <class P>
auto filter(P predicate) {
  return Pipe([p = std::move(predicate)]<Stream S>(S stream) mutable {
    return filter_of(std::move(stream), std::move(p));
  });
}

template <Stream S>
AsyncGenerator<StreamValue<S>> take_of(S stream, std::size_t count) {
  for (; count > 0; --count) {
    auto item = co_await stream.next();
    if (!item) break;
    co_yield *std::move(item);
  }
}
/// Yields the first `count` items, and does not ask the source for more.
inline auto take(std::size_t count) {
  return Pipe([count]<Stream S>(S stream) { return take_of(std::move(stream), count); });
}

template <Stream S, class P>
AsyncGenerator<StreamValue<S>> take_while_of(S stream, P predicate) {
  while (auto item = co_await stream.next()) {
    bool keep = false;
    if constexpr (gives_awaitable<P, decltype(std::as_const(*item))>) {
      keep = co_await std::invoke(predicate, std::as_const(*item));
    } else {
      keep = static_cast<bool>(std::invoke(predicate, std::as_const(*item)));
    }
    if (!keep) break;
    co_yield *std::move(item);
  }
}
/// Yields the items before the first one for which `predicate` returns false; that item is
/// destroyed.
template <class P>
auto take_while(P predicate) {
  return Pipe([p = std::move(predicate)]<Stream S>(S stream) mutable {
    return take_while_of(std::move(stream), std::move(p));
  });
}

template <Stream S>
AsyncGenerator<StreamValue<S>> skip_of(S stream, std::size_t count) {
  while (auto item = co_await stream.next()) {
    if (count > 0) {
      --count;
    } else {
      co_yield *std::move(item);
    }
  }
}
/// Yields all but the first `count` items.
inline auto skip(std::size_t count) {
  return Pipe([count]<Stream S>(S stream) { return skip_of(std::move(stream), count); });
}

template <Stream S>
AsyncGenerator<std::pair<std::size_t, ObjectOf<StreamValue<S>>>> enumerate_of(S stream) {
  std::size_t index = 0;
  while (auto item = co_await stream.next()) {
    std::pair<std::size_t, ObjectOf<StreamValue<S>>> numbered(index++, *std::move(item));
    co_yield std::move(numbered);
  }
}
/// Yields pairs of a number, counted from 0, and the item.
inline auto enumerate() {
  return Pipe([]<Stream S>(S stream) { return enumerate_of(std::move(stream)); });
}

template <Stream S>
AsyncGenerator<std::vector<ObjectOf<StreamValue<S>>>> chunk_of(S stream, std::size_t size) {
  std::vector<ObjectOf<StreamValue<S>>> items;
  while (auto item = co_await stream.next()) {
    items.push_back(*std::move(item));
    if (items.size() < size) continue;
    co_yield std::move(items);
    items.clear();
  }
  if (!items.empty()) co_yield std::move(items);
}
/// Yields vectors of `size` items; the last one contains the rest. A cancel, or an error of the
/// source, destroys the items of an incomplete chunk. Throws std::invalid_argument for size 0.
inline auto chunk(std::size_t size) {
  if (size == 0) throw std::invalid_argument("weft::streams::chunk: of no items");
  return Pipe([size]<Stream S>(S stream) { return chunk_of(std::move(stream), size); });
}

template <Stream A, Stream B>
AsyncGenerator<std::pair<ObjectOf<StreamValue<A>>, ObjectOf<StreamValue<B>>>> zip_of(A first,
                                                                                     B second) {
  while (auto a = co_await first.next()) {
    auto b = co_await second.next();
    if (!b) break;
    std::pair<ObjectOf<StreamValue<A>>, ObjectOf<StreamValue<B>>> both(*std::move(a),
                                                                       *std::move(b));
    co_yield std::move(both);
  }
}
/// Yields pairs of an item of the stream and one of `other`; ends with the shorter of the two. Asks
/// the stream first and then `other`. Meanwhile it holds the stream's item, which is destroyed if
/// `other` ends or fails, or by a cancel.
template <class S>
  requires Stream<std::remove_cvref_t<S>>
auto zip(S&& other) {
  check_taken_over<S>();
  return Pipe([other = std::move(other)]<Stream A>(A stream) mutable {
    return zip_of(std::move(stream), std::move(other));
  });
}

template <Stream A, Stream B>
  requires std::same_as<StreamValue<A>, StreamValue<B>>
AsyncGenerator<StreamValue<A>> chain_of(A first, B second) {
  while (auto item = co_await first.next()) co_yield *std::move(item);
  while (auto item = co_await second.next()) co_yield *std::move(item);
}
/// Yields the items of the stream, and after its end those of `next`, which has the same type of
/// items. Asks `next` for nothing before.
template <class S>
  requires Stream<std::remove_cvref_t<S>>
auto chain(S&& next) {
  check_taken_over<S>();
  return Pipe([next = std::move(next)]<Stream A>(A stream) mutable {
    static_assert(std::is_same_v<StreamValue<A>, StreamValue<std::remove_cvref_t<S>>>,
                  "weft: chain() needs two streams of the same type of items: map() one of them");
    return chain_of(std::move(stream), std::move(next));
  });
}

/// A stream whose next item can be looked at: see peekable().
template <Stream S>
class Peekable {
 public:
  explicit Peekable(S stream) : stream_(std::move(stream)) {}

  /// Waits for the next item and returns it; empty at the end. Cancel: as of the stream; an item
  /// that was peeked at stays.
  [[nodiscard]] Task<StreamItem<S>> next() { return next_of(*this); }
  /// Waits for the next item and returns a pointer to it, valid until next() is called; null at the
  /// end. The item stays: next() returns it. Cancel: as of the stream.
  [[nodiscard]] Task<StreamItem<S>*> peek() { return peek_of(*this); }
  /// Waits for the next item and takes it if `predicate(item)` returns true; otherwise it stays,
  /// and this returns nothing, as at the end.
  template <class P>
  [[nodiscard]] Task<StreamItem<S>> next_if(P predicate) {
    return next_if_of(*this, std::move(predicate));
  }

 private:
  static Task<StreamItem<S>> next_of(Peekable& self) {
    if (!self.peeked_.has_value()) co_return co_await self.stream_.next();
    StreamItem<S> item = std::move(*self.peeked_);
    self.peeked_.reset();
    co_return item;
  }
  static Task<StreamItem<S>*> peek_of(Peekable& self) {
    if (!self.peeked_.has_value()) {
      auto item = co_await self.stream_.next();
      if (!item) co_return nullptr;
      self.peeked_.emplace(std::move(item));
    }
    co_return std::addressof(*self.peeked_);
  }
  template <class P>
  static Task<StreamItem<S>> next_if_of(Peekable& self, P predicate) {
    StreamItem<S>* const item = co_await self.peek();
    if (item == nullptr) co_return StreamItem<S>();
    const bool wanted = static_cast<bool>(std::invoke(predicate, std::as_const(**item)));
    if (!wanted) co_return StreamItem<S>();
    co_return co_await self.next();
  }

  S stream_;
  std::optional<StreamItem<S>> peeked_;
};
/// Returns the stream with peek(). It must stay in place while its next() or peek() is awaited.
inline auto peekable() {
  return Pipe([]<Stream S>(S stream) { return Peekable<S>(std::move(stream)); });
}

template <Stream S>
AsyncGenerator<StreamValue<S>> throttle_of(S stream, Nanoseconds interval) {
  TimePoint earliest = TimePoint::min();
  for (;;) {
    if (earliest != TimePoint::min()) co_await sleep_until(earliest);
    auto item = co_await stream.next();
    if (!item) break;
    earliest = deadline_after(interval);
    co_yield *std::move(item);
  }
}
/// Yields the same items, at least `interval` apart. It waits before it asks the source for the
/// next item, so it holds none meanwhile, and the source is slowed down.
inline auto throttle(Duration interval) {
  return Pipe([interval]<Stream S>(S stream) { return throttle_of(std::move(stream), interval); });
}

template <Stream S>
AsyncGenerator<StreamValue<S>> timeout_each_of(S stream, Nanoseconds duration) {
  for (;;) {
    auto item = co_await timeout(stream.next(), duration);
    if (!item) break;
    co_yield *std::move(item);
  }
}
/// Yields the same items. Throws IoError (errc::timed_out) if the source takes longer than
/// `duration` for one, counted from the request; the wait at the source is cancelled. An item that
/// arrives in spite of the cancel is yielded. Allocates for each item, as timeout() does.
inline auto timeout_each(Duration duration) {
  return Pipe(
      [duration]<Stream S>(S stream) { return timeout_each_of(std::move(stream), duration); });
}

// Consumers: each returns a Task.

template <Stream S>
Task<std::vector<ObjectOf<StreamValue<S>>>> collect_of(S stream) {
  std::vector<ObjectOf<StreamValue<S>>> items;
  while (auto item = co_await stream.next()) items.push_back(*std::move(item));
  co_return items;
}
/// `co_await (stream | collect())` returns all items in a vector.
inline auto collect() {
  return Pipe([]<Stream S>(S stream) { return collect_of(std::move(stream)); });
}

template <Stream S, class F>
Task<void> for_each_of(S stream, F function) {
  while (auto item = co_await stream.next()) {
    if constexpr (gives_awaitable<F, StreamElement<S>>) {
      co_await std::invoke(function, *std::move(item));
    } else {
      std::invoke(function, *std::move(item));
    }
  }
}
/// `co_await (stream | for_each(function))` calls it for each item, one after the other.
template <class F>
auto for_each(F function) {
  return Pipe([f = std::move(function)]<Stream S>(S stream) mutable {
    return for_each_of(std::move(stream), std::move(f));
  });
}
/// Does the same without a pipe.
template <class S, class F>
  requires Stream<std::remove_cvref_t<S>>
Task<void> for_each(S&& stream, F function) {
  check_taken_over<S>();
  return for_each_of(std::move(stream), std::move(function));
}

template <Stream S, class A, class F>
Task<A> fold_of(S stream, A value, F function) {
  while (auto item = co_await stream.next()) {
    if constexpr (gives_awaitable<F, A, StreamElement<S>>) {
      value = co_await std::invoke(function, std::move(value), *std::move(item));
    } else {
      value = std::invoke(function, std::move(value), *std::move(item));
    }
  }
  co_return value;
}
/// `co_await (stream | fold(start, function))` returns
/// `function(… function(function(start, first), second) …, last)`.
template <class A, class F>
auto fold(A start, F function) {
  return Pipe([a = std::move(start), f = std::move(function)]<Stream S>(S stream) mutable {
    return fold_of(std::move(stream), std::move(a), std::move(f));
  });
}

}  // namespace weft::inline v0_1::streams
