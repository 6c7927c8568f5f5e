// CancelRelay: the hook of a leaf that waits for other tasks, and passes a cancel on to them. The
// base of ChildGroup and ForkPoint.
//
// Such tasks may wait at relays in turn, to any depth. A relay that is asked while its thread runs
// another one is therefore queued, and run after that: a cancel takes constant stack, and is
// through when the first request() returns.
//
// Thread-safety: as CancelHook. The queue belongs to the thread, and lives on its stack.
// Invariant: a queued relay stays, since its task is not resumed before request_finished().
#pragma once

#include <weft/extend/cancel.hpp>

namespace weft::inline v0_1 {
class TaskHeader;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

class CancelRelay : public CancelHook {
 protected:
  CancelRelay() noexcept : CancelHook(&CancelRelay::on_cancel_request) {}
  ~CancelRelay() = default;

  /// Requests a cancel of each task that is waited for. Any thread.
  virtual void pass_cancel_on() noexcept = 0;
  /// The task that waits here.
  [[nodiscard]] virtual TaskHeader& cancelled_task() const noexcept = 0;

 private:
  friend class RelayQueue;
  static void on_cancel_request(CancelHook& self) noexcept;
  void run() noexcept;
};

}  // namespace weft::inline v0_1::detail
