// The HTTP client with a resolver that asks name servers.
#include <weft/http.hpp>
#include <weft/select.hpp>

#include "dns/dns_support.hpp"

namespace weft::test::dns_http_test {
namespace {

class DnsHttp : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DnsHttp);

/// Says which name the client asked for.
Task<http::Response> name_of_host(http::Request& request) {
  co_return http::Response::text(std::string(request.headers.find("host").value_or("-")));
}

/// Runs `visit(options, port)` beside an HTTP server; the options ask `names`.
template <class V>
Task<void> beside_both(NameServer& names, V visit) {
  http::Server server({}, name_of_host);
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  const std::string port = std::to_string(listener.local_endpoint().port());
  co_await beside(names, [&]() -> Task<void> {
    http::ClientOptions options;
    options.resolver = std::make_shared<Resolver>(only({&names}));
    (void)co_await select(server.serve(listener), visit(options, port));
  });
}

TEST_P(DnsHttp, AClientAsksTheServersOnceForAName) {
  run([]() -> Task<void> {
    NameServer names(ipv4_alone);
    co_await beside_both(names, [&](http::ClientOptions options, std::string port) -> Task<void> {
      for (int i = 0; i < 3; ++i) {
        http::Client client(options);  // no connection is used again, but the answer is
        const http::Response response = co_await client.get("http://pages.test:" + port + "/");
        EXPECT_EQ(response.body, "pages.test:" + port);
      }
      EXPECT_EQ(names.times_asked(), 2U) << "A and AAAA";
    });
  });
}

TEST_P(DnsHttp, ANameThatIsNotThereEndsTheRequestWithItsError) {
  run([]() -> Task<void> {
    NameServer names(no_such_name);
    co_await beside_both(names, [&](http::ClientOptions options, std::string port) -> Task<void> {
      http::Client client(options);
      const LookupError error = co_await failure_of(client.get("http://no.test:" + port + "/"));
      EXPECT_EQ(error.code, Errc::no_such_name);
      EXPECT_NE(error.text.find("no.test"), std::string::npos) << error.text;
    });
  });
}

TEST_P(DnsHttp, ACancelWhileTheNameIsLookedUpEndsTheRequest) {
  run([]() -> Task<void> {
    NameServer names([](const Query&) {
      Script script;
      script.is_silent = true;
      return script;
    });
    co_await beside_both(names, [&](http::ClientOptions options, std::string port) -> Task<void> {
      http::Client client(options);
      JoinHandle<http::Response> asking = spawn(client.get("http://slow.test:" + port + "/"));
      co_await until([&names] { return names.times_asked() >= 2; });
      asking.cancel();
      const Outcome<http::Response> outcome = co_await std::move(asking).outcome();
      EXPECT_TRUE(outcome.cancelled());
    });
  });
}

}  // namespace
}  // namespace weft::test::dns_http_test
