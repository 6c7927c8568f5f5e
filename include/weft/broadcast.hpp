// broadcast<T>(capacity): every receiver gets every value that is sent after it subscribed.
//
//   auto [sender, receiver] = weft::broadcast<Event>(256);
//   sender.send(event);                                    // never waits
//   while (auto item = co_await receiver.receive()) {      // nullopt: the last sender has gone
//     if (*item) handle(**item);
//     else note_missed(item->error().count);               // Lagged: too slow
//   }
//
// The last `capacity` values are kept. A receiver that is further behind has lost what is no longer
// kept: it is told how many, once, and goes on with the oldest that is.
//
// Works from coroutines, fibers (weft::await), callbacks (weft::then) and threads that run no tasks
// (blocking_receive). Waiting and sending allocate nothing. Cancel: a receive() has given its
// value, or the value is the receiver's next one; nothing is lost.
//
// T is copied to each receiver with the lock held: its copying must be short, and must not use the
// broadcast (for large values take std::shared_ptr<const T>). A value is destroyed when it is no
// longer kept, by whoever sends, before another can: so its destructor must not send. Senders are
// as thread-safe as a shared_ptr is; a receiver is used by one task or thread at a time, and each
// copy of it goes its own way. A handle must not have been moved from, and stays until the waits
// through it are over.
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

namespace weft {

/// Values that a receiver was too slow for.
struct Lagged {
  std::uint64_t count;
  friend bool operator==(const Lagged&, const Lagged&) = default;
};

/// What a receiver gets: the next value, or how many it has missed.
template <class T>
using BroadcastItem = std::expected<T, Lagged>;

namespace detail {

/// The version is the number of values sent. Value i is in the slot i modulo their number, which is
/// one more than are kept: the free one is where the next value is made, without the lock that
/// receivers take, so that what making it throws changes nothing.
template <class T>
class BroadcastState final : public VersionCore {
 public:
  static_assert(std::is_object_v<T> && std::is_copy_constructible_v<T>,
                "weft::broadcast: every receiver gets a copy");

  [[nodiscard]] static BroadcastState& make(std::size_t capacity);
  /// Gives how many receivers there are to see it.
  std::size_t send(T&& value);
  /// The item at `position`, which moves on; without waiting. Throws what copying throws; what the
  /// position is then, the caller has to see to.
  [[nodiscard]] std::expected<BroadcastItem<T>, TryReceive> receive_now(std::uint64_t& position);
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size() - 1; }

 private:
  explicit BroadcastState(std::size_t capacity) : slots_(capacity + 1) {}
  ~BroadcastState() = default;
  void destroy() noexcept override;
  [[nodiscard]] std::optional<T>& slot(std::uint64_t index) noexcept {
    return slots_[static_cast<std::size_t>(index % slots_.size())];
  }

  ThreadMutex sending_;  // one sender at a time; taken before mutex_
  // The free slot is guarded by sending_, the others are written with it and read with mutex_.
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
  /// Only here anything is taken: what comes before may be cancelled.
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

/// A receiver; a copy of it gets whatever this one has still to get.
template <class T>
class BroadcastReceiver {
 public:
  using value_type = T;
  using Ref = detail::HandleRef<detail::BroadcastState<T>, detail::Side::receiver>;
  BroadcastReceiver(Ref state, std::uint64_t position) noexcept
      : state_(std::move(state)), position_(position) {}

  /// Waits for the next value and gives it, or how many were missed; nullopt when the broadcast is
  /// closed and all has been received. Throws what copying the value throws: then it is the next
  /// one still. One wait at a time. Cancel: nothing is lost.
  [[nodiscard]] BroadcastReceiveOp<T> receive() & noexcept { return BroadcastReceiveOp<T>(*this); }
  /// The same without waiting.
  [[nodiscard]] std::expected<BroadcastItem<T>, TryReceive> try_receive() {
    const KeptIfThrown kept(position_);
    return state_->receive_now(position_);
  }
  /// receive() for a thread that runs no tasks, which it blocks; on one that does, throws
  /// std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<BroadcastItem<T>> blocking_receive() {
    state_->wait_on_thread(position_, "weft::BroadcastReceiver::blocking_receive");
    return next();
  }
  /// Whether nothing more will be sent; there may still be something to receive.
  [[nodiscard]] bool closed() const noexcept { return state_->closed(); }

  // For those who write awaiters
  [[nodiscard]] detail::VersionCore& core() const noexcept { return *state_; }
  /// How many values have been sent before the one that it gets next.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// What there is now; nullopt if there is nothing.
  [[nodiscard]] std::optional<BroadcastItem<T>> next() {
    const KeptIfThrown kept(position_);
    auto item = state_->receive_now(position_);
    if (!item) return std::nullopt;
    return std::move(*item);
  }

 private:
  /// Puts the position back if the value cannot be given, for which it may be copied or moved more
  /// than once.
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

  /// Sends to all receivers, and gives how many they are; without any, or after close(), the value
  /// is destroyed. Never waits for a receiver. Throws what moving the value throws: then nothing is
  /// sent.
  std::size_t send(T value) const { return state_->send(std::move(value)); }

  /// A new receiver, of what is sent from now on.
  [[nodiscard]] BroadcastReceiver<T> subscribe() const noexcept {
    state_->hold(detail::Side::receiver);
    return BroadcastReceiver<T>(typename BroadcastReceiver<T>::Ref(*state_), state_->version());
  }
  /// How many receivers there are. A moment later it may be another number.
  [[nodiscard]] std::size_t receivers() const noexcept {
    return state_->holders(detail::Side::receiver);
  }
  /// How many of them wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return state_->waiting(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return state_->capacity(); }
  /// Nothing more will be sent, by nobody; what is kept can still be received. Any thread.
  void close() const noexcept { state_->close(); }

 private:
  Ref state_;
};

template <class T>
struct Broadcast {
  BroadcastSender<T> sender;
  BroadcastReceiver<T> receiver;
};

/// A broadcast that keeps `capacity` values, and a first receiver. The room is allocated now.
/// Throws std::bad_alloc, and std::length_error for a capacity of zero, or that no memory could
/// hold.
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
  // The mutex is not needed to read the version: who writes it has both locks.
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
  slot(index + 1).reset();  // the oldest one: from now on the free slot
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

}  // namespace weft
