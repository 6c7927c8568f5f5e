// FrameOwner: owns the coroutine frame of a task or a generator.
//
// A chain of frames (an awaiting frame owns the one it awaits) could be destroyed by destroying the
// outermost, whose owners would destroy the others recursively. Unwinding empties the owners
// instead, from the innermost frame on, so that the stack depth does not depend on the chain's
// length.
#pragma once

#include <coroutine>
#include <utility>

namespace weft::inline v0_1::detail {

/// Owns one coroutine frame. The unwinding releases it before it destroys the frame itself.
class FrameOwner {
 public:
  FrameOwner() noexcept = default;
  explicit FrameOwner(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  FrameOwner(FrameOwner&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  FrameOwner& operator=(FrameOwner&& other) noexcept {
    std::swap(frame_, other.frame_);
    other.reset();
    return *this;
  }
  ~FrameOwner() { reset(); }

  [[nodiscard]] std::coroutine_handle<> get() const noexcept { return frame_; }
  [[nodiscard]] explicit operator bool() const noexcept { return frame_ != nullptr; }
  std::coroutine_handle<> release() noexcept { return std::exchange(frame_, nullptr); }
  void reset() noexcept {
    if (frame_ != nullptr) std::exchange(frame_, nullptr).destroy();
  }

 private:
  std::coroutine_handle<> frame_ = nullptr;
};

}  // namespace weft::inline v0_1::detail
