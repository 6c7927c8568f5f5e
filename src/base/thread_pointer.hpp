// thread_pointer<T>(): which T the calling thread has, the one that it is in the loop of, works for
// and the like; null at first.
#pragma once

#include <weft/atomic.hpp>

#if WEFT_ATOMIC_MODE == 2
#include <map>
#endif

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

/// Only for functions that are never inlined, and suspend nothing: a compiler may keep the address
/// of a thread_local over a suspension, after which the coroutine may be on another thread.
template <class T>
[[nodiscard]] inline T*& thread_pointer() noexcept {
#if WEFT_ATOMIC_MODE != 2
  static constinit thread_local T* pointer = nullptr;
  return pointer;
#else
  // The threads of a model share what is thread_local: by their marks, then.
  static std::map<const void*, T*> pointers;
  return pointers[this_thread_mark()];
#endif
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
