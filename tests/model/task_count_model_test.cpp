// The count of a runtime's tasks against its closing. One side has no read-modify-write. Still no
// task begins after the closing, and no task ends without a notice to the thread that waits for the
// last one.
#include "task/task_count.hpp"

#include <stdexcept>

#include "model/model_test.hpp"

namespace weft::model::task_count_model_test {
namespace {

/// Returns whether the task could begin.
bool begins(detail::TaskCount& count, detail::TaskCount::Tally* here) {
  try {
    count.begin(here);
    return true;
  } catch (const std::logic_error&) {
    return false;
  }
}

void end_and_close(Execution& execution) {
  detail::TaskCount count(2);
  count.begin(&count.of_worker(0));
  bool told = false;
  bool closed = false;
  execution.thread([&] { told = count.end(&count.of_worker(1)); });  // it has migrated
  execution.thread([&] { closed = count.close_if_none(); });
  execution.join_all();
  require(closed || told, "whoever found it alive hears of its end");
  require(count.living() == 0 && count.close_if_none(), "it has ended");
}

TEST(TaskCountModel, AnEndIsSeenOrTold) {
  expect_holds_exhaustively(4, end_and_close);
  expect_holds_randomly(20000, end_and_close);
}

void begin_and_close(Execution& execution, detail::TaskCount& count,
                     detail::TaskCount::Tally* here) {
  bool began = false;
  bool closed = false;
  execution.thread([&, here] { began = begins(count, here); });
  execution.thread([&] { closed = count.close_if_none(); });
  execution.join_all();
  require(closed != began, "either it has begun or there will be none");
  require(count.living() == (began ? 1U : 0U), "what could not begin does not count");
}

TEST(TaskCountModel, NothingBeginsAfterTheClosing) {
  const auto on_a_worker = [](Execution& execution) {
    detail::TaskCount count(2);
    begin_and_close(execution, count, &count.of_worker(1));
  };
  const auto from_outside = [](Execution& execution) {
    detail::TaskCount count(2);
    begin_and_close(execution, count, nullptr);
  };
  expect_holds_exhaustively(4, on_a_worker);
  expect_holds_exhaustively(4, from_outside);
}

/// A task begins another one and ends, on one worker. The other task ends on the second worker. The
/// count is never found empty between the two.
void chain_and_close(Execution& execution) {
  detail::TaskCount count(2);
  count.begin(&count.of_worker(0));
  Atomic<bool> handed_over{false};
  bool last_ended = false;
  execution.thread([&] {
    require(begins(count, &count.of_worker(0)), "a task that lives may begin another");
    handed_over.store(true, std::memory_order_release);
    (void)count.end(&count.of_worker(0));
  });
  execution.thread([&] {
    if (!handed_over.load(std::memory_order_acquire)) return;
    (void)count.end(&count.of_worker(1));
    last_ended = true;
  });
  bool closed = false;
  execution.thread([&] { closed = count.close_if_none(); });
  execution.join_all();
  require(!closed || last_ended, "closed with a task alive");
  require(count.living() == (last_ended ? 0U : 1U), "each counts once");
}

TEST(TaskCountModel, AChainIsNeverFoundEmpty) {
  expect_holds_exhaustively(3, chain_and_close);
  expect_holds_randomly(50000, chain_and_close);
}

}  // namespace
}  // namespace weft::model::task_count_model_test
