// Promise<T> and SharedResult<T>: a result that is set once and that many wait for.
//
//   weft::Promise<Config> promise;                              // eager: nothing waits to be asked
//   weft::SharedResult<Config> config = promise.result();       // copies share the result
//   …
//   const Config& c = co_await config;               // a coroutine; in a fiber: await(config)
//   config.on_complete([](const Config& c) { … });   // a callback
//   const Config& d = config.get();                  // a thread of no runtime
//
// A Task runs when it is awaited, once, for one. share() starts something at once, for any number
// of waits: the cancel of a wait ends that wait, not the work.
//
// Thread-safe: a Promise is used by one thread at a time, any; a SharedResult as a shared_ptr is,
// and its copies independently. State: one block of the frame pool, counted. Waiting allocates
// nothing.
#pragma once

#include <weft/extend/waiter_leaf.hpp>
#include <weft/on_complete.hpp>
#include <weft/spawn.hpp>

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// What a wait for a Promise throws that was destroyed before it was set.
class BrokenPromise : public std::logic_error {
 public:
  BrokenPromise() : std::logic_error("weft::Promise: it was destroyed before it was set") {}
};

namespace detail {

/// The non-template part of what a promise and its results share.
class SharedState {
 public:
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  /// Whether it is set, and the outcome may be read. Any thread.
  [[nodiscard]] bool ready() const noexcept {
    // Acquire: pairs with the release in publish(), so that the outcome is seen.
    return ready_.load(std::memory_order_acquire);
  }

  /// Queues `waiter` until it is set.
  [[nodiscard]] Queued wait_with(Waiter& waiter) noexcept;
  /// Takes the waiter back. True: it will not be woken. False: it is being woken.
  /// Before wait_with(): makes it refuse, and gives false.
  [[nodiscard]] bool withdraw(Waiter& waiter) noexcept;
  /// Waits on this thread, at most so long; false if the time was over first. Throws
  /// std::logic_error on a thread that runs weft tasks.
  bool wait_on_thread(const std::chrono::nanoseconds* timeout);

  /// The outcome has been written: wakes all. Once, by a holder.
  void publish() noexcept;
  /// An error that nothing looks at goes there, when the state does. Before publish().
  void report_to(std::shared_ptr<const FailureHandler> handler) noexcept {
    on_failure_ = std::move(handler);
  }
  void note_seen() noexcept {
    // Relaxed: read by the last holder, ordered by the count.
    seen_.store(true, std::memory_order_relaxed);
  }

  void hold() noexcept {
    holds_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller holds it already
  }
  void release() noexcept;

 protected:
  using Destroy = void (*)(SharedState&) noexcept;
  explicit SharedState(Destroy destroy) noexcept : destroy_(destroy) {}
  ~SharedState() = default;
  void report_if_unseen(const std::exception_ptr& error) const noexcept;

 private:
  Destroy destroy_;
  mutable ThreadMutex mutex_;
  WaiterList waiters_;  // guarded by mutex_
  std::shared_ptr<const FailureHandler> on_failure_;
  Atomic<std::uint32_t> holds_{1};
  Atomic<bool> ready_{false};  // set with the mutex held
  Atomic<bool> seen_{false};
};

template <class T>
class SharedOutcome final : public SharedState {
 public:
  /// What a wait gives: the result itself, which all share.
  using Shared = std::conditional_t<std::is_void_v<T> || std::is_reference_v<T>, T,
                                    std::add_lvalue_reference_t<const T>>;

  static SharedOutcome& make() {
    void* const memory = allocate_frame(sizeof(SharedOutcome));
    return *::new (memory) SharedOutcome();
  }
  /// Written before publish(), by the publishing thread; read when ready.
  [[nodiscard]] Outcome<T>& outcome() noexcept { return outcome_; }

  /// When ready: the result, which stays, or throws what there is in its place.
  Shared get() {
    note_seen();
    // Only a take() that moves nothing: others have the result as well.
    if (outcome_.failed()) std::rethrow_exception(outcome_.error());
    if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
      return outcome_.take();
    } else {
      if (outcome_.cancelled()) outcome_.take();
      return outcome_.value();
    }
  }

 private:
  SharedOutcome() noexcept : SharedState(&SharedOutcome::destroy) {}
  ~SharedOutcome() { report_if_unseen(outcome_.error()); }
  static void destroy(SharedState& self) noexcept {
    auto& result = static_cast<SharedOutcome&>(self);
    result.~SharedOutcome();
    deallocate_frame(&result, sizeof(SharedOutcome));
  }

  Outcome<T> outcome_;
};

/// A counted reference to a shared result; may be empty.
template <class T>
class SharedRef {
 public:
  SharedRef() noexcept = default;
  /// Takes over one hold.
  explicit SharedRef(SharedOutcome<T>& held) noexcept : result_(&held) {}
  SharedRef(const SharedRef& other) noexcept : result_(other.result_) {
    if (result_ != nullptr) result_->hold();
  }
  SharedRef(SharedRef&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
  SharedRef& operator=(SharedRef other) noexcept {
    std::swap(result_, other.result_);
    return *this;
  }
  ~SharedRef() {
    if (result_ != nullptr) result_->release();
  }
  [[nodiscard]] explicit operator bool() const noexcept { return result_ != nullptr; }
  [[nodiscard]] SharedOutcome<T>& operator*() const noexcept { return *result_; }
  [[nodiscard]] SharedOutcome<T>* operator->() const noexcept { return result_; }

 private:
  SharedOutcome<T>* result_ = nullptr;
};

/// The leaf that waits for a shared state.
class SharedLeaf final : private WaiterLeaf<SharedLeaf>, private Waiter {
 public:
  SharedLeaf() noexcept : Waiter(&SharedLeaf::on_set) {}
  [[nodiscard]] bool suspend(PromiseBase& innermost, SharedState& state) noexcept;

 private:
  friend class weft::WaiterLeaf<SharedLeaf>;
  static void on_set(Runnable& self) noexcept { static_cast<SharedLeaf&>(self).served(); }
  // The awaiter holds the state.
  [[nodiscard]] Queued queue() noexcept { return state_->wait_with(*this); }
  [[nodiscard]] bool withdraw() noexcept { return state_->withdraw(*this); }

  SharedState* state_ = nullptr;
};

[[noreturn]] void throw_no_result();
[[noreturn]] void throw_promise_set();

}  // namespace detail

/// The result of a Promise, or of what share() started, for any number that wait.
template <class T>
class SharedResult {
 public:
  using value_type = T;
  using Shared = typename detail::SharedOutcome<T>::Shared;

  /// Empty, as one that was moved from: to wait for it throws std::logic_error.
  SharedResult() noexcept = default;
  explicit SharedResult(detail::SharedRef<T> result) noexcept : result_(std::move(result)) {}
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(result_); }

  /// Whether the result is there, and waiting would not take time.
  [[nodiscard]] bool ready() const noexcept { return result_ && result_->ready(); }

  template <class Given>
  class Awaiter;
  template <class Given>
  class Wait;

  /// Waits for the result: a reference to the one that all share, valid while a SharedResult of it
  /// lives. Throws what was set as error, BrokenPromise, and IoError (errc::operation_canceled) if
  /// the work was cancelled. Cancel: stops waiting; other waits go on.
  [[nodiscard]] Awaiter<Shared> operator co_await() const& { return Awaiter<Shared>(state()); }
  /// The same for a temporary, whose result might go with it: gives a copy.
  [[nodiscard]] Awaiter<T> operator co_await() && { return Awaiter<T>(state()); }

  /// The same for a thread that runs no tasks, which it blocks. On a thread that runs tasks, throws
  /// std::logic_error if the result is not there yet: use co_await, or await() in a fiber.
  Shared get() const& {
    wait();
    return result_->get();
  }
  T get() && {
    wait();
    return result_->get();
  }
  /// Blocks the thread until the result is there.
  void wait() const { state()->wait_on_thread(nullptr); }
  /// At most for `timeout`. Whether the result is there.
  [[nodiscard]] bool wait_for(std::chrono::nanoseconds timeout) const {
    return state()->wait_on_thread(&timeout);
  }

  /// Calls the functions when the result is there, on a worker of the current runtime: see
  /// weft::on_complete(). They are given a reference to the result that all share.
  template <class F, class... E>
  auto on_complete(F function, E... on_error) const {
    return weft::on_complete(Wait<Shared>(state()), std::move(function), std::move(on_error)...);
  }

  /// What it shares, for a wait without a task. Throws std::logic_error if it is empty.
  [[nodiscard]] const detail::SharedRef<T>& state() const {
    if (!result_) detail::throw_no_result();
    return result_;
  }

 private:
  detail::SharedRef<T> result_;
};

/// Given: T, or a reference to the shared result.
template <class T>
template <class Given>
class SharedResult<T>::Awaiter {
 public:
  explicit Awaiter(detail::SharedRef<T> result) noexcept : result_(std::move(result)) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return leaf_.suspend(innermost.promise(), *result_);
  }
  Given await_resume() {
    static_assert(
        std::is_reference_v<Given> || std::is_void_v<T> || std::is_copy_constructible_v<T>,
        "weft: the result cannot be copied out of a temporary SharedResult: keep it");
    return result_->get();
  }

 private:
  detail::SharedRef<T> result_;
  detail::SharedLeaf leaf_;
};

/// The wait as a value, which keeps the result.
template <class T>
template <class Given>
class [[nodiscard]] SharedResult<T>::Wait {
 public:
  explicit Wait(detail::SharedRef<T> result) noexcept : result_(std::move(result)) {}
  Awaiter<Given> operator co_await() && noexcept { return Awaiter<Given>(std::move(result_)); }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  detail::SharedRef<T> result_;
};

/// The right and the duty to set a result, once. Move-only.
template <class T = void>
class Promise {
 public:
  /// Throws std::bad_alloc.
  Promise() : result_(detail::SharedOutcome<T>::make()) {}
  Promise(Promise&& other) noexcept : result_(std::move(other.result_)), set_(other.set_) {}
  Promise& operator=(Promise&& other) noexcept {
    Promise moved(std::move(other));
    std::swap(result_, moved.result_);
    std::swap(set_, moved.set_);
    return *this;
  }
  /// If it was not set, sets BrokenPromise as error (std::bad_alloc if there is no memory for it).
  ~Promise() {
    if (*this) set_error(detail::exception_of([] { return BrokenPromise(); }));
  }

  /// Whether it is still to be set (false after that, and after a move).
  [[nodiscard]] explicit operator bool() const noexcept { return result_ && !set_; }

  /// The result, to be waited for; one of any number. Throws std::logic_error after a move.
  [[nodiscard]] SharedResult<T> result() const {
    if (!result_) detail::throw_no_result();
    return SharedResult<T>(result_);
  }

  /// Makes the result from `value…` and wakes all waiters; never runs them here. Throws
  /// std::logic_error if it was set, and what making a T throws: then it is still to be set.
  template <class... U>
  void set_value(U&&... value) {
    if (!*this) detail::throw_promise_set();
    try {
      result_->outcome().set_value(std::forward<U>(value)...);
    } catch (...) {
      result_->outcome() = Outcome<T>();
      throw;
    }
    publish();
  }
  /// Waits throw `error`. Precondition: not null. Throws std::logic_error if it was set.
  void set_error(std::exception_ptr error) {
    if (!*this) detail::throw_promise_set();
    result_->outcome().set_error(std::move(error));
    publish();
  }
  /// Waits get what `outcome` is: value, error, or cancelled.
  void set_outcome(Outcome<T> outcome) {
    if (!*this) detail::throw_promise_set();
    result_->outcome().take_over(outcome);
    publish();
  }
  /// If there is an error that nothing ever looks at, `handler` is told.
  void report_unseen_to(std::shared_ptr<const FailureHandler> handler) noexcept {
    if (*this) result_->report_to(std::move(handler));
  }

 private:
  void publish() noexcept {
    set_ = true;
    // Held here as well: a woken waiter may destroy the promise.
    const detail::SharedRef<T> result(result_);
    result->publish();
  }

  detail::SharedRef<T> result_;
  bool set_ = false;
};

namespace detail {

/// The handler of an error that is left in a result, on the worker that has made it: the owner's,
/// or the runtime's if the owner is a scope. A scope has none, as its children's errors make it
/// fail; but a task that share() starts does not fail.
[[nodiscard]] std::shared_ptr<const FailureHandler> handler_of_shared(const OwnedTasks& owner);

/// share() as `placement` says.
template <class W>
auto start_shared(const Placement& placement, W& work) -> SharedResult<SpawnResult<W>> {
  using T = SpawnResult<W>;
  Promise<T> promise;
  SharedResult<T> result = promise.result();
  auto set = [promise = std::move(promise),
              &tasks = placement.owner()](Outcome<T>&& ended) mutable {
    if (ended.failed()) promise.report_unseen_to(handler_of_shared(tasks));
    try {
      promise.set_outcome(std::move(ended));
    } catch (...) {  // moving it has thrown
      promise.report_unseen_to(handler_of_shared(tasks));
      promise.set_error(std::current_exception());
    }
  };
  NoCallback no_error_function;
  start_on_complete(placement, work, set, no_error_function, std::source_location::current())
      .detach();
  return result;
}

}  // namespace detail

/// Starts `work`, something awaitable or a callable that gives it, as a task of the current
/// runtime, at once and whether or not anything waits. An error that nothing looks at goes to the
/// failure handler of the runtime. Errors as of on_complete().
template <class W>
auto share(W work) -> SharedResult<SpawnResult<W>> {
  return detail::start_shared(detail::Placement(), work);
}
/// The same as `options` say. A scope as owner does not fail by the work's error: that is the
/// result's, and goes to the failure handler of the runtime if nothing looks at it. Throws as the
/// options say, too. With an owner: from any thread.
template <class W>
auto share(SpawnOptions options, W work) -> SharedResult<SpawnResult<W>> {
  return detail::start_shared(detail::Placement(options), work);
}

}  // namespace weft::inline v0_1
