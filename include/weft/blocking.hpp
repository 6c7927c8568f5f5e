// blocking(): calls that block their thread, and have no asynchronous form, as something to await.
//
//   std::string text = co_await weft::blocking([] { return read_the_old_way(); });
//   auto handle = weft::spawn(weft::blocking(read_the_old_way));      // as a task of its own
//
//   weft::BlockingThreads database({.name = "database", .most_threads = 1});
//   Row row = co_await weft::blocking(database, [&](std::stop_token stop) { return query(stop); });
//
//   options.lanes = {{.name = "reports", .most_threads = 2}};          // of a Runtime
//   co_await weft::blocking(weft::lane("reports"), [] { write_report(); });
//
// They run on threads of their own, apart from the workers: those of the runtime
// (RuntimeOptions::blocking_threads), of a lane that RuntimeOptions::lanes names, or of a
// BlockingThreads, which several runtimes may share. A lane, or a BlockingThreads, stands for one
// class of calls, so that a slow class does not keep others waiting. When all threads of a class
// are busy, calls queue, first come, first served.
//
// A call must not end the runtime whose task awaits it, nor call std::exit() if a static Runtime is
// that one: the end would wait for the call. The process is then aborted, with a text that says so.
//
// Cancel: a call that has not begun is taken back. One that has begun cannot be interrupted: it is
// waited for, and its result is delivered. If the function takes a std::stop_token, that says that
// it is wanted no more. (A std::stop_callback on it runs on the thread that cancels, with the lock
// of a scope's or runtime's children held if all of these are cancelled: it must be short, and must
// not cancel or await.) So a shutdown waits, too; after a second it says on standard error for
// which calls.
#pragma once

#include <weft/detail/blocking_job.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/outcome.hpp>
#include <weft/task.hpp>

#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class BlockingLeaf;
}  // namespace detail

namespace detail {

class BlockingPool;
class OwnedTasks;

}  // namespace detail

struct BlockingOptions {
  /// Names the threads, as far as the system keeps it (15 bytes).
  std::string name = "weft-blocking";
  /// Started one by one as they are needed. At least 1.
  std::size_t most_threads = 4;
  /// A thread that had nothing to do for so long ends.
  std::chrono::nanoseconds idle_limit = std::chrono::seconds(10);
};

/// Threads for one class of blocking calls. Thread-safe. Its calls must have ended before it goes;
/// it may serve several runtimes.
class BlockingThreads {
 public:
  /// Starts none yet. Throws std::invalid_argument if none are allowed.
  explicit BlockingThreads(BlockingOptions options);
  /// The same, with the default options.
  BlockingThreads() : BlockingThreads(BlockingOptions()) {}
  ~BlockingThreads();
  BlockingThreads(const BlockingThreads&) = delete;
  BlockingThreads& operator=(const BlockingThreads&) = delete;

  /// How many there are now.
  [[nodiscard]] std::size_t threads() const noexcept;

 private:
  friend class detail::BlockingLeaf;
  std::unique_ptr<detail::BlockingPool> pool_;
};

/// The name of a lane of the runtime; see lane().
class Lane {
 public:
  explicit Lane(std::string_view name) noexcept : name_(name) {}
  [[nodiscard]] std::string_view name() const noexcept { return name_; }

 private:
  std::string_view name_;
};

/// Names a lane of RuntimeOptions::lanes, for blocking(). The text must stay alive until the call
/// has begun, as a literal does.
[[nodiscard]] inline Lane lane(std::string_view name) noexcept { return Lane(name); }
/// Deleted for a temporary string, which would be gone: name it first.
template <std::same_as<std::string> Text>
Lane lane(Text&& name) = delete;

namespace detail {

/// Where a call is to run: on `threads`, or on the lane of a name, or on the runtime's own threads
/// for blocking().
struct BlockingPlace {
  BlockingPlace() noexcept = default;
  explicit BlockingPlace(BlockingThreads& these) noexcept : threads(&these) {}
  explicit BlockingPlace(Lane named) noexcept : lane(named.name()), is_named(true) {}

  BlockingThreads* threads = nullptr;
  std::string_view lane;
  bool is_named = false;
};

/// The part of blocking() that needs no template.
class BlockingLeaf : private CancelHook, private BlockingJob {
 public:
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;

 protected:
  BlockingLeaf(const BlockingPlace& place, std::source_location site) noexcept;
  ~BlockingLeaf() = default;
  /// On one of the threads: calls the function. Must not throw.
  virtual void call() noexcept = 0;
  virtual void failed(std::exception_ptr error) noexcept = 0;
  /// It has begun and is wanted no more. Any thread.
  virtual void stop() noexcept = 0;

 private:
  static void run_job(Runnable& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  [[nodiscard]] BlockingPool* find_pool() const noexcept;
  [[nodiscard]] std::exception_ptr refusal(std::error_code code) const noexcept;

  const BlockingPlace place_;
  BlockingPool* pool_ = nullptr;  // since suspend(); null: there is none
  TaskHeader* task_ = nullptr;
  const OwnedTasks* runtime_ = nullptr;  // whose task awaits it
};

}  // namespace detail

template <class F>
concept BlockingFunction = std::invocable<F&> || std::invocable<F&, std::stop_token>;

namespace detail {

template <BlockingFunction F>
class BlockingAwaiter final : public BlockingLeaf {
  static constexpr bool stoppable = std::invocable<F&, std::stop_token>;
  struct Nothing {};

  static decltype(auto) invoke(F& function, auto& source) {
    if constexpr (stoppable) {
      return std::invoke(function, source.get_token());
    } else {
      return std::invoke(function);
    }
  }
  using Source = std::conditional_t<stoppable, std::stop_source, Nothing>;

 public:
  using Result = decltype(invoke(std::declval<F&>(), std::declval<Source&>()));

  BlockingAwaiter(const BlockingPlace& place, F&& function, std::source_location site)
      : BlockingLeaf(place, site), function_(std::move(function)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  Result await_resume() { return outcome_.take(); }

 private:
  void call() noexcept override {
    outcome_.set_result_of([this]() -> Result { return invoke(function_, source_); });
  }
  void failed(std::exception_ptr error) noexcept override { outcome_.set_error(std::move(error)); }
  void stop() noexcept override {
    if constexpr (stoppable) source_.request_stop();
  }

  F function_;
  [[no_unique_address]] Source source_;
  Outcome<Result> outcome_;
};

}  // namespace detail

template <BlockingFunction F>
class [[nodiscard]] BlockingOp {
 public:
  BlockingOp(const detail::BlockingPlace& place, F function, std::source_location site)
      : place_(place), function_(std::move(function)), site_(site) {}
  detail::BlockingAwaiter<F> operator co_await() && {
    return detail::BlockingAwaiter<F>(place_, std::move(function_), site_);
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;

 private:
  detail::BlockingPlace place_;
  F function_;
  std::source_location site_;
};

/// Calls `function()`, or `function(std::stop_token)`, on one of the current runtime's threads for
/// that, and gives its result. Throws what it throws, and IoError if there is no such thread and
/// none can be started. Cancel: see above.
template <BlockingFunction F>
BlockingOp<F> blocking(F function, std::source_location site = std::source_location::current()) {
  return BlockingOp<F>(detail::BlockingPlace(), std::move(function), site);
}
/// The same on one of `threads`.
template <BlockingFunction F>
BlockingOp<F> blocking(BlockingThreads& threads, F function,
                       std::source_location site = std::source_location::current()) {
  return BlockingOp<F>(detail::BlockingPlace(threads), std::move(function), site);
}
/// The same on a thread of a lane of the current runtime: `blocking(lane("reports"), f)`. Throws
/// std::invalid_argument, which names the lanes there are, if there is none of that name.
template <BlockingFunction F>
BlockingOp<F> blocking(Lane lane, F function,
                       std::source_location site = std::source_location::current()) {
  return BlockingOp<F>(detail::BlockingPlace(lane), std::move(function), site);
}

}  // namespace weft::inline v0_1
