// DriverNumber: a small number that no other living readiness driver of the process has. With it a
// Source remembers in one word which drivers watch it. Used by ReadinessDriver. Thread-safe.
#pragma once

namespace weft::inline v0_1::detail {

class DriverNumber {
 public:
  /// Drivers beyond this many get no number of their own.
  static constexpr unsigned most = 64;

  /// Takes `preferred` if it is free, else the lowest free number, else `most`.
  explicit DriverNumber(unsigned preferred) noexcept;
  ~DriverNumber();
  DriverNumber(const DriverNumber&) = delete;
  DriverNumber& operator=(const DriverNumber&) = delete;

  [[nodiscard]] unsigned get() const noexcept { return number_; }

 private:
  unsigned number_;
};

}  // namespace weft::inline v0_1::detail
