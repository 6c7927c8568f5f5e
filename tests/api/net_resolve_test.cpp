// Name look-ups: answered in place, by the pool, not at all, and cancelled.
#include <netdb.h>

#include <memory>
#include <semaphore>
#include <thread>

#include "api/net_support.hpp"
#include "compute/blocking_pool.hpp"

namespace weft::testing::net_resolve_test {
namespace {

class NetResolve : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetResolve, ::testing::Values(0, 1, 2, 8), name_of_workers);

TEST_P(NetResolve, NumericAddressesNeedNoThread) {
  run([]() -> Task<void> {
    const std::vector<Endpoint> v4 = co_await resolve("127.0.0.1", 80);
    EXPECT_EQ(v4, std::vector{Endpoint::loopback(80)});
    const std::vector<Endpoint> v6 = co_await resolve("::1", 81);
    EXPECT_EQ(v6.at(0).to_string(), "[::1]:81");
    EXPECT_EQ(detail::BlockingPool::of_lookups()->threads(), 0U);
  });
}

TEST_P(NetResolve, LocalhostIsThisMachine) {
  run([]() -> Task<void> {
    const std::vector<Endpoint> found = co_await resolve("localhost", 8080);
    EXPECT_FALSE(found.empty());
    for (const Endpoint& each : found) {
      EXPECT_TRUE(each == Endpoint::loopback(8080) || each == *Endpoint::parse("[::1]:8080"))
          << each.to_string();
    }
    EXPECT_TRUE(std::ranges::find(found, Endpoint::loopback(8080)) != found.end());
  });
}

TEST_P(NetResolve, AnUnknownNameIsAnErrorOfOneLine) {
  run([]() -> Task<void> {
    const Result<std::vector<Endpoint>> none = co_await attempt(resolve("no-such.invalid", 80));
    EXPECT_FALSE(none.has_value());
    EXPECT_STREQ(none.error().category().name(), "weft.resolve");
    const std::string text = co_await error_text(resolve("no-such.invalid", 80));
    // Without a name server the answer is "temporary failure in name resolution".
    EXPECT_TRUE(text.starts_with("resolve no-such.invalid: ")) << text;
    EXPECT_TRUE(text.ends_with(": name or service not known") ||
                text.ends_with(": temporary failure in name resolution"))
        << text;
    const std::string by_connect =
        co_await error_text(StreamSocket::connect("no-such.invalid", 80));
    EXPECT_TRUE(by_connect.starts_with("resolve no-such.invalid: ")) << by_connect;
  });
}

TEST_P(NetResolve, ImpossibleNamesAreRefusedInPlace) {
  run([]() -> Task<void> {
    for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string(300, 'a')}) {
      const Result<std::vector<Endpoint>> none = co_await attempt(resolve(name, 80));
      EXPECT_EQ(none.error(), std::error_code(EAI_NONAME, resolve_category()));
    }
    EXPECT_EQ(detail::BlockingPool::of_lookups()->threads(), 0U);
  });
}

TEST_P(NetResolve, ManyAtOnce) {
  run([]() -> Task<void> {
    std::vector<Task<std::vector<Endpoint>>> lookups;
    for (std::uint16_t port = 1; port <= 50; ++port) {
      lookups.push_back(as_task(resolve("localhost", port)));
    }
    const std::vector<std::vector<Endpoint>> found = co_await when_all(std::move(lookups));
    for (std::uint16_t port = 1; port <= 50; ++port)
      EXPECT_EQ(found.at(port - 1U).at(0).port(), port);
    EXPECT_LE(detail::BlockingPool::of_lookups()->threads(), 4U);
  });
}

/// Occupies a thread of the pool until it is let go.
struct Plug : detail::BlockingJob {
  Plug()
      : detail::BlockingJob(
            [](Runnable& self) noexcept { static_cast<Plug&>(self).gate.acquire(); }) {}
  std::binary_semaphore gate{0};
};

TEST_P(NetResolve, ACancelReturnsAtOnceThoughTheThreadIsBusy) {
  std::array<Plug, 4> plugs;
  run([&plugs]() -> Task<void> {
    for (Plug& plug : plugs)
      EXPECT_TRUE(detail::BlockingPool::of_lookups()->submit(plug).has_value());
    // No thread is free, so the look-up cannot end by itself.
    const Result<std::vector<Endpoint>> none =
        co_await attempt(timeout(resolve("localhost", 80), std::chrono::milliseconds(1)));
    EXPECT_EQ(none.error(), std::errc::timed_out);
    JoinHandle<std::vector<Endpoint>> lost = spawn([]() -> Task<std::vector<Endpoint>> {
      std::vector<Endpoint> found = co_await resolve("localhost", 80);
      co_return found;
    });
    co_await yield_now();
    lost.cancel();
    const Outcome<std::vector<Endpoint>> outcome = co_await std::move(lost).outcome();
    EXPECT_TRUE(outcome.cancelled());
    for (Plug& plug : plugs) plug.gate.release();
    const std::vector<Endpoint> found = co_await resolve("localhost", 80);
    EXPECT_FALSE(found.empty());
  });
}

TEST_P(NetResolve, CancelsAndAnswersAtTheSameTimeGiveOneOutcomeEach) {
  run([]() -> Task<void> {
    for (unsigned i = 0; i < 300; ++i) {
      const Result<std::vector<Endpoint>> found =
          co_await attempt(timeout(resolve("localhost", 80), std::chrono::microseconds(i)));
      if (found) {
        EXPECT_FALSE(found->empty());
      } else {
        EXPECT_EQ(found.error(), std::errc::timed_out);
      }
    }
  });
}

// The thread that cancels races the worker between arming the hook and submitting the look-up.
TEST_P(NetResolve, ACancelMayMeetTheBeginningOfTheWait) {
  run([]() -> Task<void> {
    for (int round = 0; round < 300; ++round) {
      auto handle = spawn(
          []() -> Task<void> { static_cast<void>(co_await attempt(resolve("localhost", 80))); });
      {
        const std::jthread canceller([&handle, round] {
          for (int pause = round % 50 * 20; pause > 0; --pause) spin_hint();
          handle.cancel();
        });
        co_await yield_now();
      }
      const Outcome<void> end = co_await std::move(handle).outcome();
      EXPECT_TRUE(end.cancelled() || end.has_value());
    }
  });
}

}  // namespace
}  // namespace weft::testing::net_resolve_test
