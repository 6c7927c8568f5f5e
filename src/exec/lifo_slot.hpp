// LifoSlot: what a worker runs next, unless another worker takes it first. The owner puts in and
// takes out without a read-modify-write, as it does so at nearly every wake-up. A thief, which is
// rare, pays for both: membarrier(2). (The plan of the asymmetric fences of Dice, Huang and Yang,
// "Asymmetric Dekker Synchronization", 2001.)
//
// Only the owner writes slot_. A thief writes claim_: its mark, until it has looked at slot_; then
// `taken`, if it has what it saw there.
//   owner: slot_ = null;      light fence; reads claim_; a mark: takes it away, or has lost
//   thief: claim_ = its mark; heavy fence; reads slot_;  work:   turns its mark into `taken`
// One of the two sees what the other wrote. If the owner sees no claim, then the thief sees the
// emptied slot, or something newer, for which the same holds. If the owner sees a claim, then both
// try to replace the mark, and one succeeds.
// A thief that is paused holds up no other thread: the owner takes its mark away, and another thief
// replaces it by its own. Work that was stolen stays in slot_, and counts as not there, until the
// owner has seen `taken`.
//
// Thread-safety: put() and take() by the owner; the rest by any thread.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/runnable.hpp>

#include <cstdint>

#include "base/asymmetric_fence.hpp"

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

class LifoSlot {
 public:
  /// Without thieves steal() must not be called.
  explicit LifoSlot(bool has_thieves) noexcept : has_thieves_(has_thieves) {
    if (has_thieves) prepare_light_fences();
  }
  LifoSlot(const LifoSlot&) = delete;
  LifoSlot& operator=(const LifoSlot&) = delete;

  /// Returns what was there before, or null.
  [[nodiscard]] Runnable* put(Runnable& work) noexcept {
    Runnable* const previous = take();
    // Release: a thief that takes it sees the task as its last thread left it.
    slot_.store(&work, std::memory_order_release);
    return previous;
  }
  [[nodiscard]] Runnable* take() noexcept {
    // Relaxed: the owner's own word. So is what it takes back.
    Runnable* const work = slot_.load(std::memory_order_relaxed);
    if (work == nullptr) return nullptr;
    slot_.store(nullptr, std::memory_order_relaxed);
    if (!has_thieves_) return work;
    light_fence();  // pairs with the heavy one in steal()
    if (claim_.load(std::memory_order_relaxed) == unclaimed) [[likely]]
      return work;
    return settle() ? work : nullptr;
  }

  /// A moment later it may be otherwise.
  [[nodiscard]] bool empty() const noexcept {
    return slot_.load(std::memory_order_relaxed) == nullptr ||
           claim_.load(std::memory_order_relaxed) == taken;
  }
  /// For the owner: whether it has put `work` in, and not taken it out. False for null.
  [[nodiscard]] bool holds(const Runnable* work) const noexcept {
    return work != nullptr && slot_.load(std::memory_order_relaxed) == work;
  }

  /// Null if there is nothing, or the owner or another thief is faster.
  [[nodiscard]] Runnable* steal() noexcept {
    if (slot_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    const auto mark = reinterpret_cast<std::uintptr_t>(this_thread_mark());
    std::uintptr_t claim = claim_.load(std::memory_order_relaxed);
    if (claim == taken || !replace(claim, mark)) return nullptr;
    heavy_fence();
    // Acquire: pairs with put().
    Runnable* const work = slot_.load(std::memory_order_acquire);
    claim = mark;
    return replace(claim, work != nullptr ? taken : unclaimed) ? work : nullptr;
  }

 private:
  static constexpr std::uintptr_t unclaimed = 0;
  static constexpr std::uintptr_t taken = 1;  // no thread's mark

  /// The owner has emptied the slot, and sees a claim. Returns whether the owner has the work.
  [[nodiscard, gnu::noinline]] bool settle() noexcept {
    std::uintptr_t claim = claim_.load(std::memory_order_relaxed);
    while (claim != taken) {
      if (claim == unclaimed || replace(claim, unclaimed)) return true;
    }
    claim_.store(unclaimed, std::memory_order_relaxed);
    return false;
  }

  /// As compare_exchange_strong. Relaxed: the fences order claims, and put() what is stolen.
  [[nodiscard]] bool replace(std::uintptr_t& claim, std::uintptr_t by) noexcept {
    return claim_.compare_exchange_strong(claim, by, std::memory_order_relaxed,
                                          std::memory_order_relaxed);
  }

  const bool has_thieves_;
  Atomic<Runnable*> slot_{nullptr};
  Atomic<std::uintptr_t> claim_{unclaimed};
};

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail
