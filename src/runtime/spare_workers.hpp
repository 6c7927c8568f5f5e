// SpareWorkers: where a worker that is about to block finds another one that stands in for it. The
// runtime's part of block_in_place().
#pragma once

namespace weft::detail {

class SpareWorkers {
 public:
  /// Of the runtime that the calling thread is a worker of, or null.
  [[nodiscard]] static SpareWorkers* current() noexcept;

  /// One worker more. False: there can be none. Thread-safe, as the next.
  [[nodiscard]] virtual bool activate_spare() noexcept = 0;
  /// One less: not at once, but when it is between two runs.
  virtual void deactivate_spare() noexcept = 0;

 protected:
  ~SpareWorkers() = default;
};

}  // namespace weft::detail
