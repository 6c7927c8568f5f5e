// Look-ups that hang: they hold up no other look-up, no call of blocking(), and not the end of the
// runtime once no task awaits them.
#include <weft/blocking.hpp>
#include <weft/net.hpp>
#include <weft/resolve.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "compute/blocking_pool.hpp"
#include "support/held_names.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::resolve_given_up_test {
namespace {

using namespace std::chrono_literals;

class ResolveGivenUp : public RuntimeTest {
 protected:
  HeldNames names_;
};
WEFT_ON_ALL_RUNTIMES(ResolveGivenUp);

std::string held_name(int number) { return "name" + std::to_string(number) + ".held"; }

/// Begins `count` look-ups that hang, and gives all up.
Task<void> give_up(HeldNames& names, int count) {
  std::vector<JoinHandle<std::vector<Endpoint>>> lookups;
  for (int i = 0; i < count; ++i) lookups.push_back(spawn(resolve(held_name(i), 80)));
  auto begun = [&names] { return names.count() != 0; };
  co_await until(begun);
  for (auto& lookup : lookups) {
    lookup.cancel();
    const auto outcome = co_await std::move(lookup).outcome();
    EXPECT_TRUE(outcome.cancelled());
  }
}

TEST_P(ResolveGivenUp, HoldsUpNeitherOtherLookUpsNorBlockingCalls) {
  const bool served = run([this]() -> Task<bool> {
    co_await give_up(names_, 8);
    auto next = timeout(resolve("localhost", 80), 20s);
    const auto found = co_await attempt(std::move(next));
    co_return found.has_value();
  });
  EXPECT_TRUE(served);
  if (!served) names_.release();  // blocking() would wait for them, too
  EXPECT_EQ(run(blocking([] { return 1; })), 1);
  names_.release();
}

TEST_P(ResolveGivenUp, BlockingCallsAreServedBesideLookUpsThatAreAwaited) {
  run([this]() -> Task<void> {
    std::vector<JoinHandle<std::vector<Endpoint>>> lookups;
    for (int i = 0; i < 8; ++i) lookups.push_back(spawn(resolve(held_name(i), 80)));
    auto begun = [] { return HeldNames::count() == 4; };  // the default of lookup_threads
    co_await until(begun);
    auto call = blocking([] { return 1; });
    auto served = timeout(std::move(call), 20s);
    const int value = co_await std::move(served);
    EXPECT_EQ(value, 1);
    names_.release();
    for (auto& lookup : lookups) {
      const auto outcome = co_await std::move(lookup).outcome();
      EXPECT_FALSE(outcome.cancelled());
    }
  });
}

TEST_P(ResolveGivenUp, TheEndOfTheRuntimeDoesNotWait) {
  runtime()
      .spawn([]() -> Task<void> { co_await attempt(timeout(resolve(held_name(0), 80), 1h)); })
      .detach();
  runtime()
      .spawn([]() -> Task<void> { co_await StreamSocket::connect(held_name(1), 80); })
      .detach();
  run([]() -> Task<void> {
    auto begun = [] { return HeldNames::count() == 2; };
    co_await until(begun);
  });
  // If it waits, another thread lets it go on, and tells.
  std::promise<void> ended;
  std::thread guard([&, end = ended.get_future()] {
    if (end.wait_for(20s) == std::future_status::ready) return;
    ADD_FAILURE() << "the end of the runtime waits for look-ups that no task awaits";
    names_.release();
  });
  end_runtime();
  EXPECT_EQ(HeldNames::count(), 2U);
  ended.set_value();
  guard.join();
  names_.release();  // their threads end after the runtime
}

TEST_P(ResolveGivenUp, ThreadsThatComeBackLeaveNoMoreThanTheLimit) {
  run([this]() -> Task<void> {
    co_await give_up(names_, 4);
    auto next = timeout(resolve("localhost", 80), 20s);
    co_await std::move(next);
    names_.release();
    auto few = [] { return detail::BlockingPool::of_lookups()->threads() <= 4; };
    co_await until(few);
    for (std::uint16_t port = 1; port <= 20; ++port) {
      const auto found = co_await resolve("localhost", port);
      EXPECT_FALSE(found.empty());
    }
  });
}

TEST_P(ResolveGivenUp, TheNumberOfLookUpsAtOnceIsAnOption) {
  RuntimeOptions options = options_for(GetParam());
  options.lookup_threads = 2;
  options.blocking_threads = 1;
  Runtime few(std::move(options));
  few.block_on([this, &few]() -> Task<void> {
    std::vector<JoinHandle<std::vector<Endpoint>>> lookups;
    for (int i = 0; i < 5; ++i) lookups.push_back(spawn(resolve(held_name(i), 80)));
    auto begun = [&few] { return HeldNames::count() == 2 && few.metrics().lookups_queued == 3; };
    co_await until(begun);
    EXPECT_EQ(few.metrics().lookup_threads, 2U);
    names_.release();
    for (auto& lookup : lookups) {
      const auto outcome = co_await std::move(lookup).outcome();
      EXPECT_FALSE(outcome.cancelled());
    }
  });
  for (const std::size_t wrong : {std::size_t{0}, std::size_t{1025}}) {
    RuntimeOptions lookups = options_for(GetParam());
    lookups.lookup_threads = wrong;
    EXPECT_THROW(Runtime{std::move(lookups)}, std::invalid_argument);
    RuntimeOptions blocking = options_for(GetParam());
    blocking.blocking_threads = wrong;
    EXPECT_THROW(Runtime{std::move(blocking)}, std::invalid_argument);
  }
}

TEST_P(ResolveGivenUp, CancelsAndResultsAtOneTimeGiveOneOutcomeEach) {
  for (int round = 0; round < 20; ++round) {
    HeldNames names;
    run([&names, round]() -> Task<void> {
      std::vector<JoinHandle<std::vector<Endpoint>>> lookups;
      for (int i = 0; i < 6; ++i) lookups.push_back(spawn(resolve(held_name(i), 80)));
      // A look-up of the last round may have been given up before it came to its name.
      auto begun = [] { return HeldNames::count() >= 4; };
      co_await until(begun);
      std::thread releaser([&names] { names.release(); });
      for (auto& lookup : lookups) {
        if (round % 2 == 0) co_await yield_now();
        lookup.cancel();
      }
      for (auto& lookup : lookups) {
        const auto outcome = co_await std::move(lookup).outcome();
        EXPECT_FALSE(outcome.has_value());
      }
      releaser.join();
      auto gone = [] { return HeldNames::count() == 0; };
      co_await until(gone);
    });
  }
}

/// With virtual time a look-up stops the clock; one that was given up does not.
TEST(ResolveGivenUpTime, DoesNotStopVirtualTime) {
  HeldNames names;
  Runtime runtime(with_virtual_time());
  runtime.block_on([&names]() -> Task<void> {
    co_await give_up(names, 2);
    co_await sleep_for(1h);
  });
}

}  // namespace
}  // namespace weft::test::resolve_given_up_test
