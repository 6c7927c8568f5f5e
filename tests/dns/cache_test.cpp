// What is kept and for how long, silent servers, and look-ups that share an answer. Time is virtual
// where it counts.
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include "dns/cache.hpp"
#include "dns/dns_support.hpp"

namespace weft::test::dns_cache_test {
namespace {

using namespace std::chrono_literals;

class DnsCache : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DnsCache);

/// Runs `visit(server, resolver)` beside a server, on a clock that jumps when all is idle.
template <class V>
void on_virtual_clock(
    NameServer::Decide decide, V visit, void (*set)(ResolverOptions&) = [](ResolverOptions&) {}) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([&]() -> Task<void> {
    NameServer server(std::move(decide));
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&server});
      set(options);
      Resolver resolver(options);
      co_await visit(server, resolver);
    });
  });
}

Script lasting(const Query& query) {
  Script script;
  if (query.type == 1) script.answers.push_back(a_record(query.name, "127.0.0.1", 60));
  if (query.type == 28) script.answers.push_back(aaaa_record(query.name, "::1", 90));
  return script;
}

TEST(DnsTimes, AnAnswerIsKeptForItsTimeToLive) {
  on_virtual_clock(lasting, [](NameServer& server, Resolver& resolver) -> Task<void> {
    co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(resolver.cached(), 2U);
    co_await sleep_for(59s);
    const std::vector<Endpoint> kept = co_await resolver.resolve("A.TEST.", 81);
    EXPECT_EQ(text_of(kept), "[::1]:81 127.0.0.1:81");
    EXPECT_EQ(server.times_asked(), 2U);
    co_await sleep_for(2s);  // that of A is over
    co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(server.asked().back(), "a.test A");
    EXPECT_EQ(server.times_asked(), 3U);
    resolver.clear_cache();
    EXPECT_EQ(resolver.cached(), 0U);
    co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(server.times_asked(), 5U);
  });
}

TEST(DnsTimes, ThatThereIsNoSuchNameIsKept) {
  on_virtual_clock(no_such_name, [](NameServer& server, Resolver& resolver) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      const LookupError error = co_await failure_of(resolver.resolve("a.test", 80));
      EXPECT_EQ(error.code, Errc::no_such_name);
    }
    EXPECT_EQ(server.times_asked(), 2U);
    co_await sleep_for(61s);
    static_cast<void>(co_await failure_of(resolver.resolve("a.test", 80)));
    EXPECT_EQ(server.times_asked(), 4U);
  });
}

TEST(DnsTimes, AFailureIsNotKept) {
  const auto decide = [](const Query& query) {
    Script script = lasting(query);
    if (query.number <= 2) script.code = 2;  // both tries
    return script;
  };
  on_virtual_clock(decide, [](NameServer& server, Resolver& resolver) -> Task<void> {
    const LookupError error = co_await failure_of(resolver.resolve("a.test", 80));
    EXPECT_EQ(error.code, Errc::server_failure);
    EXPECT_EQ(server.times_asked(), 4U);
    const std::vector<Endpoint> found = co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(found.size(), 2U);
  });
}

TEST(DnsTimes, AServerThatIsSilentIsAskedTwiceAndNamed) {
  const auto silent = [](const Query&) {
    Script script;
    script.is_silent = true;
    return script;
  };
  on_virtual_clock(silent, [](NameServer& server, Resolver& resolver) -> Task<void> {
    const TimePoint start = now();
    const LookupError error = co_await failure_of(resolver.resolve("a.test", 80));
    EXPECT_EQ(now() - start, 20s);
    EXPECT_EQ(error.code, Errc::timed_out);
    EXPECT_EQ(error.code, std::errc::timed_out);
    EXPECT_EQ(error.text,
              "resolve a.test (A, AAAA at " + server.at().to_string() + "): no answer in time");
    EXPECT_EQ(server.times_asked(), 4U);
  });
}

TEST(DnsTimes, AServerThatIsSilentAboutOneFamilyCostsLittle) {
  const auto decide = [](const Query& query) {
    Script script = lasting(query);
    script.is_silent = query.type == 28;
    return script;
  };
  on_virtual_clock(decide, [](NameServer& server, Resolver& resolver) -> Task<void> {
    const TimePoint start = now();
    const std::vector<Endpoint> found = co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(text_of(found), "127.0.0.1:80");
    EXPECT_EQ(now() - start, 50ms);
    EXPECT_EQ(server.times_asked(), 2U);
  });
}

TEST(DnsTimes, TheNextServerIsAskedWhenOneIsSilent) {
  Runtime runtime(with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    NameServer silent([](const Query&) {
      Script script;
      script.is_silent = true;
      return script;
    });
    NameServer server(lasting);
    co_await beside(silent, server, [&]() -> Task<void> {
      Resolver resolver(only({&silent, &server}));
      const TimePoint start = now();
      const std::vector<Endpoint> found = co_await resolver.resolve("a.test", 80);
      EXPECT_EQ(found.size(), 2U);
      EXPECT_EQ(now() - start, 10s);
    });
  });
}

TEST_P(DnsCache, LookUpsForOneNameShareTheAnswer) {
  run([]() -> Task<void> {
    ManualResetEvent hold;
    NameServer server([&hold](const Query& query) {
      Script script = lasting(query);
      script.hold = &hold;
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      co_await scope([&](Scope& lookups) -> Task<void> {
        auto one = [&resolver]() -> Task<void> {
          const std::vector<Endpoint> found = co_await resolver.resolve("a.test", 80);
          EXPECT_EQ(found.size(), 2U);
        };
        for (int i = 0; i < 50; ++i) lookups.spawn(one).detach();
        co_await until([&server] { return server.times_asked() == 2; });
        hold.set();
      });
    });
    EXPECT_EQ(server.times_asked(), 2U);
  });
}

TEST_P(DnsCache, WhenTheOneThatAsksIsCancelledAnotherAsks) {
  run([]() -> Task<void> {
    ManualResetEvent hold;
    NameServer server([&hold](const Query& query) {
      Script script = lasting(query);
      script.hold = query.number == 1 ? &hold : nullptr;
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      auto first = spawn(resolver.resolve("a.test", 80));
      co_await until([&server] { return server.times_asked() == 2; });
      auto second = spawn(resolver.resolve("a.test", 80));
      first.cancel();
      const auto outcome = co_await std::move(first).outcome();
      EXPECT_TRUE(outcome.cancelled());
      const std::vector<Endpoint> found = co_await std::move(second);
      EXPECT_EQ(found.size(), 2U);
      hold.set();
    });
    EXPECT_EQ(server.times_asked(), 4U);
  });
}

dns::Answer with_ttl(Nanoseconds ttl, std::error_code error = {}) {
  dns::Answer answer;
  answer.ttl = ttl;
  answer.error = error;
  return answer;
}

TEST(DnsCacheOfAnswers, IsBoundedAndForgetsWhatWasNotUsed) {
  ResolverOptions options;
  options.max_cached = 2;
  dns::Cache cache(options);
  const TimePoint start{};
  cache.keep("a", {{RecordType::a, with_ttl(10s)}}, start);
  cache.keep("b", {{RecordType::a, with_ttl(10s)}}, start);
  EXPECT_NE(cache.find("a", RecordType::a, start), nullptr);
  EXPECT_EQ(cache.find("a", RecordType::aaaa, start), nullptr);
  cache.keep("c", {{RecordType::a, with_ttl(10s)}}, start);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.find("b", RecordType::a, start), nullptr);
  EXPECT_NE(cache.find("a", RecordType::a, start), nullptr);
  EXPECT_EQ(cache.find("a", RecordType::a, start + 10s), nullptr);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(DnsCacheOfAnswers, KeepsNothingLongerThanTheOptionsSay) {
  ResolverOptions options;
  options.max_ttl = 5s;
  options.max_negative_ttl = 2s;
  dns::Cache cache(options);
  const TimePoint start{};
  cache.keep("a", {{RecordType::a, with_ttl(10s)}}, start);
  cache.keep("b", {{RecordType::a, with_ttl(10s, Errc::no_such_name)}}, start);
  cache.keep("c", {{RecordType::a, with_ttl(0s)}}, start);
  EXPECT_EQ(cache.find("c", RecordType::a, start), nullptr);
  EXPECT_NE(cache.find("b", RecordType::a, start + 1999ms), nullptr);
  EXPECT_EQ(cache.find("b", RecordType::a, start + 2s), nullptr);
  EXPECT_NE(cache.find("a", RecordType::a, start + 4999ms), nullptr);
  EXPECT_EQ(cache.find("a", RecordType::a, start + 5s), nullptr);
}

}  // namespace
}  // namespace weft::test::dns_cache_test
