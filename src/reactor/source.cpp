// Source: see <weft/extend/operation.hpp>.
#include <weft/extend/operation.hpp>

#include <utility>

#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

Source::~Source() {
  // close() may report a delayed write error of a network file; no caller is left to act on it.
  if (handle_ != invalid_handle) static_cast<void>(detail::Syscalls::close(handle_));
}

NativeHandle Source::release() noexcept { return std::exchange(handle_, invalid_handle); }

}  // namespace weft::inline v0_1
