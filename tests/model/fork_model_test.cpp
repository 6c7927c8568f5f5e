// A fork: the task that waits for the parts it gave away, their ends, failures, and cancels, in
// every interleaving. The task goes on exactly once. A failure leaves no cancel behind, and no
// cancel from outside is lost.
#include "model/fork_model.hpp"

namespace weft::model::fork_model_test {
namespace {

void all_parts_return(Execution& execution) {
  Forking forking;
  execution.thread([&] { forking.comes_to_the_others(); });
  execution.thread([&] { forking.fork.part_ends(1, false, false); });
  execution.thread([&] { forking.fork.part_ends(2, false, false); });
  execution.join_all();
  require(forking.resumed() == 1 && !forking.task.unwinding(), "the task goes on, once");
  require(!forking.fork.failed(), "nothing has failed");
}

TEST(ForkModel, TheTaskGoesOnWhenTheLastPartEnds) {
  expect_holds_exhaustively(3, all_parts_return);
  expect_holds_randomly(20000, all_parts_return);
}

void parts_fail(Execution& execution) {
  Forking forking;
  execution.thread([&] { forking.comes_to_the_others(); });
  execution.thread([&] { forking.fork.part_ends(1, false, true); });
  execution.thread([&] { forking.fork.part_ends(2, false, true); });
  execution.join_all();
  require(forking.resumed() == 1 && !forking.task.unwinding(), "the task goes on, once");
  require(forking.fork.failed(), "with the failure");
  require(!forking.task.cancel_requested(), "and is not cancelled itself");
}

TEST(ForkModel, AFailureEndsTheWaitAndLeavesNoCancelBehind) {
  expect_holds_exhaustively(3, parts_fail);
  expect_holds_randomly(20000, parts_fail);
}

void fails_and_is_cancelled(Execution& execution) {
  Forking forking;
  execution.thread([&] {
    forking.comes_to_the_others();
    forking.fork.part_ends(2, false, false);
  });
  execution.thread([&] { forking.fork.part_ends(1, false, true); });
  execution.thread([&] { forking.task.cancel(); });
  execution.join_all();
  require(forking.resumed() == 1 && !forking.task.unwinding(), "the task goes on, once");
  require(forking.fork.failed(), "with the failure");
  require(forking.task.cancel_requested(), "and its own cancel is not lost");
}

TEST(ForkModel, ACancelFromOutsideOutlivesAFailure) {
  expect_holds_exhaustively(3, fails_and_is_cancelled);
  expect_holds_randomly(20000, fails_and_is_cancelled);
}

void cancelled_while_it_waits(Execution& execution) {
  Forking forking;
  execution.thread([&] { forking.comes_to_the_others(); });
  execution.thread([&] {
    forking.fork.part_ends(1, false, false);
    forking.fork.part_ends(2, true, false);
  });
  execution.thread([&] { forking.task.cancel(); });
  execution.join_all();
  require(forking.resumed() == 1 && forking.task.unwinding(), "the task is unwound, once");
}

TEST(ForkModel, WithoutAResultTheTaskIsUnwound) {
  expect_holds_exhaustively(3, cancelled_while_it_waits);
  expect_holds_randomly(20000, cancelled_while_it_waits);
}

/// Part 0 waits when another part fails: its leaf is cancelled, and the unwinding reaches the fork.
void fails_while_part_0_waits(Execution& execution) {
  Forking forking;
  WaitingLeaf leaf(forking.task);
  execution.thread([&] { leaf.waits_at(forking.task.promise); });
  execution.thread([&] { forking.fork.part_ends(1, false, true); });
  execution.join_all();
  require(forking.resumed() == 1 && forking.task.unwinding(), "part 0 is unwound");
  require(!forking.fork.unwound(), "up to the fork, which waits for the others");
  forking.executor.resumed = 0;
  forking.fork.part_ends(2, true, false);
  require(forking.resumed() == 1 && !forking.task.unwinding(), "there the task goes on");
  require(!forking.task.cancel_requested(), "and is not cancelled itself");
}

TEST(ForkModel, AFailureUnwindsWhatWaitsUpToTheFork) {
  expect_holds_exhaustively(3, fails_while_part_0_waits);
  expect_holds_randomly(20000, fails_while_part_0_waits);
}

}  // namespace
}  // namespace weft::model::fork_model_test
