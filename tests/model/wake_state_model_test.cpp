// Runs WakeState itself, with the model's futex, and with a ThreadParker's token as the event:
// whether the owner parks or waits for the event, no wake is lost.
#include <chrono>
#include <weft/atomic.hpp>

#include "event/wake_state.hpp"
#include "model/model_test.hpp"

namespace weft::model::wake_state_model_test {
namespace {

/// Uses WakeState as Poller does.
class WakeableOwner {
 public:
  /// Adds an item that the owner sees through the wake alone.
  void bring() {
    brought_.fetch_add(1, std::memory_order_relaxed);
    if (wake_state_.notify()) event_.unpark();
  }
  /// Parks, unless a wake is pending whose event must be taken.
  void sleep() {
    if (!wake_state_.park(nullptr)) event_.park();
    static_cast<void>(wake_state_.take());
  }
  void wait_for_event() {
    event_.park();
    static_cast<void>(wake_state_.take());
  }
  /// True: a wake ended the sleep.
  [[nodiscard]] bool sleep_for_an_hour() {
    constexpr std::chrono::steady_clock::time_point deadline(std::chrono::hours(1));
    if (wake_state_.park(&deadline)) return wake_state_.take();
    wait_for_event();
    return true;
  }
  [[nodiscard]] int brought() const { return brought_.load(std::memory_order_relaxed); }

 private:
  detail::WakeState wake_state_;
  ThreadParker event_;
  Atomic<int> brought_{0};
};

/// Two threads bring one item each; the owner calls `wait` until it has seen both.
template <class Wait>
void two_bring(Execution& execution, Wait wait) {
  WakeableOwner owner;
  for (int i = 0; i < 2; ++i) {
    execution.thread([&] { owner.bring(); });
  }
  execution.thread([&] {
    while (owner.brought() != 2) wait(owner);
  });
  execution.join_all();
}

void parks(Execution& execution) {
  two_bring(execution, [](WakeableOwner& owner) { owner.sleep(); });
}

void in_turns(Execution& execution) {
  two_bring(execution, [event = false](WakeableOwner& owner) mutable {
    event = !event;
    event ? owner.wait_for_event() : owner.sleep();
  });
}

TEST(WakeStateModel, WakesAParkedOwner) {
  expect_holds_exhaustively(3, parks);
  expect_holds_weakly(3, 2, parks);
  expect_holds_randomly(10000, parks);
}

TEST(WakeStateModel, WakesAnOwnerThatAlternatesBetweenEventAndParking) {
  expect_holds_exhaustively(3, in_turns);
  expect_holds_weakly(3, 2, in_turns);
  expect_holds_randomly(10000, in_turns);
}

void time_out(Execution& execution) {
  WakeableOwner owner;
  bool woken = false;
  execution.thread([&] { owner.bring(); });
  execution.thread([&] {
    woken = owner.sleep_for_an_hour();
    // The wake was not taken: the next sleep gets it.
    if (!woken) owner.sleep();
    require(owner.brought() == 1, "a wake that comes late is kept");
  });
  execution.join_all();
}

TEST(WakeStateModel, AWakeThatComesAsTheTimePassesIsKept) {
  expect_holds_exhaustively(4, time_out);
  expect_holds_weakly(3, 2, time_out);
}

}  // namespace
}  // namespace weft::model::wake_state_model_test
