// NativeHandle: the operating system's handle of an open object: a file descriptor, or a
// HANDLE/SOCKET on Windows.
#pragma once

#include <cstdint>

namespace weft::inline v0_1 {

#ifdef _WIN32
using NativeHandle = std::uintptr_t;
inline constexpr NativeHandle invalid_handle = ~NativeHandle{0};
#else
using NativeHandle = int;
inline constexpr NativeHandle invalid_handle = -1;
#endif

}  // namespace weft::inline v0_1
