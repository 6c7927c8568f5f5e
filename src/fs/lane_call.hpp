// on_file_lane(): a function with several steps on a thread for files, as something to await: one
// job for the whole, not one for each system call. Called by the functions of <weft/file.hpp> and
// <weft/directory.hpp>.
//
// Cancel: a job that has not begun is taken back. One that has begun asks StopFlag::check() between
// its steps, which throws once the job is not wanted any more; the function undoes what it has
// made, and the task ends as cancelled. A job that does not ask again ends as it would have.
//
// Thread-safety: the task's thread until the job is submitted; then the lane's thread, and one
// canceller, which the cancel slot makes the end wait for.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/blocking_job.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/outcome.hpp>
#include <weft/task.hpp>

#include <coroutine>
#include <exception>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

class BlockingPool;

/// Thrown by StopFlag::check(), and only to its caller's destructors.
struct Abandoned {};

/// Whether a job is still wanted.
class StopFlag {
 public:
  void check() const {
    if (requested()) throw Abandoned();
  }
  // Relaxed, both: what the canceller did before is ordered by the end of the leaf.
  [[nodiscard]] bool requested() const noexcept {
    return requested_.load(std::memory_order_relaxed);
  }
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }

 private:
  Atomic<bool> requested_{false};
};

/// The part that needs no template.
class LaneCallLeaf : private CancelHook, private BlockingJob {
 public:
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;

 protected:
  /// Both texts, a name and a path, stay in place.
  LaneCallLeaf(const char* operation, std::string_view subject) noexcept;
  ~LaneCallLeaf() = default;
  /// On the lane: calls the function. False: it has abandoned its work.
  [[nodiscard]] virtual bool call(const StopFlag& stop) noexcept = 0;
  virtual void failed(std::exception_ptr error) noexcept = 0;

 private:
  static void run_job(Runnable& self) noexcept;
  static void on_cancel_request(CancelHook& self) noexcept;

  BlockingPool* pool_ = nullptr;
  TaskHeader* task_ = nullptr;
  StopFlag stop_;
};

template <class F>
class LaneCallAwaiter final : public LaneCallLeaf {
  using Result = std::invoke_result_t<F&, const StopFlag&>;

 public:
  LaneCallAwaiter(const char* operation, std::string_view subject, F& function) noexcept
      : LaneCallLeaf(operation, subject), function_(function) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  Result await_resume() { return outcome_.take(); }

 private:
  bool call(const StopFlag& stop) noexcept override {
    bool is_done = true;
    outcome_.set_result_of([&]() -> Result {
      try {
        return std::invoke(function_, stop);
      } catch (const Abandoned&) {
        is_done = false;
        throw;
      }
    });
    return is_done;
  }
  void failed(std::exception_ptr error) noexcept override { outcome_.set_error(std::move(error)); }

  F& function_;
  Outcome<Result> outcome_;
};

template <class F>
class [[nodiscard]] LaneCall {
 public:
  LaneCall(const char* operation, std::string_view subject, F& function) noexcept
      : operation_(operation), subject_(subject), function_(function) {}
  LaneCallAwaiter<F> operator co_await() && noexcept {
    return LaneCallAwaiter<F>(operation_, subject_, function_);
  }

 private:
  const char* operation_;
  std::string_view subject_;
  F& function_;
};

/// Calls `function(stop)` on a thread for files, and gives its result or throws what it throws.
/// Everything must stay in place until the end. Throws IoError if there is no such thread.
template <class F>
LaneCall<F> on_file_lane(const char* operation, std::string_view subject, F& function) noexcept {
  return LaneCall<F>(operation, subject, function);
}

}  // namespace weft::inline v0_1::detail
