// ChildGroup: children that end on other threads, a parent that is suspending, and a cancel of the
// parent, in every interleaving. The parent goes on exactly once, after all children have ended. No
// thread touches the group afterwards.
#include <weft/extend/child_group.hpp>
#include <weft/when_all.hpp>

#include "model/core_model.hpp"

namespace weft::model::child_group_model_test {
namespace {

/// A group whose children are threads of the model.
class FakeGroup final : public ChildGroup {
 public:
  [[nodiscard]] bool suspend(PromiseBase& innermost, std::uint32_t children) noexcept {
    return ChildGroup::suspend(innermost, children);
  }
  void add_child() noexcept { ChildGroup::add_child(); }
  void end_child() noexcept {
    require(alive, "a child ends while the group is there");
    ++ended;
    child_ended();
  }
  /// Returns false if the parent was cancelled before; the group then begins nothing.
  [[nodiscard]] bool wait_until_started() noexcept {
    started_.park();
    return begun_;
  }
  /// The suspending thread, after suspend().
  void let_go_if_not_begun() noexcept {
    if (!begun_) started_.unpark();
  }

  bool alive = true;
  TaskHeader* below = nullptr;  // waits at a group of its own, and is cancelled with this one
  int ended = 0;                // each child adds one before the counter publishes it
  Atomic<int> asked{0};

 private:
  void start_children() noexcept override {
    begun_ = true;
    started_.unpark();
  }
  void cancel_children() noexcept override {
    require(alive, "the children are asked while the group is there");
    asked.fetch_add(1, std::memory_order_relaxed);
    if (below != nullptr) below->cancel();
    require(alive, "and it stays while they are asked");
  }
  bool ended_as_cancelled() noexcept override {
    require(alive, "the end is decided while the group is there");
    return false;
  }

  ThreadParker started_;
  bool begun_ = false;  // published by started_
};

struct Stage {
  Stage() : task(executor) {}
  void note_end() {
    if (executor.resumed != 0) group.alive = false;
  }
  CountingExecutor executor;
  FakeTask task;
  FakeGroup group;
};

void child_and_cancel(Execution& execution) {
  Stage stage;
  bool went_on = false;
  execution.thread([&] {
    went_on = !stage.group.suspend(stage.task.promise, 1);
    if (went_on) stage.group.alive = false;
    stage.group.let_go_if_not_begun();
  });
  execution.thread([&] {
    if (!stage.group.wait_until_started()) return;
    stage.group.end_child();
    stage.note_end();
  });
  execution.thread([&] {
    stage.task.cancel();
    stage.note_end();
  });
  execution.join_all();
  const int resumed = stage.executor.resumed + (went_on ? 1 : 0);
  require(resumed == 1, "the parent goes on exactly once");
  require(stage.group.asked.load(std::memory_order_relaxed) <= 1, "the children are asked once");
}

TEST(ChildGroupModel, AChildsEndMeetsTheSuspensionAndACancel) {
  expect_holds_exhaustively(3, child_and_cancel);
  expect_holds_randomly(50000, child_and_cancel);
}

/// A cancel of the outer task is passed on to a task that waits at a group, whose child ends then.
/// The inner group is asked after the outer one is through, and is there until then.
void cancel_through_two_groups(Execution& execution) {
  Stage outer;
  Stage inner;
  outer.group.below = &inner.task;
  require(outer.group.suspend(outer.task.promise, 1), "the outer child has not ended");
  require(inner.group.suspend(inner.task.promise, 1), "nor has the inner one");
  execution.thread([&] {
    inner.group.end_child();
    inner.note_end();
  });
  execution.thread([&] {
    outer.task.cancel();
    inner.note_end();
  });
  execution.join_all();
  require(inner.executor.resumed == 1, "the inner task goes on once");
  require(inner.group.asked.load(std::memory_order_relaxed) <= 1, "its children are asked once");
  require(outer.executor.resumed == 0, "the outer task waits for its child");
  require(outer.group.asked.load(std::memory_order_relaxed) == 1, "which was asked");
  outer.group.end_child();
  require(outer.executor.resumed == 1, "and then goes on");
}

TEST(ChildGroupModel, ACancelIsPassedOnThroughTwoGroups) {
  expect_holds_exhaustively(3, cancel_through_two_groups);
  expect_holds_randomly(50000, cancel_through_two_groups);
}

void child_adds_child(Execution& execution) {
  Stage stage;
  bool went_on = false;
  ThreadParker added;
  execution.thread([&] { went_on = !stage.group.suspend(stage.task.promise, 1); });
  execution.thread([&] {
    require(stage.group.wait_until_started(), "nobody has cancelled");
    stage.group.add_child();
    added.unpark();
    require(stage.executor.resumed == 0 && !went_on, "while a child runs the parent waits");
    stage.group.end_child();
  });
  execution.thread([&] {
    added.park();
    require(stage.executor.resumed == 0 && !went_on, "while a child runs the parent waits");
    stage.group.end_child();
  });
  execution.join_all();
  require(stage.executor.resumed + (went_on ? 1 : 0) == 1, "the parent goes on exactly once");
}

TEST(ChildGroupModel, AChildMayAddAnother) {
  expect_holds_exhaustively(3, child_adds_child);
  expect_holds_randomly(20000, child_adds_child);
}

}  // namespace
}  // namespace weft::model::child_group_model_test
