// FrameOwner: who destroys a coroutine's frame. A task's, a generator's.
//
// A chain of frames (what awaits, what that awaits, …) could be destroyed by destroying the
// outermost, whose owners destroy the others within each other. Who unwinds a chain empties the
// owners instead, from the innermost frame on, so that the stack does not depend on its length.
#pragma once

#include <coroutine>
#include <utility>

namespace weft::detail {

/// Owns one coroutine frame. The unwinding empties it when it has destroyed the frame itself.
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

}  // namespace weft::detail
