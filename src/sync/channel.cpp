// The core of a channel: the waiters of both sides, and the steps at which values move.
//
// One mutex guards everything. Across cores a ring under a plain lock with direct hand-over is
// faster than a lock-free ring (decision 015), because the cache line that moves between the cores
// is the same for the lock, the counts and the queue.
//
// Where a value is: after a send it is in exactly one place, in the ring or in the slot of a
// receiver. It moves from the ring to a slot, or directly from the sender's storage to a slot, with
// the mutex held. The thread that moves it also removes the waiter from its list, under the same
// lock.
//
// Invariants, with the mutex free:
//  - Receivers wait only while the ring is empty, no sender waits with a value and the channel is
//    open.
//  - Senders with a value wait only while the ring has no room (capacity 0: always), no receiver
//    waits and the channel is open. So a later sender or receiver never passes a waiter, and values
//    leave in the order of the sends.
//  - A place that is kept for a sender is no room for others: room_ is the capacity without those
//    places, and size_ <= room_. A sender that waits to keep a place has no value. So it waits also
//    beside receivers; and while all places are kept, the values of senders behind it go to
//    receivers directly, which takes no place.
//  - A waiter is in its list and its value is untouched, or it was served. Served: the value was
//    moved, or the channel is closed, or moving threw; the waiter will be woken once.
//  - So a wait that is withdrawn has neither sent nor taken anything.
//  - A closed channel stays closed: no value is added. After the last receiver has gone no value is
//    taken either, and the values inside belong to the thread that dropped that receiver.
//
// Waiters are woken with the mutex free. The core is not touched after the wake, because a woken
// waiter may drop the last reference to it. Destructors of values do not run with the mutex held,
// except on a value that was moved from or that failed to move; so a value may itself hold handles
// of this channel.
#include <weft/detail/channel_core.hpp>

#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

namespace {

class ThreadChannelWaiter final : public ChannelWaiter {
 public:
  explicit ThreadChannelWaiter(void* value) noexcept
      : ChannelWaiter(&ThreadChannelWaiter::on_served, value) {}
  void wait() noexcept { parker_.park(); }

 private:
  static void on_served(Runnable& self) noexcept {
    static_cast<ThreadChannelWaiter&>(self).parker_.unpark();
  }
  ThreadParker parker_;
};

// SAFETY, both: wait_with() puts no other waiters into the lists of senders and receivers.
ChannelWaiter& channel_waiter(Waiter& waiter) noexcept {
  return static_cast<ChannelWaiter&>(waiter);
}
ChannelWaiter& first_of(WaiterList& list) noexcept { return channel_waiter(*list.first()); }

}  // namespace

ChannelCore::~ChannelCore() {
  WEFT_CHECK(
      senders_.first() == nullptr && receivers_.first() == nullptr && closing_.first() == nullptr,
      "a channel's last handle is dropped while a task waits through it: end the task first "
      "(declare a Runtime after what its tasks use)");
}

/// With the mutex held: gives the value to the receiver that waited longest. False: no receiver
/// waits. Throws what moving the value throws; then that receiver goes on waiting.
bool ChannelCore::serve_receiver(void* value, ServedList& served) {
  if (receivers_.first() == nullptr) return false;
  hand_over(value, first_of(receivers_).value_);
  receivers_.serve_first(served);
  return true;
}

/// With the mutex held and room in the ring: puts the sender's value there, or keeps a place. A
/// sender whose value cannot be moved gets the exception.
void ChannelCore::admit(ChannelWaiter& sender) noexcept {
  if (sender.value_ == nullptr) {
    --room_;
    return;
  }
  try {
    push(sender.value_);
    ++size_;
  } catch (...) {
    sender.error_ = std::current_exception();
  }
}

/// With the mutex held: admits waiting senders while there is room. If a value cannot be moved, the
/// next sender gets its place.
void ChannelCore::refill(ServedList& served) noexcept {
  while (senders_.first() != nullptr && size_ < room_) {
    admit(first_of(senders_));
    senders_.serve_first(served);
  }
}

/// With the mutex held and the ring empty: takes the value of the first waiting sender whose value
/// can be moved.
bool ChannelCore::take_from_sender(void* slot, ServedList& served) {
  Waiter* next = senders_.first();
  while (next != nullptr) {
    ChannelWaiter& sender = channel_waiter(*next);
    next = WaiterList::behind(sender);
    if (sender.value_ == nullptr) continue;
    try {
      hand_over(sender.value_, slot);
    } catch (...) {
      sender.error_ = std::current_exception();
    }
    senders_.serve(sender, served);
    if (sender.error_ == nullptr) return true;
  }
  return false;
}

/// With the mutex held: moves the next value into `slot`. False: there is none. Throws what moving
/// it out throws; then the value is lost and its place is free.
bool ChannelCore::take(void* slot, ServedList& served) {
  if (size_ == 0) return take_from_sender(slot, served);
  --size_;
  try {
    pop_into(slot);
  } catch (...) {
    refill(served);
    throw;
  }
  refill(served);
  return true;
}

TrySend ChannelCore::send_to_waiting(Lock lock, void* value) {
  if (closed_) return TrySend::closed;
  ServedList served;
  if (!serve_receiver(value, served)) return TrySend::full;
  lock.unlock();
  served.wake_all();
  return TrySend::sent;
}

std::optional<TryReceive> ChannelCore::receive_with_waiting(Lock lock, void* slot) {
  ServedList served;
  std::exception_ptr error;
  bool taken = true;
  try {
    taken = take(slot, served);
  } catch (...) {
    error = std::current_exception();
  }
  const bool closed = closed_;
  lock.unlock();
  served.wake_all();
  if (error != nullptr) std::rethrow_exception(error);
  if (taken) return std::nullopt;
  return closed ? TryReceive::closed : TryReceive::empty;
}

/// With the mutex held: admits or queues the waiter. Precondition: `waiter` was not withdrawn.
Queued ChannelCore::send_or_queue(ChannelWaiter& waiter) noexcept {
  if (!closed_ && (senders_.first() != nullptr || size_ == room_)) {
    senders_.append(waiter);
    return Queued::waiting;
  }
  waiter.closed_ = closed_;
  if (!closed_) admit(waiter);
  WaiterList::served_at_once(waiter);
  return Queued::served;
}

/// With the mutex held: receives, or queues the waiter. The same precondition.
Queued ChannelCore::receive_or_queue(ChannelWaiter& waiter, ServedList& served) noexcept {
  try {
    if (!take(waiter.value_, served)) {
      if (!closed_) {
        receivers_.append(waiter);
        return Queued::waiting;
      }
      waiter.closed_ = true;
    }
  } catch (...) {
    waiter.error_ = std::current_exception();
  }
  WaiterList::served_at_once(waiter);
  return Queued::served;
}

Queued ChannelCore::wait_with(Side side, ChannelWaiter& waiter) noexcept {
  ServedList served;
  Queued queued = Queued::refused;
  {
    const Lock lock(mutex_);
    if (WaiterList::refuses(waiter)) return queued;
    if (side == Side::receiver) {
      queued = receive_or_queue(waiter, served);
    } else if (receivers_.first() == nullptr || waiter.value_ == nullptr) {
      queued = send_or_queue(waiter);
    } else {
      queued = Queued::served;
      try {
        static_cast<void>(serve_receiver(waiter.value_, served));
      } catch (...) {
        waiter.error_ = std::current_exception();
      }
      WaiterList::served_at_once(waiter);
    }
  }
  served.wake_all();
  return queued;
}

bool ChannelCore::withdraw(Side side, ChannelWaiter& waiter) noexcept {
  // Serves no other waiter: those behind it still wait for the same thing.
  const Lock lock(mutex_);
  return list_of(side).withdraw(waiter);
}

TrySend ChannelCore::keep_place() noexcept {
  const Lock lock(mutex_);
  if (closed_) return TrySend::closed;
  if (senders_.first() != nullptr || size_ == room_) return TrySend::full;
  --room_;
  return TrySend::sent;
}

void ChannelCore::free_place() noexcept {
  ServedList served;
  {
    const Lock lock(mutex_);
    ++room_;
    refill(served);
  }
  served.wake_all();
}

bool ChannelCore::send_in_place(void* value) {
  ServedList served;
  {
    const Lock lock(mutex_);
    if (!closed_) {
      // A receiver that waits takes the value, and the place is free. Both may throw, and have then
      // changed nothing.
      if (!serve_receiver(value, served)) {
        push(value);
        ++size_;
      }
    }
    ++room_;
    if (closed_) return false;
    refill(served);
  }
  served.wake_all();
  return true;
}

Queued ChannelCore::wait_closed_with(Waiter& waiter) noexcept {
  const Lock lock(mutex_);
  if (WaiterList::refuses(waiter)) return Queued::refused;
  if (closed_) {
    WaiterList::served_at_once(waiter);
    return Queued::served;
  }
  closing_.append(waiter);
  return Queued::waiting;
}

bool ChannelCore::withdraw_closed(Waiter& waiter) noexcept {
  const Lock lock(mutex_);
  return closing_.withdraw(waiter);
}

bool ChannelCore::wait_on_thread(Side side, void* value) {
  require_thread_may_block(side == Side::sender ? "weft::Sender::blocking_send"
                                                : "weft::Receiver::blocking_receive");
  ThreadChannelWaiter waiter(value);
  if (wait_with(side, waiter) == Queued::waiting) waiter.wait();
  return waiter.found_closed();
}

void ChannelCore::serve_all_as_closed(WaiterList& list, ServedList& served) noexcept {
  while (list.first() != nullptr) {
    first_of(list).closed_ = true;
    list.serve_first(served);
  }
}

void ChannelCore::close() noexcept {
  ServedList served;
  {
    const Lock lock(mutex_);
    closed_ = true;
    serve_all_as_closed(senders_, served);
    serve_all_as_closed(receivers_, served);
    while (closing_.first() != nullptr) closing_.serve_first(served);
  }
  served.wake_all();
}

void ChannelCore::side_gone(Side side) noexcept {
  close();
  if (side == Side::sender) return;
  {
    const Lock lock(mutex_);
    size_ = 0;
  }
  clear();
}

bool ChannelCore::closed() const noexcept {
  const Lock lock(mutex_);
  return closed_;
}

std::size_t ChannelCore::size() const noexcept {
  const Lock lock(mutex_);
  return size_;
}

std::size_t ChannelCore::waiting(Side side) const noexcept {
  const Lock lock(mutex_);
  return side == Side::sender ? senders_.size() : receivers_.size();
}

}  // namespace weft::inline v0_1::detail
