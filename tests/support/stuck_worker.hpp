// StuckWorker: a worker that computes until the test lets it go. A wait was begun on it just
// before. For tests of what must go on nevertheless.
#pragma once

#include <weft/runtime.hpp>
#include <weft/spawn.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace weft::test {

class StuckWorker {
 public:
  StuckWorker() : shared_(std::make_shared<Shared>()) {}
  StuckWorker(const StuckWorker&) = delete;
  StuckWorker& operator=(const StuckWorker&) = delete;
  ~StuckWorker() { let_go(); }

  void let_go() noexcept { shared_->free.store(true); }

  /// Starts a task that begins the wait `begin()`, and blocks the worker on which it waits. Called
  /// by a thread that is no worker. May call `begin` several times: if another worker takes the
  /// task that has to compute, all is done again.
  template <class Begin>
  auto behind(Runtime& runtime, Begin begin) {
    for (;;) {
      std::atomic<State>& state = shared_->state;
      state.store(State::waiting);
      auto handle =
          runtime.spawn([shared = shared_, begin]() { return wait_then_stick(shared, begin); });
      state.wait(State::waiting);
      if (state.load() == State::caught) return handle;
      handle.cancel();
      static_cast<void>(runtime.block_on([&] { return std::move(handle).outcome(); }));
    }
  }

 private:
  enum class State { waiting, caught, missed };
  /// Outlives this object: the worker that computes returns some time after it was let go.
  struct Shared {
    std::atomic<State> state{State::waiting};
    std::atomic<bool> free{false};
  };

  template <class Begin>
  static auto wait_then_stick(std::shared_ptr<Shared> shared, Begin begin)
      -> Task<AwaitResult<decltype(begin())>> {
    spawn([shared, thread = std::this_thread::get_id()]() { return compute(shared, thread); });
    co_return co_await begin();
  }
  static Task<void> compute(std::shared_ptr<Shared> shared, std::thread::id behind) {
    const bool caught = std::this_thread::get_id() == behind;
    shared->state.store(caught ? State::caught : State::missed);
    shared->state.notify_all();
    while (caught && !shared->free.load()) {
    }
    co_return;
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace weft::test
