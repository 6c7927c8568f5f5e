// channel<T>(capacity): values from any number of senders to any number of receivers, each value to
// one of them, in the order in which they were sent.
//
//   auto [sender, receiver] = weft::channel<Job>(64);
//   weft::spawn(produce, std::move(sender));            // handles are copied and moved
//   while (auto job = co_await receiver.receive()) work(*job);
//   // the last sender has gone, and nothing is inside any more
//
// Works from coroutines (co_await), fibers (weft::await), callbacks (weft::then) and threads that
// run no tasks (blocking_send, blocking_receive). A full channel makes senders wait. Those who wait
// are served in the order in which they came, and nobody passes them. Capacity 0 is a rendezvous:
// a send ends when a receiver has the value. Waiting allocates nothing; a bounded channel allocates
// when it is made and never again, an unbounded one only to grow.
//
// End: when the last Sender has gone, or after close(), receivers get what is inside and then
// nullopt. When the last Receiver has gone, or after close(), senders get their values back; with
// the last Receiver what is inside is destroyed.
//
// Cancel, and so select() and timeout(): a receive() has taken a value and gives it, or has taken
// none. A send() has sent its value and says so; or has not, and the value is destroyed with the
// task that was to send it (to keep a value, loop over try_send(), or send a pointer).
//
// T is movable, and is moved with the channel's lock held: its move must be short and must not use
// the channel. If a move throws: out of a send(), that throws it and has sent nothing; when a value
// leaves the channel, receive() throws it, and that value is lost: it is destroyed there, so what
// holds an end of the channel itself must not throw when it is moved. The channel goes on.
//
// Handles are as thread-safe as a shared_ptr is; what they refer to is thread-safe. A handle must
// not have been moved from, and stays until those who wait through it have ended.
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

namespace weft {

namespace detail {

template <class T>
class ChannelState final : public ChannelCore {
 public:
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                "weft::channel: values move through it");

  /// In one block of the frame pool, and one for the queue. Throws what the queue throws.
  [[nodiscard]] static ChannelState& make(std::size_t capacity, std::size_t ring_size);

  /// Without waiting. Throws what moving the value throws, and std::bad_alloc if the channel is
  /// unbounded: then it is not sent.
  [[nodiscard]] TrySend send_now(T& value);
  /// Without waiting, into `slot`. Null: it is there. Throws what moving the value throws.
  [[nodiscard]] std::optional<TryReceive> receive_now(std::optional<T>& slot);

 private:
  ChannelState(std::size_t capacity, std::size_t ring_size)
      : ChannelCore(capacity), queue_(ring_size) {}
  ~ChannelState() = default;

  // SAFETY: waiters are made below alone, so that values are T and slots std::optional<T>.
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
    // Nothing is sent once a cancel was asked for. What is sent at once needs no leaf.
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
    // Nothing is taken once a cancel was asked for. What is there needs no leaf.
    if (!innermost.promise().task().cancel_requested()) [[likely]] {
      if (channel_.receive_now(slot_) != TryReceive::empty) [[likely]]
        return suspended_for_others(innermost.promise());
    }
    return leaf_.emplace(channel_, Side::receiver, &slot_).suspend(innermost.promise());
  }
  [[nodiscard]] std::optional<T> await_resume() {
    if (leaf_) static_cast<void>(leaf_->found_closed());  // throws what a move has thrown
    return std::move(slot_);
  }

 private:
  ChannelState<T>& channel_;
  std::optional<T> slot_;
  std::optional<ChannelLeaf> leaf_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] SendOp {
 public:
  SendOp(detail::ChannelState<T>& channel, T&& value)
      : channel_(channel), value_(std::move(value)) {}
  detail::SendAwaiter<T> operator co_await() && {
    return detail::SendAwaiter<T>(channel_, std::move(value_));
  }

 private:
  detail::ChannelState<T>& channel_;
  T value_;
};

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

/// The sending end.
template <class T>
class Sender {
 public:
  using value_type = T;
  explicit Sender(detail::HandleRef<detail::ChannelState<T>, detail::Side::sender> channel) noexcept
      : channel_(std::move(channel)) {}

  /// Waits for room, sends, and gives nothing; or gives the value back, as the channel is closed.
  /// Throws what moving the value throws, and std::bad_alloc if the channel is unbounded; it is not
  /// sent then. Cancel: see above.
  [[nodiscard]] SendOp<T> send(T value) const& { return SendOp<T>(*channel_, std::move(value)); }
  SendOp<T> send(T value) && = delete;  // the handle would be gone before the wait is over

  /// Sends without waiting, and moves the value only then. Throws as send() does.
  [[nodiscard]] TrySend try_send(T&& value) const { return channel_->send_now(value); }

  /// send() for a thread that runs no tasks, which it blocks; on one that does, throws
  /// std::logic_error if it would have to wait.
  [[nodiscard]] SendResult<T> blocking_send(T value) const;

  /// No more values are taken in; who waits to send gets his value back. What is inside can still
  /// be received. Any thread.
  void close() const noexcept { channel_->close(); }
  /// Whether no more values are taken in.
  [[nodiscard]] bool closed() const noexcept { return channel_->closed(); }
  /// How many values are inside; those of waiting senders are not. A moment later it may be another
  /// number.
  [[nodiscard]] std::size_t size() const noexcept { return channel_->size(); }
  /// How many may be inside; SIZE_MAX if it is unbounded.
  [[nodiscard]] std::size_t capacity() const noexcept { return channel_->capacity(); }
  /// How many wait to send. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return channel_->waiting(detail::Side::sender);
  }

 private:
  detail::HandleRef<detail::ChannelState<T>, detail::Side::sender> channel_;
};

/// The receiving end.
template <class T>
class Receiver {
 public:
  using value_type = T;
  explicit Receiver(
      detail::HandleRef<detail::ChannelState<T>, detail::Side::receiver> channel) noexcept
      : channel_(std::move(channel)) {}

  /// Waits for a value and gives it; nullopt if the channel is closed and empty. Throws what moving
  /// the value throws. Cancel: takes none; one that was taken before the cancel came is given.
  [[nodiscard]] ReceiveOp<T> receive() const& noexcept { return ReceiveOp<T>(*channel_); }
  ReceiveOp<T> receive() && = delete;  // the handle would be gone before the wait is over

  /// The same without waiting. Throws as receive() does.
  [[nodiscard]] std::expected<T, TryReceive> try_receive() const;

  /// receive() for a thread that runs no tasks, which it blocks; on one that does, throws
  /// std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<T> blocking_receive() const;

  /// As Sender::close(). For receivers that want what is inside but no more.
  void close() const noexcept { channel_->close(); }
  /// Whether no more values are taken in; there may still be some inside.
  [[nodiscard]] bool closed() const noexcept { return channel_->closed(); }
  /// As Sender::size() and Sender::capacity().
  [[nodiscard]] std::size_t size() const noexcept { return channel_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return channel_->capacity(); }
  /// How many wait to receive. A moment later it may be another number.
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

/// A channel with room for `capacity` values, which is allocated now; 0: a rendezvous. Throws
/// std::bad_alloc, and std::length_error for a capacity that no memory could hold.
template <class T>
[[nodiscard]] Channel<T> channel(std::size_t capacity) {
  return make_channel<T>(capacity, capacity);
}

/// A channel that is never full: a send never waits, and what nobody receives fills the memory.
/// Values are stored in blocks of some; one that has become empty is used again. Throws
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

}  // namespace weft
