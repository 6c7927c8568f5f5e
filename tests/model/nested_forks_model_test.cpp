// Forks within forks: a cancel reaches all parts that the task has given, a failure only those of
// its own fork, and a task that is about to be cancelled gives no more parts.
#include "model/fork_model.hpp"

namespace weft::model::nested_forks_model_test {
namespace {

/// A task within three forks, each within part 0 of the one before.
struct Nested {
  Nested() {
    outer.forks(task.promise);
    middle.forks(outer.here());
    inner.forks(middle.here());
  }
  void comes_to_the_innermost_others() { static_cast<void>(inner.go_on()); }

  OfferingExecutor executor;
  OfferingExecutor parts_executor;
  ForkingTask task{executor};
  FakeFork outer{parts_executor};
  FakeFork middle{parts_executor};
  FakeFork inner{parts_executor};
};

void cancelled(Execution& execution) {
  Nested forks;
  execution.thread([&] { forks.comes_to_the_innermost_others(); });
  execution.thread([&] { forks.task.cancel(); });
  execution.join_all();
  require(forks.inner.all_asked(), "where the task waits");
  require(forks.middle.all_asked() && forks.outer.all_asked(), "and where it will have to");
}

TEST(NestedForksModel, ACancelComesToAllThatWasGiven) {
  expect_holds_exhaustively(3, cancelled);
  expect_holds_randomly(20000, cancelled);
}

void cancelled_as_parts_end(Execution& execution) {
  Nested forks;
  execution.thread([&] {
    forks.outer.part_ends(1, false, false);
    forks.comes_to_the_innermost_others();
    forks.inner.part_ends(1, false, false);
  });
  execution.thread([&] { forks.task.cancel(); });
  execution.thread([&] { forks.inner.part_ends(2, true, false); });
  execution.join_all();
  require(forks.executor.resumed == 1 && forks.task.unwinding(), "unwound, once");
  require(!forks.middle.unwound() && forks.middle.all_asked(), "up to the fork around it");
  require(forks.outer.all_asked(), "and those of the next end meanwhile");
}

TEST(NestedForksModel, PartsThatEndMeanwhileAreNoOneElsesConcern) {
  expect_holds_exhaustively(2, cancelled_as_parts_end);
  expect_holds_randomly(20000, cancelled_as_parts_end);
}

void middle_fails(Execution& execution) {
  Nested forks;
  execution.thread([&] { forks.comes_to_the_innermost_others(); });
  execution.thread([&] { forks.middle.part_ends(1, false, true); });
  execution.join_all();
  require(forks.inner.all_asked() && forks.middle.part(2).cancel_requested(), "up to the fork");
  require(forks.outer.none_asked(), "and no farther");
  forks.inner.part_ends(1, true, false);
  forks.inner.part_ends(2, true, false);
  require(forks.task.unwinding() && !forks.middle.unwound(), "the others of that fork end first");
  forks.middle.part_ends(2, true, false);
  require(!forks.task.unwinding() && !forks.task.cancel_requested(), "there the task goes on");
  require(forks.middle.failed() && forks.outer.none_asked(), "with the failure");
}

TEST(NestedForksModel, AFailureComesNoFartherThanToItsFork) {
  expect_holds_exhaustively(3, middle_fails);
  expect_holds_randomly(20000, middle_fails);
}

void inner_and_outer_fail(Execution& execution) {
  Nested forks;
  execution.thread([&] { forks.comes_to_the_innermost_others(); });
  execution.thread([&] {
    forks.inner.part_ends(1, false, true);
    forks.inner.part_ends(2, false, false);
  });
  execution.thread([&] { forks.outer.part_ends(1, false, true); });
  execution.join_all();
  require(forks.inner.part(2).cancel_requested(), "the others of the one");
  require(!forks.task.unwinding() && forks.task.cancel_requested(), "the task goes on to the next");
  require(!forks.middle.unwound() && forks.middle.all_asked(), "asks all on its way");
  forks.middle.part_ends(1, true, false);
  forks.middle.part_ends(2, true, false);
  require(forks.task.unwinding() && !forks.outer.unwound(), "and comes there");
  require(forks.outer.part(2).cancel_requested(), "where the others have been asked");
  forks.outer.part_ends(2, true, false);
  require(!forks.task.unwinding() && !forks.task.cancel_requested(), "and goes on");
}

TEST(NestedForksModel, TwoFailuresAreSeenToOneAfterTheOther) {
  expect_holds_exhaustively(3, inner_and_outer_fail);
  expect_holds_randomly(20000, inner_and_outer_fail);
}

void both_around_fail(Execution& execution) {
  Nested forks;
  execution.thread([&] {
    forks.comes_to_the_innermost_others();
    forks.inner.part_ends(1, false, false);
    forks.inner.part_ends(2, false, false);
  });
  execution.thread([&] { forks.middle.part_ends(1, false, true); });
  execution.thread([&] { forks.outer.part_ends(1, false, true); });
  execution.join_all();
  require(forks.task.cancel_requested(), "as the failures want");
  require(!forks.middle.unwound() && forks.middle.part(2).cancel_requested(), "as far as the one");
  forks.middle.part_ends(2, true, false);
  require(!forks.task.unwinding() && forks.task.cancel_requested(), "the task goes on to the next");
  require(!forks.outer.unwound() && forks.outer.part(2).cancel_requested(), "and comes there");
  forks.outer.part_ends(2, true, false);
  require(!forks.task.unwinding() && !forks.task.cancel_requested(), "and goes on");
}

TEST(NestedForksModel, TwoFailuresAroundWhereTheTaskWaits) {
  expect_holds_exhaustively(3, both_around_fail);
  expect_holds_randomly(20000, both_around_fail);
}

void cancelled_as_a_part_fails(Execution& execution) {
  Nested forks;
  execution.thread([&] { forks.comes_to_the_innermost_others(); });
  execution.thread([&] {
    forks.inner.part_ends(1, false, true);
    forks.inner.part_ends(2, true, false);
  });
  execution.thread([&] { forks.task.cancel(); });
  execution.join_all();
  require(!forks.task.unwinding() && forks.task.cancel_requested(), "the task goes on, cancelled");
  require(!forks.middle.unwound() && forks.middle.all_asked(), "is unwound from its next wait on");
  require(forks.outer.all_asked(), "and has asked all that is left");
}

TEST(NestedForksModel, WhatWasAskedForAFailureStopsNoCancel) {
  expect_holds_exhaustively(3, cancelled_as_a_part_fails);
  expect_holds_randomly(20000, cancelled_as_a_part_fails);
}

void leaf_is_cancelled(Execution& execution) {
  Nested forks;
  WaitingLeaf leaf(forks.task);
  execution.thread([&] { leaf.waits_at(forks.inner.here()); });
  execution.thread([&] { forks.task.cancel(); });
  execution.join_all();
  require(forks.executor.resumed == 1 && forks.task.unwinding(), "unwound, once");
  require(!forks.inner.unwound() && forks.inner.all_asked(), "up to the fork around the leaf");
  require(forks.middle.all_asked() && forks.outer.all_asked(), "and all others know");
}

TEST(NestedForksModel, ACancelAtALeafComesToAllThatWasGiven) {
  expect_holds_exhaustively(3, leaf_is_cancelled);
  expect_holds_randomly(20000, leaf_is_cancelled);
}

void part_is_cancelled_by_itself(Execution&) {
  Nested forks;
  forks.comes_to_the_innermost_others();
  forks.inner.part_ends(1, true, false);
  forks.inner.part_ends(2, false, false);
  require(forks.task.unwinding(), "without its result");
  require(!forks.middle.unwound() && forks.middle.all_asked(), "the task is unwound");
  require(forks.outer.none_asked(), "fork by fork: nobody said how far");
}

TEST(NestedForksModel, APartThatWasCancelledIsNoReasonToLookFar) {
  expect_holds_exhaustively(1, part_is_cancelled_by_itself);
}

/// Part 1 of a fork. It forks itself while threads are idle.
struct PartForks {
  PartForks() { whole.forks(task.promise); }
  void part_forks() { within.begins(whole.part(1).promise); }
  [[nodiscard]] bool part_is_cancelled() { return whole.part(1).cancel_requested(); }
  /// After part 1 has forked and the event that makes it unwanted has happened.
  void require_that_it_gives_no_more() {
    const int gave = parts_executor.offered;
    require((gave == 1) != part_is_cancelled(), "it gives, or knows that it is unwanted");
    if (gave == 0) return;
    FakeFork next(parts_executor);
    next.begins(within.here());
    require(parts_executor.offered == gave && part_is_cancelled(), "and knows now at the latest");
  }

  OfferingExecutor executor;
  OfferingExecutor parts_executor;
  IdleExecutor idle;
  ForkingTask task{executor};
  FakeFork whole{idle};
  FakeFork within{parts_executor};
};

void task_is_cancelled(Execution& execution) {
  PartForks forks;
  execution.thread([&] { forks.task.cancel(); });
  execution.thread([&] { forks.part_forks(); });
  execution.join_all();
  forks.require_that_it_gives_no_more();
}

TEST(NestedForksModel, APartOfWhatIsCancelledGivesNothing) {
  expect_holds_exhaustively(3, task_is_cancelled);
  expect_holds_randomly(20000, task_is_cancelled);
}

void other_part_fails(Execution& execution) {
  PartForks forks;
  execution.thread([&] { forks.whole.part_ends(2, false, true); });
  execution.thread([&] { forks.part_forks(); });
  execution.join_all();
  forks.require_that_it_gives_no_more();
}

TEST(NestedForksModel, APartOfWhatHasFailedGivesNothing) {
  expect_holds_exhaustively(3, other_part_fails);
  expect_holds_randomly(20000, other_part_fails);
}

void part_of_a_part(Execution&) {
  PartForks forks;
  forks.within.forks(forks.whole.part(1).promise);
  FakePart& innermost = forks.within.part(1);
  FakeFork gives(forks.parts_executor);
  const int before = forks.parts_executor.offered;
  innermost.move_to(forks.idle);
  gives.begins(innermost.promise);
  require(forks.parts_executor.offered == before + 1, "nobody was cancelled");
  forks.task.cancel();
  FakeFork gives_not(forks.parts_executor);
  gives_not.begins(gives.here());
  require(forks.parts_executor.offered == before + 1 && innermost.cancel_requested(),
          "the cancel is seen two tasks farther out");
}

TEST(NestedForksModel, APartOfAPartSeesItAsWell) { expect_holds_exhaustively(1, part_of_a_part); }

void unwanted_part_is_unwound(Execution&) {
  PartForks forks;
  forks.within.forks(forks.whole.part(1).promise);
  FakeFork inner(forks.parts_executor);
  inner.forks(forks.within.here());
  forks.task.cancel();
  require(forks.whole.none_asked(), "the task runs, and has passed on nothing");
  require(!inner.unwound(), "a part of the part's was cancelled by itself");
  require(inner.all_asked() && forks.within.all_asked(), "so all that it gave will be");
}

TEST(NestedForksModel, AnUnwantedPartPassesThatOn) {
  expect_holds_exhaustively(1, unwanted_part_is_unwound);
}

void fails_within_a_part(Execution& execution) {
  PartForks forks;
  forks.within.forks(forks.whole.part(1).promise);
  execution.thread([&] { static_cast<void>(forks.within.go_on()); });
  execution.thread([&] { forks.within.part_ends(1, false, true); });
  execution.thread([&] { forks.within.part_ends(2, false, false); });
  execution.join_all();
  require(forks.within.failed() && !forks.part_is_cancelled(), "the part is not cancelled itself");
  require(!forks.task.cancel_requested() && forks.whole.none_asked(), "nor who waits for it");
}

TEST(NestedForksModel, AFailureLeavesNoCancelBehindInAPart) {
  expect_holds_exhaustively(3, fails_within_a_part);
  expect_holds_randomly(20000, fails_within_a_part);
}

}  // namespace
}  // namespace weft::model::nested_forks_model_test
