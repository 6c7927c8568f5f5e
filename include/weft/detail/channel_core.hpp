// ChannelCore: a channel without its values: the waiters, their order, when they are served, and
// the close. ChannelLeaf: the leaf of a task that waits for a channel. For authors of ways to wait
// for a channel; users include <weft/channel.hpp>. The proof: src/sync/channel.cpp.
#pragma once

#include <weft/channel_result.hpp>
#include <weft/detail/handle_counts.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/extend/waiter_leaf.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>

namespace weft::inline v0_1::detail {

/// Waits on one side of a channel: to send the T at `value`, or to receive into the
/// std::optional<T> there; a sender without a value waits for a place that it keeps. The channel
/// may access `value` until the waiter was served.
class ChannelWaiter : public Waiter {
 public:
  ChannelWaiter(Wake how, void* value) noexcept : Waiter(how), value_(value) {}

  /// After it was served: whether nothing was moved because the channel is closed. Throws what
  /// moving the value threw.
  [[nodiscard]] bool found_closed() const {
    if (error_ != nullptr) [[unlikely]]
      std::rethrow_exception(error_);
    return closed_;
  }

 protected:
  ~ChannelWaiter() = default;

 private:
  friend class ChannelCore;
  void* value_;
  std::exception_ptr error_;
  bool closed_ = false;
};

class ChannelCore : public HandleCounts {
 public:
  /// Queues `waiter` on that side, unless it can be served at once.
  [[nodiscard]] Queued wait_with(Side side, ChannelWaiter& waiter) noexcept;
  /// Takes the waiter back. True: nothing was moved, and it will not be woken. False: it is being
  /// woken. Before wait_with(): makes it refuse, and returns false.
  [[nodiscard]] bool withdraw(Side side, ChannelWaiter& waiter) noexcept;
  /// Blocks the calling thread until it is served; returns found_closed(). Throws std::logic_error
  /// on a thread that runs weft tasks.
  [[nodiscard]] bool wait_on_thread(Side side, void* value);

  // Places that are kept for senders which have no value yet.
  /// Keeps a place without waiting; `sent`: it did.
  [[nodiscard]] TrySend keep_place() noexcept;
  /// Frees a place that was kept.
  void free_place() noexcept;
  /// Sends the T at `value` in a place that was kept, which is used up. False: the channel is
  /// closed, and the place is free. Throws what moving the value throws, and std::bad_alloc if the
  /// channel is unbounded: then the value was not sent, and the place stays.
  [[nodiscard]] bool send_in_place(void* value);

  /// For ClosedRequest.
  [[nodiscard]] Queued wait_closed_with(Waiter& waiter) noexcept;
  [[nodiscard]] bool withdraw_closed(Waiter& waiter) noexcept;

  /// Closes the channel: it takes in no more values. Any thread, any number of times.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// The number of waiters on that side; it may be outdated when this returns.
  [[nodiscard]] std::size_t waiting(Side side) const noexcept;

 protected:
  using Lock = std::unique_lock<ThreadMutex>;

  explicit ChannelCore(std::size_t capacity) noexcept : room_(capacity), capacity_(capacity) {}
  ~ChannelCore();

  // Implemented by the typed part. The first three are called with the mutex held. They may throw
  // what moving a T throws; then they have changed nothing but the T that was to be moved.
  virtual void push(void* value) = 0;
  /// Moves the first value of the ring into `slot`. The value has left the ring even if moving it
  /// throws.
  virtual void pop_into(void* slot) = 0;
  virtual void hand_over(void* value, void* slot) = 0;
  /// Destroys the values in the ring. No value is added or taken any more.
  virtual void clear() noexcept = 0;

  // With the mutex held: whether the typed part may send or receive without the waiters.
  [[nodiscard]] bool plain_send() const noexcept {
    return size_ < room_ && receivers_.first() == nullptr && !closed_;
  }
  [[nodiscard]] bool plain_receive() const noexcept {
    return size_ != 0 && senders_.first() == nullptr;
  }
  /// The other cases. They give up the lock.
  [[nodiscard]] TrySend send_to_waiting(Lock lock, void* value);
  /// Null: a value was received.
  [[nodiscard]] std::optional<TryReceive> receive_with_waiting(Lock lock, void* slot);

  mutable ThreadMutex mutex_;
  std::size_t size_ = 0;  // guarded by mutex_, as is all that follows

 private:
  void side_gone(Side side) noexcept override;
  [[nodiscard]] WaiterList& list_of(Side side) noexcept {
    return side == Side::sender ? senders_ : receivers_;
  }
  [[nodiscard]] Queued send_or_queue(ChannelWaiter& waiter) noexcept;
  [[nodiscard]] Queued receive_or_queue(ChannelWaiter& waiter, ServedList& served) noexcept;
  [[nodiscard]] bool serve_receiver(void* value, ServedList& served);
  void admit(ChannelWaiter& sender) noexcept;
  void refill(ServedList& served) noexcept;
  [[nodiscard]] bool take_from_sender(void* slot, ServedList& served);
  [[nodiscard]] bool take(void* slot, ServedList& served);
  void serve_all_as_closed(WaiterList& list, ServedList& served) noexcept;

  std::size_t room_;  // the capacity without the places that are kept
  bool closed_ = false;
  WaiterList senders_;    // all are ChannelWaiters
  WaiterList receivers_;  // all are ChannelWaiters
  WaiterList closing_;    // wait for the close
  const std::size_t capacity_;
};

/// How QueueOp waits for the close of a channel.
class ClosedRequest {
 public:
  using Node = Waiter;
  explicit ClosedRequest(ChannelCore& core) noexcept : core_(&core) {}

  [[nodiscard]] bool take(Node&) noexcept { return core_->closed(); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return core_->wait_closed_with(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return core_->withdraw_closed(node); }
  void result(Node&) noexcept {}

 private:
  ChannelCore* core_;
};

class ChannelLeaf final : public WaiterLeaf<ChannelLeaf>, public ChannelWaiter {
 public:
  ChannelLeaf(ChannelCore& core, Side side, void* value) noexcept
      : ChannelWaiter(&ChannelLeaf::on_served, value), core_(core), side_(side) {}

 private:
  friend class weft::WaiterLeaf<ChannelLeaf>;
  static void on_served(Runnable& self) noexcept { static_cast<ChannelLeaf&>(self).served(); }
  [[nodiscard]] Queued queue() noexcept { return core_.wait_with(side_, *this); }
  [[nodiscard]] bool withdraw() noexcept { return core_.withdraw(side_, *this); }

  ChannelCore& core_;
  Side side_;
};

}  // namespace weft::inline v0_1::detail
