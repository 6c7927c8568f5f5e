// BiasedLock: the lock of something that one thread, its owner, uses all the time, and another one
// once in a blue moon. For the owner it costs two plain stores and two loads; the other one, the
// visitor, pays: membarrier(2) for its first visit, a mutex for each further one until the owner
// has taken the bias back. After "Biased locking" of Kawachiya, Koseki and Onodera (OOPSLA 2002),
// with the asymmetric fence in place of a stopped thread. Used by Reactor.
//
// Modes. Biased (shared_ is false): the owner is inside while inside_ is true. Shared: whoever is
// inside, the owner too, has the mutex, and holder_ says who.
//
// Why owner and visitor are never inside together:
//   owner:   inside_ = true;  light fence; reads shared_; true: leaves again, and takes the mutex
//   visitor: (with the mutex) shared_ = true; heavy fence; reads inside_; true: gives the visit up
// One of the two reads what the other one wrote. Whoever goes on has the other's last section
// before it: the visitor reads inside_ == false with acquire, which the owner left with release,
// and the owner reads shared_ == false with acquire, which a visitor that gave up left with
// release, or gets the mutex. In shared mode the mutex orders all. Only the owner ends that mode,
// with the mutex held.
//
// Thread-safety: lock(), try_enter(), their counterparts and take_bias() by the owner; lock() and
// unlock() by a visitor, too, within its visit; try_visit() and end_visit() by any thread. The
// owner may be another thread than before if something else orders the two.
#pragma once

#include <weft/atomic.hpp>

#include <cstdint>

#include "base/asymmetric_fence.hpp"

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

class BiasedLock {
 public:
  /// How lock() got in: for unlock().
  enum class Held : std::uint8_t { nested, biased, shared };

  BiasedLock() noexcept { prepare_light_fences(); }
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  /// May be nested.
  [[nodiscard]] Held lock() noexcept {
    // Relaxed: a visitor, who has set it himself, sees it; the owner asks again below.
    if (!shared_.load(std::memory_order_relaxed)) [[likely]] {
      if (inside_.load(std::memory_order_relaxed)) return Held::nested;  // the owner's own word
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
  /// lock() and unlock() where they cost least. False: nothing has been done, as the caller is
  /// inside already or a visitor has been here; lock() does it.
  [[nodiscard]] bool try_enter() noexcept {
    // As in lock().
    return !shared_.load(std::memory_order_relaxed) && !inside_.load(std::memory_order_relaxed) &&
           enter();
  }
  void leave() noexcept { unlock(Held::biased); }
  /// The owner, outside: the next lock() costs nothing again.
  void take_bias() noexcept {
    // Relaxed: who does not see it yet sees it in lock().
    if (!shared_.load(std::memory_order_relaxed)) [[likely]]
      return;
    mutex_.lock();
    shared_.store(false, std::memory_order_relaxed);  // ordered by the mutex
    mutex_.unlock();
  }

  /// The owner, outside: visitors need no fence from now on, until take_bias().
  void give_bias_up() noexcept {
    mutex_.lock();
    shared_.store(true, std::memory_order_relaxed);  // ordered by the mutex
    mutex_.unlock();
  }

  /// False: somebody is inside, or has just been. Else to be followed by end_visit().
  [[nodiscard]] bool try_visit() noexcept {
    // Saves the fence: an owner that sleeps is inside.
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
  /// The owner, outside. False: a visitor has been here.
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
  Atomic<const void*> holder_{nullptr};  // written by who has the mutex
  ThreadMutex mutex_;
};

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
