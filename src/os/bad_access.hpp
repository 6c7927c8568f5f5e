// What to do about SIGSEGV and SIGBUS when a stack may be what has run out: a stack for the
// handler, and a handler that tells whoever may know the address.
#pragma once

#include <cstddef>
#include <memory>

namespace weft::detail {

/// A stack for signal handlers, of the thread that calls install(), until the destructor runs or
/// another thread installs it. A thread that has one already keeps its own.
class AlternateSignalStack {
 public:
  AlternateSignalStack() noexcept = default;
  ~AlternateSignalStack() { remove(); }
  AlternateSignalStack(const AlternateSignalStack&) = delete;
  AlternateSignalStack& operator=(const AlternateSignalStack&) = delete;

  /// Without memory it does nothing: then an overflow ends the process without a message.
  void install() noexcept;
  /// On the same thread.
  void remove() noexcept;

 private:
  std::unique_ptr<std::byte[]> memory_;
  bool installed_ = false;
};

/// Calls `report` with the address of each bad access, in the signal handler: on that thread, which
/// may only do what is async-signal-safe. Afterwards what was to happen before goes on: the
/// previous handler, or the end of the process. The first call counts. Thread-safe.
void report_bad_access(void (*report)(const void* address) noexcept) noexcept;

}  // namespace weft::detail
