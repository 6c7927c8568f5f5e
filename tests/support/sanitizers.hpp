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

}  // namespace weft::test
