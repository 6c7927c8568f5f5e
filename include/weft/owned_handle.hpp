// OwnedHandle: owns a handle of the system and closes it, as one that a peer has passed over a Unix
// socket (<weft/unix.hpp>).
//
//   weft::OwnedHandle file = std::move(message.handles.front());
//   use(file.get());                                       // closed when `file` goes
#pragma once

#include <utility>
#include <weft/native_handle.hpp>

namespace weft::inline v0_1 {

/// Move-only. Not thread-safe.
class OwnedHandle {
 public:
  OwnedHandle() noexcept = default;
  explicit OwnedHandle(NativeHandle handle) noexcept : handle_(handle) {}
  OwnedHandle(OwnedHandle&& other) noexcept : handle_(other.release()) {}
  OwnedHandle& operator=(OwnedHandle&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~OwnedHandle() { reset(); }

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != invalid_handle; }
  /// Returns the handle, which this object still owns; invalid_handle if there is none.
  [[nodiscard]] NativeHandle get() const noexcept { return handle_; }
  /// Returns the handle, which is the caller's from now on.
  [[nodiscard]] NativeHandle release() noexcept { return std::exchange(handle_, invalid_handle); }
  /// Closes the handle that it owns, and owns `handle`. An error of the close is ignored.
  void reset(NativeHandle handle = invalid_handle) noexcept;

 private:
  NativeHandle handle_ = invalid_handle;
};

}  // namespace weft::inline v0_1
