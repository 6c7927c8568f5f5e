// ManualResetEvent and Notify: which waits go on, how many, and what is kept for later.
#include <weft/manual_reset_event.hpp>
#include <weft/notify.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::event_test {
namespace {

class EventTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(EventTest);

using Words = std::vector<std::string>;

TEST(ManualResetEvent, WithoutARuntime) {
  ManualResetEvent event;
  EXPECT_FALSE(event.is_set());
  event.set();
  event.set();
  EXPECT_TRUE(event.is_set());
  event.blocking_wait();
  EXPECT_TRUE(event.is_set()) << "a wait takes nothing";
  event.reset();
  event.reset();
  EXPECT_FALSE(event.is_set());
  ManualResetEvent born_set(true);
  born_set.blocking_wait();
}

TEST(Notify, WithoutARuntime) {
  Notify notify;
  EXPECT_FALSE(notify.try_wait());
  notify.notify_one();
  EXPECT_TRUE(notify.try_wait());
  EXPECT_FALSE(notify.try_wait());
  notify.notify_one();
  notify.notify_one();
  notify.blocking_wait();
  EXPECT_FALSE(notify.try_wait()) << "two notifications are one";
}

/// Tasks that wait once each and log their numbers.
template <class Waited>
class Waiters {
 public:
  explicit Waiters(Waited& waited) : waited_(waited) {}
  Task<void> add(int count) {
    for (int i = 0; i < count; ++i) {
      const std::size_t before = waited_.waiting();
      handles_.push_back(spawn(&Waiters::wait, this, std::to_string(handles_.size())));
      co_await until([&] { return waited_.waiting() == before + 1; });
    }
  }
  /// Waits until so many have gone on.
  Task<void> gone_on(std::size_t count) {
    auto all_have = [&] { return log.words().size() == count; };
    co_await until(all_have);
  }
  Task<void> end() {
    for (JoinHandle<void>& handle : handles_) co_await std::move(handle);
  }
  JoinHandle<void>& operator[](std::size_t index) { return handles_[index]; }
  Log log;

 private:
  static Task<void> wait(Waiters* self, std::string name) {
    co_await self->waited_.wait();
    self->log.add(std::move(name));
  }
  Waited& waited_;
  std::vector<JoinHandle<void>> handles_;
};

TEST_P(EventTest, ASetLetsAllGoOnUntilItIsReset) {
  run([]() -> Task<void> {
    ManualResetEvent event;
    Waiters<ManualResetEvent> waiters(event);
    co_await waiters.add(5);
    event.set();
    event.reset();
    EXPECT_FALSE(event.is_set());
    co_await waiters.end();  // they were woken, though it was reset at once
    EXPECT_EQ(waiters.log.words().size(), 5U);
    Waiters<ManualResetEvent> later(event);
    co_await later.add(1);
    event.set();
    co_await later.end();
    co_await event.wait();
  });
}

TEST_P(EventTest, EachNotificationLetsOnePass) {
  run([]() -> Task<void> {
    Notify notify;
    Waiters<Notify> waiters(notify);
    co_await waiters.add(4);
    for (std::size_t i = 1; i <= 4; ++i) {
      notify.notify_one();
      co_await waiters.gone_on(i);
      EXPECT_EQ(notify.waiting(), 4 - i);
      EXPECT_FALSE(notify.try_wait()) << "it was passed on, not kept";
    }
    co_await waiters.end();
    EXPECT_EQ(waiters.log.words(), (Words{"0", "1", "2", "3"}));
    notify.notify_one();
    co_await notify.wait();
    EXPECT_FALSE(notify.try_wait());
  });
}

TEST_P(EventTest, NotifyOneWakesTheFirstOrIsKeptOnce) {
  run([]() -> Task<void> {
    Notify notify;
    Waiters<Notify> waiters(notify);
    co_await waiters.add(3);
    notify.notify_one();
    notify.notify_one();
    co_await waiters.gone_on(2);
    EXPECT_EQ(notify.waiting(), 1U);
    notify.notify_one();
    co_await waiters.end();
    notify.notify_one();
    notify.notify_one();
    co_await notify.wait();
    EXPECT_FALSE(notify.try_wait()) << "two that nobody waited for are one";
  });
}

TEST_P(EventTest, NotifyAllWakesThoseWhoWaitAndKeepsNothing) {
  run([]() -> Task<void> {
    Notify notify;
    Waiters<Notify> waiters(notify);
    co_await waiters.add(5);
    notify.notify_all();
    co_await waiters.end();
    EXPECT_EQ(notify.waiting(), 0U);
    EXPECT_FALSE(notify.try_wait());
    notify.notify_all();
    EXPECT_FALSE(notify.try_wait());
    notify.notify_one();
    notify.notify_all();
    EXPECT_TRUE(notify.try_wait()) << "what was kept is not taken away";
  });
}

TEST_P(EventTest, AWaitCountsFromItsCreation) {
  run([]() -> Task<void> {
    Notify notify;
    auto before = notify.notified();
    auto too = notify.wait();
    notify.notify_all();  // between the look at a state and the wait
    co_await before;
    auto after = notify.notified();
    auto first = co_await select(after, yield_now());
    EXPECT_EQ(first.index(), 1U) << "a wait that is made later has missed it";
    // A wait that came in between, and has yet to be notified, does not hide it.
    Waiters<Notify> waiters(notify);
    co_await waiters.add(1);
    co_await too;
    EXPECT_EQ(notify.waiting(), 1U);
    notify.notify_one();
    co_await waiters.end();
    EXPECT_FALSE(notify.try_wait());
    // What notify_one() keeps is taken once, whichever wait was made first.
    auto one = notify.notified();
    auto other = notify.notified();
    notify.notify_one();
    co_await other;
    auto none = co_await select(one, yield_now());
    EXPECT_EQ(none.index(), 1U);
  });
}

TEST_P(EventTest, AChangeBetweenTheLookAndTheWaitIsNotMissed) {
  constexpr int rounds = 2000;
  run([&]() -> Task<void> {
    Notify changed;
    std::atomic<int> state = 0;
    auto follow = [&]() -> Task<void> {
      for (;;) {
        auto next = changed.notified();
        if (state >= rounds) co_return;
        ++state;
        changed.notify_all();
        co_await next;
      }
    };
    auto one = spawn(follow);
    auto other = spawn(follow);
    co_await std::move(one);
    co_await std::move(other);
  });
}

TEST_P(EventTest, ANotificationGoesPastThoseWhoStoppedWaiting) {
  run([]() -> Task<void> {
    Notify notify;
    Waiters<Notify> waiters(notify);
    co_await waiters.add(3);
    waiters[0].cancel();
    waiters[2].cancel();
    co_await until([&] { return notify.waiting() == 1; });
    notify.notify_one();
    co_await waiters.gone_on(1);
    EXPECT_EQ(waiters.log.words(), Words{"1"});
    EXPECT_FALSE(notify.try_wait());
    for (std::size_t i = 0; i < 3; ++i) {
      const Outcome<void> outcome = co_await std::move(waiters[i]).outcome();
      EXPECT_EQ(outcome.cancelled(), i != 1);
    }
  });
}

TEST_P(EventTest, ATurnGoesToAndFro) {
  // Each notify_one() is seen, with what came before it, though nothing else orders the two sides.
  constexpr int rounds = 500;
  Notify ping;
  Notify pong;
  int ball = 0;
  std::thread thread([&] {
    for (int i = 0; i < rounds; ++i) {
      ping.blocking_wait();
      EXPECT_EQ(ball, 2 * i + 1);
      ++ball;
      pong.notify_one();
    }
  });
  run([&]() -> Task<void> {
    for (int i = 0; i < rounds; ++i) {
      EXPECT_EQ(ball, 2 * i);
      ++ball;
      ping.notify_one();
      co_await pong.wait();
    }
  });
  thread.join();
}

TEST_P(EventTest, AQueueOfOnesOwnOverNotify) {
  constexpr int items = 2000;
  Notify changed;
  std::atomic<int> there = 0;
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      for (int producer = 0; producer < 2; ++producer) {
        s.spawn([&]() -> Task<void> {
          for (int i = 0; i < items; ++i) {
            ++there;
            changed.notify_one();
            if (i % 7 == 0) co_await yield_now();
          }
        });
      }
      for (int taken = 0; taken < 2 * items;) {
        const int now = there.exchange(0);
        taken += now;
        if (now == 0) co_await changed.wait();
      }
    });
  });
  EXPECT_EQ(there, 0);
}

}  // namespace
}  // namespace weft::test::event_test
