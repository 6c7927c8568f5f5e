// channel<T>(capacity): passes values from any number of senders to any number of receivers, each
// value to one receiver, in the order in which they were sent.
//
//   auto [sender, receiver] = weft::channel<Job>(64);
//   weft::spawn(produce, std::move(sender));            // handles are copied and moved
//   while (auto job = co_await receiver.receive()) work(*job);
//   // the last sender is gone and the channel is empty
//
// Works from coroutines (co_await), fibers (weft::await), callbacks (weft::on_complete) and threads
// that run no tasks (blocking_send, blocking_receive). A full channel makes senders wait. Waiters
// are served in first-in, first-out order, and no later call overtakes them. Capacity 0 is a
// rendezvous: a send ends when a receiver has the value. Waiting allocates nothing. A bounded
// channel allocates only when it is made, an unbounded one only to grow.
//
// End: after close(), or when the last Sender is destroyed, receivers get the remaining values and
// then nullopt. After close(), or when the last Receiver is destroyed, senders get their values
// back. Values not received are destroyed with the last Receiver.
//
// Cancel, which includes select() and timeout(): a receive() has either taken a value and returns
// it, or has taken none. A send() has either sent its value and says so, or has not, and the value
// is destroyed with the sending task (to keep a value, loop over try_send(), or send a pointer).
//
// T is movable. It is moved while the channel's lock is held: its move must be short and must not
// use the channel. If a move throws in send(), send() throws it and nothing was sent. If a move
// throws when a value leaves the channel, receive() throws it and that value is lost: it is
// destroyed within the channel. So a T that holds an end of the same channel must not throw when it
// is moved. The channel stays usable in both cases.
//
// Handles are as thread-safe as a std::shared_ptr; the channel that they refer to is thread-safe. A
// handle that was moved from must not be used, and a handle must outlive the waits through it.
#pragma once

#include <weft/channel_result.hpp>
#include <weft/detail/channel_core.hpp>
#include <weft/detail/value_queue.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

template <class T>
class ChannelState final : public ChannelCore {
 public:
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                "weft::channel: values move through it");

  /// Allocates one block of the frame pool, and one for the queue. Throws what the queue throws.
  [[nodiscard]] static ChannelState& make(std::size_t capacity, std::size_t ring_size);

  /// Sends without waiting. Throws what moving the value throws, and std::bad_alloc if the channel
  /// is unbounded: then the value was not sent.
  [[nodiscard]] TrySend send_now(T& value);
  /// Receives into `slot` without waiting. Returns null if it has received. Throws what moving the
  /// value throws.
  [[nodiscard]] std::optional<TryReceive> receive_now(std::optional<T>& slot);

 private:
  ChannelState(std::size_t capacity, std::size_t ring_size)
      : ChannelCore(capacity), queue_(ring_size) {}
  ~ChannelState() = default;

  // SAFETY: only the code below makes waiters, with a T for a value and a std::optional<T> for a
  // slot.
  void push(void* value) override { queue_.push(std::move(*static_cast<T*>(value))); }
  void pop_into(void* slot) override { queue_.pop_into(*static_cast<std::optional<T>*>(slot)); }
  void hand_over(void* value, void* slot) override {
    static_cast<std::optional<T>*>(slot)->emplace(std::move(*static_cast<T*>(value)));
  }
  void clear() noexcept override { queue_.clear(); }
  void destroy() noexcept override;

  ValueQueue<T> queue_;
};

/// See Sender::send().
template <class T>
class SendAwaiter {
 public:
  SendAwaiter(ChannelState<T>& channel, T&& value) : channel_(channel), value_(std::move(value)) {}
  SendAwaiter(const SendAwaiter&) = delete;
  SendAwaiter& operator=(const SendAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) {
    // Sends nothing once a cancel was requested. A send that need not wait needs no leaf.
    if (!innermost.promise().task().cancel_requested()) [[likely]] {
      const TrySend now = channel_.send_now(value_);
      closed_ = now == TrySend::closed;
      if (now != TrySend::full) [[likely]]
        return suspended_for_others(innermost.promise());
    }
    return leaf_.emplace(channel_, Side::sender, &value_).suspend(innermost.promise());
  }
  [[nodiscard]] SendResult<T> await_resume() {
    if (leaf_) closed_ = leaf_->found_closed();
    if (closed_) [[unlikely]]
      return std::unexpected<T>(std::move(value_));
    return {};
  }

 private:
  ChannelState<T>& channel_;
  T value_;
  bool closed_ = false;
  std::optional<ChannelLeaf> leaf_;
};

/// See Receiver::receive().
template <class T>
class ReceiveAwaiter {
 public:
  explicit ReceiveAwaiter(ChannelState<T>& channel) noexcept : channel_(channel) {}
  ReceiveAwaiter(const ReceiveAwaiter&) = delete;
  ReceiveAwaiter& operator=(const ReceiveAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) {
    // Takes nothing once a cancel was requested. A receive that need not wait needs no leaf.
    if (!innermost.promise().task().cancel_requested()) [[likely]] {
      if (channel_.receive_now(slot_) != TryReceive::empty) [[likely]]
        return suspended_for_others(innermost.promise());
    }
    return leaf_.emplace(channel_, Side::receiver, &slot_).suspend(innermost.promise());
  }
  [[nodiscard]] std::optional<T> await_resume() {
    if (leaf_) static_cast<void>(leaf_->found_closed());  // rethrows what a move threw
    return std::move(slot_);
  }

 private:
  ChannelState<T>& channel_;
  std::optional<T> slot_;
  std::optional<ChannelLeaf> leaf_;
};

}  // namespace detail

/// Sender::send(), not started yet.
template <class T>
class [[nodiscard]] SendOp {
 public:
  SendOp(detail::ChannelState<T>& channel, T&& value)
      : channel_(channel), value_(std::move(value)) {}
  detail::SendAwaiter<T> operator co_await() && {
    return detail::SendAwaiter<T>(channel_, std::move(value_));
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  detail::ChannelState<T>& channel_;
  T value_;
};

/// Receiver::receive(), not started yet.
template <class T>
class [[nodiscard]] ReceiveOp {
 public:
  explicit ReceiveOp(detail::ChannelState<T>& channel) noexcept : channel_(channel) {}
  detail::ReceiveAwaiter<T> operator co_await() const noexcept {
    return detail::ReceiveAwaiter<T>(channel_);
  }

 private:
  detail::ChannelState<T>& channel_;
};

/// The sending end of a channel; see the top of this header.
template <class T>
class Sender {
 public:
  using value_type = T;
  explicit Sender(detail::HandleRef<detail::ChannelState<T>, detail::Side::sender> channel) noexcept
      : channel_(std::move(channel)) {}

  /// Waits for room, sends `value` and returns nothing. If the channel is closed, returns the
  /// value. Throws what moving the value throws, and std::bad_alloc if the channel is unbounded:
  /// then nothing was sent. Cancel: see the top of this header.
  [[nodiscard]] SendOp<T> send(T value) const& { return SendOp<T>(*channel_, std::move(value)); }
  SendOp<T> send(T value) && = delete;  // the handle would be destroyed before the wait ends

  /// Sends without waiting; moves the value only if it was sent. Throws as send() does.
  [[nodiscard]] TrySend try_send(T&& value) const { return channel_->send_now(value); }

  /// Blocks the calling thread until send() would return. For threads that run no tasks: on a
  /// thread that does, throws std::logic_error if it would have to wait.
  [[nodiscard]] SendResult<T> blocking_send(T value) const;

  /// Closes the channel: no more values are accepted, and waiting senders get their values back.
  /// The remaining values can still be received. Any thread.
  void close() const noexcept { channel_->close(); }
  /// Returns whether the channel accepts no more values.
  [[nodiscard]] bool closed() const noexcept { return channel_->closed(); }
  /// Returns the number of values in the channel, without those of waiting senders. The number may
  /// have changed by the time it is returned.
  [[nodiscard]] std::size_t size() const noexcept { return channel_->size(); }
  /// Returns the capacity; SIZE_MAX if the channel is unbounded.
  [[nodiscard]] std::size_t capacity() const noexcept { return channel_->capacity(); }
  /// Returns the number of waiting senders. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return channel_->waiting(detail::Side::sender);
  }

 private:
  detail::HandleRef<detail::ChannelState<T>, detail::Side::sender> channel_;
};

/// The receiving end of a channel; see the top of this header.
template <class T>
class Receiver {
 public:
  using value_type = T;
  explicit Receiver(
      detail::HandleRef<detail::ChannelState<T>, detail::Side::receiver> channel) noexcept
      : channel_(std::move(channel)) {}

  /// Waits for a value and returns it; nullopt if the channel is closed and empty. Throws what
  /// moving the value throws. Cancel: takes no value; one that was taken before the cancel is
  /// returned.
  [[nodiscard]] ReceiveOp<T> receive() const& noexcept { return ReceiveOp<T>(*channel_); }
  ReceiveOp<T> receive() && = delete;  // the handle would be destroyed before the wait ends

  /// Receives without waiting. Throws as receive() does.
  [[nodiscard]] std::expected<T, TryReceive> try_receive() const;

  /// Blocks the calling thread until receive() would return. For threads that run no tasks: on a
  /// thread that does, throws std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<T> blocking_receive() const;

  /// Closes the channel as Sender::close() does. For a receiver that accepts only the remaining
  /// values.
  void close() const noexcept { channel_->close(); }
  /// Returns whether the channel accepts no more values; there may still be values to receive.
  [[nodiscard]] bool closed() const noexcept { return channel_->closed(); }
  /// As Sender::size() and Sender::capacity().
  [[nodiscard]] std::size_t size() const noexcept { return channel_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return channel_->capacity(); }
  /// Returns the number of waiting receivers. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return channel_->waiting(detail::Side::receiver);
  }

 private:
  detail::HandleRef<detail::ChannelState<T>, detail::Side::receiver> channel_;
};

/// The two ends of a new channel: `auto [sender, receiver] = weft::channel<int>(16);`.
template <class T>
struct Channel {
  Sender<T> sender;
  Receiver<T> receiver;
};

template <class T>
Channel<T> make_channel(std::size_t capacity, std::size_t ring_size) {
  detail::ChannelState<T>& state = detail::ChannelState<T>::make(capacity, ring_size);
  return {Sender<T>(detail::HandleRef<detail::ChannelState<T>, detail::Side::sender>(state)),
          Receiver<T>(detail::HandleRef<detail::ChannelState<T>, detail::Side::receiver>(state))};
}

/// Makes a channel with room for `capacity` values, allocated now; 0: a rendezvous. Throws
/// std::bad_alloc, and std::length_error for a capacity that exceeds all memory.
template <class T>
[[nodiscard]] Channel<T> channel(std::size_t capacity) {
  return make_channel<T>(capacity, capacity);
}

/// Makes a channel that is never full: a send never waits, and memory grows with the values that
/// are not received. Values are stored in blocks; a block that has become empty is reused. Throws
/// std::bad_alloc.
template <class T>
[[nodiscard]] Channel<T> unbounded_channel() {
  constexpr std::size_t block_bytes = 2048;
  constexpr std::size_t ring_size = sizeof(T) < block_bytes / 8 ? block_bytes / sizeof(T) : 8;
  return make_channel<T>(SIZE_MAX, ring_size);
}

template <class T>
detail::ChannelState<T>& detail::ChannelState<T>::make(std::size_t capacity,
                                                       std::size_t ring_size) {
  void* const memory = allocate_frame(sizeof(ChannelState));
  try {
    return *::new (memory) ChannelState(capacity, ring_size);
  } catch (...) {
    deallocate_frame(memory, sizeof(ChannelState));
    throw;
  }
}

template <class T>
void detail::ChannelState<T>::destroy() noexcept {
  this->~ChannelState();
  deallocate_frame(this, sizeof(ChannelState));
}

template <class T>
TrySend detail::ChannelState<T>::send_now(T& value) {
  Lock lock(mutex_);
  if (!plain_send()) [[unlikely]]
    return send_to_waiting(std::move(lock), &value);
  queue_.push(std::move(value));
  ++size_;
  return TrySend::sent;
}

template <class T>
std::optional<TryReceive> detail::ChannelState<T>::receive_now(std::optional<T>& slot) {
  Lock lock(mutex_);
  if (!plain_receive()) [[unlikely]]
    return receive_with_waiting(std::move(lock), &slot);
  --size_;
  queue_.pop_into(slot);
  return std::nullopt;
}

template <class T>
SendResult<T> Sender<T>::blocking_send(T value) const {
  const TrySend now = channel_->send_now(value);
  if (now == TrySend::sent) return {};
  if (now == TrySend::closed || channel_->wait_on_thread(detail::Side::sender, &value)) {
    return std::unexpected<T>(std::move(value));
  }
  return {};
}

template <class T>
std::expected<T, TryReceive> Receiver<T>::try_receive() const {
  std::optional<T> slot;
  if (const auto why = channel_->receive_now(slot)) return std::unexpected<TryReceive>(*why);
  return std::move(*slot);
}

template <class T>
std::optional<T> Receiver<T>::blocking_receive() const {
  std::optional<T> slot;
  if (channel_->receive_now(slot) == TryReceive::empty) {
    static_cast<void>(channel_->wait_on_thread(detail::Side::receiver, &slot));
  }
  return slot;
}

}  // namespace weft::inline v0_1
