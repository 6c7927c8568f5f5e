// The record of a task's failure: the exception, the await sites that it has passed, and the
// handler that is called if no task awaits the failed one.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <span>

namespace weft::inline v0_1 {

namespace detail {

class ForkPoint;

}  // namespace detail

/// The await sites that an exception has passed, innermost first.
class AsyncBacktrace {
 public:
  [[nodiscard]] std::span<const std::source_location> sites() const noexcept {
    return {sites_.data(), size_};
  }
  /// Adds one more site of `error`; a new exception starts a new trace. Sites that exceed the room
  /// are omitted.
  void note(const std::exception_ptr& error, std::source_location site) noexcept;

 private:
  static constexpr std::size_t room = 16;
  std::exception_ptr error_;
  std::array<std::source_location, room> sites_{};
  std::size_t size_ = 0;
};

/// The failure of a task that no task awaits.
struct UnhandledFailure {
  std::exception_ptr error;
  const AsyncBacktrace* backtrace;  ///< may be null
};
using FailureHandler = std::function<void(const UnhandledFailure&)>;

namespace detail {

/// The record that is kept of a task's failure.
struct TaskFailure {
  AsyncBacktrace backtrace;
  std::exception_ptr error;                          // of a spawned task, like the next:
  std::shared_ptr<const FailureHandler> on_failure;  // may outlive the owner
  ForkPoint* pending_forks = nullptr;  // whose place in the header this record has taken
};

}  // namespace detail

}  // namespace weft::inline v0_1
