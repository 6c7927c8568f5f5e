// broadcast<T>(capacity): every receiver gets every value that is sent after it subscribed.
//
//   auto [sender, receiver] = weft::broadcast<Event>(256);
//   sender.send(event);                                    // never waits
//   while (auto item = co_await receiver.receive()) {      // nullopt: the last sender is gone
//     if (*item) handle(**item);
//     else note_missed(item->error().count);               // Lagged: too slow
//   }
//
// The last `capacity` values are kept. A receiver that lags further behind has lost the older
// values: it is told once how many, and continues with the oldest value that is kept.
//
// Works from coroutines, fibers (weft::await), callbacks (weft::on_complete) and threads that run
// no tasks (blocking_receive). Waiting and sending allocate nothing. Cancel: a receive() has either
// returned its value, or that is still the receiver's next one; no value is lost.
//
// T is copied to each receiver while the lock is held: the copy must be short and must not use the
// broadcast (for large values use std::shared_ptr<const T>). A value that is no longer kept is
// destroyed by a sender, before another sender can send: so its destructor must not send.
//
// Senders are as thread-safe as a std::shared_ptr. One task or thread at a time uses a receiver;
// each copy of it has a position of its own. A handle that was moved from must not be used, and a
// handle must outlive the waits through it.
#pragma once

#include <weft/channel_result.hpp>
#include <weft/detail/channel_core.hpp>
#include <weft/detail/version_core.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {

/// The number of values that a receiver missed because it was too slow.
struct Lagged {
  std::uint64_t count;
  friend bool operator==(const Lagged&, const Lagged&) = default;
};

/// The item of a receiver: the next value, or how many values it has missed.
template <class T>
using BroadcastItem = std::expected<T, Lagged>;

namespace detail {

/// The version is the number of values sent. Value i is in the slot i modulo the number of slots.
/// There is one slot more than values kept: the free one, in which the next value is constructed
/// without the lock that receivers take, so if the constructor throws, nothing has changed.
template <class T>
class BroadcastState final : public VersionCore {
 public:
  static_assert(std::is_object_v<T> && std::is_copy_constructible_v<T>,
                "weft::broadcast: every receiver gets a copy");

  [[nodiscard]] static BroadcastState& make(std::size_t capacity);
  /// Sends and returns the number of receivers.
  std::size_t send(T&& value);
  /// Returns the item at `position` and advances it; does not wait. Throws what copying throws; the
  /// caller must then restore `position`.
  [[nodiscard]] std::expected<BroadcastItem<T>, TryReceive> receive_now(std::uint64_t& position);
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size() - 1; }

 private:
  explicit BroadcastState(std::size_t capacity) : slots_(capacity + 1) {}
  ~BroadcastState() = default;
  void destroy() noexcept override;
  [[nodiscard]] std::optional<T>& slot(std::uint64_t index) noexcept {
    return slots_[static_cast<std::size_t>(index % slots_.size())];
  }

  ThreadMutex sending_;  // serializes senders; taken before mutex_
  // sending_ guards the free slot. The others are written with both mutexes held and read with
  // mutex_.
  std::vector<std::optional<T>> slots_;
};

}  // namespace detail

template <class T>
class BroadcastReceiver;

namespace detail {

/// See BroadcastReceiver::receive().
template <class T>
class BroadcastAwaiter {
 public:
  explicit BroadcastAwaiter(BroadcastReceiver<T>& receiver) noexcept : receiver_(receiver) {}
  BroadcastAwaiter(const BroadcastAwaiter&) = delete;
  BroadcastAwaiter& operator=(const BroadcastAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    VersionCore& core = receiver_.core();
    if (!innermost.promise().task().cancel_requested() && core.news_since(receiver_.position())) {
      return suspended_for_others(innermost.promise());
    }
    return leaf_.emplace(core, receiver_.position()).suspend(innermost.promise());
  }
  /// Only this takes a value, so a wait that is cancelled before has taken none.
  [[nodiscard]] std::optional<BroadcastItem<T>> await_resume() { return receiver_.next(); }

 private:
  BroadcastReceiver<T>& receiver_;
  std::optional<VersionLeaf> leaf_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] BroadcastReceiveOp {
 public:
  explicit BroadcastReceiveOp(BroadcastReceiver<T>& receiver) noexcept : receiver_(receiver) {}
  detail::BroadcastAwaiter<T> operator co_await() const noexcept {
    return detail::BroadcastAwaiter<T>(receiver_);
  }

 private:
  BroadcastReceiver<T>& receiver_;
};

/// The receiving end of a broadcast. A copy gets the values that this one has not received yet.
template <class T>
class BroadcastReceiver {
 public:
  using value_type = T;
  using Ref = detail::HandleRef<detail::BroadcastState<T>, detail::Side::receiver>;
  BroadcastReceiver(Ref state, std::uint64_t position) noexcept
      : state_(std::move(state)), position_(position) {}

  /// Waits for the next value and returns it, or the number of missed values; nullopt if the
  /// broadcast is closed and all values have been received. Throws what copying the value throws:
  /// then the value is still the next one. One wait at a time. Cancel: no value is lost.
  [[nodiscard]] BroadcastReceiveOp<T> receive() & noexcept { return BroadcastReceiveOp<T>(*this); }
  /// Receives without waiting. Throws as receive() does.
  [[nodiscard]] std::expected<BroadcastItem<T>, TryReceive> try_receive() {
    const KeptIfThrown kept(position_);
    return state_->receive_now(position_);
  }
  /// Blocks the calling thread until receive() would return. For threads that run no tasks: on a
  /// thread that does, throws std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<BroadcastItem<T>> blocking_receive() {
    state_->wait_on_thread(position_, "weft::BroadcastReceiver::blocking_receive");
    return next();
  }
  /// Returns whether no more values will be sent; there may still be values to receive.
  [[nodiscard]] bool closed() const noexcept { return state_->closed(); }

  // For authors of awaiters.
  [[nodiscard]] detail::VersionCore& core() const noexcept { return *state_; }
  /// Returns the number of values that were sent before the one that it gets next.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// Returns the next item; nullopt if there is none now.
  [[nodiscard]] std::optional<BroadcastItem<T>> next() {
    const KeptIfThrown kept(position_);
    auto item = state_->receive_now(position_);
    if (!item) return std::nullopt;
    return std::move(*item);
  }

 private:
  /// Restores the position if an exception prevents the value from being returned, for which it may
  /// be copied or moved more than once.
  class KeptIfThrown {
   public:
    explicit KeptIfThrown(std::uint64_t& position) noexcept
        : position_(position), before_(position), exceptions_(std::uncaught_exceptions()) {}
    KeptIfThrown(const KeptIfThrown&) = delete;
    KeptIfThrown& operator=(const KeptIfThrown&) = delete;
    ~KeptIfThrown() {
      if (std::uncaught_exceptions() != exceptions_) position_ = before_;
    }

   private:
    std::uint64_t& position_;
    const std::uint64_t before_;
    const int exceptions_;
  };

  Ref state_;
  std::uint64_t position_;
};

template <class T>
class BroadcastSender {
 public:
  using value_type = T;
  using Ref = detail::HandleRef<detail::BroadcastState<T>, detail::Side::sender>;
  explicit BroadcastSender(Ref state) noexcept : state_(std::move(state)) {}

  /// Sends to all receivers and returns their number. Without receivers, or after close(), the
  /// value is destroyed. Never waits for a receiver. Throws what moving the value throws: then
  /// nothing was sent.
  std::size_t send(T value) const { return state_->send(std::move(value)); }

  /// Returns a new receiver of the values sent from now on.
  [[nodiscard]] BroadcastReceiver<T> subscribe() const noexcept {
    state_->hold(detail::Side::receiver);
    return BroadcastReceiver<T>(typename BroadcastReceiver<T>::Ref(*state_), state_->version());
  }
  /// Returns the number of receivers. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t receivers() const noexcept {
    return state_->holders(detail::Side::receiver);
  }
  /// Returns the number of waiting receivers. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept { return state_->waiting(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return state_->capacity(); }
  /// Closes the broadcast: no sender sends any more; the kept values can still be received. Any
  /// thread.
  void close() const noexcept { state_->close(); }

 private:
  Ref state_;
};

template <class T>
struct Broadcast {
  BroadcastSender<T> sender;
  BroadcastReceiver<T> receiver;
};

/// Makes a broadcast that keeps `capacity` values, with a first receiver. The room is allocated
/// now. Throws std::bad_alloc, and std::length_error for a capacity of zero, or one that exceeds
/// all memory.
template <class T>
[[nodiscard]] Broadcast<T> broadcast(std::size_t capacity) {
  detail::BroadcastState<T>& state = detail::BroadcastState<T>::make(capacity);
  return {BroadcastSender<T>(typename BroadcastSender<T>::Ref(state)),
          BroadcastReceiver<T>(typename BroadcastReceiver<T>::Ref(state), 0)};
}

template <class T>
detail::BroadcastState<T>& detail::BroadcastState<T>::make(std::size_t capacity) {
  if (capacity == 0 || capacity == SIZE_MAX) {
    throw std::length_error("weft::broadcast: it cannot keep so many values");
  }
  void* const memory = allocate_frame(sizeof(BroadcastState));
  try {
    return *::new (memory) BroadcastState(capacity);
  } catch (...) {
    deallocate_frame(memory, sizeof(BroadcastState));
    throw;
  }
}

template <class T>
void detail::BroadcastState<T>::destroy() noexcept {
  this->~BroadcastState();
  deallocate_frame(this, sizeof(BroadcastState));
}

template <class T>
std::size_t detail::BroadcastState<T>::send(T&& value) {
  const std::lock_guard sending(sending_);
  // Reads the version without mutex_: a thread that writes it holds both mutexes.
  const std::uint64_t index = version_;
  const std::size_t receivers = holders(detail::Side::receiver);
  if (receivers == 0) return 0;
  slot(index).emplace(std::move(value));
  Lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    slot(index).reset();
    return 0;
  }
  advance(std::move(lock));
  slot(index + 1).reset();  // the oldest slot is the free one from now on
  return receivers;
}

template <class T>
auto detail::BroadcastState<T>::receive_now(std::uint64_t& position)
    -> std::expected<BroadcastItem<T>, TryReceive> {
  std::optional<T> value;  // destroyed without the lock
  {
    const Lock lock(mutex_);
    if (position == version_) {
      return std::unexpected<TryReceive>(closed_ ? TryReceive::closed : TryReceive::empty);
    }
    const std::uint64_t behind = version_ - position;
    if (behind > capacity()) {
      const Lagged lagged{behind - capacity()};
      position += lagged.count;
      return BroadcastItem<T>(std::unexpect, lagged);
    }
    value.emplace(*std::as_const(slot(position)));
    ++position;
  }
  return BroadcastItem<T>(std::move(*value));
}

}  // namespace weft::inline v0_1
