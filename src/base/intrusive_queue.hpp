// A first-in first-out queue through its elements: one pointer an element, no allocation. Used for
// batches of Runnables and for the injector. Not thread-safe: the owner's lock or thread guards it.
// Invariants: while head_ is not null, tail_ is the last element; the last element's next is null.
// The queue does not own its elements. T has a member `next` to which a T* can be assigned.
#pragma once

#include <cstddef>
#include <utility>

namespace weft::inline v0_1::detail {

template <class T>
class IntrusiveQueue {
 public:
  IntrusiveQueue() noexcept = default;
  IntrusiveQueue(const IntrusiveQueue&) = delete;
  IntrusiveQueue& operator=(const IntrusiveQueue&) = delete;
  IntrusiveQueue(IntrusiveQueue&& other) noexcept { splice_back(other); }
  IntrusiveQueue& operator=(IntrusiveQueue&& other) noexcept {
    if (this != &other) {
      head_ = nullptr;
      tail_ = nullptr;
      size_ = 0;
      splice_back(other);
    }
    return *this;
  }
  ~IntrusiveQueue() = default;

  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* front() const noexcept { return head_; }

  /// Precondition: `element` is in no queue; its `next` is overwritten.
  void push_back(T* element) noexcept {
    element->next = nullptr;
    if (head_ == nullptr) {
      head_ = element;
    } else {
      tail_->next = element;
    }
    tail_ = element;
    ++size_;
  }

  void push_front(T* element) noexcept {
    element->next = head_;
    if (head_ == nullptr) tail_ = element;
    head_ = element;
    ++size_;
  }

  /// Removes and returns the first element; null if there is none. Its `next` is null afterwards.
  [[nodiscard]] T* pop_front() noexcept {
    T* const element = head_;
    if (element == nullptr) return nullptr;
    head_ = static_cast<T*>(element->next);
    if (head_ == nullptr) tail_ = nullptr;
    element->next = nullptr;
    --size_;
    return element;
  }

  /// Moves all elements of `other` to the end, in their order. O(1).
  void splice_back(IntrusiveQueue& other) noexcept {
    if (other.empty() || &other == this) return;
    if (head_ == nullptr) {
      head_ = other.head_;
    } else {
      tail_->next = other.head_;
    }
    tail_ = std::exchange(other.tail_, nullptr);
    other.head_ = nullptr;
    size_ += std::exchange(other.size_, 0);
  }

  /// Moves the first `count` elements (or all, if fewer) to the end of `to`. O(count).
  void move_front(std::size_t count, IntrusiveQueue& to) noexcept {
    if (count >= size_) return to.splice_back(*this);
    for (; count > 0; --count) to.push_back(pop_front());
  }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weft::inline v0_1::detail
