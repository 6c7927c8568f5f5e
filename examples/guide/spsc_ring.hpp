// A queue of one producer and one consumer, as a user of weft might write it: a ring with a lock
// for neither. It is the same code in a program and under the model checker.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <weft/atomic.hpp>
#include <weft/model/data.hpp>

// [ring]
/// `Publish` is a parameter so that it can be wrong: it must be a release.
template <class T, std::size_t Capacity, std::memory_order Publish = std::memory_order_release>
class SpscRing {
 public:
  SpscRing() {
    weft::model::name(head_, "head");
    weft::model::name(tail_, "tail");
  }

  /// Only the producer. False: it is full.
  bool push(T value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // no other thread writes it
    if (tail - head_.load(std::memory_order_acquire) == Capacity) return false;
    slots_[tail % Capacity].write() = std::move(value);
    tail_.store(tail + 1, Publish);
    return true;
  }

  /// Only the consumer. Empty if the ring is.
  std::optional<T> pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // no other thread writes it
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> value(std::move(slots_[head % Capacity].write()));
    head_.store(head + 1, std::memory_order_release);
    return value;
  }

 protected:
  std::array<weft::model::Shared<T>, Capacity> slots_;
  weft::Atomic<std::size_t> head_{0};
  weft::Atomic<std::size_t> tail_{0};
};
// [/ring]
