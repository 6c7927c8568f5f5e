// DriverNumber: a small number that no other living readiness driver of the process has, so that a
// Source can remember in one word which drivers watch it. Thread-safe.
#pragma once

namespace weft::detail {

class DriverNumber {
 public:
  /// More drivers than this may live, but they are not numbered.
  static constexpr unsigned most = 64;

  /// Takes `preferred` if it is free, else the lowest that is, else `most`.
  explicit DriverNumber(unsigned preferred) noexcept;
  ~DriverNumber();
  DriverNumber(const DriverNumber&) = delete;
  DriverNumber& operator=(const DriverNumber&) = delete;

  [[nodiscard]] unsigned get() const noexcept { return number_; }

 private:
  unsigned number_;
};

}  // namespace weft::detail
