// DriverNumber: the process's set of taken numbers.
#include "reactor/driver_number.hpp"

#include <weft/atomic.hpp>

#include <bit>
#include <cstdint>

namespace weft::inline v0_1::detail {

namespace {

// One bit for each taken number. The acquire of take() pairs with the release of the destructor:
// everything a number's last driver did happens before the next driver has it. The other loads are
// relaxed, as the exchange checks what they read.
constinit Atomic<std::uint64_t> taken_numbers{0};

constexpr std::uint64_t bit_of(unsigned number) noexcept { return std::uint64_t{1} << number; }

unsigned take(unsigned preferred) noexcept {
  std::uint64_t taken = taken_numbers.load(std::memory_order_relaxed);
  for (;;) {
    unsigned number = preferred;
    if (number >= DriverNumber::most || (taken & bit_of(number)) != 0) {
      number = static_cast<unsigned>(std::countr_one(taken));
    }
    if (number >= DriverNumber::most) return DriverNumber::most;
    if (taken_numbers.compare_exchange_weak(taken, taken | bit_of(number),
                                            std::memory_order_acquire, std::memory_order_relaxed)) {
      return number;
    }
  }
}

}  // namespace

DriverNumber::DriverNumber(unsigned preferred) noexcept : number_(take(preferred)) {}

DriverNumber::~DriverNumber() {
  if (number_ < most) taken_numbers.fetch_and(~bit_of(number_), std::memory_order_release);
}

}  // namespace weft::inline v0_1::detail
