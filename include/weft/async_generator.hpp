// AsyncGenerator<T>: a coroutine that gives values one after the other, and may wait in between.
//
//   weft::AsyncGenerator<std::string> lines(weft::StreamSocket& stream) {
//     …
//     while (…) {
//       const std::size_t bytes = co_await stream.read_some(buffer);
//       …
//       co_yield std::move(line);
//     }
//   }
//   auto input = lines(stream);
//   while (auto line = co_await input.next()) use(*line);      // in a fiber: weft::await(…)
//
// Lazy: the body runs from one co_yield to the next while next() is awaited, as a part of the task
// that awaits it, like a child that is awaited; in between it stands still. So it may be consumed
// by one task first, and by another later; by one at a time. Giving an item is a transfer of
// control, on constant stack, and allocates nothing.
//
// Early drop: a generator that is destroyed between two items (or before the first) destroys what
// its body has on its hands, as leaving the body's blocks would. Not while next() is awaited.
//
// Cancel: reaches what the body waits for. If that gets its result nevertheless, the body goes on;
// else the body's frame is unwound first, then the consumer's, innermost first. So a cancel of one
// wait for next() alone, as select() and timeout() make it for their losers, ends the generator:
// whatever it had taken from elsewhere and not given is gone with it, and next() then throws
// IoError (errc::operation_canceled). An item that was given is never lost.
//
// Exceptions of the body come out of next(), and end it.
//
// For users of g++ 12: no `co_yield Aggregate{…}` or `co_yield {…}` (decision 002): name it before.
#pragma once

#include <weft/outcome.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

/// As std::optional, of a reference. Empty, or refers to something that outlives it.
template <class T>
class OptionalRef {
 public:
  OptionalRef() noexcept = default;
  explicit OptionalRef(T& object) noexcept : object_(std::addressof(object)) {}

  [[nodiscard]] bool has_value() const noexcept { return object_ != nullptr; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
  /// Precondition: has_value(), and so for ->.
  [[nodiscard]] T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* operator->() const noexcept { return object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace detail

/// What next() of a stream of T gives: std::optional<T>, or OptionalRef for a reference.
template <class T>
using ItemOf =
    std::conditional_t<std::is_reference_v<T>, detail::OptionalRef<std::remove_reference_t<T>>,
                       std::optional<T>>;

template <class T>
class AsyncGenerator;

namespace detail {

/// The part of an async generator's promise that needs no type.
class AsyncGeneratorPromiseBase : public PromiseBase {
 public:
  using PromiseBase::PromiseBase;

  FinalAwaiter final_suspend() noexcept {
    item_ = nullptr;
    return {};
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept {
    task().note_failure(site());
    error_ = std::current_exception();
  }

  // For the consumer, when the body has suspended or ended
  /// What was given; null: the body has ended.
  [[nodiscard]] void* item() const noexcept { return item_; }
  void rethrow_error() {
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 protected:
  ~AsyncGeneratorPromiseBase() = default;

  /// Goes on with the consumer.
  class Yield {
   public:
    explicit Yield(void* item) noexcept : item_(item) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      AsyncGeneratorPromiseBase& promise = self.promise();
      promise.item_ = item_;
      return promise.returned();
    }
    void await_resume() const noexcept {}

   private:
    void* item_;
  };
  /// The same with a copy, which it holds until the consumer has taken it.
  template <class T>
  class YieldCopy {
   public:
    explicit YieldCopy(const T& value) : copy_(value) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return Yield(std::addressof(copy_)).await_suspend(self);
    }
    void await_resume() const noexcept {}

   private:
    T copy_;
  };

 private:
  void* item_ = nullptr;
  std::exception_ptr error_;
};

/// co_yield in a generator of objects: what is given is moved to the consumer.
template <class T>
class AsyncGeneratorPromise final : public AsyncGeneratorPromiseBase {
 public:
  AsyncGeneratorPromise() noexcept
      : AsyncGeneratorPromiseBase(
            std::coroutine_handle<AsyncGeneratorPromise>::from_promise(*this)) {}
  AsyncGenerator<T> get_return_object() noexcept;

  Yield yield_value(T&& value) const noexcept { return Yield(std::addressof(value)); }
  YieldCopy<T> yield_value(const T& value) const
    requires std::copy_constructible<T>
  {
    return YieldCopy<T>(value);
  }
  [[nodiscard]] std::optional<T> take() {
    return std::optional<T>(std::move(*static_cast<T*>(item())));
  }
};

/// co_yield in a generator of references.
template <class T>
class AsyncGeneratorPromise<T&> final : public AsyncGeneratorPromiseBase {
 public:
  AsyncGeneratorPromise() noexcept
      : AsyncGeneratorPromiseBase(
            std::coroutine_handle<AsyncGeneratorPromise>::from_promise(*this)) {}
  AsyncGenerator<T&> get_return_object() noexcept;

  Yield yield_value(T& object) const noexcept {
    // The constness comes back in take().
    return Yield(const_cast<std::remove_const_t<T>*>(std::addressof(object)));
  }
  [[nodiscard]] OptionalRef<T> take() const noexcept {
    return OptionalRef<T>(*static_cast<T*>(item()));
  }
};

}  // namespace detail

/// T: an object type that can be moved, or an lvalue reference (then what next() refers to must
/// live until the next call; it may live in the body). Move-only; not moved or destroyed while
/// next() is awaited.
template <class T>
class [[nodiscard]] AsyncGenerator {
  static_assert(std::move_constructible<T> || std::is_lvalue_reference_v<T>,
                "weft: an AsyncGenerator gives what can be moved, or lvalue references");

 public:
  using promise_type = detail::AsyncGeneratorPromise<T>;
  using value_type = T;
  using Item = ItemOf<T>;
  using Handle = std::coroutine_handle<promise_type>;

  /// Has ended, and so has one that was moved from.
  AsyncGenerator() noexcept = default;
  explicit AsyncGenerator(Handle frame) noexcept : frame_(frame), ended_(false) {}
  AsyncGenerator(AsyncGenerator&& other) noexcept
      : frame_(std::move(other.frame_)), ended_(std::exchange(other.ended_, true)) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    frame_ = std::move(other.frame_);
    ended_ = std::exchange(other.ended_, true);
    return *this;
  }
  ~AsyncGenerator() = default;

  /// Whether there may be more to come. False when next() has given nothing, or thrown, and after a
  /// move.
  [[nodiscard]] explicit operator bool() const noexcept { return !ended_; }

  class NextAwaiter;
  /// See next().
  class [[nodiscard]] Next {
   public:
    explicit Next(AsyncGenerator& generator) noexcept : generator_(generator) {}
    NextAwaiter operator co_await() const noexcept { return NextAwaiter(generator_); }

   private:
    AsyncGenerator& generator_;
  };

  /// Waits for the next item: a std::optional<T>, or an OptionalRef for a generator of references.
  /// Empty at the end, and ever after. Throws what the body throws; IoError
  /// (errc::operation_canceled) if an earlier call was cancelled. One call at a time. Cancel: see
  /// above.
  [[nodiscard]] Next next() noexcept { return Next(*this); }

  /// One waits for its items, not for itself: `while (auto item = co_await generator.next())`.
  void operator co_await() const = delete;

 private:
  [[nodiscard]] promise_type& promise() const noexcept {
    // SAFETY: frame_ was made from a Handle of this promise type.
    return Handle::from_address(frame_.get().address()).promise();
  }
  /// The body has ended.
  Item end() {
    ended_ = true;
    const detail::FrameOwner frame = std::move(frame_);
    Handle::from_address(frame.get().address()).promise().rethrow_error();
    return Item();
  }
  [[noreturn]] static void throw_cancelled() {
    throw IoError(std::make_error_code(std::errc::operation_canceled), "async generator");
  }

  detail::FrameOwner frame_;
  bool ended_ = true;  // false without a frame: it was unwound
};

template <class T>
class AsyncGenerator<T>::NextAwaiter {
 public:
  explicit NextAwaiter(AsyncGenerator& generator) noexcept : generator_(generator) {}
  NextAwaiter(const NextAwaiter&) = delete;
  NextAwaiter& operator=(const NextAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return !generator_.frame_; }
  template <WeftPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> consumer) noexcept {
    promise_type& body = generator_.promise();
    body.awaited_by(consumer.promise(), generator_.frame_);
    return consumer.promise().task().transfer_to(body);
  }
  Item await_resume() {
    if (!generator_.frame_) {
      if (!generator_.ended_) throw_cancelled();
      return Item();
    }
    promise_type& body = generator_.promise();
    return body.item() != nullptr ? body.take() : generator_.end();
  }

 private:
  AsyncGenerator& generator_;
};

template <class T>
AsyncGenerator<T> detail::AsyncGeneratorPromise<T>::get_return_object() noexcept {
  return AsyncGenerator<T>(std::coroutine_handle<AsyncGeneratorPromise>::from_promise(*this));
}
template <class T>
AsyncGenerator<T&> detail::AsyncGeneratorPromise<T&>::get_return_object() noexcept {
  return AsyncGenerator<T&>(std::coroutine_handle<AsyncGeneratorPromise>::from_promise(*this));
}

}  // namespace weft
