// watch<T>(initial): the newest value of something, for any number of receivers. Who is slow sees
// fewer of the values, but always the last one.
//
//   auto [sender, receiver] = weft::watch<Config>(load());
//   sender.send(load());
//   while (auto config = co_await receiver.changed()) apply(**config);   // nullopt: no sender any
//   more
//
// borrow() gives a counted reference to the value as it is at that moment. The value itself is
// never changed, only replaced: so a Borrowed may be kept as long as one likes, across awaits too,
// and holds nobody up.
//
// Works from coroutines, fibers (weft::await), callbacks (weft::then) and threads that run no tasks
// (blocking_changed). Waiting allocates nothing. A send() makes the value in a block of the frame
// pool: in that of the value before the last one, unless somebody still borrows that. Cancel of a
// changed(): the change counts as not seen.
//
// Senders are as thread-safe as a shared_ptr is; a receiver is used by one task or thread at a
// time, and each copy of it goes its own way. A handle must not have been moved from, and stays
// until the waits through it are over; a Borrowed may outlive them all.
#pragma once

#include <weft/detail/channel_core.hpp>
#include <weft/detail/version_core.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

/// A value of a watch, counted.
template <class T>
class WatchedValue {
 public:
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "weft::watch: the frame pool does not align more; watch a pointer");

  [[nodiscard]] const T& value() const noexcept { return value_; }
  void hold() noexcept {
    holds_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller sees to its staying
  }
  /// Whether that was the last hold: then the caller destroys it.
  [[nodiscard]] bool drop() noexcept {
    // Release: this holder's reads come before the destruction. Acquire: the destroyer's.
    return holds_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  /// In `block` if it is not null, which it becomes. Held once. Throws what making a T throws.
  template <class U>
  [[nodiscard]] static WatchedValue* make(void*& block, U&& value) {
    if (block == nullptr) block = allocate_frame(sizeof(WatchedValue));
    WatchedValue* const made = ::new (block) WatchedValue(std::forward<U>(value));
    block = nullptr;
    return made;
  }
  /// Gives the block, for the next.
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

/// A value of a watch that does not change, and stays as long as this. Thread-safe as a shared_ptr
/// is. Not after a move.
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

/// The version counts the changes.
template <class T>
class WatchState final : public VersionCore {
 public:
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                "weft::watch: the value moves into it");

  [[nodiscard]] static WatchState& make(T&& initial);
  void send(T&& value);
  template <class F>
  void modify(F&& change);
  /// The present value, and which version it is.
  [[nodiscard]] Borrowed<T> borrow(std::uint64_t& version) const noexcept;
  /// The same, unless it is version `seen`.
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

  ThreadMutex sending_;       // one sender at a time; taken before mutex_
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
  /// Only here the change counts as seen: what comes before may be cancelled.
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

/// A receiver. A copy of it has seen what this one has.
template <class T>
class WatchReceiver {
 public:
  using value_type = T;
  using Ref = detail::HandleRef<detail::WatchState<T>, detail::Side::receiver>;
  WatchReceiver(Ref state, std::uint64_t seen) noexcept : state_(std::move(state)), seen_(seen) {}

  /// The newest value, which counts as seen.
  [[nodiscard]] Borrowed<T> borrow() noexcept { return state_->borrow(seen_); }
  /// Waits until there is a value that this receiver has not seen, and gives the newest, which then
  /// counts as seen; nullopt if there is none, and no sender any more. The value that there was
  /// when it subscribed was seen. No errors. One wait at a time. Cancel: nothing counts as seen.
  [[nodiscard]] ChangedOp<T> changed() & noexcept { return ChangedOp<T>(*this); }
  /// changed() for a thread that runs no tasks, which it blocks; on one that does, throws
  /// std::logic_error if it would have to wait.
  [[nodiscard]] std::optional<Borrowed<T>> blocking_changed() {
    state_->wait_on_thread(seen_, "weft::WatchReceiver::blocking_changed");
    return newer();
  }
  /// Whether there is a value that it has not seen.
  [[nodiscard]] bool has_changed() const noexcept { return state_->version() != seen_; }
  /// Whether there is no sender any more. The last value stays.
  [[nodiscard]] bool closed() const noexcept { return state_->closed(); }

  // For those who write awaiters
  [[nodiscard]] detail::VersionCore& core() const noexcept { return *state_; }
  [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }
  /// changed(), when there is news.
  [[nodiscard]] std::optional<Borrowed<T>> newer() noexcept { return state_->borrow_newer(seen_); }

 private:
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
  /// Replaces it by a copy that `change(T&)` was applied to; no other sender comes in between, so
  /// `change` must be short, and must not send. Errors as of send(), and what `change` throws.
  template <class F>
  void modify(F change) const {
    state_->modify(change);
  }
  /// The newest value.
  [[nodiscard]] Borrowed<T> borrow() const noexcept {
    std::uint64_t version = 0;
    return state_->borrow(version);
  }
  /// A new receiver, which has seen the present value.
  [[nodiscard]] WatchReceiver<T> subscribe() const noexcept {
    state_->hold(detail::Side::receiver);
    return WatchReceiver<T>(typename WatchReceiver<T>::Ref(*state_), state_->version());
  }
  /// How many receivers there are. A moment later it may be another number.
  [[nodiscard]] std::size_t receivers() const noexcept {
    return state_->holders(detail::Side::receiver);
  }
  /// How many of them wait. A moment later it may be another number.
  [[nodiscard]] std::size_t waiting() const noexcept { return state_->waiting(); }

 private:
  Ref state_;
};

template <class T>
struct Watch {
  WatchSender<T> sender;
  WatchReceiver<T> receiver;
};

/// A watch of `initial`, and a first receiver, which has seen it. Throws std::bad_alloc, and what
/// moving the value throws.
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

template <class T>
detail::WatchState<T>::~WatchState() {
  const Borrowed<T> last(*current_);
  if (spare_ != nullptr) detail::WatchedValue<T>::free(spare_);
}

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

/// With sending_ held. Gives what was the present value, and is still held.
template <class T>
detail::WatchedValue<T>* detail::WatchState<T>::replace_by(detail::WatchedValue<T>* next) noexcept {
  Lock lock(mutex_);
  detail::WatchedValue<T>* const before = std::exchange(current_, next);
  advance(std::move(lock));
  return before;
}

/// Without a lock, as its destructor may do what it likes.
template <class T>
void detail::WatchState<T>::let_go(detail::WatchedValue<T>* before) noexcept {
  if (!before->drop()) return;  // somebody borrows it, and frees it in the end
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
  current_->hold();  // while it is the present one, it is held
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

}  // namespace weft
