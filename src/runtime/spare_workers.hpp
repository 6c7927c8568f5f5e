// SpareWorkers: where a worker that is about to block finds another one to stand in for it. The
// runtime's part of block_in_place().
#pragma once

namespace weft::inline v0_1::detail {

class SpareWorkers {
 public:
  /// Of the runtime that the calling thread is a worker of, or null.
  [[nodiscard]] static SpareWorkers* current() noexcept;

  /// Activates one spare worker. False: there can be none. Thread-safe.
  [[nodiscard]] virtual bool activate_spare() noexcept = 0;
  /// Deactivates one, at the end of its current run. Thread-safe.
  virtual void deactivate_spare() noexcept = 0;

 protected:
  ~SpareWorkers() = default;
};

}  // namespace weft::inline v0_1::detail
