// ChannelCore: a channel without its values: the waiters, their order, when they are served, and
// the close. ChannelLeaf: the leaf of a task that waits for a channel. For authors of ways to wait
// for a channel; users include <weft/channel.hpp>. The proof: src/sync/channel.cpp.
#pragma once

#include <weft/channel_result.hpp>
#include <weft/detail/handle_counts.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/extend/waiter_leaf.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>

namespace weft::inline v0_1::detail {

/// Waits on one side of a channel: to send the T at `value`, or to receive into the
/// std::optional<T> there. The channel may access `value` until the waiter was served.
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

  /// Closes the channel: it takes in no more values. Any thread, any number of times.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// The number of waiters on that side; it may be outdated when this returns.
  [[nodiscard]] std::size_t waiting(Side side) const noexcept;

 protected:
  using Lock = std::unique_lock<ThreadMutex>;

  explicit ChannelCore(std::size_t capacity) noexcept : capacity_(capacity) {}
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
    return size_ < capacity_ && receivers_.first() == nullptr && !closed_;
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
  void refill(ServedList& served) noexcept;
  [[nodiscard]] bool take_from_sender(void* slot, ServedList& served);
  [[nodiscard]] bool take(void* slot, ServedList& served);
  void serve_all_as_closed(WaiterList& list, ServedList& served) noexcept;

  const std::size_t capacity_;
  bool closed_ = false;
  WaiterList senders_;    // all are ChannelWaiters
  WaiterList receivers_;  // all are ChannelWaiters
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
