// The watchdog's sleep against workers that wake up: while a worker is awake the watchdog never
// sleeps for good.
#include "exec/watchdog_parker.hpp"

#include "exec/idle_set.hpp"
#include "model/model_test.hpp"

namespace weft::model::watchdog_parker_model_test {
namespace {

using std::chrono::milliseconds;

/// A sleeping worker is woken, by itself or by another thread, and stays awake. So the watchdog's
/// sleep ends. If it does not, the model finds a deadlock.
void worker_wakes(Execution& execution, bool called) {
  detail::IdleSet idle(2);
  detail::WatchdogParker sleep;
  idle.sleep(0, false);
  idle.sleep(1, false);
  execution.thread([&] {
    if (called) require(idle.worker_to_wake() != detail::IdleSet::none, "two are asleep");
    static_cast<void>(idle.awake(1));
    sleep.wake();
  });
  execution.thread([&] { sleep.wait(milliseconds(0), [&] { return idle.anyone_awake(); }); });
  execution.join_all();
  require(idle.anyone_awake(), "it does not sleep again");
}

TEST(WatchdogParkerModel, IsNotOverslept) {
  const auto by_itself = [](Execution& execution) { worker_wakes(execution, false); };
  const auto called = [](Execution& execution) { worker_wakes(execution, true); };
  expect_holds_exhaustively(4, by_itself);
  expect_holds_exhaustively(4, called);
}

void stopped(Execution& execution) {
  detail::WatchdogParker sleep;
  execution.thread([&] { sleep.wake_for_good(); });
  execution.thread([&] { sleep.wake(); });
  execution.thread([&] { sleep.wait(milliseconds(0), [] { return false; }); });
  execution.join_all();
}

TEST(WatchdogParkerModel, EndsWhenItIsToEnd) { expect_holds_exhaustively(4, stopped); }

}  // namespace
}  // namespace weft::model::watchdog_parker_model_test
