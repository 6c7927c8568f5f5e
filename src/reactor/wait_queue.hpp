// WaitQueue: the operations that wait for one direction of one handle, first in, first out. Used by
// the readiness driver. One pointer wide: a ring through Operation::link, of which the queue knows
// the last. Not thread-safe.
#pragma once

#include <weft/extend/operation.hpp>

namespace weft::inline v0_1::detail {

class WaitQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return last_ == nullptr; }
  [[nodiscard]] Operation* front() const noexcept {
    return last_ != nullptr ? last_->link : nullptr;
  }

  [[nodiscard]] bool has_one_of(const Source& source) const noexcept {
    const Operation* one = last_;
    if (one == nullptr) return false;
    do {
      if (one->source == &source) return true;
      one = one->link;
    } while (one != last_);
    return false;
  }

  void push(Operation& operation) noexcept {
    if (last_ == nullptr) {
      operation.link = &operation;
    } else {
      operation.link = last_->link;
      last_->link = &operation;
    }
    last_ = &operation;
  }

  /// Removes the first operation. The queue must not be empty.
  void pop() noexcept { unlink_after(*last_); }

  /// Removes `operation` from any position. False: it is not in this queue.
  [[nodiscard]] bool remove(const Operation& operation) noexcept {
    if (last_ == nullptr) return false;
    Operation* before = last_;
    do {
      if (before->link == &operation) {
        unlink_after(*before);
        return true;
      }
      before = before->link;
    } while (before != last_);
    return false;
  }

 private:
  void unlink_after(Operation& before) noexcept {
    Operation* const gone = before.link;
    before.link = gone->link;
    if (gone == last_) last_ = gone == &before ? nullptr : &before;
    gone->link = nullptr;
  }

  Operation* last_ = nullptr;
};

}  // namespace weft::inline v0_1::detail
