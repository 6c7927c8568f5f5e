// WaitableWord: a number that is the whole state while there is no waiter, and a queue of waiters
// for its change. The base of mutexes, events, latches and the like, and of new ones.
//
// The word is twice the number, plus a bit that is set while there is a waiter. While the bit is
// set, the word and the queue are guarded by the mutex; while it is clear, one read-modify-write
// changes the number. The invariants, and why a thread that proceeds may destroy the word:
// src/sync/waitable_word.cpp.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weft::inline v0_1::detail {

class WaitableWord {
 public:
  /// The largest number.
  static constexpr std::uintptr_t most = UINTPTR_MAX >> 1;

  explicit WaitableWord(std::uintptr_t number) noexcept : word_(number << 1) {}
  ~WaitableWord() = default;
  WaitableWord(const WaitableWord&) = delete;
  WaitableWord& operator=(const WaitableWord&) = delete;

  /// The number now. While there are waiters it may be an older number. Any thread.
  [[nodiscard]] std::uintptr_t number(std::memory_order order) const noexcept {
    return word_.load(order) >> 1;
  }
  /// The number of waiters; it may be outdated when this returns. Any thread.
  [[nodiscard]] std::size_t waiting() const noexcept;
  /// For destructors: aborts with `message` if there is a waiter.
  void check_unawaited(const char* message) const noexcept;

  // Without the queue. Any thread.
  /// Changes the number from `from` to `to` if it is `from` and there is no waiter: one
  /// read-modify-write.
  [[nodiscard]] bool replace(std::uintptr_t from, std::uintptr_t to,
                             std::memory_order order) noexcept {
    std::uintptr_t word = from << 1;
    // Relaxed, also on failure: nothing follows from the number that was seen. The load comes first
    // because a failed compare-exchange costs as much as a successful one, and while there are
    // waiters all of them fail.
    if (word_.load(std::memory_order_relaxed) != word) return false;
    return word_.compare_exchange_strong(word, to << 1, order, std::memory_order_relaxed);
  }
  /// Changes the number by `step` if there is no waiter. `step` gets the number by reference and
  /// returns whether the change is to be made. False: there is a waiter, or `step` returned false.
  template <class Step>
  [[nodiscard]] bool change(Step step, std::memory_order order) noexcept {
    // Relaxed, also on failure: the value decides only what to try.
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting_bit) == 0) {
      std::uintptr_t number = word >> 1;
      if (!step(number)) return false;
      if (word_.compare_exchange_weak(word, number << 1, order, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // With the queue. Any thread.
  /// Queues `waiter`, unless there is no waiter and `step`, as in change(), lets it proceed at
  /// once.
  template <class Step>
  [[nodiscard]] Queued wait_with(Waiter& waiter, Step step) noexcept {
    const std::lock_guard lock(mutex_);
    if (WaiterList::refuses(waiter)) return Queued::refused;
    if (step_or_mark(step)) {
      WaiterList::served_at_once(waiter);
      return Queued::served;
    }
    waiters_.append(waiter);
    return Queued::waiting;
  }
  /// The same, but `proceeds`, which gets the number, is also asked if there are waiters: they may
  /// have come after what it looks for. `step` must return true whenever `proceeds` does.
  template <class Step, class Proceeds>
  [[nodiscard]] Queued wait_with(Waiter& waiter, Step step, Proceeds proceeds) noexcept {
    const std::lock_guard lock(mutex_);
    if (WaiterList::refuses(waiter)) return Queued::refused;
    // Relaxed: with the bit set, the word changes with the mutex held alone, and the thread that
    // has set it acquired what came before.
    if (step_or_mark(step) || proceeds(word_.load(std::memory_order_relaxed) >> 1)) {
      WaiterList::served_at_once(waiter);
      return Queued::served;
    }
    waiters_.append(waiter);
    return Queued::waiting;
  }
  /// change() and wait_with() in one step, whether or not there are waiters. `step` gets the number
  /// by reference. If it returns true, the changed number is stored and `waiter` is queued. If it
  /// returns false, the number stays as it is and the waiter counts as served.
  template <class Step>
  [[nodiscard]] Queued change_and_wait(Waiter& waiter, Step step) noexcept {
    const std::lock_guard lock(mutex_);
    if (WaiterList::refuses(waiter)) return Queued::refused;
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    std::uintptr_t number = 0;
    do {
      number = word >> 1;
      if (!step(number)) {
        WaiterList::served_at_once(waiter);
        return Queued::served;
      }
      // Acquire and release: as in step_or_mark(), and as a change of the number.
    } while (!word_.compare_exchange_weak(word, number << 1 | waiting_bit,
                                          std::memory_order_acq_rel, std::memory_order_relaxed));
    waiters_.append(waiter);
    return Queued::waiting;
  }
  /// Takes the waiter back. True: it will not be woken. False: it is being woken; or it was not
  /// queued yet, and wait_with() will refuse it.
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept;
  /// Serves the waiter that waited longest and leaves the number as it is. False: there is no
  /// waiter. If it returns true, it does not touch the word after the wake.
  [[nodiscard]] bool serve_one() noexcept;
  /// Dequeues all present waiters into `all`. The caller wakes them after it has changed the
  /// number.
  void take_all(ServedList& all) noexcept;

  /// The word and its queue with the mutex held, for what the functions above do not offer. If
  /// there was a waiter when it was made, its destructor stores `number`; otherwise it changes
  /// nothing.
  class Held {
   public:
    explicit Held(WaitableWord& word) noexcept;
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    /// Whether there was a waiter when this was made.
    [[nodiscard]] bool awaited() const noexcept { return awaited_; }
    [[nodiscard]] WaiterList& waiters() noexcept { return word_.waiters_; }
    std::uintptr_t number = 0;  ///< May be changed only if awaited().

   private:
    WaitableWord& word_;
    std::lock_guard<ThreadMutex> lock_;
    bool awaited_;
  };

 private:
  static constexpr std::uintptr_t waiting_bit = 1;

  /// With the mutex held: changes the number by `step` and returns true, or makes sure that the bit
  /// is set.
  template <class Step>
  [[nodiscard]] bool step_or_mark(Step step) noexcept {
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting_bit) == 0) {
      std::uintptr_t number = word >> 1;
      const bool goes_on = step(number);
      const std::uintptr_t next = goes_on ? number << 1 : word | waiting_bit;
      // Acquire: pairs with the release of the thread that changed the number. It is needed also if
      // the waiter is to wait: what is done with the mutex held comes after that change.
      if (word_.compare_exchange_weak(word, next, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return goes_on;
      }
    }
    return false;
  }

  Atomic<std::uintptr_t> word_;
  mutable ThreadMutex mutex_;
  WaiterList waiters_;  // guarded by mutex_
};

}  // namespace weft::inline v0_1::detail
