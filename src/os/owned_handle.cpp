// OwnedHandle: the end of a handle. Called from any thread.
#include <weft/owned_handle.hpp>

#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

void OwnedHandle::reset(NativeHandle handle) noexcept {
  const NativeHandle old = std::exchange(handle_, handle);
  // An error of close (a delayed write error of a network file) has no receiver here.
  if (old != invalid_handle && old != handle) static_cast<void>(detail::Syscalls::close(old));
}

}  // namespace weft::inline v0_1
