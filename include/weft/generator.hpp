// Generator<T>: a coroutine that yields values one after the other, on demand. It is a range, for
// `for` and for std::views: std::generator of C++23 (P2502), which libstdc++ 12 lacks, with its
// frame in weft's frame pool.
//
//   weft::Generator<int> countdown(int from) {
//     while (from > 0) co_yield from--;
//   }
//   for (int i : countdown(3)) std::printf("%d ", i);      // 3 2 1
//
// Lazy: the body runs from one co_yield to the next, within begin() and ++, on the caller's thread.
// Single-pass and move-only. One thread at a time uses it. It needs no runtime and cannot wait: a
// co_await in it does not compile (use AsyncGenerator). Destroying it destroys the local variables
// of its body, as leaving the body's blocks would. An exception of the body leaves begin() or ++
// and ends the generator.
//
// Items: a Generator<T> yields T&&; a temporary is not copied, an lvalue is. Generator<T&> and
// Generator<const T&> yield references and copy nothing. A second parameter is the range's value
// type, for items that are references in the form of objects: Generator<std::string_view,
// std::string>.
//
// `co_yield weft::elements_of(other())` yields all items of another generator. Whatever the depth
// of nesting, the next item costs one resumption of the innermost generator, and no stack.
//
// With g++ 12 do not write `co_yield Aggregate{…}` or `co_yield {…}` (decision 002): name the
// object in the statement before.
#pragma once

#include <weft/detail/frame_owner.hpp>
#include <weft/extend/frame_pool.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

template <class Ref, class V = void>
class Generator;

/// See elements_of().
template <class R>
class ElementsOf {
 public:
  explicit ElementsOf(R&& range) noexcept : range_(static_cast<R&&>(range)) {}
  [[nodiscard]] R&& range() const noexcept { return static_cast<R&&>(range_); }

 private:
  R&& range_;
};

/// For `co_yield elements_of(range)` in a Generator: yields each element of `range`. That is a
/// Generator with the same items (O(1) per item, whatever the depth), or any other input range. A
/// Generator is moved in: pass std::move() of it, or a call. What `range` throws leaves the
/// co_yield. Throws std::logic_error if the Generator was begun, or moved from.
template <std::ranges::input_range R>
ElementsOf<R> elements_of(R&& range) noexcept {
  return ElementsOf<R>(static_cast<R&&>(range));
}

/// Not a template, so that the message does not depend on one.
[[noreturn]] void throw_generator_used();

namespace detail {

// A chain of nested generators is a stack whose top, the innermost generator, is `active_` of the
// root. The root's consumer resumes the innermost directly. A generator that begins a nested one,
// or ends, only sets which one is resumed next, and suspends. So nesting uses no stack in any
// compiler mode.
template <class Yielded>
class GeneratorPromise {
 public:
  using Item = std::add_pointer_t<Yielded>;

  GeneratorPromise(const GeneratorPromise&) = delete;
  GeneratorPromise& operator=(const GeneratorPromise&) = delete;

  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    deallocate_frame(frame, bytes);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() noexcept {
    root_->active_ = parent_;
    return {};
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  /// Holds the copy of a yielded lvalue until it is taken.
  class Copy {
   public:
    Copy(GeneratorPromise& promise, const std::remove_reference_t<Yielded>& value)
        : promise_(promise), copy_(value) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept {
      promise_.root_->item_ = std::addressof(copy_);
    }
    void await_resume() const noexcept {}

   private:
    GeneratorPromise& promise_;
    std::remove_cvref_t<Yielded> copy_;
  };

  std::suspend_always yield_value(Yielded value) noexcept {
    root_->item_ = std::addressof(value);
    return {};
  }
  Copy yield_value(const std::remove_reference_t<Yielded>& value)
    requires std::is_rvalue_reference_v<Yielded> &&
             std::constructible_from<std::remove_cvref_t<Yielded>,
                                     const std::remove_reference_t<Yielded>&>
  {
    return Copy(*this, value);
  }

  template <class G>
  class Nested;
  template <class Ref, class V>
    requires std::same_as<typename Generator<Ref, V>::Yielded, Yielded>
  Nested<Generator<Ref, V>> yield_value(ElementsOf<Generator<Ref, V>> elements) {
    return Nested<Generator<Ref, V>>(*this, std::move(elements.range()));
  }
  template <class R>
  auto yield_value(ElementsOf<R> elements) {
    using G = Generator<Yielded, std::ranges::range_value_t<R>>;
    auto&& range = elements.range();  // a temporary lives until the co_yield ends
    return Nested<G>(*this, each_of<G>(std::ranges::begin(range), std::ranges::end(range)));
  }

  template <class A>
  std::suspend_always await_transform(A&&) const noexcept {
    static_assert(!sizeof(A*), "weft: a Generator cannot co_await; make it an AsyncGenerator");
    return {};
  }

  // For the generator's owner.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  [[nodiscard]] bool ended() const noexcept { return active_ == nullptr; }
  [[nodiscard]] Item item() const noexcept { return item_; }
  /// Runs the body up to its next co_yield, or to its end. Throws what the body throws.
  void advance() {
    begun_ = true;
    item_ = nullptr;
    do {
      // SAFETY: it is suspended, at its beginning or at a co_yield, and only this loop resumes it.
      active_->handle_.resume();
    } while (item_ == nullptr && active_ != nullptr);
    if (error_ != nullptr) [[unlikely]]
      std::rethrow_exception(std::exchange(error_, nullptr));
  }
  /// Destroys the generators nested in it, innermost first, one by one.
  void unwind() noexcept {
    while (active_ != nullptr && active_ != this) {
      FrameOwner& owner = *active_->owner_;
      active_ = active_->parent_;
      owner.release().destroy();
    }
  }

 protected:
  explicit GeneratorPromise(std::coroutine_handle<> self) noexcept : handle_(self) {}
  ~GeneratorPromise() = default;

 private:
  template <class G, class I, class S>
  static G each_of(I from, S to) {
    using Element = std::iter_reference_t<I>;
    constexpr bool others =
        std::is_lvalue_reference_v<Element> && std::is_rvalue_reference_v<Yielded> &&
        std::same_as<std::remove_cvref_t<Element>, std::remove_cvref_t<Yielded>>;
    for (; from != to; ++from) {
      if constexpr (others) {
        co_yield std::as_const(*from);  // copied: the element stays in its range
      } else {
        co_yield static_cast<Yielded>(*from);
      }
    }
  }

  std::coroutine_handle<> handle_;
  GeneratorPromise* root_ = this;
  GeneratorPromise* active_ = this;     // of the root: the one to resume next; null: it has ended
  GeneratorPromise* parent_ = nullptr;  // the generator that this one is nested in
  FrameOwner* owner_ = nullptr;         // in the parent's frame
  Item item_ = nullptr;                 // of the root: the item of the innermost
  std::exception_ptr error_;
  bool begun_ = false;
};

}  // namespace detail

/// The co_yield of a whole generator.
template <class Yielded>
template <class G>
class detail::GeneratorPromise<Yielded>::Nested {
 public:
  Nested(GeneratorPromise& parent, G&& generator)
      : parent_(parent), generator_(std::move(generator)) {
    if (!generator_ || generator_.promise().begun_) throw_generator_used();
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept {
    GeneratorPromise& nested = generator_.promise();
    nested.begun_ = true;
    nested.root_ = parent_.root_;
    nested.parent_ = &parent_;
    nested.owner_ = &generator_.frame_;
    parent_.root_->active_ = &nested;
  }
  void await_resume() {
    GeneratorPromise& nested = generator_.promise();
    if (nested.error_ != nullptr) [[unlikely]]
      std::rethrow_exception(std::exchange(nested.error_, nullptr));
  }

 private:
  GeneratorPromise& parent_;
  G generator_;
};

template <class Ref, class V>
class [[nodiscard]] Generator : public std::ranges::view_interface<Generator<Ref, V>> {
 public:
  using value_type = std::conditional_t<std::is_void_v<V>, std::remove_cvref_t<Ref>, V>;
  using reference = std::conditional_t<std::is_void_v<V>, Ref&&, Ref>;
  /// The parameter type of co_yield.
  using Yielded = std::conditional_t<std::is_reference_v<reference>, reference, const reference&>;

  class promise_type final : public detail::GeneratorPromise<Yielded> {
   public:
    promise_type() noexcept
        : promise_type::GeneratorPromise(std::coroutine_handle<promise_type>::from_promise(*this)) {
    }
    Generator get_return_object() noexcept {
      return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
  };

  /// Makes an empty generator, as one that was moved from.
  Generator() noexcept = default;
  Generator(Generator&& other) noexcept = default;
  Generator& operator=(Generator&& other) noexcept {
    Generator moved(std::move(other));
    std::swap(frame_, moved.frame_);
    return *this;
  }
  ~Generator() {
    if (frame_) promise().unwind();
  }

  /// Returns whether there is a coroutine: false after a move.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Generator::value_type;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(promise_type& promise) noexcept : promise_(&promise) {}
    Iterator(Iterator&& other) noexcept = default;
    Iterator& operator=(Iterator&& other) noexcept = default;

    /// Returns the item, valid until ++. Precondition: not at the end.
    [[nodiscard]] reference operator*() const
        noexcept(std::is_nothrow_constructible_v<reference, Yielded>) {
      return static_cast<reference>(static_cast<Yielded>(*promise_->item()));
    }
    /// Runs the body up to the next item. Throws what the body throws.
    Iterator& operator++() {
      promise_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return it.promise_->ended();
    }

   private:
    promise_type* promise_;
  };

  /// Runs the body up to the first item. Throws std::logic_error if it was begun before, or moved
  /// from. Throws what the body throws.
  [[nodiscard]] Iterator begin() {
    if (!frame_ || promise().begun()) throw_generator_used();
    promise().advance();
    return Iterator(promise());
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

  /// Deleted: a Generator is a range, `for (auto&& item : generator)`.
  void operator co_await() const = delete;

 private:
  template <class Y>
  friend class detail::GeneratorPromise;
  explicit Generator(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  [[nodiscard]] promise_type& promise() const noexcept {
    // SAFETY: frame_ was made from a handle of this promise type.
    return std::coroutine_handle<promise_type>::from_address(frame_.get().address()).promise();
  }

  detail::FrameOwner frame_;
};

}  // namespace weft::inline v0_1
