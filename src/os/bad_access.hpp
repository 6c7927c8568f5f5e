// Handling of SIGSEGV and SIGBUS that may be stack overflows: an alternate stack for the handler,
// and a handler that reports the address.
#pragma once

#include <cstddef>
#include <memory>

namespace weft::inline v0_1::detail {

/// An alternate signal stack of the thread that calls install(), until remove(), the destructor, or
/// the thread's next sigaltstack(2). A thread that has one already keeps its own.
class AlternateSignalStack {
 public:
  AlternateSignalStack() noexcept = default;
  ~AlternateSignalStack() { remove(); }
  AlternateSignalStack(const AlternateSignalStack&) = delete;
  AlternateSignalStack& operator=(const AlternateSignalStack&) = delete;

  /// Without memory it does nothing; an overflow then ends the process without a message.
  void install() noexcept;
  /// On the thread that called install().
  void remove() noexcept;

 private:
  std::unique_ptr<std::byte[]> memory_;
  bool installed_ = false;
};

/// Calls `report` with the address of each bad access, in the signal handler on the accessing
/// thread; `report` must be async-signal-safe. Afterwards the previous handler runs, or the process
/// ends. Only the first call has an effect. Thread-safe.
void report_bad_access(void (*report)(const void* address) noexcept) noexcept;

}  // namespace weft::inline v0_1::detail
