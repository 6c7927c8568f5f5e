// The shared state of a promise and its futures: set, wait, cancel and the release of references,
// in every interleaving. Each waiter is woken exactly once and sees the result. The last release
// destroys the state.
#include <weft/promise.hpp>

#include <memory>

#include "model/core_model.hpp"

namespace weft::model::promise_model_test {
namespace {

/// A state that reports its destruction.
class FakeShared final : public detail::SharedState {
 public:
  explicit FakeShared(int& destroyed) noexcept
      : detail::SharedState(&FakeShared::on_destroy), destroyed_(destroyed) {}
  void set() noexcept {
    result.write() = 7;
    publish();
  }

  Shared<int> result{0};  // published by publish() alone

 private:
  static void on_destroy(detail::SharedState& self) noexcept {
    auto& shared = static_cast<FakeShared&>(self);
    require(++shared.destroyed_ == 1, "destroyed once");
  }
  int& destroyed_;
};

class ParkedWaiter final : public Waiter {
 public:
  ParkedWaiter() noexcept
      : Waiter([](Runnable& self) noexcept { static_cast<ParkedWaiter&>(self).parker_.unpark(); }) {
  }
  void wait() noexcept { parker_.park(); }

 private:
  ThreadParker parker_;
};

struct Waiting {
  Waiting() : task(executor) {}
  void wait_for(detail::SharedState& state) { went_on = !leaf.suspend(task.promise, state); }
  [[nodiscard]] int resumed() const { return executor.resumed + (went_on ? 1 : 0); }

  CountingExecutor executor;
  FakeTask task;
  detail::SharedLeaf leaf;
  bool went_on = false;
};

void set_wait_and_cancel(Execution& execution) {
  int destroyed = 0;
  FakeShared state(destroyed);
  Waiting first;
  Waiting second;
  execution.thread([&] { state.set(); });
  execution.thread([&] { first.wait_for(state); });
  execution.thread([&] { second.wait_for(state); });
  execution.thread([&] { first.task.cancel(); });
  execution.join_all();
  require(first.resumed() == 1, "the cancelled one goes on once");
  require(second.resumed() == 1 && !second.task.unwinding(), "the other has the result");
  require(state.ready() && state.result.read() == 7, "whatever became of the waits");
  state.release();
  require(destroyed == 1, "the last holder destroys it");
}

TEST(PromiseModel, ASetMeetsWaitsAndACancel) {
  expect_holds_exhaustively(2, set_wait_and_cancel);
  expect_holds_randomly(50000, set_wait_and_cancel);
}

void set_and_thread(Execution& execution) {
  int destroyed = 0;
  FakeShared state(destroyed);
  execution.thread([&] { state.set(); });
  execution.thread([&] {
    ParkedWaiter waiter;
    if (state.wait_with(waiter) == Queued::waiting) waiter.wait();
    require(state.ready() && state.result.read() == 7, "the result is there when the wait is over");
  });
  execution.thread([&] {
    if (state.ready()) require(state.result.read() == 7, "ready means that the result is there");
  });
  execution.join_all();
}

TEST(PromiseModel, AThreadThatWaitsIsWoken) {
  expect_holds_exhaustively(3, set_and_thread);
  expect_holds_randomly(20000, set_and_thread);
}

void withdrawn_or_woken(Execution& execution) {
  int destroyed = 0;
  FakeShared state(destroyed);
  execution.thread([&] { state.set(); });
  execution.thread([&] {
    ParkedWaiter waiter;
    if (state.wait_with(waiter) != Queued::waiting) return;
    if (!state.withdraw(waiter)) waiter.wait();  // else it would wait for ever
  });
  execution.join_all();
}

TEST(PromiseModel, AWaiterIsEitherTakenBackOrWoken) {
  expect_holds_exhaustively(3, withdrawn_or_woken);
  expect_holds_randomly(20000, withdrawn_or_woken);
}

/// The producer and two consumers each hold the state. One consumer does not wait for the result.
void set_wait_and_drop(Execution& execution) {
  int destroyed = 0;
  FakeShared state(destroyed);
  state.hold();
  state.hold();
  execution.thread([&] {
    state.set();
    state.release();
  });
  execution.thread([&] { state.release(); });
  execution.thread([&] {
    ParkedWaiter waiter;
    if (state.wait_with(waiter) == Queued::waiting) waiter.wait();
    require(destroyed == 0 && state.result.read() == 7, "who holds it can read it");
    state.release();
  });
  execution.join_all();
  require(destroyed == 1, "the last holder destroys it");
}

TEST(PromiseModel, ItGoesWithItsLastHolder) {
  expect_holds_exhaustively(3, set_wait_and_drop);
  expect_holds_randomly(50000, set_wait_and_drop);
}

}  // namespace
}  // namespace weft::model::promise_model_test
