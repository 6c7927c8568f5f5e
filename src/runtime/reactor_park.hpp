// ReactorPark: the Park of a worker is its reactor. With virtual time it also skips the time that
// the worker would wait for. Thread-safety: as Park.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "compute/lanes.hpp"
#include "compute/team.hpp"
#include "exec/park.hpp"
#include "os/clock.hpp"
#include "reactor/reactor.hpp"

namespace weft::inline v0_1::detail {

/// The threads of a runtime that are no workers: while they compute, virtual time stands still.
class OtherThreads {
 public:
  OtherThreads(const Lanes& lanes, const Team& team) noexcept : lanes_(lanes), team_(team) {}
  /// How much they have begun; no value, if some of it has not ended. A caller that sees all ended
  /// also sees what that has made runnable.
  [[nodiscard]] std::optional<std::uint64_t> all_ended() const noexcept;

 private:
  const Lanes& lanes_;
  const Team& team_;
};

class ReactorPark final : public Park {
 public:
  ReactorPark(std::unique_ptr<Driver> driver, Clock& clock) noexcept
      : reactor_(std::move(driver), clock) {}

  void park() noexcept override {
    if (virtual_clock_ == nullptr) {
      reactor_.poll(-1);
    } else if (!skip()) {
      reactor_.poll(timeout());
    }
  }
  /// How long a park() would last at most, in nanoseconds; negative: without limit.
  [[nodiscard]] std::int64_t timeout() noexcept {
    if (virtual_clock_ == nullptr || quiet_since_) return reactor_.timeout();
    // Other threads compute. One that ends wakes the worker before it counts as ended, and not
    // again, so the worker looks once more after a while.
    return busy_look_ns;
  }
  /// From now on time passes only by skip(), when the worker would wait for it.
  void skip_time_of(VirtualClock& clock, const OtherThreads& others) noexcept {
    virtual_clock_ = &clock;
    others_ = &others;
  }
  [[nodiscard]] bool skip() noexcept;
  bool poll() noexcept override;
  [[nodiscard]] bool poll_now() noexcept override {
    return reactor_.poll(0) != 0 || reactor_.has_buffered();
  }
  [[nodiscard]] bool dispatch_buffered() noexcept override { return reactor_.dispatch_buffered(); }
  [[nodiscard]] std::optional<RemotePoll> poll_remotely() noexcept override;
  [[nodiscard]] std::int64_t now() noexcept override { return reactor_.now(); }
  void unpark() noexcept override { reactor_.wake(); }
  [[nodiscard]] Reactor& reactor() noexcept { return reactor_; }

 private:
  /// A system call costs as much as a hundred short runs: polls are at least this far apart.
  static constexpr std::int64_t poll_distance_ns = 50'000;
  static constexpr std::int64_t busy_look_ns = 1'000'000;

  Reactor reactor_;
  std::int64_t polled_at_ = 0;
  VirtualClock* virtual_clock_ = nullptr;
  const OtherThreads* others_ = nullptr;
  std::optional<std::uint64_t> quiet_since_;  // what others_ had begun and ended a park ago
};

}  // namespace weft::inline v0_1::detail
