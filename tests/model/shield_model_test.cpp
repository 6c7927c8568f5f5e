// ShieldLeaf: the end of the child on another thread, a parent that is suspending, and a cancel of
// the parent, in every interleaving. The parent goes on exactly once, is never unwound, and the
// cancel is remembered.
#include <weft/shield.hpp>

#include "model/core_model.hpp"

namespace weft::model::shield_model_test {
namespace {

class FakeShield final : public detail::ShieldLeaf {
 public:
  using detail::ShieldLeaf::begin;
  using detail::ShieldLeaf::wait;
};

struct Stage {
  Stage() : task(executor) {}
  CountingExecutor executor;
  FakeTask task;
  FakeShield shield;
  bool went_on = false;
  ThreadParker started;
};

void end_and_cancel(Execution& execution) {
  Stage stage;
  execution.thread([&] {
    (void)stage.shield.begin(stage.task.promise);
    stage.started.unpark();
    stage.went_on = !stage.shield.wait();
  });
  execution.thread([&] {
    stage.started.park();
    require(stage.executor.resumed == 0 && !stage.went_on, "the parent waits for its child");
    stage.shield.on_child_end(0, false, false);
  });
  execution.thread([&] { stage.task.cancel(); });
  execution.join_all();
  require(stage.executor.resumed + (stage.went_on ? 1 : 0) == 1, "the parent goes on exactly once");
  require(!stage.task.unwinding(), "and with its result");
  require(stage.task.cancel_requested(), "and the cancel is remembered");
}

TEST(ShieldModel, TheChildsEndMeetsTheSuspensionAndACancel) {
  expect_holds_exhaustively(3, end_and_cancel);
  expect_holds_randomly(50000, end_and_cancel);
}

}  // namespace
}  // namespace weft::model::shield_model_test
