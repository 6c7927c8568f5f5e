// Fd: owns a file descriptor and closes it. Not thread-safe.
#pragma once

#include <utility>

#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

class Fd {
 public:
  static constexpr int none = -1;

  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Releases the descriptor without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, none); }

  /// Closes the present descriptor and takes ownership of `fd`.
  void reset(int fd = none) noexcept {
    const int old = std::exchange(fd_, fd);
    // An error of close (a delayed write error of a network file) has no receiver here; it is
    // ignored.
    if (old >= 0 && old != fd) static_cast<void>(Syscalls::close(old));
  }

 private:
  int fd_ = none;
};

}  // namespace weft::inline v0_1::detail
