// BiasedLock: a lock for what one thread, the owner, uses all the time and another thread, the
// visitor, rarely. For the owner it costs two plain stores and two loads. The visitor pays:
// membarrier(2) for its first visit, and a mutex for each further one until the owner has taken the
// bias back. After "Biased locking" of Kawachiya, Koseki and Onodera (OOPSLA 2002), with the
// asymmetric fence in place of a stopped thread. Used by Reactor.
//
// Modes:
//   biased  shared_ is false: the owner is inside while inside_ is true
//   shared  shared_ is true: the thread inside, the owner too, holds the mutex; holder_ names it
//
// Why owner and visitor are never inside together:
//   owner:    inside_ = true;  light fence;  reads shared_; if true: leaves, and takes the mutex
//   visitor:  (with the mutex) shared_ = true;  heavy fence;  reads inside_; if true: gives up
// One of the two reads what the other wrote. The one that goes on happens after the other's last
// section:
//  - The visitor reads inside_ == false with acquire, which the owner stored with release.
//  - The owner reads shared_ == false with acquire, which a visitor that gave up stored with
//    release; or it gets the mutex.
// In shared mode the mutex orders everything. Only the owner ends that mode, with the mutex held; a
// visitor that gives up takes its own change back.
//
// Thread-safety: the owner calls lock(), try_enter(), their counterparts and take_bias(). A visitor
// calls lock() and unlock(), too, within its visit. Any thread calls try_visit() and end_visit().
// The owner may be another thread than before if something else orders the two.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

#include "base/asymmetric_fence.hpp"

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

class BiasedLock {
 public:
  /// How lock() entered; for unlock().
  enum class Held : std::uint8_t { nested, biased, shared };

  BiasedLock() noexcept { prepare_light_fences(); }
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  /// May be nested.
  [[nodiscard]] Held lock() noexcept {
    // Relaxed: a visitor has stored true itself, and so reads it; the owner reads again in enter().
    if (!shared_.load(std::memory_order_relaxed)) [[likely]] {
      if (inside_.load(std::memory_order_relaxed)) return Held::nested;  // the owner writes it
      if (enter()) [[likely]]
        return Held::biased;
    }
    return lock_shared();
  }
  void unlock(Held how) noexcept {
    if (how == Held::biased) [[likely]] {
      inside_.store(false, std::memory_order_release);  // pairs with try_visit()
    } else if (how == Held::shared) {
      end_visit();
    }
  }
  /// lock() and unlock() in their cheapest form. False: nothing was done, because the caller is
  /// inside already or a visitor was here; the caller uses lock() then.
  [[nodiscard]] bool try_enter() noexcept {
    // Relaxed: as in lock().
    return !shared_.load(std::memory_order_relaxed) && !inside_.load(std::memory_order_relaxed) &&
           enter();
  }
  void leave() noexcept { unlock(Held::biased); }
  /// Owner, outside: makes the next lock() free again.
  void take_bias() noexcept {
    // Relaxed: a true that is not seen yet is seen in lock().
    if (!shared_.load(std::memory_order_relaxed)) [[likely]]
      return;
    mutex_.lock();
    shared_.store(false, std::memory_order_relaxed);  // ordered by the mutex
    mutex_.unlock();
  }

  /// Owner, outside: visitors need no fence from now on, until take_bias().
  void give_bias_up() noexcept {
    mutex_.lock();
    shared_.store(true, std::memory_order_relaxed);  // ordered by the mutex
    mutex_.unlock();
  }

  /// False: a thread is inside, or was a moment ago. True: must be followed by end_visit().
  [[nodiscard]] bool try_visit() noexcept {
    // Relaxed: it only saves the fence, since an owner that sleeps is inside; the acquire below
    // decides.
    if (inside_.load(std::memory_order_relaxed) || !mutex_.try_lock()) return false;
    if (!shared_.load(std::memory_order_relaxed)) {
      shared_.store(true, std::memory_order_relaxed);
      heavy_fence();  // pairs with the light one in lock()
      if (inside_.load(std::memory_order_acquire)) {
        shared_.store(false, std::memory_order_release);
        mutex_.unlock();
        return false;
      }
    }
    holder_.store(this_thread_mark(), std::memory_order_relaxed);
    return true;
  }
  void end_visit() noexcept {
    holder_.store(nullptr, std::memory_order_relaxed);
    mutex_.unlock();
  }

 private:
  /// Owner, outside. False: a visitor was here.
  [[nodiscard, gnu::always_inline]] bool enter() noexcept {
    inside_.store(true, std::memory_order_relaxed);
    light_fence();  // pairs with the heavy one in try_visit()
    if (!shared_.load(std::memory_order_acquire)) [[likely]]
      return true;
    inside_.store(false, std::memory_order_release);
    return false;
  }
  [[nodiscard, gnu::noinline]] Held lock_shared() noexcept {
    const void* const me = this_thread_mark();
    // Relaxed: it is `me` only if this thread has written it, and has not left since.
    if (holder_.load(std::memory_order_relaxed) == me) return Held::nested;
    mutex_.lock();
    holder_.store(me, std::memory_order_relaxed);
    return Held::shared;
  }

  Atomic<bool> inside_{false};           // written by the owner
  Atomic<bool> shared_{false};           // written with the mutex held
  Atomic<const void*> holder_{nullptr};  // written with the mutex held
  ThreadMutex mutex_;
};

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
