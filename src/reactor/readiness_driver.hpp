// ReadinessDriver: completions out of readiness. An operation is tried at once; if it would block,
// it waits until the event queue says that its source is ready, and is tried again. Used by Reactor
// through Driver. Thread-safety: as Driver. The invariants of the readiness flags, with their
// proof, are in readiness_driver.cpp.
#pragma once

#include <weft/extend/operation.hpp>
#include <weft/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "event/handle_table.hpp"
#include "event/poller.hpp"
#include "reactor/driver.hpp"
#include "reactor/driver_number.hpp"
#include "reactor/wait_queue.hpp"

namespace weft::detail {

class ReadinessDriver final : public Driver {
 public:
  /// `preferred_number`: which number to take if no other driver of the process has it (see
  /// DriverNumber); it makes no difference to what the driver does. Fails if there are no more
  /// descriptors.
  [[nodiscard]] static Result<std::unique_ptr<ReadinessDriver>> create(
      unsigned preferred_number = 0);
  ~ReadinessDriver() override;

  [[nodiscard]] Started start(Operation& operation) noexcept override;
  /// Always `confirmed`: what waits here has not been handed to the kernel.
  [[nodiscard]] Cancelled cancel(Operation& operation) noexcept override;
  void wait(std::int64_t timeout_ns, CompletionList& completed) noexcept override;
  void wake() noexcept override { poller_->wake(); }
  [[nodiscard]] NativeHandle native_handle() const noexcept override {
    return poller_->native_handle();
  }

 private:
  /// Whether a transfer that was shorter than asked for shows that nothing is left.
  enum class ShortMeansDrained : std::uint8_t { unknown, yes, no };

  /// What this driver knows of a handle.
  struct Watch {
    const Source* source = nullptr;  // whom this is about: compared, never followed
    WaitQueue readers;
    WaitQueue writers;
    WaitQueue either;              // polls for both directions, or for none (that is, for errors)
    std::uint8_t ready = 0;        // Interest bits: a try may succeed
    std::uint8_t idle_events = 0;  // events in a row for which nothing waited
    ShortMeansDrained short_means_drained = ShortMeansDrained::unknown;
    bool registered = false;  // with the poller, and not ended there since
    bool no_socket = false;   // a belief: see attempt()

    [[nodiscard]] bool waited_for() const noexcept {
      return !readers.empty() || !writers.empty() || !either.empty();
    }
  };

  ReadinessDriver(std::unique_ptr<Poller> poller, unsigned preferred_number) noexcept
      : number_(preferred_number), poller_(std::move(poller)) {}

  void harvest(std::int64_t timeout_ns) noexcept;
  [[nodiscard]] Watch* watch_of(const Source& source) const noexcept;
  [[nodiscard]] Watch* record_for(const Source& source) noexcept;
  [[nodiscard]] Result<Watch*> begin_watching(Source& source) noexcept;
  void end_watching(NativeHandle handle, Watch& watch) noexcept;

  [[nodiscard, gnu::always_inline]] inline std::int64_t try_now(Operation& operation,
                                                                Watch* watch) noexcept;
  void learn(const Operation& operation, std::int64_t result, Watch& watch) noexcept;
  [[nodiscard]] bool short_is_final(Watch& watch) noexcept;
  void take_event(const Ready& event, CompletionList& completed) noexcept;
  void serve(WaitQueue& queue, std::uint8_t direction, Watch& watch,
             CompletionList& completed) noexcept;
  [[nodiscard]] static WaitQueue& queue_of(const Operation& operation, Watch& watch) noexcept;
  [[nodiscard]] static std::uint8_t direction_of(const Operation& operation) noexcept;
  [[nodiscard]] static bool must_wait(const Operation& operation, Watch& watch) noexcept;

  /// So many events are dealt with by one wait(): few, so that what they complete goes on while its
  /// socket is still in the processor's cache, and enough to spread the cost of a turn.
  static constexpr std::size_t delivered_at_once = 8;

  DriverNumber number_;
  std::unique_ptr<Poller> poller_;
  HandleTable<Watch> watches_;
  std::span<const Ready> undelivered_;  // of the poller's last wait
  std::size_t waiting_ = 0;             // operations in all queues
  std::size_t registered_ = 0;          // watches that are
};

}  // namespace weft::detail
