// select(): the first to end wins, losers are cancelled and awaited, and no received value is
// dropped.
#include <weft/channel.hpp>
#include <weft/select.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/when_any.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/helpers.hpp"
#include "support/manual_event.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::select_test {
namespace {

using namespace std::chrono_literals;

class SelectTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SelectTest);

Task<int> number(int value, int yields) {
  for (int i = 0; i < yields; ++i) co_await yield_now();
  co_return value;
}
Task<std::string> wait_for(ManualEvent& event, Log& log) {
  const Logged local(log, "loser unwound");
  co_await event;
  co_return "received";
}

TEST_P(SelectTest, TheFirstToEndWinsAndLosersAreAwaited) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto first = co_await select(wait_for(never, log), number(2, 3), sleep_for(1h));
    log.add("after");
    EXPECT_EQ(first.index(), 1U);
    EXPECT_TRUE(first.has<1>());
    EXPECT_FALSE(first.has<0>());
    EXPECT_FALSE(first.has<2>());
    EXPECT_EQ(first.take<1>(), 2);
    EXPECT_THROW(first.take<0>(), IoError);
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"loser unwound", "after"}));
}

TEST_P(SelectTest, NoneIsStartedAfterOneHasWon) {
  int begun = 0;
  run([&]() -> Task<void> {
    auto count = [&]() -> Task<void> {
      ++begun;
      co_return;
    };
    ManualEvent never;
    Log log;
    auto first = co_await select(wait_for(never, log), count(), count(), count());
    EXPECT_EQ(first.index(), 1U);
    EXPECT_FALSE(first.has<2>());
    EXPECT_FALSE(first.has<3>());
  });
  EXPECT_EQ(begun, 1);
}

TEST_P(SelectTest, AWinnerThatFailedIsRethrown) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent never;
    auto fail = []() -> Task<int> {
      co_await yield_now();
      throw std::runtime_error("winner");
    };
    std::string what;
    try {
      auto first = co_await select(wait_for(never, log), fail());
      what = "no exception, index " + std::to_string(first.index());
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "winner");
  });
  EXPECT_EQ(log.words(), std::vector<std::string>{"loser unwound"});
}

TEST_P(SelectTest, ALosersResultIsKept) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent a;
    ManualEvent b;
    auto set_both = [&]() -> Task<void> {
      co_await until([&] { return a.awaited() && b.awaited(); });
      a.set();
      b.set();  // on one worker before the winner has run, so no cancel can have reached this one
    };
    auto setter = spawn(set_both);
    auto both = co_await select(wait_for(a, log), wait_for(b, log));
    co_await std::move(setter);
    EXPECT_NE(both.has<0>(), a.tokens() == 1U);
    EXPECT_NE(both.has<1>(), b.tokens() == 1U);
    if (GetParam() <= 1) {
      EXPECT_TRUE(both.has<0>() && both.has<1>());
    }
    if (both.has<0>()) {
      EXPECT_EQ(both.take<0>(), "received");
    }
    if (both.has<1>()) {
      EXPECT_EQ(both.take<1>(), "received");
    }
  });
}

/// Losers that end by themselves, but after the winner. They wait, shielded, until the cancel has
/// unwound is_cancelled(), which must be in the same select.
class LateLoser {
 public:
  [[nodiscard]] Task<int> receives(const Receiver<int>& receiver) {
    const int value = (co_await receiver.receive()).value();
    co_await shield(cancelled_.wait());
    co_return value;
  }
  [[nodiscard]] Task<void> waits() { co_await shield(cancelled_.wait()); }
  [[nodiscard]] Task<int> is_cancelled() {
    const SetWhenUnwound sets(cancelled_);
    co_await never_;
    co_return 0;
  }

 private:
  class SetWhenUnwound {
   public:
    explicit SetWhenUnwound(ManualEvent& event) noexcept : event_(event) {}
    SetWhenUnwound(const SetWhenUnwound&) = delete;
    SetWhenUnwound& operator=(const SetWhenUnwound&) = delete;
    ~SetWhenUnwound() { event_.set(); }

   private:
    ManualEvent& event_;
  };

  ManualEvent cancelled_;
  ManualEvent never_;
};

Task<int> send_and_fail(const Sender<int>& sender) {
  EXPECT_EQ(sender.try_send(42), TrySend::sent);
  throw std::runtime_error("the winner fails");
  co_return 0;
}

TEST_P(SelectTest, ALosersResultIsKeptIfTheWinnerFails) {
  run([]() -> Task<void> {
    LateLoser late;
    auto [sender, receiver] = channel<int>(1);
    auto selected =
        co_await select(late.receives(receiver), late.is_cancelled(), send_and_fail(sender));
    EXPECT_EQ(selected.index(), 2U);
    EXPECT_THROW(static_cast<void>(selected.take<2>()), std::runtime_error);
    EXPECT_EQ(selected.take<0>(), 42);
  });
}

TEST_P(SelectTest, ALosersResultIsKeptIfTheWinnerOfARangeFails) {
  run([]() -> Task<void> {
    LateLoser late;
    auto [sender, receiver] = channel<int>(1);
    std::vector<Task<int>> all;
    all.push_back(late.receives(receiver));
    all.push_back(late.is_cancelled());
    all.push_back(send_and_fail(sender));
    auto selected = co_await when_any(std::move(all));
    EXPECT_EQ(selected.index(), 2U);
    EXPECT_THROW(static_cast<void>(selected.take()), std::runtime_error);
    EXPECT_EQ(selected.take(0), 42);
  });
}

TEST_P(SelectTest, AWinnerThatFailedIsRethrownIfNothingWouldBeLost) {
  run([]() -> Task<void> {
    LateLoser late;
    auto fails = []() -> Task<void> {
      throw std::runtime_error("the winner fails");
      co_return;
    };
    bool thrown = false;
    try {
      auto selection = select(late.waits(), late.is_cancelled(), fails());
      co_await std::move(selection);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown) << "a loser that ended has no value to lose";
  });
}

TEST_P(SelectTest, MoveOnlyAndReferenceResults) {
  run([]() -> Task<void> {
    int object = 0;
    auto reference = [&]() -> Task<int&> { co_return object; };
    auto owner = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto first = co_await select(reference(), sleep_for(1h));
    EXPECT_EQ(&first.take<0>(), &object);
    auto second = co_await select(owner(), sleep_for(1h));
    EXPECT_EQ(*second.take<0>(), 3);
  });
}

TEST_P(SelectTest, ACancelCancelsAllAndWaits) {
  Log log;
  run([&]() -> Task<void> {
    ManualEvent a;
    ManualEvent b;
    auto body = [&]() -> Task<void> {
      auto first = co_await select(wait_for(a, log), wait_for(b, log));
      log.add("never here: " + std::to_string(first.index()));
    };
    auto handle = spawn(body);
    co_await until([&] { return a.awaited() && b.awaited(); });
    handle.cancel();
    const Outcome<void> outcome = co_await std::move(handle).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(log.words(), (std::vector<std::string>{"loser unwound", "loser unwound"}));
}

TEST_P(SelectTest, NothingReceivedIsLostHoweverItRaces) {
  // A producer on another task and a ticker race for the select. Each token must be seen or still
  // be there.
  run([]() -> Task<void> {
    constexpr std::size_t tokens = 3000;
    ManualEvent event;
    auto produce = [&]() -> Task<void> {
      for (std::size_t i = 0; i < tokens; ++i) {
        event.set();
        if (i % 3 == 0) co_await yield_now();
      }
    };
    auto receive = [&]() -> Task<int> {
      co_await event;
      co_return 1;
    };
    auto producer = spawn(produce);
    std::size_t received = 0;
    std::size_t rounds = 0;
    while (received + event.tokens() < tokens || event.tokens() != 0) {
      auto first = co_await select(receive(), number(0, static_cast<int>(rounds % 3)));
      if (first.has<0>()) ++received;
      ++rounds;
    }
    co_await std::move(producer);
    EXPECT_EQ(received, tokens);
  });
}

TEST_P(SelectTest, MatchCallsTheWinnersFunction) {
  run([]() -> Task<void> {
    auto text = [](std::string value) -> Task<std::string> { co_return value; };
    int object = 0;
    auto reference = [&]() -> Task<int&> { co_return object; };
    auto first = co_await select(number(7, 0), text("x"), sleep_for(1h));
    const std::string one = first.match([](int value) { return std::to_string(value); },
                                        [](const std::string& value) { return value; },
                                        [] { return std::string("late"); });
    EXPECT_EQ(one, "7");
    auto second = co_await select(sleep_for(1h), text("x"), number(7, 5));
    std::string two;
    second.match([&] { two = "late"; }, [&](std::string value) { two = std::move(value); },
                 [&](int) { two = "number"; });
    EXPECT_EQ(two, "x");
    auto third = co_await select(sleep_for(1h), sleep_for(0ms));
    EXPECT_EQ(third.match([] { return 0; }, [] { return 1; }), 1);
    auto fourth = co_await select(reference(), sleep_for(1h));
    int& same = fourth.match([](int& value) -> int& { return value; },
                             [&]() -> int& {
                               ADD_FAILURE() << "it has not won";
                               return object;
                             });
    EXPECT_EQ(&same, &object);
    auto fifth = co_await select(number(3, 0), sleep_for(1h));
    auto later = [](int value) { return number(value + 1, 2); };
    auto never_called = []() { return number(0, 0); };
    auto task = fifth.match(later, never_called);
    const int four = co_await std::move(task);
    EXPECT_EQ(four, 4);
  });
}

}  // namespace
}  // namespace weft::test::select_test
