// thread_pointer<T>(): the calling thread's pointer to a T (its worker, reactor and the like); null
// at first.
#pragma once

#include <weft/atomic.hpp>

#if WEFT_ATOMIC_MODE == 2
#include <map>
#endif

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// Only for functions that are never inlined and do not suspend: a compiler may keep the address of
/// a thread_local object over a suspension, after which the coroutine may be on another thread.
template <class T>
[[nodiscard]] inline T*& thread_pointer() noexcept {
#if WEFT_ATOMIC_MODE != 2
  static constinit thread_local T* pointer = nullptr;
  return pointer;
#else
  // The threads of a model share thread_local objects, so the pointers are found by thread mark.
  static std::map<const void*, T*> pointers;
  return pointers[this_thread_mark()];
#endif
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
