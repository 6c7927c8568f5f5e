// StuckWorker: a worker that computes until the test lets it go, with something waiting that was
// begun on it just before. For tests of what must go on nevertheless.
#pragma once

#include <weft/runtime.hpp>
#include <weft/spawn.hpp>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

namespace weft::test {

class StuckWorker {
 public:
  StuckWorker() = default;
  StuckWorker(const StuckWorker&) = delete;
  StuckWorker& operator=(const StuckWorker&) = delete;
  ~StuckWorker() { let_go(); }

  void let_go() noexcept { free_.store(true); }

  /// Any thread that is no worker: begins what `begin()` gives, as a task, and has the worker it
  /// waits on stuck. `begin` may be called several times: another worker may take the task that is
  /// to compute, and then all is done again.
  template <class Begin>
  auto behind(Runtime& runtime, Begin begin) {
    for (;;) {
      state_.store(State::waiting);
      auto handle = runtime.spawn([this, begin]() { return wait_then_stick(begin); });
      state_.wait(State::waiting);
      if (state_.load() == State::caught) return handle;
      handle.cancel();
      static_cast<void>(runtime.block_on([&] { return std::move(handle).outcome(); }));
    }
  }

 private:
  enum class State { waiting, caught, missed };

  template <class Begin>
  auto wait_then_stick(Begin begin) -> Task<AwaitResult<decltype(begin())>> {
    spawn([this, thread = std::this_thread::get_id()]() { return compute(thread); });
    co_return co_await begin();
  }
  Task<void> compute(std::thread::id behind) {
    const bool caught = std::this_thread::get_id() == behind;
    state_.store(caught ? State::caught : State::missed);
    state_.notify_all();
    while (caught && !free_.load()) {
    }
    co_return;
  }

  std::atomic<State> state_{State::waiting};
  std::atomic<bool> free_{false};
};

}  // namespace weft::test
