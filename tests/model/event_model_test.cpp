// Events, tokens, latch, barrier and once cell: every interleaving of setting, waiting, cancelling
// and destroying. No waiter is left asleep, none goes on without a reason, and nothing is touched
// after its end.
#include <weft/barrier.hpp>
#include <weft/latch.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/notify.hpp>
#include <weft/once_cell.hpp>

#include <memory>
#include <optional>

#include "model/sync_model.hpp"

namespace weft::model::event_model_test {
namespace {

void set_wait_and_cancel(Execution& execution) {
  ManualResetEvent event;
  Waiting<detail::EventRequest> stays{detail::EventRequest(event)};
  Waiting<detail::EventRequest> stops{detail::EventRequest(event)};
  execution.thread([&] { stays.wait(); });
  execution.thread([&] { stops.wait(); });
  execution.thread([&] { event.set(); });
  execution.thread([&] { stops.task.cancel(); });
  execution.join_all();
  require(stays.served(), "who waits is woken");
  require(stops.resumed() == 1, "who is cancelled goes on exactly once");
  require(event.is_set() && event.waiting() == 0, "it stays set");
}

TEST(EventModel, ASetMeetsWaitersAndACancel) {
  expect_holds_exhaustively(2, set_wait_and_cancel);
  expect_holds_randomly(50000, set_wait_and_cancel);
}

void set_and_reset(Execution& execution) {
  ManualResetEvent event;
  Waiting<detail::EventRequest> waits{detail::EventRequest(event)};
  Waiting<detail::EventRequest> comes{detail::EventRequest(event)};
  waits.wait();
  execution.thread([&] { event.set(); });
  execution.thread([&] { event.reset(); });
  execution.thread([&] { comes.wait(); });
  execution.join_all();
  require(waits.served(), "who waited before the set is woken, reset or not");
  require(comes.served() == (event.waiting() == 0), "who comes goes on or waits");
  require(!event.is_set() || comes.served(), "nobody waits while it is set");
  event.set();
  require(comes.served(), "the next set wakes it");
}

TEST(EventModel, AResetTakesNoWakeUpAway) {
  expect_holds_exhaustively(3, set_and_reset);
  expect_holds_randomly(50000, set_and_reset);
}

/// The waiter destroys what it waited for as soon as it goes on. The call that woke it may not have
/// returned.
void event_destroyed_by_waiter(Execution& execution) {
  auto event = std::make_unique<ManualResetEvent>();
  execution.thread([borrowed = event.get()] { borrowed->set(); });
  execution.thread([&] {
    wait_here(detail::EventRequest(*event));
    event.reset();
  });
  execution.join_all();
}

void event_destroyed_after_two(Execution& execution) {
  auto event = std::make_unique<ManualResetEvent>();
  Latch both(2);
  for (int thread = 0; thread < 2; ++thread) {
    execution.thread([&, borrowed = event.get()] {
      wait_here(detail::EventRequest(*borrowed));
      both.count_down();
    });
  }
  execution.thread([borrowed = event.get()] { borrowed->set(); });
  execution.thread([&] {
    wait_here(detail::LatchRequest(both));
    event.reset();
  });
  execution.join_all();
}

TEST(EventModel, WhoGoesOnMayDestroyIt) {
  expect_holds_exhaustively(3, event_destroyed_by_waiter);
  expect_holds_exhaustively(2, event_destroyed_after_two);
  expect_holds_randomly(50000, event_destroyed_after_two);
}

// Notify

void notify_wait_and_cancel(Execution& execution) {
  Notify notify;
  Waiting<detail::NotifyRequest> stays{detail::NotifyRequest(notify)};
  Waiting<detail::NotifyRequest> stops{detail::NotifyRequest(notify)};
  execution.thread([&] { stays.wait(); });
  execution.thread([&] { stops.wait(); });
  execution.thread([&] { notify.notify_one(); });
  execution.thread([&] { stops.task.cancel(); });
  execution.join_all();
  require(stops.resumed() == 1, "who is cancelled goes on exactly once");
  const int passed = (stays.served() ? 1 : 0) + (stops.served() ? 1 : 0);
  require(passed == 1, "the notification was taken by one");
  require(!notify.try_wait(), "and is not there any more");
  if (!stays.served()) {
    require(notify.waiting() == 1, "the other waits");
    notify.notify_one();
    require(stays.served(), "for the next");
  }
}

TEST(NotifyModel, OneIsTakenByOne) {
  expect_holds_exhaustively(2, notify_wait_and_cancel);
  expect_holds_randomly(50000, notify_wait_and_cancel);
}

void two_notifications_one_wait(Execution& execution) {
  Notify notify;
  Waiting<detail::NotifyRequest> waiter{detail::NotifyRequest(notify)};
  execution.thread([&] { notify.notify_one(); });
  execution.thread([&] { notify.notify_one(); });
  execution.thread([&] { waiter.wait(); });
  execution.thread([&] { notify.notify_all(); });
  execution.join_all();
  require(waiter.served() && notify.waiting() == 0, "it passes by the one or the other");
}

TEST(NotifyModel, NotificationsMeetAWait) {
  expect_holds_exhaustively(2, two_notifications_one_wait);
  expect_holds_randomly(50000, two_notifications_one_wait);
}

/// A wait that was made before notify_all() goes on, whenever it is awaited, and whatever else
/// waits by then; it may destroy the notify.
void wait_made_before_all(Execution& execution) {
  auto notify = std::make_unique<Notify>();
  Waiting<detail::NotifyRequest> before{detail::NotifyRequest(*notify)};
  Waiting<detail::NotifyRequest> other{detail::NotifyRequest(*notify)};
  execution.thread([&] { before.wait(); });
  execution.thread([&] { other.wait(); });
  execution.thread([borrowed = notify.get()] { borrowed->notify_all(); });
  execution.join_all();
  require(before.served() && other.served(), "both were made before it");
  require(notify->waiting() == 0 && !notify->try_wait(), "and nothing is left");
}

void wait_made_before_all_meets_a_later_one(Execution& execution) {
  Notify notify;
  Waiting<detail::NotifyRequest> before{detail::NotifyRequest(notify)};
  std::optional<Waiting<detail::NotifyRequest>> later;
  execution.thread([&] { notify.notify_all(); });
  execution.thread([&] {
    later.emplace(detail::NotifyRequest(notify));
    later->wait();
  });
  execution.thread([&] { before.wait(); });
  execution.join_all();
  require(before.served(), "the wait of another does not hide it");
  if (!later->served()) notify.notify_one();
  require(later->served() && !notify.try_wait(), "which waits, unless it was made in time");
}

void notify_all_destroyed_by_waiter(Execution& execution) {
  auto notify = std::make_unique<Notify>();
  const detail::NotifyRequest before(*notify);
  execution.thread([borrowed = notify.get()] { borrowed->notify_all(); });
  execution.thread([&] {
    wait_here(detail::NotifyRequest(before));
    notify.reset();
  });
  execution.join_all();
}

TEST(NotifyModel, AWaitCountsFromItsCreation) {
  expect_holds_exhaustively(3, wait_made_before_all);
  expect_holds_randomly(50000, wait_made_before_all);
  expect_holds_exhaustively(2, wait_made_before_all_meets_a_later_one);
  expect_holds_randomly(50000, wait_made_before_all_meets_a_later_one);
  expect_holds_exhaustively(3, notify_all_destroyed_by_waiter);
  expect_holds_randomly(50000, notify_all_destroyed_by_waiter);
}

void notify_destroyed_by_waiter(Execution& execution) {
  auto notify = std::make_unique<Notify>();
  execution.thread([borrowed = notify.get()] { borrowed->notify_one(); });
  execution.thread([&] {
    wait_here(detail::NotifyRequest(*notify));
    notify.reset();
  });
  execution.join_all();
}

TEST(NotifyModel, WhoPassesMayDestroyIt) {
  expect_holds_exhaustively(3, notify_destroyed_by_waiter);
  expect_holds_randomly(50000, notify_destroyed_by_waiter);
}

// Latch

void counted_down_and_cancelled(Execution& execution) {
  Latch latch(2);
  Waiting<detail::LatchRequest> stays{detail::LatchRequest(latch)};
  Waiting<detail::ArriveAtLatchRequest> arrives{detail::ArriveAtLatchRequest(latch)};
  execution.thread([&] { stays.wait(); });
  execution.thread([&] { arrives.wait(); });
  execution.thread([&] { arrives.task.cancel(); });
  execution.thread([&] { latch.count_down(); });
  execution.join_all();
  require(arrives.resumed() == 1, "who is cancelled goes on exactly once");
  if (arrives.served()) require(latch.ready(), "nobody goes on before zero");
  require(stays.served() == latch.ready(), "who waits is woken at zero");
  if (!latch.ready()) {
    latch.count_down();  // it was cancelled before it arrived
    require(stays.served(), "who waits is woken at zero");
  }
}

TEST(LatchModel, CountsMeetWaitersAndACancel) {
  expect_holds_exhaustively(2, counted_down_and_cancelled);
  expect_holds_randomly(50000, counted_down_and_cancelled);
}

void latch_destroyed_by_waiter(Execution& execution) {
  auto latch = std::make_unique<Latch>(2);
  execution.thread([borrowed = latch.get()] { borrowed->count_down(); });
  execution.thread([borrowed = latch.get()] { borrowed->count_down(); });
  execution.thread([&] {
    wait_here(detail::LatchRequest(*latch));
    latch.reset();
  });
  execution.join_all();
}

void latch_destroyed_by_who_arrived(Execution& execution) {
  auto latch = std::make_unique<Latch>(2);
  Atomic<int> gone_on{0};
  for (int thread = 0; thread < 2; ++thread) {
    execution.thread([&, borrowed = latch.get()] {
      wait_here(detail::ArriveAtLatchRequest(*borrowed));
      if (gone_on.fetch_add(1, std::memory_order_relaxed) == 0) latch.reset();
    });
  }
  execution.join_all();
}

void latch_destroyed_by_who_only_waits(Execution& execution) {
  auto latch = std::make_unique<Latch>(2);
  execution.thread(
      [borrowed = latch.get()] { wait_here(detail::ArriveAtLatchRequest(*borrowed)); });
  execution.thread([borrowed = latch.get()] { borrowed->count_down(); });
  execution.thread([&] {
    wait_here(detail::LatchRequest(*latch));
    latch.reset();
  });
  execution.join_all();
}

void latch_shows_what_came_before(Execution& execution) {
  Latch latch(3);
  Shared<int> first{0};  // ordered by the latch alone
  Shared<int> second{0};
  execution.thread([&] {
    first.write() = 1;
    latch.count_down();
  });
  for (int thread = 0; thread < 2; ++thread) {
    execution.thread([&, thread] {
      if (thread == 0) second.write() = 1;
      wait_here(detail::ArriveAtLatchRequest(latch));
      require(first.read() == 1 && second.read() == 1, "seen by all");
    });
  }
  execution.join_all();
}

void latch_shows_the_last_what_came_before(Execution& execution) {
  Latch latch(2);
  Shared<int> data{0};
  execution.thread([&] {
    data.write() = 1;
    latch.count_down();
  });
  execution.thread([&] {
    wait_here(detail::ArriveAtLatchRequest(latch));
    require(data.read() == 1, "seen");
  });
  execution.join_all();
}

TEST(LatchModel, WhoGoesOnHasSeenWhatCameBefore) {
  expect_holds_exhaustively(3, latch_shows_the_last_what_came_before);
  expect_holds_randomly(20000, latch_shows_the_last_what_came_before);
  expect_holds_exhaustively(2, latch_shows_what_came_before);
  expect_holds_randomly(50000, latch_shows_what_came_before);
}

TEST(LatchModel, WhoGoesOnMayDestroyIt) {
  expect_holds_exhaustively(3, latch_destroyed_by_who_arrived);
  expect_holds_randomly(50000, latch_destroyed_by_who_arrived);
  expect_holds_exhaustively(2, latch_destroyed_by_who_only_waits);
  expect_holds_randomly(50000, latch_destroyed_by_who_only_waits);
  expect_holds_exhaustively(3, latch_destroyed_by_waiter);
  expect_holds_randomly(50000, latch_destroyed_by_waiter);
}

// Barrier

void arrivals_and_a_cancel(Execution& execution) {
  Barrier barrier(2);
  Waiting<detail::BarrierRequest> one{detail::BarrierRequest(barrier)};
  Waiting<detail::BarrierRequest> two{detail::BarrierRequest(barrier)};
  execution.thread([&] { one.wait(); });
  execution.thread([&] { two.wait(); });
  execution.thread([&] { two.task.cancel(); });
  execution.join_all();
  require(two.resumed() == 1, "who is cancelled goes on exactly once");
  require(one.served() == two.served(), "the round is complete for both or for none");
  if (one.served()) {
    require(one.result() != two.result(), "one of them is the leader");
  } else {
    require(barrier.waiting() == 1, "the arrival was taken back");
    Waiting<detail::BarrierRequest> three{detail::BarrierRequest(barrier)};
    three.wait();
    require(one.served() && three.served() && three.result(), "another completes the round");
  }
}

TEST(BarrierModel, ACancelTakesTheArrivalBackOrComesTooLate) {
  expect_holds_exhaustively(3, arrivals_and_a_cancel);
  expect_holds_randomly(50000, arrivals_and_a_cancel);
}

/// No other thread arrives: only the cancel can end the wait, also if it comes before the wait
/// begins.
void arrival_and_only_a_cancel(Execution& execution) {
  Barrier barrier(2);
  Waiting<detail::BarrierRequest> waiter{detail::BarrierRequest(barrier)};
  execution.thread([&] { waiter.wait(); });
  execution.thread([&] { waiter.task.cancel(); });
  execution.join_all();
  require(waiter.resumed() == 1 && !waiter.served(), "the cancel ends the wait");
  require(barrier.waiting() == 0, "and takes the arrival back");
}

TEST(BarrierModel, ACancelEndsAWaitHoweverEarlyItComes) {
  expect_holds_exhaustively(3, arrival_and_only_a_cancel);
  expect_holds_randomly(50000, arrival_and_only_a_cancel);
}

void barrier_destroyed_by_the_led(Execution& execution) {
  auto barrier = std::make_unique<Barrier>(2);
  for (int thread = 0; thread < 2; ++thread) {
    execution.thread([&, borrowed = barrier.get()] {
      if (!wait_here(detail::BarrierRequest(*borrowed))) barrier.reset();
    });
  }
  execution.join_all();
  require(barrier == nullptr, "one of the two was led");
}

TEST(BarrierModel, WhoWasLedMayDestroyIt) {
  expect_holds_exhaustively(3, barrier_destroyed_by_the_led);
  expect_holds_randomly(50000, barrier_destroyed_by_the_led);
}

// OnceCell

/// Three tasks: the function fails in one, succeeds in another, and a third is cancelled.
void turns(Execution& execution) {
  detail::OnceState state;
  Waiting<detail::OnceRequest> stops{detail::OnceRequest(state)};
  Waiting<detail::OnceRequest> makes{detail::OnceRequest(state)};
  execution.thread([&] { const detail::OnceTurn fails = state.try_enter(); });
  execution.thread([&] { makes.wait(); });
  execution.thread([&] { stops.wait(); });
  execution.thread([&] { stops.task.cancel(); });
  execution.join_all();
  require(stops.resumed() == 1, "who is cancelled goes on exactly once");
  if (stops.served()) {
    require(makes.resumed() == 0, "one has the turn");
    const detail::OnceTurn passed_on = stops.result();
    require(static_cast<bool>(passed_on), "nothing was made");
  }
  require(makes.served() && !state.full(), "the turn came to the one who is left");
  detail::OnceTurn turn = makes.result();
  require(static_cast<bool>(turn), "it has the turn");
  Waiting<detail::OnceRequest> late{detail::OnceRequest(state)};
  late.wait();
  turn.publish();
  require(late.served() && !late.result(), "who waits finds it made");
}

TEST(OnceModel, ATurnIsPassedOnUntilItIsMade) {
  expect_holds_exhaustively(2, turns);
  expect_holds_randomly(50000, turns);
}

void made_once(Execution& execution) {
  detail::OnceState state;
  Atomic<int> made{0};
  for (int thread = 0; thread < 3; ++thread) {
    execution.thread([&, thread] {
      // As get_or_init() does. The first to come fails once.
      if (detail::OnceTurn turn = wait_here(detail::OnceRequest(state))) {
        if (thread == 0) return;
        made.fetch_add(1, std::memory_order_relaxed);
        turn.publish();
      }
      require(state.full(), "it goes on when it is made");
    });
  }
  execution.join_all();
  require(made.load(std::memory_order_relaxed) == 1, "it is made once");
}

TEST(OnceModel, ItIsMadeOnceThoughTheFirstMayFail) {
  expect_holds_exhaustively(2, made_once);
  expect_holds_randomly(50000, made_once);
}

}  // namespace
}  // namespace weft::model::event_model_test
