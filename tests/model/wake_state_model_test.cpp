// WakeState itself runs here, its futex replaced by the model's and the event by a ThreadParker's
// token: whatever the owner waits at, no wake is lost.
#include <chrono>
#include <weft/atomic.hpp>

#include "event/wake_state.hpp"
#include "model/model_test.hpp"

namespace weft::model {
namespace {

/// What a Poller makes of it.
class Door {
 public:
  /// Leaves something to be found, seen by the wake alone.
  void bring() {
    brought_.fetch_add(1, std::memory_order_relaxed);
    if (bell_.ring()) event_.unpark();
  }
  /// At the door unless the event is to be met.
  void sleep() {
    if (!bell_.await_ring(nullptr)) event_.park();
    static_cast<void>(bell_.answer());
  }
  void wait_for_event() {
    event_.park();
    static_cast<void>(bell_.answer());
  }
  /// True: a wake has ended it.
  [[nodiscard]] bool sleep_for_an_hour() {
    constexpr std::chrono::steady_clock::time_point deadline(std::chrono::hours(1));
    if (bell_.await_ring(&deadline)) return bell_.answer();
    wait_for_event();
    return true;
  }
  [[nodiscard]] int brought() const { return brought_.load(std::memory_order_relaxed); }

 private:
  detail::WakeState bell_;
  ThreadParker event_;
  Atomic<int> brought_{0};
};

/// Two bring something; the owner does `wait` until it has seen both.
template <class Wait>
void two_bring(Execution& execution, Wait wait) {
  Door door;
  for (int i = 0; i < 2; ++i) {
    execution.thread([&] { door.bring(); });
  }
  execution.thread([&] {
    while (door.brought() != 2) wait(door);
  });
  execution.join_all();
}

void at_the_door(Execution& execution) {
  two_bring(execution, [](Door& door) { door.sleep(); });
}

void in_turns(Execution& execution) {
  two_bring(execution, [event = false](Door& door) mutable {
    event = !event;
    event ? door.wait_for_event() : door.sleep();
  });
}

TEST(WakeStateModel, WhoSleepsAtTheDoorIsWoken) {
  expect_holds_exhaustively(3, at_the_door);
  expect_holds_weakly(3, 2, at_the_door);
  expect_holds_randomly(10000, at_the_door);
}

TEST(WakeStateModel, WhoNowWaitsForEventsNowSleepsIsWoken) {
  expect_holds_exhaustively(3, in_turns);
  expect_holds_weakly(3, 2, in_turns);
  expect_holds_randomly(10000, in_turns);
}

void time_out(Execution& execution) {
  Door door;
  bool woken = false;
  execution.thread([&] { door.bring(); });
  execution.thread([&] {
    woken = door.sleep_for_an_hour();
    // The wake that it has not had is there for the next one.
    if (!woken) door.sleep();
    require(door.brought() == 1, "a wake that comes late is kept");
  });
  execution.join_all();
}

TEST(WakeStateModel, AWakeThatComesAsTheTimePassesIsKept) {
  expect_holds_exhaustively(4, time_out);
  expect_holds_weakly(3, 2, time_out);
}

}  // namespace
}  // namespace weft::model
