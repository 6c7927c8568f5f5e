// CancelRelay: the queue of the relays that a thread is to run. The contract is in
// <weft/detail/cancel_relay.hpp>.
#include <weft/detail/cancel_relay.hpp>

#include <weft/extend/task_header.hpp>

#include <utility>

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

/// First in, first out: of several tasks the first is asked first, as without a queue. Linked
/// through the hooks.
class RelayQueue {
 public:
  void push(CancelRelay& relay) noexcept {
    relay.set_next_relay(nullptr);
    if (first_ == nullptr) {
      first_ = &relay;
    } else {
      last_->set_next_relay(&relay);
    }
    last_ = &relay;
  }
  void run_all() noexcept {
    while (first_ != nullptr) {
      CancelRelay& relay = *first_;
      // SAFETY: only push() links hooks, and each is a CancelRelay.
      first_ = static_cast<CancelRelay*>(relay.next_relay());
      relay.run();
    }
  }

 private:
  CancelRelay* first_ = nullptr;
  CancelRelay* last_ = nullptr;  // unspecified while first_ is null
};

void CancelRelay::run() noexcept {
  TaskHeader& task = cancelled_task();
  // As in TaskHeader::request_cancel(), which has returned if this relay was queued.
  TaskExecutor& executor = task.executor().shared();
  executor.hold();
  pass_cancel_on();
  task.request_finished();
  executor.release();
}

// Never inlined: see thread_context().
[[gnu::noinline]] void CancelRelay::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a CancelRelay.
  auto& relay = static_cast<CancelRelay&>(self);
  ThreadContext& here = thread_context();
  if (here.relays != nullptr) return here.relays->push(relay);
  RelayQueue queue;
  here.relays = &queue;
  relay.run();
  queue.run_all();
  here.relays = nullptr;
}

}  // namespace weft::inline v0_1::detail
