// CurrentTask: an awaitable that gives the task that awaits it, without a wait. Any thread.
#pragma once

#include <coroutine>

#include <weft/extend/awaitable.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

class CurrentTask {
 public:
  CurrentTask() noexcept {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    task_ = &innermost.promise().task();
    return false;
  }
  [[nodiscard]] TaskHeader& await_resume() const noexcept { return *task_; }

 private:
  TaskHeader* task_ = nullptr;
};

}  // namespace weft::inline v0_1::http
