// The size classes of the frame pool: every 16 bytes up to 512, every 64 up to 2 KiB, then a few up
// to 16 KiB. Tasks and frames, of which there may be millions, are in the first part, where
// rounding up is what they would waste. Pure functions, of the pool and of allocate_frame(), where
// the compiler knows most sizes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

inline constexpr std::size_t kSmallestFrame = 32;  // has room for what the depot notes in a block
inline constexpr std::size_t kFineStep = 16;
inline constexpr std::size_t kFineLimit = 512;
inline constexpr std::size_t kFineClasses = (kFineLimit - kSmallestFrame) / kFineStep + 1;
inline constexpr std::size_t kMediumStep = 64;
inline constexpr std::size_t kMediumLimit = 2048;
inline constexpr std::size_t kMediumClasses = (kMediumLimit - kFineLimit) / kMediumStep;
inline constexpr std::array<std::size_t, 6> kCoarseSizes{3072, 4096, 6144, 8192, 12288, 16384};
inline constexpr std::size_t kFirstCoarse = kFineClasses + kMediumClasses;
inline constexpr std::size_t kFrameClasses = kFirstCoarse + kCoarseSizes.size();
inline constexpr std::size_t kLargestPooledFrame = kCoarseSizes.back();

/// The size of the blocks in a class.
[[nodiscard]] constexpr std::size_t frame_class_bytes(std::size_t index) noexcept {
  if (index < kFineClasses) return kSmallestFrame + index * kFineStep;
  if (index < kFirstCoarse) return kFineLimit + (index - kFineClasses + 1) * kMediumStep;
  return kCoarseSizes[index - kFirstCoarse];
}

/// What the blocks of a class are aligned to.
[[nodiscard]] constexpr std::size_t frame_class_alignment(std::size_t index) noexcept {
  constexpr std::size_t kMost = 64;
  const std::size_t bytes = frame_class_bytes(index);
  return std::min(bytes & (~bytes + 1), kMost);
}

/// The smallest class whose blocks hold `bytes`, which is at most kLargestPooledFrame.
[[nodiscard]] constexpr std::size_t frame_class_of(std::size_t bytes) noexcept {
  if (bytes <= kSmallestFrame) return 0;
  if (bytes <= kFineLimit) [[likely]] {
    return (bytes - kSmallestFrame + kFineStep - 1) / kFineStep;
  }
  if (bytes <= kMediumLimit) return kFineClasses + (bytes - kFineLimit - 1) / kMediumStep;
  std::size_t coarse = kFirstCoarse;
  while (frame_class_bytes(coarse) < bytes) ++coarse;
  return coarse;
}

/// How many blocks move at once between a thread and the depot: 16 KiB worth of them, at least 2
/// and at most 64. A thread keeps at most two such batches of free blocks a class.
[[nodiscard]] constexpr std::uint32_t frame_batch_blocks(std::size_t index) noexcept {
  constexpr std::size_t kBatchBytes = 16384;
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(kBatchBytes / frame_class_bytes(index), 2, 64));
}

}  // namespace weft
