// The size classes of the frame pool: one every 64 bytes up to 2 KiB, then six up to 16 KiB. Pure
// functions, used by the pool and by allocate_frame(), where most sizes are compile-time constants.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1::detail {

inline constexpr std::size_t kFrameGranule = 64;  // a cache line: two frames never share one
inline constexpr std::size_t kFineLimit = 2048;
inline constexpr std::size_t kFineClasses = kFineLimit / kFrameGranule;
inline constexpr std::array<std::size_t, 6> kCoarseSizes{3072, 4096, 6144, 8192, 12288, 16384};
inline constexpr std::size_t kFrameClasses = kFineClasses + kCoarseSizes.size();
inline constexpr std::size_t kLargestPooledFrame = kCoarseSizes.back();

/// The block size of a class.
[[nodiscard]] constexpr std::size_t frame_class_bytes(std::size_t index) noexcept {
  return index < kFineClasses ? (index + 1) * kFrameGranule : kCoarseSizes[index - kFineClasses];
}

/// The smallest class whose blocks hold `bytes`. Precondition: bytes <= kLargestPooledFrame.
[[nodiscard]] constexpr std::size_t frame_class_of(std::size_t bytes) noexcept {
  if (bytes <= kFineLimit) [[likely]] {
    return bytes == 0 ? 0 : (bytes - 1) / kFrameGranule;
  }
  std::size_t coarse = 0;
  while (kCoarseSizes[coarse] < bytes) ++coarse;
  return kFineClasses + coarse;
}

inline constexpr std::uint32_t kLargestFrameBatch = 64;
/// The number of blocks that move at once between a thread and the depot: 16 KiB worth of blocks,
/// at least 2 and at most 64. A thread keeps at most two such batches of free blocks in each class.
[[nodiscard]] constexpr std::uint32_t frame_batch_blocks(std::size_t index) noexcept {
  constexpr std::size_t kBatchBytes = 16384;
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(kBatchBytes / frame_class_bytes(index), 2, kLargestFrameBatch));
}

}  // namespace weft::inline v0_1::detail
