// ChannelState<T>: a channel with its values; the awaiters of its operations. For
// <weft/channel.hpp>.
#pragma once

#include <weft/channel_result.hpp>
#include <weft/detail/channel_core.hpp>
#include <weft/detail/value_queue.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <expected>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {
template <class T>
class SendPermit;
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

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
  /// Receives at most `most` values that are there into `out`, without waiting, and returns their
  /// number; 0 also while senders wait. Throws std::bad_alloc, with nothing taken, and what moving
  /// a value throws; that value is lost.
  [[nodiscard]] std::size_t receive_batch(std::vector<T>& out, std::size_t most);
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

/// See Sender::reserve().
template <class T>
class ReserveAwaiter {
 public:
  explicit ReserveAwaiter(ChannelState<T>& channel) noexcept : channel_(channel) {}
  ReserveAwaiter(const ReserveAwaiter&) = delete;
  ReserveAwaiter& operator=(const ReserveAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) {
    // Keeps nothing once a cancel was requested. A wait that need not wait needs no leaf.
    if (!innermost.promise().task().cancel_requested()) [[likely]] {
      const TrySend now = channel_.keep_place();
      closed_ = now == TrySend::closed;
      if (now != TrySend::full) return suspended_for_others(innermost.promise());
    }
    return leaf_.emplace(channel_, Side::sender, nullptr).suspend(innermost.promise());
  }
  [[nodiscard]] std::optional<SendPermit<T>> await_resume() {
    if (leaf_) closed_ = leaf_->found_closed();
    if (closed_) return std::nullopt;
    channel_.hold(Side::sender);  // the permit's
    return SendPermit<T>(HandleRef<ChannelState<T>, Side::sender>(channel_));
  }

 private:
  ChannelState<T>& channel_;
  bool closed_ = false;
  std::optional<ChannelLeaf> leaf_;
};

template <class T>
ChannelState<T>& ChannelState<T>::make(std::size_t capacity, std::size_t ring_size) {
  void* const memory = allocate_frame(sizeof(ChannelState));
  try {
    return *::new (memory) ChannelState(capacity, ring_size);
  } catch (...) {
    deallocate_frame(memory, sizeof(ChannelState));
    throw;
  }
}

template <class T>
void ChannelState<T>::destroy() noexcept {
  this->~ChannelState();
  deallocate_frame(this, sizeof(ChannelState));
}

template <class T>
TrySend ChannelState<T>::send_now(T& value) {
  Lock lock(mutex_);
  if (!plain_send()) [[unlikely]]
    return send_to_waiting(std::move(lock), &value);
  queue_.push(std::move(value));
  ++size_;
  return TrySend::sent;
}

template <class T>
std::optional<TryReceive> ChannelState<T>::receive_now(std::optional<T>& slot) {
  Lock lock(mutex_);
  if (!plain_receive()) [[unlikely]]
    return receive_with_waiting(std::move(lock), &slot);
  --size_;
  queue_.pop_into(slot);
  return std::nullopt;
}

template <class T>
std::size_t ChannelState<T>::receive_batch(std::vector<T>& out, std::size_t most) {
  const std::size_t wanted = std::min(most, size());
  if (wanted > out.capacity() - out.size()) {
    out.reserve(std::max(out.size() + wanted, 2 * out.capacity()));
  }
  std::size_t taken = 0;
  std::optional<T> slot;
  const Lock lock(mutex_);
  for (; taken < wanted && plain_receive(); ++taken) {
    --size_;
    queue_.pop_into(slot);
    out.push_back(std::move(*slot));
  }
  return taken;
}

}  // namespace weft::inline v0_1::detail
