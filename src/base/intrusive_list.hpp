// A doubly linked list through its elements: no allocation, O(1) insertion and removal anywhere.
// Used for waiters, timers and children of a scope. Not thread-safe: the owner's lock or thread
// guards it.
// Invariant: the links form a ring through the list's root; an element that is in no list has null
// links. A list does not own its elements and must be empty when it is destroyed.
#pragma once

#include <cstddef>
#include <iterator>
#include <type_traits>

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

/// Base class of the elements of an IntrusiveList. A type that is in several lists at once derives
/// from several hooks with different Tags.
template <class Tag = void>
class IntrusiveListHook {
 public:
  IntrusiveListHook() noexcept = default;
  IntrusiveListHook(const IntrusiveListHook&) = delete;
  IntrusiveListHook& operator=(const IntrusiveListHook&) = delete;
  ~IntrusiveListHook() {
    WEFT_CHECK(!is_linked(), "an element died while in a list: unlink it first");
  }

  [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }

  /// Removes the element from the list that it is in; does nothing if it is in none.
  void unlink() noexcept {
    if (!is_linked()) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = nullptr;
    previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;

  void link_before(IntrusiveListHook& successor) noexcept {
    next_ = &successor;
    previous_ = successor.previous_;
    previous_->next_ = this;
    successor.previous_ = this;
  }

  IntrusiveListHook* next_ = nullptr;
  IntrusiveListHook* previous_ = nullptr;
};

/// T derives from IntrusiveListHook<Tag>.
template <class T, class Tag = void>
class IntrusiveList {
  using Hook = IntrusiveListHook<Tag>;

 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = T*;
    using reference = T&;

    Iterator() noexcept = default;
    explicit Iterator(Hook* hook) noexcept : hook_(hook) {}
    T& operator*() const noexcept { return element_of(hook_); }
    T* operator->() const noexcept { return &element_of(hook_); }
    Iterator& operator++() noexcept {
      hook_ = hook_->next_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const noexcept = default;

   private:
    Hook* hook_ = nullptr;
  };

  IntrusiveList() noexcept { make_ring(); }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    WEFT_CHECK(empty(), "a list died with elements in it: unlink them first");
    root_.next_ = nullptr;  // the hook's destructor requires it to be unlinked
  }

  [[nodiscard]] bool empty() const noexcept { return root_.next_ == &root_; }

  /// Counts the elements: O(n).
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t count = 0;
    for (const Hook* hook = root_.next_; hook != &root_; hook = hook->next_) ++count;
    return count;
  }

  void push_back(T& element) noexcept { link(element, root_); }
  void push_front(T& element) noexcept { link(element, *root_.next_); }

  /// Inserts before `position`, which is in this list.
  void insert_before(T& position, T& element) noexcept {
    Hook& successor = position;
    WEFT_CHECK(successor.is_linked(), "the position is in no list: insert before a linked element");
    link(element, successor);
  }

  /// The first or last element, or null; it stays in the list.
  [[nodiscard]] T* front() noexcept { return empty() ? nullptr : &element_of(root_.next_); }
  [[nodiscard]] T* back() noexcept { return empty() ? nullptr : &element_of(root_.previous_); }

  /// Removes and returns the first element; null if there is none.
  [[nodiscard]] T* pop_front() noexcept {
    if (empty()) return nullptr;
    T& element = element_of(root_.next_);
    hook_of(element).unlink();
    return &element;
  }

  /// Removes `element`. Precondition: it is in this list.
  void erase(T& element) noexcept {
    WEFT_CHECK(hook_of(element).is_linked(), "the element is in no list: erase it once");
    hook_of(element).unlink();
  }

  /// Moves all elements of `other` to the end, in their order. O(1).
  void splice_back(IntrusiveList& other) noexcept {
    if (other.empty() || &other == this) return;
    Hook* const first = other.root_.next_;
    Hook* const last = other.root_.previous_;
    other.make_ring();
    first->previous_ = root_.previous_;
    root_.previous_->next_ = first;
    last->next_ = &root_;
    root_.previous_ = last;
  }

  /// An iterator stays valid while other elements are removed.
  [[nodiscard]] Iterator begin() noexcept { return Iterator(root_.next_); }
  [[nodiscard]] Iterator end() noexcept { return Iterator(&root_); }

 private:
  static Hook& hook_of(T& element) noexcept { return element; }
  // SAFETY: every hook in the ring except the root came in through link(), as the base of a T.
  static T& element_of(Hook* hook) noexcept { return static_cast<T&>(*hook); }

  void make_ring() noexcept {
    root_.next_ = &root_;
    root_.previous_ = &root_;
  }

  void link(T& element, Hook& successor) noexcept {
    static_assert(std::is_base_of_v<Hook, T>);
    Hook& hook = element;
    WEFT_CHECK(!hook.is_linked(), "the element is in a list already: unlink it first");
    hook.link_before(successor);
  }

  Hook root_;
};

}  // namespace weft::inline v0_1::detail
