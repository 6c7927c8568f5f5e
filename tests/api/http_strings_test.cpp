// Strings that reach the wire: from options, from a request, from a URL. None of them can add a
// line of its own, and each is refused, or escaped, where it is given. And what a Host may be.
#include "api/http_client_support.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

namespace weft::testing::http_strings_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Method;
using http::Request;
using http::Response;

constexpr std::string_view kInjections[] = {
    "a\r\nX-Injected: yes",
    "a\nX-Injected: yes",
    "a\r",
    "a\n",
    "\na",
    std::string_view("a\0b", 3),
    "a\x7f",
    "a\x1b[31m",
};

struct Place {
  std::string_view name;
  std::function<void(std::string_view)> give;
};

TEST(HttpStrings, AControlCharacterIsRefusedWhereItIsGiven) {
  const Place places[] = {
      {"ClientOptions::user_agent",
       [](std::string_view text) {
         ClientOptions options;
         options.user_agent = text;
         const Client client(options);
       }},
      {"ServerOptions::server_name",
       [](std::string_view text) {
         http::ServerOptions options;
         options.server_name = text;
         const http::Server server(options, [](Request&) { return Response(200); });
       }},
      {"the value of a field", [](std::string_view text) { http::Headers().add("A", text); }},
      {"the name of a field", [](std::string_view text) { http::Headers().add(text, "b"); }},
      {"the value of a field that is set",
       [](std::string_view text) { http::Headers().set("A", text); }},
      {"the name of a field that is set",
       [](std::string_view text) { http::Headers().set(text, "b"); }},
  };
  for (const Place& place : places) {
    EXPECT_NO_THROW(place.give("plain")) << place.name;
    for (const std::string_view text : kInjections) {
      EXPECT_THROW(place.give(text), std::invalid_argument) << place.name << ": " << text;
    }
  }
}

class HttpStringsOfARequest : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpStringsOfARequest, ::testing::Values(0), name_of_workers);

/// Answers with the head of the request.
Task<void> show_head(StreamSocket& stream, int) {
  for (;;) {
    const std::string head = co_await read_up_to(stream, "\r\n\r\n");
    if (head.empty()) co_return;
    co_await stream.write_all(answer_of(head));
  }
}

TEST_P(HttpStringsOfARequest, AUrlAddsNoLine) {
  run([]() -> Task<void> {
    co_await with_peer(show_head, [](const std::string& url) -> Task<void> {
      Client client;
      for (const std::string_view text : kInjections) {
        const Response response = co_await client.get(url + "?" + std::string(text));
        EXPECT_EQ(response.body.find("\nX-Injected"), std::string::npos) << response.body;
        // In the host it is refused, with a text of one line.
        const Failure failure = co_await failure_of(client.get("http://" + std::string(text)));
        EXPECT_EQ(failure.code, Errc::bad_url) << failure.text;
        for (const char c : failure.text) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
      }
    });
  });
}

TEST_P(HttpStringsOfARequest, HostIsThatOfTheFieldIfThereIsOne) {
  run([]() -> Task<void> {
    co_await with_peer(show_head, [](const std::string& url) -> Task<void> {
      Client client;
      const Response plain = co_await client.get(url);
      const std::string address = http::Url::parse(url)->authority();
      EXPECT_TRUE(plain.body.starts_with("GET /x HTTP/1.1\r\nHost: " + address + "\r\n"));
      ClientRequest request(Method::get, url);
      request.headers.add("host", "example.org:81");
      const Response named = co_await client.request(request);
      EXPECT_TRUE(named.body.starts_with("GET /x HTTP/1.1\r\nHost: example.org:81\r\n"));
      EXPECT_EQ(named.body.find("host:"), std::string::npos) << named.body;
      for (const std::string_view bad : {"a b", "a/b", "a@b", "a,b"}) {
        request.headers.set("Host", bad);
        const Failure failure = co_await failure_of(client.request(request));
        EXPECT_EQ(failure.code, Errc::bad_host) << failure.text;
      }
    });
  });
}

TEST_P(HttpStringsOfARequest, HostStaysWithItsUrl) {
  run([]() -> Task<void> {
    co_await with_peers(2, show_head, [](const std::vector<std::string>& urls) -> Task<void> {
      auto redirect = [&urls](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(
            "HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: " + urls[1] + "\r\n\r\n");
      };
      co_await with_peer(redirect, [&urls](const std::string& url) -> Task<void> {
        ClientOptions options;
        options.follow_redirects = 1;
        Client client(options);
        ClientRequest request(Method::get, url);
        request.headers.add("Host", "example.org");
        const Response response = co_await client.request(request);
        EXPECT_EQ(response.body.find("example.org"), std::string::npos) << response.body;
        const std::string host = "Host: " + http::Url::parse(urls[1])->authority() + "\r\n";
        EXPECT_NE(response.body.find(host), std::string::npos) << response.body;
      });
    });
  });
}

TEST_P(HttpStringsOfARequest, AZoneIsOfTheAddressAndNotOfTheHost) {
  const Endpoint loopback = Endpoint::parse("[::1]:0").value();
  if (!SocketListener::listen(loopback)) GTEST_SKIP() << "this machine has no IPv6";
  run([&]() -> Task<void> {
    SocketListener listener = SocketListener::bind(loopback);
    const std::string port = std::to_string(listener.local_endpoint().port());
    auto serve = show_head;
    co_await scope([&](Scope& children) -> Task<void> {
      children.spawn([&] { return follow_script(listener, serve); }).detach();
      Client client;
      for (const std::string_view zone : {"%25lo", "%lo", "%251", ""}) {
        const std::string url = "http://[::1" + std::string(zone) + "]:" + port + "/";
        const Response response = co_await client.get(url);
        EXPECT_NE(response.body.find("Host: [::1]:" + port + "\r\n"), std::string::npos)
            << url << response.body;
      }
      children.cancel_children();
    });
  });
}

TEST_P(HttpStringsOfARequest, APeerOfBothKindsOfAddressCanBeHadAsWhatItIs) {
  const Result<SocketListener> both = SocketListener::listen(Endpoint::parse("[::]:0").value());
  if (!both) GTEST_SKIP() << "this machine has no IPv6";
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind("[::]:0");
    const Endpoint there = Endpoint::loopback(listener.local_endpoint().port());
    auto pair = co_await when_all(listener.accept(), StreamSocket::connect(there));
    const Endpoint& mapped = std::get<0>(pair).peer_endpoint();
    EXPECT_TRUE(mapped.is_ipv6());
    EXPECT_EQ(mapped.unmapped(), std::get<1>(pair).local_endpoint());
  });
}

}  // namespace
}  // namespace weft::testing::http_strings_test
