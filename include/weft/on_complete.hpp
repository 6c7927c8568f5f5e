// on_complete(): callbacks. Starts something awaitable and calls a function with its result.
//
//   weft::on_complete(stream.read(buffer), [&](std::size_t size) { use(buffer, size); });
//   weft::on_complete(stream.read(buffer), on_data, [](std::exception_ptr e) { report(e); });
//   weft::on_complete(stream.read(buffer), [](weft::Outcome<std::size_t> end) { … });  // any end
//
// What is started is a task like every other, with an owner that waits for it; the function is its
// last act, on its worker, never within the call of on_complete(). All of it is one block of
// memory: the awaitable, its awaiter, the functions and their result.
#pragma once

#include <weft/spawn.hpp>

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// Stands for a function that was not given.
struct NoCallback {};

// Which of the two kinds `F` is: a function of the value, or of the whole outcome.
template <class F, class T>
inline constexpr bool takes_value = std::is_invocable_v<F&, T>;
template <class F>
inline constexpr bool takes_value<F, void> = std::is_invocable_v<F&>;
template <class F, class T>
inline constexpr bool takes_outcome = !takes_value<F, T> && std::is_invocable_v<F&, Outcome<T>>;

template <class F, class T>
consteval auto callback_result() {
  if constexpr (takes_outcome<F, T>) {
    return std::invoke_result<F&, Outcome<T>>();
  } else if constexpr (std::is_void_v<T>) {
    static_assert(takes_value<F, T>,
                  "weft::on_complete: the function takes nothing, or Outcome<void>");
    return std::invoke_result<F&>();
  } else {
    static_assert(takes_value<F, T>,
                  "weft::on_complete: the function takes the result, or its Outcome");
    return std::invoke_result<F&, T>();
  }
}

/// The functions given to on_complete(), for an awaitable that gives T.
template <class T, class F, class E>
class OnCompleteCallbacks {
 public:
  using Result = typename decltype(callback_result<F, T>())::type;
  static_assert(std::is_same_v<E, NoCallback> || !takes_outcome<F, T>,
                "weft::on_complete: a function that takes an Outcome is told of errors itself");
  static_assert(std::is_same_v<E, NoCallback> ||
                    std::is_invocable_r_v<Result, E&, std::exception_ptr>,
                "weft::on_complete: the error function takes std::exception_ptr, and gives what "
                "the other does");

  OnCompleteCallbacks(F&& function, E&& on_error)
      : function_(std::move(function)), on_error_(std::move(on_error)) {}

  /// Calls the one that `ended` is for; what it gives goes to `result`. May throw what it throws.
  void call(Outcome<T>& ended, Outcome<Result>& result) {
    if constexpr (takes_outcome<F, T>) {
      set(result, function_, std::move(ended));
    } else if (ended.failed()) {
      if constexpr (std::is_same_v<E, NoCallback>) {
        result.set_error(ended.error());
      } else {
        set(result, on_error_, ended.error());
      }
    } else if (ended.has_value()) {
      if constexpr (std::is_void_v<T>) {
        set(result, function_);
      } else {
        set(result, function_, ended.take());
      }
    }
  }

 private:
  template <class G, class... Args>
  static void set(Outcome<Result>& result, G& function, Args&&... args) {
    if constexpr (std::is_void_v<Result>) {
      std::invoke(function, std::forward<Args>(args)...);
      result.set_value();
    } else {
      result.set_value(std::invoke(function, std::forward<Args>(args)...));
    }
  }

  F function_;
  [[no_unique_address]] E on_error_;
};

/// What on_complete() was given to start, a callable that gives an awaitable or an awaitable
/// itself, and its awaiter, which it makes in place.
template <class W>
class OnCompleteWork {
  template <class V>
  struct Made : std::type_identity<V> {};
  template <class V>
    requires std::is_invocable_v<V&>
  struct Made<V> : std::invoke_result<V&> {};
  static constexpr bool is_called = std::is_invocable_v<W&>;
  using Source = typename Made<W>::type;
  using Awaiter = decltype(get_awaiter(std::declval<Source>()));

 public:
  explicit OnCompleteWork(W&& work) : work_(std::move(work)) {}

  /// Begins to wait, for the suspended coroutine of `root`. Gives the coroutine to go on with.
  std::coroutine_handle<> begin(PromiseBase& root) {
    Awaiter& awaiter = make_awaiter();
    if (awaiter.await_ready()) return root.handle();
    // Awaiters take the handle for its promise alone, and never resume through it.
    const auto handle = std::coroutine_handle<PromiseBase>::from_promise(root);
    using Suspended = decltype(awaiter.await_suspend(handle));
    // Where it stays suspended, all of this may be gone when await_suspend() returns.
    if constexpr (std::is_void_v<Suspended>) {
      awaiter.await_suspend(handle);
    } else if constexpr (std::is_same_v<Suspended, bool>) {
      if (!awaiter.await_suspend(handle)) return root.handle();
    } else {
      return awaiter.await_suspend(handle);
    }
    return std::noop_coroutine();
  }
  /// When the wait is over: the result, or what the awaitable throws.
  decltype(auto) result() { return awaiter_->awaiter.await_resume(); }

 private:
  struct Calling {
    explicit Calling(W& work) : source(std::invoke(work)) {}
    Source source;
  };
  struct Awaiting {
    explicit Awaiting(Source& source) : awaiter(get_awaiter(static_cast<Source&&>(source))) {}
    Awaiter awaiter;
  };

  Awaiter& make_awaiter() {
    if constexpr (is_called) {
      called_.emplace(work_);
      awaiter_.emplace(called_->source);
    } else {
      awaiter_.emplace(work_);
    }
    return awaiter_->awaiter;
  }

  W work_;
  [[no_unique_address]] std::conditional_t<is_called, std::optional<Calling>, Unit> called_;
  std::optional<Awaiting> awaiter_;
};

template <class Promise>
struct OnCompleteFrame {
  using promise_type = Promise;
  std::coroutine_handle<Promise> frame;
};

/// A started callback: the promise of a coroutine that is one block with header, work, functions
/// and result. Its only await is that of OnCompleteStart.
template <class W, class F, class E>
class OnCompletePromise final
    : public PromiseBase,
      public SpawnedResult<typename OnCompleteCallbacks<SpawnResult<W>, F, E>::Result> {
 public:
  using Value = SpawnResult<W>;
  using Callbacks = OnCompleteCallbacks<Value, F, E>;
  using Result = typename Callbacks::Result;

  OnCompletePromise(W& work, F& function, E& on_error, std::source_location& site)
      : PromiseBase(std::coroutine_handle<OnCompletePromise>::from_promise(*this)),
        SpawnedResult<Result>(&OnCompletePromise::on_finish),
        body_(std::in_place, std::move(work), std::move(function), std::move(on_error)) {
    set_site(site);
  }

  OnCompleteFrame<OnCompletePromise> get_return_object() noexcept {
    return {std::coroutine_handle<OnCompletePromise>::from_promise(*this)};
  }
  template <class Start>
  Start await_transform(Start start) const noexcept {
    return start;  // the site is that of the call of on_complete()
  }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept {
    this->note_failure(site());
    not_begun_ = std::current_exception();
  }

  std::coroutine_handle<> begin() { return body_->work.begin(*this); }
  void launch_as(const Placement& placement) {
    this->launch(*this, placement.owner(), *this, placement.executor(), placement.isolated());
  }

 private:
  struct Body {
    Body(W&& w, F&& f, E&& e) : work(std::move(w)), callbacks(std::move(f), std::move(e)) {}
    OnCompleteWork<W> work;
    Callbacks callbacks;
  };

  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    auto& then = static_cast<OnCompletePromise&>(self);
    // SAFETY: it has ended, so its frame is suspended for good, and nothing holds it any more.
    if (ending == Ending::let_go) return then.handle().destroy();
    Outcome<Value> ended = then.how_it_ended(ending);
    try {
      then.body_->callbacks.call(ended, then.outcome_);
    } catch (...) {
      then.note_failure(then.site());
      then.outcome_.set_error(std::current_exception());
    }
    then.body_.reset();  // before the end: its joiner may own what it refers to
    then.end_with_outcome();
  }
  // Not inlined: g++ 12 then warns of members of the outcome that there are not.
  [[gnu::noinline]] Outcome<Value> how_it_ended(Ending ending) noexcept {
    Outcome<Value> ended;
    if (ending == Ending::cancelled) return ended;
    try {
      if (not_begun_ != nullptr) std::rethrow_exception(not_begun_);
      if constexpr (std::is_void_v<Value>) {
        body_->work.result();
        ended.set_value();
      } else {
        ended.set_value(body_->work.result());
      }
    } catch (...) {
      this->note_failure(site());
      ended.set_error(std::current_exception());
    }
    return ended;
  }

  std::optional<Body> body_;
  std::exception_ptr not_begun_;
};

class OnCompleteStart {
 public:
  OnCompleteStart() noexcept {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const {
    return self.promise().begin();
  }
  void await_resume() const noexcept {}
};

/// The promise takes what the arguments refer to, before this returns.
template <class W, class F, class E>
OnCompleteFrame<OnCompletePromise<W, F, E>> make_on_complete(W&, F&, E&, std::source_location&) {
  co_await OnCompleteStart();
}

/// on_complete() as `placement` says.
template <class W, class F, class E>
auto start_on_complete(const Placement& placement, W& work, F& function, E& on_error,
                       std::source_location site)
    -> JoinHandle<typename OnCompletePromise<W, F, E>::Result> {
  auto& promise = make_on_complete(work, function, on_error, site).frame.promise();
  try {
    promise.launch_as(placement);
  } catch (...) {
    promise.handle().destroy();
    throw;
  }
  return JoinHandle<typename OnCompletePromise<W, F, E>::Result>(promise);
}

}  // namespace detail

/// Starts `work`, something awaitable or a callable that gives it, as a task of the current
/// runtime, and calls `function` on its worker when it has ended:
///  - a function of the result (of nothing, for void) with the result. If there is an error
///    instead, `on_error` is called with the std::exception_ptr; without it the error is the
///    handle's. If the work was cancelled neither is called;
///  - a function of Outcome<T> with whatever there is: value, error, or cancelled. Declare the
///    parameter's type: a function that takes anything is taken for one of the result.
///
/// The handle's result is what the function gives, or throws. It may be awaited, or dropped: then
/// an error that is left goes to the failure handler of the runtime. JoinHandle::cancel() cancels
/// the work, as long as it waits. The call itself never calls the functions. It throws
/// std::logic_error outside a runtime, std::bad_alloc, and what moving the arguments throws. In a
/// runtime that is shutting down the work is cancelled when it first suspends.
template <class W, class F, class E = detail::NoCallback>
  requires(!std::is_same_v<W, SpawnOptions>)
auto on_complete(W work, F function, E on_error = E(),
                 std::source_location site = std::source_location::current()) {
  return detail::start_on_complete(detail::Placement(), work, function, on_error, site);
}
/// The same as `options` say. Throws as they say, too. With an owner: from any thread. With a scope
/// as owner an error that is left is a child's failure, and cancels the scope.
template <class W, class F, class E = detail::NoCallback>
auto on_complete(SpawnOptions options, W work, F function, E on_error = E(),
                 std::source_location site = std::source_location::current()) {
  return detail::start_on_complete(detail::Placement(options), work, function, on_error, site);
}

}  // namespace weft::inline v0_1
