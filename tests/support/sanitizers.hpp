// Which sanitizer the tests were built with: some make a test impossible or slow.
#pragma once

namespace weft::test {

#if defined(__has_feature)
inline constexpr bool address_sanitizer = __has_feature(address_sanitizer);
inline constexpr bool thread_sanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool address_sanitizer = false;
inline constexpr bool thread_sanitizer = false;
#endif

/// Returns how often a test does something: less under a sanitizer, where each step takes long.
template <class Count>
constexpr Count fewer_if_sanitized(Count count) {
  return address_sanitizer || thread_sanitizer ? count / 10 : count;
}

}  // namespace weft::test
