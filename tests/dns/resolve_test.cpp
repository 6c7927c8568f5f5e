// Addresses of names: what servers answer, and what they do wrong.
#include <weft/blocking.hpp>
#include <weft/net.hpp>
#include <weft/timeout.hpp>

#include <algorithm>

#include "dns/dns_support.hpp"
#include "os/fault.hpp"

namespace weft::test::dns_resolve_test {
namespace {

using namespace std::chrono_literals;

class DnsResolve : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DnsResolve);

TEST_P(DnsResolve, AsksForBothFamiliesAndGivesThePort) {
  run([]() -> Task<void> {
    NameServer server(one_each);
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const std::vector<Endpoint> found = co_await resolver.resolve("Example.ORG", 8080);
      EXPECT_EQ(text_of(found), "[::1]:8080 127.0.0.1:8080");
      std::vector<std::string> asked = server.asked();
      std::ranges::sort(asked);
      EXPECT_EQ(asked, (std::vector<std::string>{"example.org A", "example.org AAAA"}));
    });
  });
}

TEST_P(DnsResolve, OneFamilyIsEnough) {
  run([]() -> Task<void> {
    NameServer server(ipv4_alone);
    co_await beside(server, [&]() -> Task<void> {
      Resolver both(only({&server}));
      const std::vector<Endpoint> found = co_await both.resolve("example.org", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
      ResolverOptions options = only({&server});
      options.families = dns::Families::ipv6;
      Resolver ipv6(options);
      const LookupError failure = co_await failure_of(ipv6.resolve("example.org", 80));
      EXPECT_EQ(failure.code, Errc::no_data);
      EXPECT_EQ(failure.text, "resolve example.org (AAAA): the name has no such records");
      options.families = dns::Families::ipv4;
      Resolver ipv4(options);
      const std::vector<Endpoint> same = co_await ipv4.resolve("example.org", 80);
      EXPECT_EQ(text_of(same), "127.0.0.1:80");
    });
    EXPECT_EQ(server.times_asked(), 4U);
  });
}

TEST_P(DnsResolve, FollowsAliasesAndIgnoresStrangers) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      Script script;
      script.answers.push_back(a_record("stranger.test", "192.0.2.66"));
      script.answers.push_back(cname_record(query.name, "B.example.org"));
      script.answers.push_back(cname_record("b.example.org", "c.example.org"));
      if (query.type == 1) script.answers.push_back(a_record("C.example.org", "127.0.0.7"));
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const std::vector<Endpoint> found = co_await resolver.resolve("a.example.org", 80);
      EXPECT_EQ(text_of(found), "127.0.0.7:80");
    });
  });
}

TEST_P(DnsResolve, ALoopOfAliasesEnds) {
  run([]() -> Task<void> {
    NameServer server([](const Query&) {
      Script script;
      script.answers.push_back(cname_record("a.test", "b.test"));
      script.answers.push_back(cname_record("b.test", "a.test"));
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const LookupError failure = co_await failure_of(resolver.resolve("a.test", 80));
      EXPECT_EQ(failure.code, Errc::no_data);
    });
  });
}

TEST_P(DnsResolve, AnErrorNamesTheNameTheTypesAndTheAnswer) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      Script script;
      script.code = static_cast<unsigned>(query.name[0] - '0');
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const std::string at = " at " + server.at().to_string();
      const std::vector<std::pair<Errc, std::string>> rows{
          {Errc::no_data, "0.test (A, AAAA): the name has no such records"},
          {Errc::format_error,
           "1.test (A, AAAA" + at + "): the server did not understand the query (FORMERR)"},
          {Errc::server_failure,
           "2.test (A, AAAA" + at + "): the server could not answer (SERVFAIL)"},
          {Errc::no_such_name, "3.test (A, AAAA): no such name (NXDOMAIN)"},
          {Errc::not_implemented,
           "4.test (A, AAAA" + at + "): the server does not support such queries (NOTIMP)"},
          {Errc::refused, "5.test (A, AAAA" + at + "): the server refuses to answer (REFUSED)"},
          {Errc::bad_response, "9.test (A, AAAA" + at + "): the answer cannot be read"},
      };
      for (const auto& [code, text] : rows) {
        const LookupError failure = co_await failure_of(resolver.resolve(text.substr(0, 6), 80));
        EXPECT_EQ(failure.code, code) << text;
        EXPECT_EQ(failure.text, "resolve " + text);
      }
    });
  });
}

TEST_P(DnsResolve, AnAnswerThatCannotBeReadIsAnError) {
  run([]() -> Task<void> {
    NameServer server([](const Query&) {
      Script script;
      script.answers.resize(3);  // the header says so
      script.garbage = "\xc0\x0c what comes here is no record";
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const LookupError failure = co_await failure_of(resolver.resolve("a.test", 80));
      EXPECT_EQ(failure.code, Errc::bad_response);
    });
  });
}

TEST_P(DnsResolve, LiesAreIgnoredUntilTheAnswerComes) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      Script script = one_each(query);
      script.begins_with_lies = true;
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const std::vector<Endpoint> found = co_await resolver.resolve("example.org", 80);
      EXPECT_EQ(text_of(found), "[::1]:80 127.0.0.1:80");
    });
    EXPECT_EQ(server.times_asked(), 2U);
  });
}

TEST_P(DnsResolve, ATruncatedAnswerIsAskedForByTcp) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      Script script;
      for (int i = 1; query.type == 1 && i <= 200; ++i) {
        script.answers.push_back(a_record(query.name, "127.0.0." + std::to_string(i)));
      }
      script.is_truncated = query.type == 1;
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const std::vector<Endpoint> found = co_await resolver.resolve("many.test", 80);
      EXPECT_EQ(found.size(), 200U);
      EXPECT_EQ(found.at(199).to_string(), "127.0.0.200:80");
    });
    const std::vector<std::string> asked = server.asked();
    EXPECT_TRUE(std::ranges::find(asked, "many.test A tcp") != asked.end());
  });
}

TEST_P(DnsResolve, ByTcpAloneIfTheOptionsSaySo) {
  run([]() -> Task<void> {
    NameServer server(one_each);
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&server});
      options.tcp = true;
      Resolver resolver(options);
      const std::vector<Endpoint> found = co_await resolver.resolve("example.org", 80);
      EXPECT_EQ(found.size(), 2U);
    });
    for (const std::string& each : server.asked()) EXPECT_TRUE(each.ends_with(" tcp")) << each;
  });
}

TEST_P(DnsResolve, AConnectionThatTheServerClosesIsMadeAgain) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      Script script = ipv4_alone(query);
      script.closes = query.by_tcp && query.number == 1;
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&server});
      options.tcp = true;
      options.families = dns::Families::ipv4;
      Resolver resolver(options);
      const std::vector<Endpoint> found = co_await resolver.resolve("example.org", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
    });
    EXPECT_EQ(server.times_asked(), 2U);
  });
}

TEST_P(DnsResolve, AnotherServerIsAskedIfOneFails) {
  run([]() -> Task<void> {
    NameServer failing([](const Query&) {
      Script script;
      script.code = 2;
      return script;
    });
    NameServer server(ipv4_alone);
    co_await beside(failing, server, [&]() -> Task<void> {
      Resolver resolver(only({&failing, &server}));
      const std::vector<Endpoint> found = co_await resolver.resolve("example.org", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
    });
    EXPECT_EQ(failing.times_asked(), 2U);
    EXPECT_EQ(server.times_asked(), 2U);
  });
}

TEST_P(DnsResolve, AServerThatIsNotThereIsToldAtOnce) {
  run([]() -> Task<void> {
    NameServer gone(ipv4_alone);
    gone.close();
    NameServer server(ipv4_alone);
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&gone});
      options.timeout = std::chrono::hours(1);
      Resolver alone(options);
      const LookupError failure = co_await failure_of(alone.resolve("example.org", 80));
      EXPECT_EQ(failure.code, Errc::unreachable);
      EXPECT_EQ(failure.code, std::errc::host_unreachable);
      EXPECT_EQ(failure.text, "resolve example.org (A, AAAA at " + gone.at().to_string() +
                                  "): no name server can be reached");
      options.servers.push_back(server.at());
      Resolver both(options);
      const std::vector<Endpoint> found = co_await both.resolve("example.org", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
    });
  });
}

TEST_P(DnsResolve, RotateBeginsWithTheNextServer) {
  run([]() -> Task<void> {
    NameServer first(ipv4_alone);
    NameServer second(ipv4_alone);
    co_await beside(first, second, [&]() -> Task<void> {
      ResolverOptions options = only({&first, &second});
      options.families = dns::Families::ipv4;
      options.rotate = true;
      Resolver resolver(options);
      for (const char* const name : {"a.test", "b.test", "c.test", "d.test"}) {
        const std::vector<Endpoint> found = co_await resolver.resolve(name, 80);
        EXPECT_EQ(found.size(), 1U);
      }
    });
    EXPECT_EQ(first.asked(), (std::vector<std::string>{"a.test A", "c.test A"}));
    EXPECT_EQ(second.asked(), (std::vector<std::string>{"b.test A", "d.test A"}));
  });
}

TEST_P(DnsResolve, ManyAtOnceWithFewPlaces) {
  run([]() -> Task<void> {
    NameServer server(ipv4_alone);
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&server});
      options.max_lookups = 3;
      Resolver resolver(options);
      co_await scope([&](Scope& lookups) -> Task<void> {
        for (int i = 0; i < 100; ++i) {
          auto one = [&resolver, i]() -> Task<void> {
            const std::vector<Endpoint> found =
                co_await resolver.resolve("n" + std::to_string(i) + ".test", 80);
            EXPECT_EQ(text_of(found), "127.0.0.1:80");
          };
          lookups.spawn(std::move(one)).detach();
        }
        co_return;
      });
    });
    EXPECT_EQ(server.times_asked(), 200U);
  });
}

TEST_P(DnsResolve, NamesThatNeedNoServer) {
  run([]() -> Task<void> {
    NameServer server(no_such_name);
    Resolver resolver(only({&server}));  // it does not even run
    const std::vector<std::pair<std::string, std::string>> rows{
        {"127.0.0.1", "127.0.0.1:7"},       {"::1", "[::1]:7"},
        {"127.1", "127.0.0.1:7"},           {"0x7f000001", "127.0.0.1:7"},
        {"2130706433", "127.0.0.1:7"},      {"fe80::1%lo", "[fe80::1%1]:7"},
        {"2001:db8::5", "[2001:db8::5]:7"},
    };
    for (const auto& [host, address] : rows) {
      const std::vector<Endpoint> found = co_await resolver.resolve(host, 7);
      EXPECT_EQ(text_of(found), address);
    }
    for (const char* const host : {"localhost", "LOCALHOST.", "a.b.localhost"}) {
      const std::vector<Endpoint> found = co_await resolver.resolve(host, 7);
      EXPECT_EQ(found.size(), 2U);
      EXPECT_TRUE(std::ranges::find(found, Endpoint::loopback(7)) != found.end());
    }
    for (const char* const host : {"invalid", "no-such.invalid", "hidden.onion."}) {
      const LookupError failure = co_await failure_of(resolver.resolve(host, 7));
      EXPECT_EQ(failure.code, Errc::no_such_name);
      EXPECT_EQ(failure.text,
                "resolve " + std::string(host) + " (A, AAAA): no such name (NXDOMAIN)");
    }
  });
}

TEST_P(DnsResolve, WhatIsNoNameIsRefused) {
  run([]() -> Task<void> {
    NameServer server(no_such_name);
    Resolver resolver(only({&server}));
    const std::string label(64, 'a');
    std::string longest = "a";
    while (longest.size() < 254) longest += ".a";
    for (const std::string& host :
         {std::string(), std::string("."), std::string("a..b"), std::string(".a"), label, longest,
          std::string("a b"), std::string("a\nb"), std::string("a\0b", 3), std::string("a\\b"),
          std::string("b\xc3\xbc"
                      "cher.test"),
          std::string("1.2.3.4.5"), std::string("0x1g.7"), std::string("12:34"),
          std::string("1.2.3.4 x")}) {
      const LookupError failure = co_await failure_of(resolver.resolve(host, 80));
      EXPECT_EQ(failure.code, Errc::bad_name) << host;
    }
    const LookupError scope =
        co_await failure_of(resolver.resolve("fe80::1%no-such-interface", 80));
    EXPECT_EQ(scope.code, EndpointErrc::bad_scope);
    EXPECT_TRUE(scope.text.starts_with("resolve fe80::1%no-such-interface: ")) << scope.text;
  });
}

TEST_P(DnsResolve, WithoutHandlesTheErrorIsTheSystems) {
  run([]() -> Task<void> {
    NameServer server(ipv4_alone);
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      {
        detail::ScopedFaults faults;
        faults.add({.call = detail::Call::socket, .errno_value = EMFILE, .times = 10});
        const LookupError failure = co_await failure_of(resolver.resolve("example.org", 80));
        EXPECT_EQ(failure.code, std::errc::too_many_files_open);
        EXPECT_EQ(failure.text, "resolve example.org (A, AAAA at " + server.at().to_string() +
                                    "): too many open files");
      }
      const std::vector<Endpoint> found = co_await resolver.resolve("example.org", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
    });
  });
}

TEST_P(DnsResolve, ConnectTakesIt) {
  run([]() -> Task<void> {
    NameServer server(ipv4_alone);
    co_await beside(server, [&]() -> Task<void> {
      SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
      ConnectOptions options;
      options.resolver = std::make_shared<Resolver>(only({&server}));
      const std::uint16_t port = listener.local_endpoint().port();
      StreamSocket stream = co_await StreamSocket::connect("service.test", port, options);
      EXPECT_EQ(stream.peer_endpoint(), listener.local_endpoint());
    });
  });
}

TEST(DnsOptions, OutOfRange) {
  const auto refuses = [](auto set) {
    ResolverOptions options;
    set(options);
    EXPECT_THROW(Resolver{options}, std::invalid_argument);
  };
  refuses([](ResolverOptions& o) { o.servers.resize(17, Endpoint::loopback(53)); });
  refuses([](ResolverOptions& o) { o.servers = {Endpoint::unix_path("/x").value()}; });
  refuses([](ResolverOptions& o) { o.servers = {Endpoint()}; });
  refuses([](ResolverOptions& o) { o.timeout = 0s; });
  refuses([](ResolverOptions& o) { o.tries = 0; });
  refuses([](ResolverOptions& o) { o.max_lookups = 0; });
  refuses([](ResolverOptions& o) { o.sources.clear(); });
  EXPECT_NO_THROW(Resolver{ResolverOptions()});
}

}  // namespace
}  // namespace weft::test::dns_resolve_test
