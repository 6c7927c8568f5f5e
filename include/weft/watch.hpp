// watch<T>(initial): the newest value of something, for any number of receivers. A slow receiver
// sees fewer of the values, but always the last one.
//
//   auto [sender, receiver] = weft::watch<Config>(load());
//   sender.send(load());
//   while (auto config = co_await receiver.changed()) apply(**config);   // nullopt: no sender left
//
// borrow() returns a counted reference to the value at that moment. A value is never modified, only
// replaced. So a Borrowed may be kept for any time, across awaits too, and blocks no sender.
//
// Works from coroutines, fibers (weft::await), callbacks (weft::on_complete) and threads that run
// no tasks (blocking_changed). Waiting allocates nothing. A send() makes the value in a block of
// the frame pool; it reuses the block of the value before the last one, unless that is still
// borrowed. Cancel of a changed(): the change does not count as seen.
//
// Senders are as thread-safe as a std::shared_ptr. One task or thread at a time uses a receiver;
// each copy of it has a state of its own. A handle that was moved from must not be used, and a
// handle must outlive the waits through it. A Borrowed may outlive them all.
#pragma once

#include <weft/detail/channel_core.hpp>
#include <weft/detail/version_core.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// A counted value of a watch.
template <class T>
class WatchedValue {
 public:
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "weft::watch: the frame pool does not align more; watch a pointer");

  [[nodiscard]] const T& value() const noexcept { return value_; }
  void hold() noexcept {
    holds_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller keeps it alive
  }
  /// Releases one hold. Returns whether it was the last one; then the caller destroys the value.
  [[nodiscard]] bool drop() noexcept {
    // Release: orders this holder's reads before the destruction. Acquire: orders the destruction
    // after the reads of the other holders.
    return holds_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  /// Makes a value with one hold, in `block` unless that is null; sets `block` to null then. Throws
  /// what constructing a T throws.
  template <class U>
  [[nodiscard]] static WatchedValue* make(void*& block, U&& value) {
    if (block == nullptr) block = allocate_frame(sizeof(WatchedValue));
    WatchedValue* const made = ::new (block) WatchedValue(std::forward<U>(value));
    block = nullptr;
    return made;
  }
  /// Destroys the value and returns its block, for the next value.
  [[nodiscard]] void* destroy() noexcept {
    this->~WatchedValue();
    return this;
  }
  static void free(void* block) noexcept { deallocate_frame(block, sizeof(WatchedValue)); }

 private:
  template <class U>
  explicit WatchedValue(U&& value) : value_(std::forward<U>(value)) {}
  ~WatchedValue() = default;

  T value_;
  Atomic<std::uint32_t> holds_{1};
};

}  // namespace detail

/// A value of a watch, which does not change and lives as long as this. As thread-safe as a
/// std::shared_ptr. Must not be used after a move from it.
template <class T>
class [[nodiscard]] Borrowed {
 public:
  /// Takes over one hold.
  explicit Borrowed(detail::WatchedValue<T>& held) noexcept : value_(&held) {}
  Borrowed(const Borrowed& other) noexcept : value_(other.value_) {
    if (value_ != nullptr) value_->hold();
  }
  Borrowed(Borrowed&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  Borrowed& operator=(Borrowed other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Borrowed() {
    if (value_ != nullptr && value_->drop()) detail::WatchedValue<T>::free(value_->destroy());
  }

  [[nodiscard]] const T& operator*() const noexcept { return value_->value(); }
  [[nodiscard]] const T* operator->() const noexcept { return &value_->value(); }

 private:
  detail::WatchedValue<T>* value_;
};

namespace detail {

/// The version is the number of changes.
template <class T>
class WatchState final : public VersionCore {
 public:
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                "weft::watch: the value moves into it");

  [[nodiscard]] static WatchState& make(T&& initial);
  void send(T&& value);
  template <class F>
  void modify(F&& change);
  /// Returns the current value, and sets `version` to its version.
  [[nodiscard]] Borrowed<T> borrow(std::uint64_t& version) const noexcept;
  /// Does the same, unless the current version is `seen`.
  [[nodiscard]] std::optional<Borrowed<T>> borrow_newer(std::uint64_t& seen) const noexcept;

 private:
  explicit WatchState(T&& initial) : current_(make_value(std::move(initial))) {}
  ~WatchState();
  void destroy() noexcept override;
  [[nodiscard]] static WatchedValue<T>* make_value(T&& value) {
    void* block = nullptr;
    return WatchedValue<T>::make(block, std::move(value));
  }
  [[nodiscard]] WatchedValue<T>* replace_by(WatchedValue<T>* next) noexcept;
  void let_go(WatchedValue<T>* before) noexcept;

  ThreadMutex sending_;       // serializes senders; taken before mutex_
  void* spare_ = nullptr;     // guarded by sending_
  WatchedValue<T>* current_;  // written with both locks held, read with either
};

}  // namespace detail

template <class T>
class WatchReceiver;

namespace detail {

/// See WatchReceiver::changed().
template <class T>
class ChangedAwaiter {
 public:
  explicit ChangedAwaiter(WatchReceiver<T>& receiver) noexcept : receiver_(receiver) {}
  ChangedAwaiter(const ChangedAwaiter&) = delete;
  ChangedAwaiter& operator=(const ChangedAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    VersionCore& core = receiver_.core();
    if (!innermost.promise().task().cancel_requested() && core.news_since(receiver_.seen())) {
      return suspended_for_others(innermost.promise());
    }
    return leaf_.emplace(core, receiver_.seen()).suspend(innermost.promise());
  }
  /// Only this marks the change as seen, so a wait that is cancelled before has not seen it.
  [[nodiscard]] std::optional<Borrowed<T>> await_resume() noexcept { return receiver_.newer(); }

 private:
  WatchReceiver<T>& receiver_;
  std::optional<VersionLeaf> leaf_;
};

}  // namespace detail

template <class T>
class [[nodiscard]] ChangedOp {
 public:
  explicit ChangedOp(WatchReceiver<T>& receiver) noexcept : receiver_(receiver) {}
  detail::ChangedAwaiter<T> operator co_await() const noexcept {
    return detail::ChangedAwaiter<T>(receiver_);
  }

 private:
  WatchReceiver<T>& receiver_;
};

/// The receiving end of a watch. A copy has seen the same values.
template <class T>
class WatchReceiver {
 public:
  using value_type = T;
  using Ref = detail::HandleRef<detail::WatchState<T>, detail::Side::receiver>;
  WatchReceiver(Ref state, std::uint64_t seen) noexcept : state_(std::move(state)), seen_(seen) {}

  /// Returns the newest value and marks it as seen.
  [[nodiscard]] Borrowed<T> borrow() noexcept { return state_->borrow(seen_); }
  /// Waits until there is a value that this receiver has not seen, returns the newest and marks it
  /// as seen; nullopt if there is none and no sender is left. The value at the time of subscription
  /// counts as seen. No errors. One wait at a time. Cancel: no value is marked as seen.
  [[nodiscard]] ChangedOp<T> changed() & noexcept { return ChangedOp<T>(*this); }
  /// Waits until `accept(const T&)` returns true for the newest value, the present one included,
  /// and returns that; nullopt if no sender is left and the last value was not accepted. Values
  /// that were looked at count as seen. Throws what `accept` throws, and std::bad_alloc. One wait
  /// at a time. Cancel: stops waiting.
  ///
  ///   auto ready = co_await receiver.wait_for([](State s) { return s == State::up; });
  template <class F>
    requires std::predicate<F&, const T&>
  [[nodiscard]] Task<std::optional<Borrowed<T>>> wait_for(F accept) & {
    return next_accepted(*this, std::move(accept));
  }
  /// Blocks the calling thread until changed() would return. For threads that run no tasks: on a
  /// thread that does, throws std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<Borrowed<T>> blocking_changed() {
    state_->wait_on_thread(seen_, "weft::WatchReceiver::blocking_changed");
    return newer();
  }
  /// Returns whether there is a value that it has not seen.
  [[nodiscard]] bool has_changed() const noexcept { return state_->version() != seen_; }
  /// Returns whether no sender is left. The last value stays.
  [[nodiscard]] bool closed() const noexcept { return state_->closed(); }

  // For authors of awaiters.
  [[nodiscard]] detail::VersionCore& core() const noexcept { return *state_; }
  [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }
  /// Returns the result of changed() if there is a new value.
  [[nodiscard]] std::optional<Borrowed<T>> newer() noexcept { return state_->borrow_newer(seen_); }

 private:
  template <class F>
  static Task<std::optional<Borrowed<T>>> next_accepted(WatchReceiver& receiver, F accept) {
    std::optional<Borrowed<T>> value = receiver.borrow();
    while (value.has_value() && !std::invoke(accept, **value)) {
      std::optional<Borrowed<T>> changed = co_await receiver.changed();
      value = std::move(changed);
    }
    co_return value;
  }

  Ref state_;
  std::uint64_t seen_;
};

template <class T>
class WatchSender {
 public:
  using value_type = T;
  using Ref = detail::HandleRef<detail::WatchState<T>, detail::Side::sender>;
  explicit WatchSender(Ref state) noexcept : state_(std::move(state)) {}

  /// Replaces the value, whether or not there are receivers. Throws std::bad_alloc, and what moving
  /// the value throws: then nothing has changed.
  void send(T value) const { state_->send(std::move(value)); }
  /// Replaces the value by a copy to which `change(T&)` was applied. No other sender replaces it in
  /// between, so `change` must be short and must not send. Throws as send() does, and what `change`
  /// throws.
  template <class F>
  void modify(F change) const {
    state_->modify(change);
  }
  /// Returns the newest value.
  [[nodiscard]] Borrowed<T> borrow() const noexcept {
    std::uint64_t version = 0;
    return state_->borrow(version);
  }
  /// Returns a new receiver, which has seen the current value.
  [[nodiscard]] WatchReceiver<T> subscribe() const noexcept {
    state_->hold(detail::Side::receiver);
    return WatchReceiver<T>(typename WatchReceiver<T>::Ref(*state_), state_->version());
  }
  /// Returns the number of receivers. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t receivers() const noexcept {
    return state_->holders(detail::Side::receiver);
  }
  /// Returns the number of waiting receivers. It may have changed by the time it is returned.
  [[nodiscard]] std::size_t waiting() const noexcept { return state_->waiting(); }

 private:
  Ref state_;
};

template <class T>
struct Watch {
  WatchSender<T> sender;
  WatchReceiver<T> receiver;
};

/// Makes a watch with the value `initial` and a first receiver, which has seen it. Throws
/// std::bad_alloc, and what moving the value throws.
template <class T>
[[nodiscard]] Watch<T> watch(T initial) {
  detail::WatchState<T>& state = detail::WatchState<T>::make(std::move(initial));
  return {WatchSender<T>(typename WatchSender<T>::Ref(state)),
          WatchReceiver<T>(typename WatchReceiver<T>::Ref(state), 0)};
}

template <class T>
detail::WatchState<T>& detail::WatchState<T>::make(T&& initial) {
  void* const memory = allocate_frame(sizeof(WatchState));
  try {
    return *::new (memory) WatchState(std::move(initial));
  } catch (...) {
    deallocate_frame(memory, sizeof(WatchState));
    throw;
  }
}

namespace detail {

template <class T>
WatchState<T>::~WatchState() {
  const Borrowed<T> last(*current_);
  if (spare_ != nullptr) WatchedValue<T>::free(spare_);
}

}  // namespace detail

template <class T>
void detail::WatchState<T>::destroy() noexcept {
  this->~WatchState();
  deallocate_frame(this, sizeof(WatchState));
}

template <class T>
void detail::WatchState<T>::send(T&& value) {
  std::unique_lock sending(sending_);
  detail::WatchedValue<T>* const before =
      replace_by(detail::WatchedValue<T>::make(spare_, std::move(value)));
  sending.unlock();
  let_go(before);
}

template <class T>
template <class F>
void detail::WatchState<T>::modify(F&& change) {
  static_assert(std::is_copy_constructible_v<T>, "weft::watch: modify() changes a copy");
  std::optional<T> next;  // destroyed without the lock, as all values are
  std::unique_lock sending(sending_);
  next.emplace(current_->value());
  std::invoke(change, *next);
  detail::WatchedValue<T>* const before =
      replace_by(detail::WatchedValue<T>::make(spare_, std::move(*next)));
  sending.unlock();
  let_go(before);
}

/// Precondition: sending_ is held. Returns the previous value, which is still held.
template <class T>
detail::WatchedValue<T>* detail::WatchState<T>::replace_by(detail::WatchedValue<T>* next) noexcept {
  Lock lock(mutex_);
  detail::WatchedValue<T>* const before = std::exchange(current_, next);
  advance(std::move(lock));
  return before;
}

/// Runs without a lock, as the destructor of the value is the user's code.
template <class T>
void detail::WatchState<T>::let_go(detail::WatchedValue<T>* before) noexcept {
  if (!before->drop()) return;  // still borrowed: the last Borrowed frees it
  void* block = before->destroy();
  {
    const std::lock_guard sending(sending_);
    if (spare_ == nullptr) std::swap(spare_, block);
  }
  if (block != nullptr) detail::WatchedValue<T>::free(block);
}

template <class T>
Borrowed<T> detail::WatchState<T>::borrow(std::uint64_t& version) const noexcept {
  const Lock lock(mutex_);
  version = version_;
  current_->hold();  // the current value is always held
  return Borrowed<T>(*current_);
}

template <class T>
std::optional<Borrowed<T>> detail::WatchState<T>::borrow_newer(std::uint64_t& seen) const noexcept {
  const Lock lock(mutex_);
  if (version_ == seen) return std::nullopt;
  seen = version_;
  current_->hold();
  return Borrowed<T>(*current_);
}

}  // namespace weft::inline v0_1
