// StandIns: where a worker that is about to block finds another one that stands in for it. The
// runtime's part of block_in_place().
#pragma once

namespace weft {

class StandIns {
 public:
  /// Of the runtime that the calling thread is a worker of, or null.
  [[nodiscard]] static StandIns* current() noexcept;
  /// Makes `stand_ins` (may be null) the calling thread's; returns the one before.
  static StandIns* make_current(StandIns* stand_ins) noexcept;

  /// One worker more. False: there can be none. Thread-safe, as the next.
  [[nodiscard]] virtual bool begin_stand_in() noexcept = 0;
  /// One less: not at once, but when it is between two runs.
  virtual void end_stand_in() noexcept = 0;

 protected:
  ~StandIns() = default;
};

}  // namespace weft
