// Joining a spawned task: its end, the wait for it, a cancel of the wait and the drop of the
// handle, in every interleaving. The waiter is woken exactly once, the owner is told once, and the
// block is destroyed once and last.
#include <weft/spawn.hpp>

#include <memory>

#include "model/core_model.hpp"

namespace weft::model::join_model_test {
namespace {

/// A spawned task that ends when the test says so.
class FakeSpawned final : public detail::SpawnedTask {
 public:
  FakeSpawned(detail::OwnedTasks& owner, int& destroyed) noexcept
      : detail::SpawnedTask(&FakeSpawned::on_finish), destroyed_(destroyed) {
    launch(promise_, owner);
  }
  void wait_at(CancelHook& hook, bool& armed) noexcept {
    suspended_at(promise_);
    armed = arm(hook);
  }
  void finish() noexcept {
    result.write() = 7;
    end(false);
  }

  Shared<int> result{0};  // published by the end alone

 private:
  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    if (ending == Ending::let_go) ++static_cast<FakeSpawned&>(self).destroyed_;
  }
  FakePromise promise_;
  int& destroyed_;
};

class ParkedWaiter final : public detail::JoinWaiter {
 public:
  ParkedWaiter() noexcept
      : detail::JoinWaiter([](detail::JoinWaiter& self) noexcept {
          static_cast<ParkedWaiter&>(self).parker_.unpark();
        }) {}
  void wait() noexcept { parker_.park(); }

 private:
  ThreadParker parker_;
};

void end_and_thread(Execution& execution) {
  CountingExecutor executor;
  FakeOwner owner(executor);
  int destroyed = 0;
  FakeSpawned task(owner, destroyed);
  execution.thread([&] { task.finish(); });
  execution.thread([&] {
    ParkedWaiter waiter;
    if (task.wait_with(waiter) == detail::SpawnedTask::Registered::waiting) waiter.wait();
    require(task.ended() && task.result.read() == 7, "the result is there when the wait is over");
    require(destroyed == 0, "the handle holds the block");
    task.drop_handle();
  });
  execution.join_all();
  require(owner.removals == 1 && owner.nobody_lives(), "the owner was told once");
  require(destroyed == 1, "the block is destroyed once");
}

TEST(JoinModel, AThreadThatWaitsIsWoken) {
  expect_holds_exhaustively(3, end_and_thread);
  expect_holds_randomly(20000, end_and_thread);
}

/// The leaf lives in a frame that is destroyed once the task was resumed.
struct Joining {
  explicit Joining(CountingExecutor& executor)
      : task(executor), leaf(std::make_unique<detail::JoinLeaf>()) {}
  FakeTask task;
  std::unique_ptr<detail::JoinLeaf> leaf;
};

void end_join_and_cancel(Execution& execution) {
  CountingExecutor target_executor;
  CountingExecutor executor;
  FakeOwner owner(target_executor);
  int destroyed = 0;
  FakeSpawned target(owner, destroyed);
  Joining joining(executor);
  bool went_on = false;
  execution.thread([&] { target.finish(); });
  execution.thread([&] { went_on = !joining.leaf->suspend(joining.task.promise, target); });
  execution.thread([&] { joining.task.cancel(); });
  execution.join_all();
  require(executor.resumed + (went_on ? 1 : 0) == 1, "the joiner goes on exactly once");
  require(target.ended(), "whatever became of the wait");
  target.drop_handle();
  require(destroyed == 1, "the block is destroyed once");
}

TEST(JoinModel, AJoinMeetsTheEndAndACancel) {
  expect_holds_exhaustively(3, end_join_and_cancel);
  expect_holds_randomly(50000, end_join_and_cancel);
}

void refused_then_again(Execution& execution) {
  CountingExecutor executor;
  FakeOwner owner(executor);
  int destroyed = 0;
  FakeSpawned task(owner, destroyed);
  ParkedWaiter first;
  ParkedWaiter second;
  execution.thread([&] { task.finish(); });
  execution.thread([&] {
    const bool taken_back = task.withdraw(first);  // the cancel came before the wait
    require(!taken_back, "it was not waiting");
    const auto refused = task.wait_with(first);
    require(refused != detail::SpawnedTask::Registered::waiting, "refused, or ended meanwhile");
    if (task.wait_with(second) == detail::SpawnedTask::Registered::waiting) second.wait();
    require(task.ended() && task.result.read() == 7, "the next wait works");
  });
  execution.join_all();
  task.drop_handle();
  require(destroyed == 1, "the block is destroyed once");
}

TEST(JoinModel, ARefusedWaitDoesNotSpoilTheNext) {
  expect_holds_exhaustively(4, refused_then_again);
}

void end_and_cancel_all(Execution& execution) {
  CountingExecutor executor;
  FakeOwner owner(executor);
  int destroyed = 0;
  FakeSpawned first(owner, destroyed);
  FakeSpawned second(owner, destroyed);
  execution.thread([&] {
    first.drop_handle();
    first.finish();
  });
  execution.thread([&] {
    second.finish();
    second.drop_handle();
  });
  execution.thread([&] { owner.cancel_all(); });
  execution.join_all();
  require(owner.removals == 2 && owner.nobody_lives(), "both are out");
  require(destroyed == 2, "both are destroyed");
}

/// A wait of the task, as its owner's cancel sees it.
struct Hook final : CancelHook {
  explicit Hook(TaskHeader& task) noexcept
      : CancelHook([](CancelHook& self) noexcept {
          auto& hook = static_cast<Hook&>(self);
          hook.asked = true;
          hook.task_.request_finished();
        }),
        task_(task) {}
  bool asked = false;

 private:
  TaskHeader& task_;
};

void first_wait_and_cancel_all(Execution& execution) {
  CountingExecutor executor;
  FakeOwner owner(executor);
  int destroyed = 0;
  FakeSpawned task(owner, destroyed);
  Hook hook(task);
  bool armed = false;
  execution.thread([&] {  // its first suspension: until now its owner's list has not held it
    task.wait_at(hook, armed);
  });
  execution.thread([&] { owner.cancel_all(); });
  execution.join_all();
  require(armed == hook.asked, "who waits is asked, once; who is not yet waiting will not");
  require(task.cancel_requested(), "the owner's cancel is the task's");
  task.finish();
  task.drop_handle();
  require(destroyed == 1 && owner.nobody_lives(), "it is out");
}

// A task that has waited is in its owner's list. It must leave the list before it is destroyed.
void ends_after_a_wait_and_cancel_all(Execution& execution) {
  CountingExecutor executor;
  FakeOwner owner(executor);
  int destroyed = 0;
  auto task = std::make_unique<FakeSpawned>(owner, destroyed);
  const int launched = executor.resumed;
  Hook hook(*task);
  const auto end = [&] {
    task->finish();
    task->drop_handle();
    task.reset();
  };
  execution.thread([&] {
    bool armed = false;
    task->wait_at(hook, armed);
    if (!armed || task->leaf_ended_inline()) end();
  });
  execution.thread([&] { owner.cancel_all(); });
  execution.join_all();
  if (task != nullptr) {
    require(executor.resumed == launched + 1, "the canceller has let it go on");
    end();
  }
  require(destroyed == 1 && owner.nobody_lives(), "it is out");
}

TEST(JoinModel, WhoHasWaitedLeavesItsOwnersListBeforeItIsGone) {
  expect_holds_exhaustively(4, ends_after_a_wait_and_cancel_all);
  expect_holds_randomly(20000, ends_after_a_wait_and_cancel_all);
}

TEST(JoinModel, AnOwnersCancelMeetsATasksFirstWait) {
  expect_holds_exhaustively(4, first_wait_and_cancel_all);
  expect_holds_randomly(20000, first_wait_and_cancel_all);
}

TEST(JoinModel, AnOwnerMayCancelAllWhileTheyEnd) {
  expect_holds_exhaustively(2, end_and_cancel_all);
  expect_holds_randomly(20000, end_and_cancel_all);
}

}  // namespace
}  // namespace weft::model::join_model_test
