// channel<T>(capacity): passes values from any number of senders to any number of receivers, each
// value to one receiver, in the order in which they were sent.
//
//   auto [sender, receiver] = weft::channel<Job>(64);
//   weft::spawn(produce, std::move(sender));            // handles are copied and moved
//   while (auto job = co_await receiver.receive()) work(*job);
//   // the last sender is gone and the channel is empty
//
// reserve() waits for a place before there is a value; receive_many() takes what is there at once;
// wait_closed() tells a sender that no receiver is left; a WeakSender does not keep it open.
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
// is destroyed with the sending task (to keep a value, reserve() a place first).
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
#include <weft/detail/channel_state.hpp>
#include <weft/detail/misuse.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {

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

/// Sender::reserve(), not started yet.
template <class T>
class [[nodiscard]] ReserveOp {
 public:
  explicit ReserveOp(detail::ChannelState<T>& channel) noexcept : channel_(channel) {}
  detail::ReserveAwaiter<T> operator co_await() const noexcept {
    return detail::ReserveAwaiter<T>(channel_);
  }

 private:
  detail::ChannelState<T>& channel_;
};

/// A place in a channel, kept for one value: see Sender::reserve(). Counts as a sender: the channel
/// stays open for it. The destructor frees the place. Move-only; used by one thread at a time.
template <class T>
class [[nodiscard]] SendPermit {
 public:
  /// Takes over one kept place.
  explicit SendPermit(
      detail::HandleRef<detail::ChannelState<T>, detail::Side::sender> channel) noexcept
      : channel_(std::move(channel)) {}
  SendPermit(SendPermit&&) noexcept = default;
  SendPermit& operator=(SendPermit&& other) noexcept {
    SendPermit moved(std::move(other));
    std::swap(channel_, moved.channel_);
    return *this;
  }
  ~SendPermit() { release(); }

  /// Returns whether it keeps a place: false after send(), release() and a move.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(channel_); }
  /// Sends without waiting, and uses the place up. If the channel was closed meanwhile, returns the
  /// value. Throws what moving it throws, and std::bad_alloc if the channel is unbounded: then
  /// nothing was sent, and the place is kept. Aborts with a message if it keeps no place.
  [[nodiscard]] SendResult<T> send(T value) {
    if (!channel_) [[unlikely]]
      detail::misused("weft::SendPermit", "its place was used or freed before");
    const bool sent = channel_->send_in_place(&value);
    const Ref used(std::move(channel_));
    if (sent) return {};
    return std::unexpected<T>(std::move(value));
  }
  /// Frees the place for other senders; no effect if it keeps none.
  void release() noexcept {
    if (!channel_) return;
    channel_->free_place();
    const Ref freed(std::move(channel_));
  }

 private:
  using Ref = detail::HandleRef<detail::ChannelState<T>, detail::Side::sender>;
  Ref channel_;
};

template <class T>
class WeakSender;

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

  /// Waits for room, as send() does, and keeps it: first the wait, then the value.
  ///
  ///   if (auto permit = co_await sender.reserve()) permit->send(make_job());   // does not wait
  ///
  /// Returns nothing if the channel is closed. On a rendezvous, which has no places, throws
  /// std::logic_error. Cancel: keeps no place, and there is no value to lose.
  [[nodiscard]] ReserveOp<T> reserve() const& {
    require_places();
    return ReserveOp<T>(*channel_);
  }
  ReserveOp<T> reserve() && = delete;  // the handle would be destroyed before the wait ends
  /// Does the same without waiting. The error is TrySend::full or TrySend::closed.
  [[nodiscard]] std::expected<SendPermit<T>, TrySend> try_reserve() const {
    require_places();
    const TrySend now = channel_->keep_place();
    if (now != TrySend::sent) return std::unexpected<TrySend>(now);
    return SendPermit<T>(channel_);
  }

  /// Waits until the channel accepts no more values: close() was called, or the last Receiver has
  /// gone. To stop making values that no receiver will take. No errors. Cancel: stops waiting.
  [[nodiscard]] QueueOp<detail::ClosedRequest> wait_closed() const& noexcept {
    return QueueOp<detail::ClosedRequest>(detail::ClosedRequest(*channel_));
  }
  QueueOp<detail::ClosedRequest> wait_closed() && = delete;  // as above

  /// Returns a handle that does not keep the channel open.
  [[nodiscard]] WeakSender<T> weak() const noexcept { return WeakSender<T>(*this); }

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
  friend class WeakSender<T>;
  void require_places() const {
    if (channel_->capacity() != 0) return;
    throw std::logic_error(
        "weft::Sender::reserve: a rendezvous has no places to keep: use send(), or a capacity");
  }

  detail::HandleRef<detail::ChannelState<T>, detail::Side::sender> channel_;
};

/// A sender that does not keep the channel open: for a part of the program that sends only while
/// another part does. A value, as thread-safe as a std::weak_ptr.
template <class T>
class WeakSender {
 public:
  explicit WeakSender(const Sender<T>& sender) noexcept : channel_(*sender.channel_) {}

  /// Returns a Sender; nothing if the last one has gone. It may be of a channel that is closed.
  [[nodiscard]] std::optional<Sender<T>> lock() const noexcept {
    detail::ChannelState<T>* const channel = channel_.get();
    if (channel == nullptr || !channel->try_hold(detail::Side::sender)) return std::nullopt;
    return Sender<T>(detail::HandleRef<detail::ChannelState<T>, detail::Side::sender>(*channel));
  }

 private:
  detail::WeakHandleRef<detail::ChannelState<T>> channel_;
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

  /// Waits for a value, appends it to `out`, and appends those that are there as well, at most
  /// `most` in all. Returns their number; 0 if the channel is closed and empty, or if `most` is 0.
  /// Throws as receive() does, and std::bad_alloc, which takes nothing; what was appended before
  /// stays. Cancel: as of receive(); no value that left the channel is lost. `out` must stay in
  /// place and untouched meanwhile.
  [[nodiscard]] Task<std::size_t> receive_many(std::vector<T>& out, std::size_t most) const& {
    return receive_into(*channel_, out, most);
  }
  Task<std::size_t> receive_many(std::vector<T>& out, std::size_t most) && = delete;  // as above

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
  static Task<std::size_t> receive_into(detail::ChannelState<T>& channel, std::vector<T>& out,
                                        std::size_t most);

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

template <class T>
Task<std::size_t> Receiver<T>::receive_into(detail::ChannelState<T>& channel, std::vector<T>& out,
                                            std::size_t most) {
  const auto make_room = [&out] {
    if (out.size() == out.capacity()) out.reserve(std::max<std::size_t>(8, 2 * out.size()));
  };
  if (most == 0) co_return 0;
  make_room();
  std::optional<T> value = co_await ReceiveOp<T>(channel);
  if (!value.has_value()) co_return 0;
  out.push_back(std::move(*value));
  std::size_t count = 1;
  while (count < most) {
    const std::size_t batch = channel.receive_batch(out, most - count);
    count += batch;
    if (batch != 0) continue;
    make_room();
    value.reset();
    if (channel.receive_now(value).has_value()) break;  // there is none
    out.push_back(std::move(*value));
    ++count;
  }
  co_return count;
}

}  // namespace weft::inline v0_1
