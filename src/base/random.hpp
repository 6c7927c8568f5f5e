// A small random generator for scheduling choices, jitter and tests; not for secrets. One object
// belongs to one thread. The seed is always given, so that a run can be repeated.
#pragma once

#include <cstdint>
#include <limits>

namespace weft::inline v0_1::detail {

/// xorshift64* with a splitmix64 start, so that neighbouring seeds give unrelated streams.
/// Satisfies std::uniform_random_bit_generator.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit constexpr Random(std::uint64_t seed) noexcept : state_(scramble(seed)) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  constexpr result_type operator()() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1D;
  }

  /// Returns a number in [0, bound), by a multiplication instead of a division (the bias is below
  /// bound / 2^32). Precondition: `bound` is not zero.
  [[nodiscard]] constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((*this)() >> 32) * bound >> 32);
  }

 private:
  static constexpr std::uint64_t scramble(std::uint64_t seed) noexcept {
    std::uint64_t mixed = seed + 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    mixed ^= mixed >> 31;
    return mixed != 0 ? mixed : 1;  // zero is the fixed point of xorshift
  }

  std::uint64_t state_;
};

}  // namespace weft::inline v0_1::detail
