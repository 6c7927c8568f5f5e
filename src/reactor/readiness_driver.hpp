// ReadinessDriver: the Driver over an edge-triggered poller: it makes completions out of readiness.
// An operation is tried at once, by its system call. If it would block, it waits in a queue of its
// source until the poller reports the source ready, and is tried again. Each source is registered
// once, not once an operation. Created by the runtime, called by Reactor through Driver.
//
// Thread-safety: as Driver (one caller at a time; wake() from any thread). The invariants of the
// registrations and of the readiness flags, with their proof, are in readiness_driver.cpp.
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
#include "reactor/file_calls.hpp"
#include "reactor/wait_queue.hpp"

namespace weft::inline v0_1::detail {

class ReadinessDriver final : public Driver {
 public:
  /// `preferred_number`: the number to take if no other driver of the process has it (see
  /// DriverNumber); it does not change what the driver does. Fails if no descriptors are left, or
  /// no memory is.
  /// `files`: where system calls on files are made that cannot be made at once; see FileCalls.
  [[nodiscard]] static Result<std::unique_ptr<ReadinessDriver>> create(
      unsigned preferred_number = 0, FileLane* files = nullptr) noexcept;
  ~ReadinessDriver() override;

  [[nodiscard]] Started start(Operation& operation) noexcept override;
  /// `confirmed`, as a waiting operation has not been handed to the kernel; for files see
  /// FileCalls.
  [[nodiscard]] Cancelled cancel(Operation& operation) noexcept override;
  void wait(std::int64_t timeout_ns, CompletionList& completed) noexcept override;
  void wake() noexcept override { poller_->wake(); }
  [[nodiscard]] NativeHandle native_handle() const noexcept override {
    return poller_->native_handle();
  }

 private:
  /// Whether a transfer shorter than requested shows that the direction is exhausted.
  enum class ShortMeansDrained : std::uint8_t { unknown, yes, no };

  /// What this driver knows of one handle. Operations of several sources with this handle may wait
  /// in it.
  struct Watch {
    // The source that was registered last; only compared.
    const Source* source = nullptr;
    WaitQueue readers;
    WaitQueue writers;
    WaitQueue either;              // polls for both directions, or for none (errors alone)
    std::uint8_t ready = 0;        // Interest bits: a try may succeed
    std::uint8_t idle_events = 0;  // events in a row while no operation waited
    ShortMeansDrained short_means_drained = ShortMeansDrained::unknown;
    bool registered = false;  // with the poller, and not removed by this driver since
    bool no_socket = false;   // a belief: see attempt()

    [[nodiscard]] bool waited_for() const noexcept {
      return !readers.empty() || !writers.empty() || !either.empty();
    }
  };

  ReadinessDriver(std::unique_ptr<Poller> poller, unsigned preferred_number,
                  FileLane* files) noexcept
      : number_(preferred_number), poller_(std::move(poller)), files_(*this, files) {}

  void harvest(std::int64_t timeout_ns) noexcept;
  [[nodiscard]] Watch* watch_of(const Source& source) const noexcept;
  [[nodiscard]] Watch* record_for(const Source& source) noexcept;
  void disappoint(WaitQueue& queue) noexcept;
  [[nodiscard]] Result<Watch*> begin_watching(Source& source) noexcept;
  void end_watching(NativeHandle handle, Watch& watch) noexcept;

  [[nodiscard, gnu::always_inline]] inline std::int64_t try_now(Operation& operation,
                                                                Watch* watch) noexcept;
  void learn(const Operation& operation, std::int64_t result, Watch& watch) noexcept;
  [[nodiscard]] static bool short_is_final(NativeHandle handle, Watch& watch) noexcept;
  void take_event(const Ready& event, CompletionList& completed) noexcept;
  void serve(WaitQueue& queue, std::uint8_t direction, Watch& watch,
             CompletionList& completed) noexcept;
  [[nodiscard]] static WaitQueue& queue_of(const Operation& operation, Watch& watch) noexcept;
  [[nodiscard]] static std::uint8_t direction_of(const Operation& operation) noexcept {
    return static_cast<std::uint8_t>(operation.directions());
  }
  [[nodiscard]] static bool must_wait(const Operation& operation, Watch& watch) noexcept;

  /// The events that one wait() handles at most: few, so that the tasks they complete run while
  /// their sockets are in the processor's cache; enough to spread the cost of a poll.
  static constexpr std::size_t delivered_at_once = 8;

  DriverNumber number_;
  std::unique_ptr<Poller> poller_;
  HandleTable<Watch> watches_;
  std::span<const Ready> undelivered_;  // the rest of the poller's last wait
  CompletionList disappointed_;         // ended by start() of others, for the next wait()
  std::size_t waiting_ = 0;             // operations in all queues
  std::size_t registered_ = 0;          // watches with `registered`
  FileCalls files_;
};

}  // namespace weft::inline v0_1::detail
