// The core of a channel: the waiters of both sides, and the moments at which values move.
//
// Everything is guarded by the one mutex: a ring under a plain lock that hands over directly is
// faster across cores than a lock-free one (docs: performance), as the line that moves between the
// cores is the same for lock, counts and queue. Who writes what: a value that has been sent is in
// one place: inside, or in the slot of a receiver. It goes from the one to the other, or straight
// from its sender's place to a slot, with the mutex held; whoever does that also takes the waiter
// out of its list.
//
// Invariants, with the mutex free:
//  - receivers wait only while nothing is inside, no sender waits and the channel is open;
//  - senders wait only while it is full (of capacity 0: always), no receiver waits and it is open;
//    so nobody who comes later passes those who wait, and values leave in the order of the sends;
//  - a waiter is in its list and its value is untouched, or it was served: then the value has been
//    moved, or the channel is closed, or moving has thrown, and it will be woken once;
//  - so a wait that is withdrawn has neither sent nor taken anything;
//  - once closed it stays closed: nothing is added. When no receiver lives any more, nothing is
//    taken either, and the values inside belong to whoever dropped the last one.
//
// The mutex is not held when waiters are woken; the core is not touched after that, since whoever
// is woken may drop the last hold of it. Destructors of values never run with it held, but for what
// a moving-out leaves behind, or has failed to move; so a value may itself hold ends of this
// channel.
#include <weft/detail/channel_core.hpp>

#include <utility>

#include "base/check.hpp"

namespace weft::detail {

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

ChannelWaiter& first_of(WaiterList& list) noexcept {
  // SAFETY: wait_with() takes no other waiters.
  return *static_cast<ChannelWaiter*>(list.first());
}

}  // namespace

ChannelCore::~ChannelCore() {
  WEFT_CHECK(senders_.first() == nullptr && receivers_.first() == nullptr,
             "a channel's last handle was dropped while somebody waited through it");
}

/// With the mutex held: gives the value to the first who waits for one, if anybody does. Throws
/// what moving it throws: then that one goes on waiting.
bool ChannelCore::serve_receiver(void* value, ServedList& served) {
  if (receivers_.first() == nullptr) return false;
  hand_over(value, first_of(receivers_).value_);
  receivers_.serve_first(served);
  return true;
}

/// With the mutex held: takes in what senders wait with, as long as there is room. One whose value
/// cannot be moved is told so and leaves its place to the next.
void ChannelCore::refill(ServedList& served) noexcept {
  while (senders_.first() != nullptr && size_ < capacity_) {
    ChannelWaiter& sender = first_of(senders_);
    try {
      push(sender.value_);
      ++size_;
    } catch (...) {
      sender.error_ = std::current_exception();
    }
    senders_.serve_first(served);
  }
}

/// With the mutex held and nothing inside: straight from the first sender whose value can be moved.
bool ChannelCore::take_from_sender(void* slot, ServedList& served) {
  while (senders_.first() != nullptr) {
    ChannelWaiter& sender = first_of(senders_);
    try {
      hand_over(sender.value_, slot);
    } catch (...) {
      sender.error_ = std::current_exception();
    }
    senders_.serve_first(served);
    if (sender.error_ == nullptr) return true;
  }
  return false;
}

/// With the mutex held: the next value into `slot`; false if there is none. Throws what moving it
/// out throws: then it is lost, and its place is free.
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

/// With the mutex held, and a waiter that was not withdrawn.
Queued ChannelCore::send_or_queue(ChannelWaiter& waiter) noexcept {
  if (!closed_ && (senders_.first() != nullptr || size_ == capacity_)) {
    senders_.append(waiter);
    return Queued::waiting;
  }
  waiter.closed_ = closed_;
  if (!closed_) {
    try {
      push(waiter.value_);
      ++size_;
    } catch (...) {
      waiter.error_ = std::current_exception();
    }
  }
  WaiterList::served_at_once(waiter);
  return Queued::served;
}

/// The same for one that wants to receive.
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
    } else if (receivers_.first() == nullptr) {
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
  // Nobody else is concerned: those behind it wait for what it waited for.
  const Lock lock(mutex_);
  return list_of(side).withdraw(waiter);
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

}  // namespace weft::detail
