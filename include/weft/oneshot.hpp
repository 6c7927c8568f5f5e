// oneshot<T>(): one value from one sender to one receiver.
//
//   auto [sender, receiver] = weft::oneshot<Answer>();
//   ask(question, std::move(sender));   // to answer: std::move(sender).send(answer)
//
//   std::optional<Answer> answer = co_await receiver;   // nullopt: the sender was destroyed
//
// Works from coroutines, fibers (weft::await), callbacks (weft::on_complete) and threads that run
// no tasks (blocking_receive). Allocates one block of the frame pool, which both ends share. Each
// end is move-only and used by one thread at a time, which may change. Cancel: the value stays and
// can still be received; it is destroyed only with the receiver.
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

namespace weft::inline v0_1 {

namespace detail {

/// The part that both ends share and that is not a template. The proof is in src/sync/oneshot.cpp.
class OneshotCore {
 public:
  OneshotCore(const OneshotCore&) = delete;
  OneshotCore& operator=(const OneshotCore&) = delete;

  // For the sender.
  /// Called when the value has been written. Returns false if no receiver will take it; it then
  /// still belongs to the sender.
  [[nodiscard]] bool publish() noexcept { return settle(State::sent); }
  /// Reports that there will be no value.
  void abandon() noexcept {
    if (!settled()) static_cast<void>(settle(State::unsent));
  }
  [[nodiscard]] bool closed() const noexcept { return state() == State::closed; }

  // For the receiver.
  /// Makes later calls of publish() fail; a value that was published before stays.
  void close() noexcept { static_cast<void>(settle(State::closed)); }
  /// Returns whether a wait would end immediately.
  [[nodiscard]] bool settled() const noexcept { return state() != State::open; }
  /// Returns whether a value was sent; it belongs to the receiver.
  [[nodiscard]] bool sent() const noexcept { return state() == State::sent; }
  [[nodiscard]] Queued wait_with(Waiter& waiter) noexcept;
  /// Returns true if the waiter will not be woken; false if it is being woken. Before wait_with():
  /// makes that refuse to queue, and returns false.
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept;
  /// Throws std::logic_error on a thread that runs weft tasks, if it would have to wait.
  void wait_on_thread();

  /// Releases one end's reference. The object may be destroyed when this returns.
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
  /// Belongs to the sender until publish() has returned true, then to the receiver.
  [[nodiscard]] std::optional<T>& value() noexcept { return value_; }
  /// Takes the value, once. Precondition: settled.
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

/// The right to send one value. Destroying it unused tells the receiver that there will be none.
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

  /// Returns whether it can still send: false after send(), and after a move.
  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// Sends; never waits. Returns the value if the receiver is destroyed or closed. Throws what
  /// moving the value throws: then nothing was sent, and the sender is unchanged. Precondition: it
  /// can still send.
  [[nodiscard]] SendResult<T> send(T value) && {
    state_->value().emplace(std::move(value));
    const OneshotSender sending(std::move(*this));  // releases its end in the destructor
    if (sending.state_->publish()) return {};
    return std::unexpected<T>(std::move(*sending.state_->value()));
  }
  /// Returns whether no receiver will take a value. Precondition: it can still send.
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

/// Owner: OneshotReceiver<T>, or a reference to one that must outlive the wait.
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

/// The right to receive one value. Destroying it closes the channel.
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

  /// Waits for the value and returns it, once; nullopt if the sender was destroyed, the value was
  /// taken before, or after close(). Throws what moving the value throws. Cancel: the value stays,
  /// and can be awaited again. Preconditions: not moved from; one wait at a time.
  [[nodiscard]] detail::OneshotAwaiter<T, OneshotReceiver&> operator co_await() & noexcept {
    return detail::OneshotAwaiter<T, OneshotReceiver&>(*this);
  }
  /// Does the same and owns the receiver: if the wait is cancelled, the value is destroyed.
  [[nodiscard]] detail::OneshotAwaiter<T, OneshotReceiver> operator co_await() && noexcept {
    return detail::OneshotAwaiter<T, OneshotReceiver>(std::move(*this));
  }
  /// Returns the wait as an awaitable, for select(), timeout() and others. The receiver must
  /// outlive it.
  [[nodiscard]] ReceiveOp receive() & noexcept { return ReceiveOp(*this); }

  /// Receives without waiting.
  [[nodiscard]] std::expected<T, TryReceive> try_receive() {
    if (!state_->settled()) return std::unexpected<TryReceive>(TryReceive::empty);
    std::optional<T> value = state_->take();
    if (!value) return std::unexpected<TryReceive>(TryReceive::closed);
    return std::move(*value);
  }
  /// Blocks the calling thread until the value can be received. For threads that run no tasks: on a
  /// thread that does, throws std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<T> blocking_receive() {
    state_->wait_on_thread();
    return state_->take();
  }
  /// Closes the channel: from now on the sender gets its value back. A value that was sent before
  /// can still be received.
  void close() noexcept { state_->close(); }

  /// Returns the state that both ends share, for authors of awaiters.
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

/// Makes a channel for one value: `auto [sender, receiver] = weft::oneshot<int>();`. Throws
/// std::bad_alloc.
template <class T>
[[nodiscard]] Oneshot<T> oneshot() {
  detail::OneshotState<T>& state = detail::OneshotState<T>::make();
  return {OneshotSender<T>(state), OneshotReceiver<T>(state)};
}

}  // namespace weft::inline v0_1
