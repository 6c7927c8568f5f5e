// AsyncGenerator<T>: a coroutine that yields values one after the other, and may wait in between.
//
//   weft::AsyncGenerator<std::string> lines(weft::StreamSocket& stream) {
//     std::array<std::byte, 4096> buffer;
//     std::string rest, line;
//     while (const std::size_t size = co_await stream.read(buffer)) {
//       rest.append(reinterpret_cast<const char*>(buffer.data()), size);
//       while (cut_line(rest, line)) co_yield std::move(line);
//     }
//   }
//   auto input = lines(stream);
//   while (auto line = co_await input.next()) use(*line);      // in a fiber: weft::await(…)
//
// Lazy: the body runs from one co_yield to the next while next() is awaited, as a part of the
// awaiting task, like an awaited child. Between two calls it is suspended. So one task may consume
// it first and another later, but one task at a time. Yielding an item is a transfer of control, on
// constant stack, and allocates nothing.
//
// Early destruction: a generator destroyed between two items, or before the first, destroys the
// local variables of its body, as leaving the body's blocks would. It must not be destroyed while
// next() is awaited.
//
// Cancel: reaches what the body waits for. If that gets its result in spite of the cancel, the body
// continues. Otherwise the body's frame is destroyed first, then the consumer's, innermost first.
// So a cancel of one wait for next(), as select() and timeout() make for losers, ends the
// generator: values that the body had taken from elsewhere and not yielded are destroyed, and
// next() then throws IoError (errc::operation_canceled). An item that was yielded is never lost.
// If neither the body nor the consumer ever waits, the cancel takes effect at the beginning of a
// next(), within some hundred items.
//
// An exception of the body leaves next() and ends the generator.
//
// With g++ 12 do not write `co_yield Aggregate{…}` or `co_yield {…}` (decision 002): name the
// object in the statement before.
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

namespace weft::inline v0_1 {

namespace detail {

/// An optional reference, like std::optional. Empty, or refers to an object that must outlive it.
template <class T>
class OptionalRef {
 public:
  OptionalRef() noexcept = default;
  explicit OptionalRef(T& object) noexcept : object_(std::addressof(object)) {}

  [[nodiscard]] bool has_value() const noexcept { return object_ != nullptr; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
  /// Precondition, also of ->: has_value().
  [[nodiscard]] T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* operator->() const noexcept { return object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace detail

/// The result of next() of a stream of T: std::optional<T>, or OptionalRef for a reference.
template <class T>
using ItemOf =
    std::conditional_t<std::is_reference_v<T>, detail::OptionalRef<std::remove_reference_t<T>>,
                       std::optional<T>>;

template <class T>
class AsyncGenerator;

namespace detail {

/// The part of an async generator's promise that does not depend on its type.
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

  // For the consumer, when the body has suspended or ended.
  /// Returns the yielded item; null: the body has ended.
  [[nodiscard]] void* item() const noexcept { return item_; }
  void rethrow_error() {
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 protected:
  ~AsyncGeneratorPromiseBase() = default;

  /// Suspends the body and continues the consumer.
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
  /// Does the same with a copy, which it holds until the consumer has taken it.
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

/// The promise of a generator of objects: co_yield moves the item to the consumer.
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

/// The promise of a generator of references.
template <class T>
class AsyncGeneratorPromise<T&> final : public AsyncGeneratorPromiseBase {
 public:
  AsyncGeneratorPromise() noexcept
      : AsyncGeneratorPromiseBase(
            std::coroutine_handle<AsyncGeneratorPromise>::from_promise(*this)) {}
  AsyncGenerator<T&> get_return_object() noexcept;

  Yield yield_value(T& object) const noexcept {
    // take() adds the const again.
    return Yield(const_cast<std::remove_const_t<T>*>(std::addressof(object)));
  }
  [[nodiscard]] OptionalRef<T> take() const noexcept {
    return OptionalRef<T>(*static_cast<T*>(item()));
  }
};

}  // namespace detail

/// An asynchronous generator; see the top of this header. T is a movable object type, or an lvalue
/// reference; then the referenced object must live until the next call of next(), e.g. in the body.
/// Move-only; must not be moved or destroyed while next() is awaited.
template <class T>
class [[nodiscard]] AsyncGenerator {
  static_assert(std::move_constructible<T> || std::is_lvalue_reference_v<T>,
                "weft: an AsyncGenerator gives what can be moved, or lvalue references");

 public:
  using promise_type = detail::AsyncGeneratorPromise<T>;
  using value_type = T;
  using Item = ItemOf<T>;
  using Handle = std::coroutine_handle<promise_type>;

  /// Makes a generator that has ended; one that was moved from is in the same state.
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

  /// Returns whether there may be more items: false after next() returned nothing or threw, and
  /// after a move.
  [[nodiscard]] explicit operator bool() const noexcept { return !ended_; }

  class NextAwaiter;
  class [[nodiscard]] Next {
   public:
    explicit Next(AsyncGenerator& generator) noexcept : generator_(generator) {}
    NextAwaiter operator co_await() const noexcept { return NextAwaiter(generator_); }

   private:
    AsyncGenerator& generator_;
  };

  /// Waits for the next item and returns it: a std::optional<T>, or an OptionalRef for a generator
  /// of references. Empty at the end, and in each call after it. Throws what the body throws;
  /// IoError (errc::operation_canceled) if an earlier call was cancelled. One call at a time.
  /// Cancel: see the top of this header.
  [[nodiscard]] Next next() noexcept { return Next(*this); }

  /// Deleted: await the items, `while (auto item = co_await generator.next())`.
  void operator co_await() const = delete;

 private:
  [[nodiscard]] promise_type& promise() const noexcept {
    // SAFETY: frame_ was made from a Handle of this promise type.
    return Handle::from_address(frame_.get().address()).promise();
  }
  /// Called when the body has ended.
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
  bool ended_ = true;  // if false without a frame, a cancel has destroyed the frame
};

template <class T>
class AsyncGenerator<T>::NextAwaiter {
 public:
  explicit NextAwaiter(AsyncGenerator& generator) noexcept : generator_(generator) {}
  NextAwaiter(const NextAwaiter&) = delete;
  NextAwaiter& operator=(const NextAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> consumer) noexcept {
    TaskHeader& task = consumer.promise().task();
    if (!generator_.frame_) [[unlikely]] {  // a loop that goes on at its end ends by a cancel, too
      if (!task.suspended_to_begin(consumer.promise())) return std::noop_coroutine();
      if (task.leaf_ended_inline()) return consumer;
      return std::noop_coroutine();
    }
    promise_type& body = generator_.promise();
    body.awaited_by(consumer.promise(), generator_.frame_);
    return task.transfer_down_to(body);
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

}  // namespace weft::inline v0_1
