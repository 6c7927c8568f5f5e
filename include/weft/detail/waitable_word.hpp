// WaitableWord: a number that is the whole state while nobody waits, and the queue of those who wait
// for it to change. What the mutexes, events, latches and the like are made of, and for those who
// write more of them.
//
// The word is twice the number, plus a bit that says that somebody waits. While the bit is set the
// word and the queue belong to the mutex; while it is not, one read-modify-write changes the
// number. (The invariants, and why whoever goes on may destroy it: src/sync/waitable_word.cpp.)
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weft::detail {

class WaitableWord {
 public:
  /// The largest number.
  static constexpr std::uintptr_t most = UINTPTR_MAX >> 1;

  explicit WaitableWord(std::uintptr_t number) noexcept : word_(number << 1) {}
  ~WaitableWord() = default;
  WaitableWord(const WaitableWord&) = delete;
  WaitableWord& operator=(const WaitableWord&) = delete;

  /// The number now. While somebody waits it may be the number of a moment ago. Any thread.
  [[nodiscard]] std::uintptr_t number(std::memory_order order) const noexcept {
    return word_.load(order) >> 1;
  }
  /// How many wait. A moment later it may be another number. Any thread.
  [[nodiscard]] std::size_t waiting() const noexcept;
  /// For destructors: aborts with `message` if somebody waits.
  void check_unawaited(const char* message) const noexcept;

  // Without the queue. Any thread
  /// Changes the number if it is `from` and nobody waits: one read-modify-write.
  [[nodiscard]] bool replace(std::uintptr_t from, std::uintptr_t to,
                             std::memory_order order) noexcept {
    std::uintptr_t word = from << 1;
    // Relaxed, also if it fails: nothing follows from the number that was seen. Looked at first, as
    // a try that fails costs as much as one that succeeds, and while others wait all fail.
    if (word_.load(std::memory_order_relaxed) != word) return false;
    return word_.compare_exchange_strong(word, to << 1, order, std::memory_order_relaxed);
  }
  /// Changes the number by `step`, if nobody waits: a function that is given the number by
  /// reference and gives whether it may be changed. False if somebody waits, or `step` says so.
  template <class Step>
  [[nodiscard]] bool change(Step step, std::memory_order order) noexcept {
    // Relaxed, as well as when it fails: it decides only what to try.
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

  // With the queue. Any thread
  /// Queues `waiter`, unless nobody waits and `step`, as in change(), lets it go on at once.
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
  /// As change() and wait_with() in one step: whether or not somebody waits, `step` is given the
  /// number by reference, changes it and has `waiter` queued; or gives false, lets the number be,
  /// and the waiter counts as served.
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
  /// Takes the waiter back. True: it will not be woken. False: it is being woken; or it is not
  /// there yet, and wait_with() will refuse it.
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept;
  /// Serves the one that has waited longest, and leaves the number as it is. False: nobody waits.
  /// If true it is the last touch of the word.
  [[nodiscard]] bool serve_one() noexcept;
  /// Takes out all who wait now, for who wakes them when he has changed the number.
  void take_all(ServedList& all) noexcept;

  /// The word and its queue with the mutex held, for what the functions above do not do. What it
  /// changed counts when it goes, if somebody was waiting when it came; else it changes nothing.
  class Held {
   public:
    explicit Held(WaitableWord& word) noexcept;
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    /// Whether somebody was waiting when it came.
    [[nodiscard]] bool awaited() const noexcept { return awaited_; }
    [[nodiscard]] WaiterList& waiters() noexcept { return word_.waiters_; }
    std::uintptr_t number = 0;  ///< To be changed only if somebody was waiting.

   private:
    WaitableWord& word_;
    std::lock_guard<ThreadMutex> lock_;
    bool awaited_;
  };

 private:
  static constexpr std::uintptr_t waiting_bit = 1;

  /// With the mutex held: changes the number by `step`, or has the bit set.
  template <class Step>
  [[nodiscard]] bool step_or_mark(Step step) noexcept {
    std::uintptr_t word = word_.load(std::memory_order_relaxed);
    while ((word & waiting_bit) == 0) {
      std::uintptr_t number = word >> 1;
      const bool goes_on = step(number);
      const std::uintptr_t next = goes_on ? number << 1 : word | waiting_bit;
      // Acquire: pairs with the release of who changed the number; also if it is to wait, as what
      // is done with the mutex held comes after that.
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

}  // namespace weft::detail
