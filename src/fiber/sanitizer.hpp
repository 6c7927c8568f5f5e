// What the sanitizers must be told of a switch of stacks; empty in other builds. Called by
// FiberScheduler. AddressSanitizer: <sanitizer/common_interface_defs.h>,
// __sanitizer_start_switch_fiber and finish. ThreadSanitizer: <sanitizer/tsan_interface.h>,
// __tsan_switch_to_fiber.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WEFT_FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_FIBER_TSAN 1
#endif
#endif

#ifdef WEFT_FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WEFT_FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace weft::inline v0_1::detail {

#if defined(WEFT_FIBER_ASAN) || defined(WEFT_FIBER_TSAN)
inline constexpr bool switches_are_told = true;
#else
inline constexpr bool switches_are_told = false;
#endif

/// A flow as the sanitizers know it.
struct SanitizerFlow {
#ifdef WEFT_FIBER_ASAN
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t size = 0;
#endif
#ifdef WEFT_FIBER_TSAN
  void* flow = nullptr;
#endif
};

/// Records the thread's own flow; called on that thread.
inline void know_thread([[maybe_unused]] SanitizerFlow& thread) noexcept {
#ifdef WEFT_FIBER_TSAN
  thread.flow = __tsan_get_current_fiber();
#endif
}

inline void destroy_sanitizer_flow([[maybe_unused]] void* slot) noexcept {
#ifdef WEFT_FIBER_TSAN
  if (slot != nullptr) __tsan_destroy_fiber(slot);
#endif
}

/// Records a flow on `stack`. Its `slot` keeps ThreadSanitizer's object for the next flows there,
/// as the object is slow to make. Each flow leaves some calls without a return on the object's own
/// stack of calls, which has room for 65,536: so the object is made anew now and then.
inline void know_stack([[maybe_unused]] SanitizerFlow& fiber,
                       [[maybe_unused]] std::span<std::byte> stack, [[maybe_unused]] void*& slot,
                       [[maybe_unused]] std::uint32_t& uses) noexcept {
#ifdef WEFT_FIBER_ASAN
  fiber.bottom = stack.data();
  fiber.size = stack.size();
  __asan_unpoison_memory_region(stack.data(), stack.size());  // what the last flow left poisoned
#endif
#ifdef WEFT_FIBER_TSAN
  constexpr std::uint32_t most_uses = 1000;
  if (++uses % most_uses == 0) destroy_sanitizer_flow(std::exchange(slot, nullptr));
  if (slot == nullptr) slot = __tsan_create_fiber(0);
  fiber.flow = slot;
#endif
}

/// Called right before the switch, in `from`; `ends`: `from` will not be resumed.
inline void before_switch([[maybe_unused]] SanitizerFlow& from,
                          [[maybe_unused]] const SanitizerFlow& to,
                          [[maybe_unused]] bool ends) noexcept {
#ifdef WEFT_FIBER_ASAN
  __sanitizer_start_switch_fiber(ends ? nullptr : &from.fake_stack, to.bottom, to.size);
#endif
#ifdef WEFT_FIBER_TSAN
  __tsan_switch_to_fiber(to.flow, 0);
#endif
}

/// Called right after the switch, in `self`; `from` is the flow that switched here.
inline void after_switch([[maybe_unused]] const SanitizerFlow& self,
                         [[maybe_unused]] SanitizerFlow& from) noexcept {
#ifdef WEFT_FIBER_ASAN
  __sanitizer_finish_switch_fiber(self.fake_stack, &from.bottom, &from.size);
#endif
}

}  // namespace weft::inline v0_1::detail
