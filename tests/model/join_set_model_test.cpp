// JoinSetCore: ends of tasks, waits for results, cancels through handles and the end of the set, in
// every interleaving. Each result comes once, each block and each member is destroyed once, and no
// cancel touches a block that has gone.
#include <weft/join_set.hpp>

#include <memory>

#include "model/core_model.hpp"

namespace weft::model::join_set_model_test {
namespace {

/// A spawned task that ends when the test says so.
class FakeSpawned final : public detail::SpawnedTask {
 public:
  FakeSpawned(detail::OwnedTasks& owner, int& destroyed) noexcept
      : detail::SpawnedTask(&FakeSpawned::on_finish), destroyed_(destroyed) {
    launch(promise_, owner);
  }
  void finish() noexcept { end(false); }

 private:
  static void on_finish(TaskHeader& self, Ending ending) noexcept {
    if (ending == Ending::let_go) ++static_cast<FakeSpawned&>(self).destroyed_;
  }
  FakePromise promise_;
  int& destroyed_;
};

/// Its member of a set.
class FakeMember final : public detail::JoinSetMember {
 public:
  FakeMember(detail::JoinSetCore& core, FakeSpawned& task, int& destroyed) noexcept
      : detail::JoinSetMember(core, OwnedPermit()), task_(&task), destroyed_(destroyed) {}

 private:
  ~FakeMember() override { ++destroyed_; }
  void let_go() noexcept override { task_->drop_handle(); }

  FakeSpawned* task_;
  int& destroyed_;
};

struct RawRequest {
  using Node = detail::JoinSetWaiter;
  explicit RawRequest(detail::JoinSetCore& set) noexcept : core(&set) {}
  [[nodiscard]] bool take(Node& node) noexcept { return core->take(node); }
  [[nodiscard]] Queued queue(Node& node) noexcept { return core->wait_with(node); }
  [[nodiscard]] bool withdraw(Node& node) noexcept { return core->withdraw(node); }
  [[nodiscard]] detail::JoinSetMember* result(Node& node) noexcept { return node.take(); }
  detail::JoinSetCore* core;
};
using WaitingForResult = Awaiting<QueueAwaiter<RawRequest>>;

/// A set of one task, and a reference of its member, as a CancelHandle has.
struct SetOfOne {
  SetOfOne() : owner(executor), task(owner, blocks_destroyed) {
    member = new FakeMember(core, task, members_destroyed);
    member->hold();
    core.begin(*member, task);
  }
  ~SetOfOne() {
    if (!gone) core.drop();
  }
  void end_handle() const { member->drop(); }
  void end_set() {
    core.abandon();
    core.drop();
    gone = true;
  }

  CountingExecutor executor;
  FakeOwner owner;
  int blocks_destroyed = 0;
  int members_destroyed = 0;
  detail::JoinSetCore& core = *new detail::JoinSetCore(detail::JoinSetCore::no_limit);
  FakeSpawned task;
  FakeMember* member = nullptr;
  bool gone = false;
};

void an_end_meets_a_wait_and_a_cancel_of_it(Execution& execution) {
  SetOfOne set;
  WaitingForResult waiting{RawRequest(set.core)};
  execution.thread([&] { set.task.finish(); });
  execution.thread([&] { waiting.wait(); });
  execution.thread([&] { waiting.task.cancel(); });
  execution.join_all();
  require(waiting.resumed() == 1, "the wait ends exactly once");
  detail::JoinSetMember* got = waiting.goes_on() ? waiting.awaiter->await_resume() : nullptr;
  detail::JoinSetMember* const inside = set.core.take_ended();
  require((got == nullptr) != (inside == nullptr), "the result is in one place");
  detail::JoinSetCore::let_go(got != nullptr ? *got : *inside);
  set.end_handle();
  require(set.blocks_destroyed == 1 && set.members_destroyed == 1, "and goes once");
  require(set.core.size() == 0, "the set is empty");
}

TEST(JoinSetModel, AnEndMeetsAWaitAndACancelOfIt) {
  expect_holds_exhaustively(3, an_end_meets_a_wait_and_a_cancel_of_it);
  expect_holds_randomly(20000, an_end_meets_a_wait_and_a_cancel_of_it);
}

/// The handle's cancel uses the task's block, which goes when the result was taken.
void an_end_meets_a_cancel_by_handle(Execution& execution) {
  SetOfOne set;
  WaitingForResult waiting{RawRequest(set.core)};
  waiting.wait();
  execution.thread([&] { set.task.finish(); });
  execution.thread([&] {
    set.member->cancel();
    set.end_handle();
  });
  execution.thread([&] { set.core.cancel_all(); });
  execution.join_all();
  require(waiting.goes_on(), "the wait has the result");
  require(set.blocks_destroyed == 0, "with its block");
  detail::JoinSetCore::let_go(*waiting.awaiter->await_resume());
  require(set.blocks_destroyed == 1 && set.members_destroyed == 1, "each goes once");
}

TEST(JoinSetModel, AnEndMeetsACancelByHandle) {
  expect_holds_exhaustively(3, an_end_meets_a_cancel_by_handle);
  expect_holds_randomly(20000, an_end_meets_a_cancel_by_handle);
}

void the_set_goes(Execution& execution) {
  SetOfOne set;
  execution.thread([&] { set.task.finish(); });
  execution.thread([&] { set.end_set(); });
  execution.thread([&] {
    set.member->cancel();
    set.end_handle();
  });
  execution.join_all();
  require(set.blocks_destroyed == 1 && set.members_destroyed == 1, "each goes once");
}

TEST(JoinSetModel, TheSetGoesWhileItsTaskEnds) {
  expect_holds_exhaustively(3, the_set_goes);
  expect_holds_randomly(20000, the_set_goes);
}

void two_let_go_at_once(Execution& execution) {
  SetOfOne set;
  execution.thread([&] { set.task.finish(); });
  execution.thread([&] { set.core.detach_all(); });
  execution.thread([&] { set.core.detach_all(); });
  execution.join_all();
  // The result of a task that was ending is there, unless the last call came after it.
  set.core.detach_all();
  set.end_handle();
  require(set.blocks_destroyed == 1 && set.members_destroyed == 1, "each goes once");
  require(set.core.size() == 0, "the set is empty");
}

TEST(JoinSetModel, SeveralCallsLetGo) {
  expect_holds_exhaustively(2, two_let_go_at_once);
  expect_holds_randomly(20000, two_let_go_at_once);
}

void the_last_end_releases_all(Execution& execution) {
  SetOfOne set;
  WaitingForResult first{RawRequest(set.core)};
  WaitingForResult second{RawRequest(set.core)};
  Awaiting<QueueAwaiter<detail::JoinSetIdleRequest>> idle{detail::JoinSetIdleRequest(set.core)};
  first.wait();
  execution.thread([&] { set.task.finish(); });
  execution.thread([&] { second.wait(); });
  execution.thread([&] { idle.wait(); });
  execution.join_all();
  require(first.goes_on() && second.goes_on() && idle.goes_on(), "none waits for ever");
  detail::JoinSetMember* const member = first.awaiter->await_resume();
  require(member != nullptr, "the first has the result");
  require(second.awaiter->await_resume() == nullptr, "and the second none");
  detail::JoinSetCore::let_go(*member);
  set.end_handle();
}

TEST(JoinSetModel, TheLastEndReleasesAllWaits) {
  expect_holds_exhaustively(2, the_last_end_releases_all);
  expect_holds_randomly(20000, the_last_end_releases_all);
}

}  // namespace
}  // namespace weft::model::join_set_model_test
