// BlockedPipeSignal: SIGPIPE blocked for the calling thread while it lives. For system calls that
// raise the signal and have no flag against it, and that must not end the process. The thread must
// not suspend a coroutine meanwhile.
#pragma once

#include <csignal>

namespace weft::inline v0_1::detail {

class BlockedPipeSignal {
 public:
  BlockedPipeSignal() noexcept;
  /// Restores the thread's mask; keeps errno.
  ~BlockedPipeSignal();
  BlockedPipeSignal(const BlockedPipeSignal&) = delete;
  BlockedPipeSignal& operator=(const BlockedPipeSignal&) = delete;

  /// Takes the signal that a call has raised. To be called after one that failed with EPIPE, and
  /// after one that has moved less than it was asked to: the target may have broken after a part,
  /// of which sendfile(2), splice(2) and write(2) then give the size and raise the signal
  /// nevertheless. One that was pending before has another cause, and stays pending.
  void consume() const noexcept;

 private:
  sigset_t before_;
  bool was_blocked_ = false;
  bool was_pending_ = false;
};

}  // namespace weft::inline v0_1::detail
