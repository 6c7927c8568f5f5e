// Cancels at every point, look-ups that hang, several runtimes, and other kinds of callers.
#include <weft/as_future.hpp>
#include <weft/blocking.hpp>
#include <weft/fiber.hpp>
#include <weft/on_complete.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <atomic>
#include <thread>

#include "dns/dns_support.hpp"

namespace weft::test::dns_cancel_test {
namespace {

using namespace std::chrono_literals;

class DnsCancel : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DnsCancel);

Script silent(const Query& /*query*/) {
  Script script;
  script.is_silent = true;
  return script;
}

TEST_P(DnsCancel, BeforeDuringAndAfter) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      return query.name == "silent.test" ? silent(query) : one_each(query);
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      auto before = spawn(resolver.resolve("silent.test", 80));
      before.cancel();
      const auto never_begun = co_await std::move(before).outcome();
      EXPECT_TRUE(never_begun.cancelled());
      auto during = spawn(resolver.resolve("silent.test", 80));
      co_await until([&server] { return server.times_asked() >= 2; });
      during.cancel();
      const auto ended = co_await std::move(during).outcome();
      EXPECT_TRUE(ended.cancelled());
      std::atomic<bool> has_ended = false;
      auto whole = [&]() -> Task<std::vector<Endpoint>> {
        std::vector<Endpoint> found = co_await resolver.resolve("a.test", 80);
        has_ended = true;
        co_return found;
      };
      auto after = spawn(whole);
      co_await until([&has_ended] { return has_ended.load(); });
      after.cancel();
      const auto delivered = co_await std::move(after).outcome();
      EXPECT_TRUE(delivered.has_value());
    });
  });
}

TEST_P(DnsCancel, CancelsThatMeetAnswersGiveOneOutcomeEach) {
  run([]() -> Task<void> {
    NameServer server(one_each);
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      for (int i = 0; i < 100; ++i) {
        const std::string name = "n" + std::to_string(i) + ".test";
        const auto found = co_await attempt(
            timeout(resolver.resolve(name, 80), std::chrono::microseconds(10 * i)));
        if (found) {
          EXPECT_EQ(found->size(), 2U);
        } else {
          EXPECT_EQ(found.error(), std::errc::timed_out);
        }
      }
    });
  });
}

TEST_P(DnsCancel, EightThatHangHoldUpNeitherANinthNorBlockingNorTheEnd) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      return query.name == "ninth.test" ? one_each(query) : silent(query);
    });
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&server});
      options.timeout = std::chrono::hours(1);
      Resolver resolver(options);
      for (int i = 0; i < 8; ++i) {
        spawn(resolver.resolve("n" + std::to_string(i) + ".test", 80)).detach();
      }
      co_await until([&server] { return server.times_asked() == 16; });
      const std::vector<Endpoint> found = co_await resolver.resolve("ninth.test", 80);
      EXPECT_EQ(found.size(), 2U);
      const int answer = co_await blocking([] { return 42; });
      EXPECT_EQ(answer, 42);
    });
  });
  end_runtime();  // while the eight wait
}

TEST_P(DnsCancel, OfFibersFuturesAndCallbacks) {
  NameServer server(one_each);
  run([&]() -> Task<void> {
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const auto in_fiber = [&resolver] { return await(resolver.resolve("fiber.test", 80)); };
      const std::vector<Endpoint> by_fiber = co_await fiber(in_fiber);
      EXPECT_EQ(by_fiber.size(), 2U);
      auto future = as_future(resolver.resolve("future.test", 80));
      const std::vector<Endpoint> by_future = co_await std::move(future);
      EXPECT_EQ(by_future.size(), 2U);
      ManualResetEvent called;
      on_complete(resolver.resolve("callback.test", 80), [&](std::vector<Endpoint> found) {
        EXPECT_EQ(found.size(), 2U);
        called.set();
      }).detach();
      co_await called.wait();
    });
  });
}

TEST(DnsRuntimes, SeveralUseOneResolver) {
  constexpr int names = 300;
  Runtime serving(options_for(1));
  NameServer server(one_each);
  auto service = serving.spawn(server.serve());
  Resolver resolver(only({&server}));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&resolver] {
      Runtime runtime(options_for(2));
      for (int i = 0; i < names; ++i) {
        const std::string name = "n" + std::to_string(i) + ".test";
        EXPECT_EQ(runtime.block_on(resolver.resolve(name, 80)).size(), 2U);
      }
    });
  }
  threads.clear();
  service.cancel();
  serving.block_on([&]() -> Task<void> {
    const auto outcome = co_await std::move(service).outcome();
    EXPECT_TRUE(outcome.cancelled());
  });
  EXPECT_EQ(server.times_asked(), 2U * names) << "for each of the two types once";
}

}  // namespace
}  // namespace weft::test::dns_cancel_test
