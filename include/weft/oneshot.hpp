// oneshot<T>(): one value from one sender to one receiver.
//
//   auto [sender, receiver] = weft::oneshot<Answer>();
//   ask(question, std::move(sender));   // who answers says std::move(sender).send(answer)
//
//   std::optional<Answer> answer = co_await receiver;   // nullopt: the sender was dropped
//
// Works from coroutines, fibers (weft::await), callbacks (weft::then) and threads that run no tasks
// (blocking_receive). Allocates once, a block of the frame pool that both ends share. Each end is
// move-only and used by one thread at a time, any. Cancel: the value stays where it is, and can
// still be received; it is gone only if the receiver itself is.
#pragma once

#include <weft/channel_result.hpp>
#include <weft/detail/channel_core.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/extend/waiter_leaf.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <expected>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

/// The non-template part of what the two ends share. (The proof: src/sync/oneshot.cpp.)
class OneshotCore {
 public:
  OneshotCore(const OneshotCore&) = delete;
  OneshotCore& operator=(const OneshotCore&) = delete;

  // Sender's
  /// The value has been written. False: nobody will receive it, and it is still the sender's.
  [[nodiscard]] bool publish() noexcept { return settle(State::sent); }
  /// There will be no value.
  void abandon() noexcept {
    if (!settled()) static_cast<void>(settle(State::unsent));
  }
  [[nodiscard]] bool closed() const noexcept { return state() == State::closed; }

  // Receiver's
  /// From now on publish() is refused, unless the value is there already.
  void close() noexcept { static_cast<void>(settle(State::closed)); }
  /// Whether waiting would take no time any more.
  [[nodiscard]] bool settled() const noexcept { return state() != State::open; }
  /// Whether there is, or was, a value: it is the receiver's.
  [[nodiscard]] bool sent() const noexcept { return state() == State::sent; }
  [[nodiscard]] Queued wait_with(Waiter& waiter) noexcept;
  /// True: it will not be woken. False: it is being woken. Before wait_with(): makes it refuse, and
  /// gives false.
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept;
  /// Throws std::logic_error on a thread that runs weft tasks, if it would have to wait.
  void wait_on_thread();

  /// Either end lets go of it; it may be gone when this returns.
  void release() noexcept;

 protected:
  using Destroy = void (*)(OneshotCore&) noexcept;
  explicit OneshotCore(Destroy destroy) noexcept : destroy_(destroy) {}
  ~OneshotCore() = default;

 private:
  enum class State : std::uint8_t { open, sent, unsent, closed };
  [[nodiscard]] State state() const noexcept {
    // Acquire: pairs with the release in settle(), so that the value is seen.
    return state_.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool settle(State state) noexcept;

  Destroy destroy_;
  ThreadMutex mutex_;
  WaiterList waiters_;  // guarded by mutex_
  Atomic<State> state_{State::open};
  Atomic<std::uint8_t> holds_{2};
};

template <class T>
class OneshotState final : public OneshotCore {
 public:
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                "weft::oneshot: the value moves through it");
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "weft::oneshot: the frame pool does not align more; send a pointer");

  [[nodiscard]] static OneshotState& make() {
    return *::new (allocate_frame(sizeof(OneshotState))) OneshotState();
  }
  /// The sender's until publish() has said true, then the receiver's.
  [[nodiscard]] std::optional<T>& value() noexcept { return value_; }
  /// When settled: the value, once.
  [[nodiscard]] std::optional<T> take() {
    if (!sent()) return std::nullopt;
    return std::exchange(value_, std::nullopt);
  }

 private:
  OneshotState() noexcept : OneshotCore(&OneshotState::destroy) {}
  ~OneshotState() = default;
  static void destroy(OneshotCore& self) noexcept {
    auto& state = static_cast<OneshotState&>(self);
    state.~OneshotState();
    deallocate_frame(&state, sizeof(OneshotState));
  }

  std::optional<T> value_;
};

}  // namespace detail

/// The right to send one value. Dropping it tells the receiver that there will be none.
template <class T>
class [[nodiscard]] OneshotSender {
 public:
  explicit OneshotSender(detail::OneshotState<T>& held) noexcept : state_(&held) {}
  OneshotSender(OneshotSender&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  OneshotSender& operator=(OneshotSender&& other) noexcept {
    OneshotSender moved(std::move(other));
    std::swap(state_, moved.state_);
    return *this;
  }
  ~OneshotSender() {
    if (state_ == nullptr) return;
    state_->abandon();
    state_->release();
  }

  /// Whether it may still send (false after that, and after a move).
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// Sends; never waits. Gives the value back if nobody will receive it: the receiver has gone, or
  /// closed. Throws what moving it throws: then nothing is sent, and the sender is as before.
  /// Precondition: it may still send.
  [[nodiscard]] SendResult<T> send(T value) && {
    state_->value().emplace(std::move(value));
    const OneshotSender sending(std::move(*this));  // lets go in the end
    if (sending.state_->publish()) return {};
    return std::unexpected<T>(std::move(*sending.state_->value()));
  }
  /// Whether nobody will receive. Precondition: it may still send.
  [[nodiscard]] bool closed() const noexcept { return state_->closed(); }

 private:
  detail::OneshotState<T>* state_;
};

namespace detail {

class OneshotLeaf final : public WaiterLeaf<OneshotLeaf>, public Waiter {
 public:
  explicit OneshotLeaf(OneshotCore& core) noexcept
      : Waiter(&OneshotLeaf::on_settled), core_(core) {}

 private:
  friend class weft::WaiterLeaf<OneshotLeaf>;
  static void on_settled(Runnable& self) noexcept { static_cast<OneshotLeaf&>(self).served(); }
  [[nodiscard]] Queued queue() noexcept { return core_.wait_with(*this); }
  [[nodiscard]] bool withdraw() noexcept { return core_.withdraw(*this); }

  OneshotCore& core_;
};

/// Owner: OneshotReceiver<T>, or a reference to one that stays.
template <class T, class Owner>
class OneshotAwaiter {
 public:
  explicit OneshotAwaiter(Owner&& receiver) noexcept
      : receiver_(static_cast<Owner&&>(receiver)), leaf_(receiver_.state()) {}
  OneshotAwaiter(const OneshotAwaiter&) = delete;
  OneshotAwaiter& operator=(const OneshotAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    TaskHeader& task = innermost.promise().task();
    if (receiver_.state().settled() && !task.cancel_requested()) {
      return suspended_for_others(innermost.promise());
    }
    return leaf_.suspend(innermost.promise());
  }
  [[nodiscard]] std::optional<T> await_resume() { return receiver_.state().take(); }

 private:
  Owner receiver_;
  OneshotLeaf leaf_;
};

}  // namespace detail

/// The right to receive it. Dropping it closes.
template <class T>
class [[nodiscard]] OneshotReceiver {
 public:
  using value_type = T;
  explicit OneshotReceiver(detail::OneshotState<T>& held) noexcept : state_(&held) {}
  OneshotReceiver(OneshotReceiver&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  OneshotReceiver& operator=(OneshotReceiver&& other) noexcept {
    OneshotReceiver moved(std::move(other));
    std::swap(state_, moved.state_);
    return *this;
  }
  ~OneshotReceiver() {
    if (state_ == nullptr) return;
    state_->close();
    state_->release();
  }

  class ReceiveOp;

  /// Waits for the value, and gives it once; nullopt if the sender was dropped, the value was taken
  /// before, or after close(). Throws what moving the value throws. Cancel: the value stays, and
  /// can be awaited again. Precondition: not moved from; one wait at a time.
  [[nodiscard]] detail::OneshotAwaiter<T, OneshotReceiver&> operator co_await() & noexcept {
    return detail::OneshotAwaiter<T, OneshotReceiver&>(*this);
  }
  /// The same, and the receiver goes with the wait: if that is cancelled, so is the value.
  [[nodiscard]] detail::OneshotAwaiter<T, OneshotReceiver> operator co_await() && noexcept {
    return detail::OneshotAwaiter<T, OneshotReceiver>(std::move(*this));
  }
  /// The wait as a value, for select(), timeout() and the like; the receiver stays, and must.
  [[nodiscard]] ReceiveOp receive() & noexcept { return ReceiveOp(*this); }

  /// The same without waiting.
  [[nodiscard]] std::expected<T, TryReceive> try_receive() {
    if (!state_->settled()) return std::unexpected<TryReceive>(TryReceive::empty);
    std::optional<T> value = state_->take();
    if (!value) return std::unexpected<TryReceive>(TryReceive::closed);
    return std::move(*value);
  }
  /// The same for a thread that runs no tasks, which it blocks; on one that does, throws
  /// std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<T> blocking_receive() {
    state_->wait_on_thread();
    return state_->take();
  }
  /// From now on the sender gets its value back. One that was sent before can still be received.
  void close() noexcept { state_->close(); }

  /// What the ends share, for those who write awaiters.
  [[nodiscard]] detail::OneshotState<T>& state() const noexcept { return *state_; }

 private:
  detail::OneshotState<T>* state_;
};

template <class T>
class [[nodiscard]] OneshotReceiver<T>::ReceiveOp {
 public:
  explicit ReceiveOp(OneshotReceiver& receiver) noexcept : receiver_(receiver) {}
  detail::OneshotAwaiter<T, OneshotReceiver&> operator co_await() const noexcept {
    return detail::OneshotAwaiter<T, OneshotReceiver&>(receiver_);
  }

 private:
  OneshotReceiver& receiver_;
};

template <class T>
struct Oneshot {
  OneshotSender<T> sender;
  OneshotReceiver<T> receiver;
};

/// The two ends of a new one: `auto [sender, receiver] = weft::oneshot<int>();`. Throws
/// std::bad_alloc.
template <class T>
[[nodiscard]] Oneshot<T> oneshot() {
  detail::OneshotState<T>& state = detail::OneshotState<T>::make();
  return {OneshotSender<T>(state), OneshotReceiver<T>(state)};
}

}  // namespace weft
