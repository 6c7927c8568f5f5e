// Resolver as an option of connect() and of the HTTP client, and known addresses (resolver_with()).
#include <memory>
#include <string>
#include <vector>

#include "api/http_client_support.hpp"

namespace weft::testing::resolver_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::Response;

class ResolverOption : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, ResolverOption, ::testing::Values(0, 2), name_of_workers);

/// Knows one name, and notes what it is asked.
class OneName final : public Resolver {
 public:
  explicit OneName(std::vector<Endpoint> addresses) : addresses_(std::move(addresses)) {}

  Task<std::vector<Endpoint>> resolve(std::string host, std::uint16_t port) override {
    asked.push_back(host + ":" + std::to_string(port));
    co_await yield_now();
    if (host != "service.test") {
      throw IoError(std::make_error_code(std::errc::host_unreachable), "resolve", host);
    }
    co_return addresses_;
  }
  std::vector<std::string> asked;

 private:
  const std::vector<Endpoint> addresses_;
};

TEST_P(ResolverOption, ConnectAsksTheOneThatWasChosen) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
    auto names = std::make_shared<OneName>(std::vector{listener.local_endpoint()});
    ConnectOptions options;
    options.resolver = names;
    StreamSocket client = co_await StreamSocket::connect("service.test:80", options);
    EXPECT_EQ(client.peer_endpoint(), listener.local_endpoint());
    EXPECT_EQ(names->asked, std::vector<std::string>{"service.test:80"});
    const std::string text = co_await error_text(StreamSocket::connect("other.test", 81, options));
    EXPECT_EQ(text, "resolve other.test: no route to host");
  });
}

TEST_P(ResolverOption, ConnectOfAUdpSocketAsksTheOneThatWasChosen) {
  run([]() -> Task<void> {
    UdpSocket server = UdpSocket::bind(Endpoint::loopback(0));
    const Endpoint at = server.local_endpoint().value();
    UdpOptions options;
    options.resolver = std::make_shared<OneName>(std::vector{at});
    UdpSocket client = co_await UdpSocket::connect("service.test:80", options);
    EXPECT_EQ(client.peer_endpoint().value(), at);
    options.resolver = std::make_shared<OneName>(std::vector<Endpoint>());
    const std::string text = co_await error_text(UdpSocket::connect("service.test:80", options));
    EXPECT_EQ(text, "connect service.test:80: invalid argument");
  });
}

TEST_P(ResolverOption, AnErrorOfConnectNamesHostAndAddress) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
    const Endpoint at = listener.local_endpoint();
    listener.close();
    ConnectOptions options;
    options.resolver = resolver_with({HostAddresses("service.test", {at})});
    const std::string text = co_await error_text(StreamSocket::connect("service.test:80", options));
    EXPECT_EQ(text, "connect service.test:80 (" + at.to_string() + "): connection refused");
  });
}

TEST_P(ResolverOption, AResolverWithoutAddressesIsAnError) {
  run([]() -> Task<void> {
    ConnectOptions options;
    options.resolver = std::make_shared<OneName>(std::vector<Endpoint>());
    const std::string text = co_await error_text(StreamSocket::connect("service.test:80", options));
    EXPECT_EQ(text, "connect service.test:80: invalid argument");
  });
}

TEST_P(ResolverOption, KnownAddressesComeFirst) {
  run([]() -> Task<void> {
    const Endpoint there = Endpoint::parse("192.0.2.1:9").value();
    const auto names = std::make_shared<OneName>(std::vector{there});
    const std::vector<Endpoint> fixed{Endpoint::loopback(0), Endpoint::loopback(8080)};
    const auto known = resolver_with(
        {HostAddresses("Example.org", fixed, 80), HostAddresses("nowhere.test", {})}, names);
    std::vector<Endpoint> found = co_await known->resolve("eXample.ORG", 80);
    EXPECT_EQ(found, (std::vector{Endpoint::loopback(80), Endpoint::loopback(8080)}));
    found = co_await known->resolve("service.test", 80);
    EXPECT_EQ(found, std::vector{there});
    // Another port is another question.
    const std::string other = co_await error_text(known->resolve("example.org", 81));
    EXPECT_EQ(other, "resolve example.org: no route to host");
    const std::string nowhere = co_await error_text(known->resolve("nowhere.test", 1));
    EXPECT_EQ(nowhere, "resolve nowhere.test: cannot assign requested address");
    EXPECT_EQ(names->asked, (std::vector<std::string>{"service.test:80", "example.org:81"}));
  });
}

TEST_P(ResolverOption, AnyHost) {
  run([]() -> Task<void> {
    const auto all = resolver_with({HostAddresses("*", {Endpoint::loopback(0)})});
    const std::vector<Endpoint> found = co_await all->resolve("whatever.test", 7);
    EXPECT_EQ(found, std::vector{Endpoint::loopback(7)});
  });
}

TEST_P(ResolverOption, TheSystemsAnswersNumericAddressesAndLocalhost) {
  run([]() -> Task<void> {
    const std::shared_ptr<Resolver> system = system_resolver();
    std::vector<Endpoint> found = co_await system->resolve("::1", 5);
    EXPECT_EQ(found.at(0).to_string(), "[::1]:5");
    found = co_await system->resolve("localhost", 5);
    EXPECT_FALSE(found.empty());
  });
}

/// Answers each request with its field Host.
Task<void> name_host(StreamSocket& stream, int /*number*/) {
  const std::string head = co_await read_up_to(stream, "\r\n\r\n");
  const std::size_t host = head.find("Host: ") + 6;
  co_await stream.write_all(answer_of(head.substr(host, head.find('\r', host) - host)));
}

TEST_P(ResolverOption, TheHttpClientConnectsToTheAddressesOfItsOptions) {
  run([]() -> Task<void> {
    co_await with_peer(name_host, [](const std::string& url) -> Task<void> {
      const Endpoint at = Endpoint::parse(url.substr(7, url.size() - 9)).value();
      const auto names = std::make_shared<OneName>(std::vector{at});
      ClientOptions options;
      options.resolver = names;
      options.resolve.emplace_back("example.org", std::vector{at}, std::uint16_t{80});
      Client client(options);
      const Response fixed = co_await client.get("http://example.org/");
      EXPECT_EQ(fixed.body, "example.org");
      EXPECT_TRUE(names->asked.empty());
      const Response asked = co_await client.get("http://service.test:81/");
      EXPECT_EQ(asked.body, "service.test:81");
      EXPECT_EQ(names->asked, std::vector<std::string>{"service.test:81"});
      const Failure failure = co_await failure_of(client.get("http://other.test/"));
      EXPECT_EQ(failure.code, std::errc::host_unreachable);
      EXPECT_EQ(failure.text, "resolve other.test: no route to host");
    });
  });
}

}  // namespace
}  // namespace weft::testing::resolver_test
