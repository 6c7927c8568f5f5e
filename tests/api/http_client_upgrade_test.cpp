// http::Client leaves HTTP: upgrades, and tunnels by CONNECT.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "api/http_client_peers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_upgrade_test {
namespace {

using http::Client;
using http::ClientConnection;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::IncomingResponse;
using http::Method;

const std::string kSwitch = "HTTP/1.1 101 Switching Protocols\r\n";
const std::string kAccept = kSwitch + "Connection: keep-alive, Upgrade\r\nUpgrade: Echo\r\n\r\n";
const std::string kTunnel = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

class HttpClientUpgrade : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpClientUpgrade, transports_over_tcp(), name_of_transport);

ClientRequest asking(const std::string& url) {
  ClientRequest request(Method::get, url);
  return std::move(request.upgrade_to("other/2, echo"));
}
ClientRequest tunnel(const std::string& url) { return ClientRequest::tunnel(url, "b.example:7"); }

template <class T>
Task<bool> is_misuse(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const std::invalid_argument&) {
    co_return true;
  }
  co_return false;
}

/// Sends back what comes.
template <class S>
Task<void> echo(S& stream) {
  std::array<std::byte, 100> piece;
  for (;;) {
    const auto got = co_await attempt(stream.read(piece));
    if (!got || *got == 0) co_return;
    const auto sent = co_await attempt(write_all(stream, std::span(piece).first(*got)));
    if (!sent) co_return;
  }
}

/// Speaks to what echoes, to its end, behind what has come `already`.
Task<void> expect_echo(IncomingResponse& response, std::string_view already) {
  if (response.upgraded == nullptr) {
    ADD_FAILURE() << "no stream";
    co_return;
  }
  http::UpgradedStream& stream = *response.upgraded;
  BufferedReader reader(stream);
  co_await stream.write_all("ping\n");
  const auto line = co_await reader.read_line();
  EXPECT_EQ(line, std::string(already) + "ping");
  co_await stream.shutdown();
  const auto rest = co_await reader.read_line();
  EXPECT_FALSE(rest.has_value());
}

TEST_P(HttpClientUpgrade, GoesOnWithWhatCameBehindTheResponse) {
  struct Row {
    std::string answer;
    std::string behind;
    std::string body;
    bool expects = false;
  };
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const std::vector<Row> rows{
      {kAccept, "", ""},
      {kAccept, "early", ""},
      {hints + kAccept, std::string(20'000, 'e'), ""},
      {kAccept, "early", "body"},
      {kAccept, "early", "body", true},
      {kSwitch + "Connection: upgrade\r\nUpgrade: OTHER/2\r\nUpgrade: ,echo,\r\n\r\n", "x", ""},
  };
  for (const Row& row : rows) {
    run([&]() -> Task<void> {
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_NE(head.find("\r\nUpgrade: other/2, echo\r\n"), head.npos) << head;
        EXPECT_NE(head.find("\r\nConnection: upgrade\r\n"), head.npos) << head;
        if (!row.expects) static_cast<void>(co_await read_up_to(stream, row.body));
        co_await stream.write_all(row.answer + row.behind);
        if (row.expects) static_cast<void>(co_await read_up_to(stream, row.body));
        co_await echo(stream);
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        auto client = std::make_unique<Client>(over_transport());
        ClientRequest request = asking(url);
        request.body = row.body;
        if (row.expects) request.headers.add("Expect", "100-continue");
        IncomingResponse response = co_await client->start(std::move(request));
        EXPECT_EQ(response.status, 101);
        const std::string body = co_await read_body(response);
        EXPECT_EQ(body, "");
        EXPECT_EQ(client->idle_connections(), 0U);
        client.reset();  // the stream outlives it
        co_await expect_echo(response, row.behind);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

TEST_P(HttpClientUpgrade, ASwitchThatWasNotAskedForIsAnError) {
  struct Row {
    bool asks;
    std::string answer;
  };
  const std::vector<Row> rows{
      {false, kAccept},
      {true, kSwitch + "Upgrade: echo\r\n\r\n"},
      {true, kSwitch + "Connection: upgrade\r\n\r\n"},
      {true, kSwitch + "Connection: upgrade\r\nUpgrade: \r\n\r\n"},
      {true, kSwitch + "Connection: upgrade\r\nUpgrade: ech\r\n\r\n"},
      {true, kSwitch + "Connection: upgrade\r\nUpgrade: echo, tls/1.0\r\n\r\n"},
      {true, "HTTP/1.0 101 Go\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"},
  };
  for (const Row& row : rows) {
    run([&]() -> Task<void> {
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(row.answer);
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        ClientRequest request = get_of(url);
        if (row.asks) request.upgrade_to("other/2, echo");
        const Failure failure = co_await failure_of(client.start(std::move(request)));
        EXPECT_EQ(failure.code, Errc::unexpected_status) << failure.text << row.answer;
        EXPECT_EQ(client.idle_connections(), 0U);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

/// The peer switches before it has the body. The stream begins behind the body all the same; a
/// producer that fails ends the request, and the connection.
TEST_P(HttpClientUpgrade, ASwitchBeforeTheBodyIsSentWaitsForIt) {
  for (const bool fails : {false, true}) {
    run([&]() -> Task<void> {
      ManualResetEvent switched;
      ManualResetEvent closed;
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(kAccept + "early");
        switched.set();
        const std::string body = co_await read_up_to(stream, "0\r\n\r\n");
        EXPECT_EQ(body, fails ? "" : "4\r\nlate\r\n0\r\n\r\n");
        if (!fails) co_await echo(stream);
        closed.set();
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        ClientRequest request = asking(url);
        request.stream([&](http::BodyWriter& out) -> Task<void> {
          co_await switched.wait();
          if (fails) throw std::runtime_error("out of ideas");
          co_await out.write_all("late");
        });
        std::string error;
        try {
          IncomingResponse response = co_await client.start(std::move(request));
          co_await expect_echo(response, "early");
        } catch (const std::runtime_error& failure) {
          error = failure.what();
        }
        EXPECT_EQ(error, fails ? "out of ideas" : "");
        co_await closed.wait();
        EXPECT_EQ(client.idle_connections(), 0U);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

TEST_P(HttpClientUpgrade, ARefusalIsAResponse) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      for (;;) {
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        if (head.empty()) co_return;
        const bool is_tunnel = head.starts_with("CONNECT b.example:7 HTTP/1.1\r\nHost: b.ex");
        const std::string status = is_tunnel ? "407 No" : "200 OK";
        co_await stream.write_all("HTTP/1.1 " + status + "\r\nContent-Length: 4\r\n\r\nbody");
      }
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      Client client(over_transport());
      for (const int status : {200, 407, 200}) {
        ClientRequest request = tunnel(url);
        if (status == 200) request = asking(url);
        IncomingResponse response = co_await client.start(std::move(request));
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(response.upgraded, nullptr);
        const std::string body = co_await read_body(response);
        EXPECT_EQ(body, "body");
        EXPECT_EQ(client.idle_connections(), 1U) << "the connection is still one of HTTP";
      }
    });
  });
}

TEST_P(HttpClientUpgrade, ATunnelBeginsBehindTheHead) {
  for (const std::string behind : {"", "early"}) {
    run([&]() -> Task<void> {
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_TRUE(head.starts_with("CONNECT b.example:7 HTTP/1.1\r\nHost: b.example:7\r\n"));
        EXPECT_EQ(head.find("Content-Length"), head.npos) << head;
        co_await stream.write_all(kTunnel + behind);  // a length says nothing here
        co_await echo(stream);
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        IncomingResponse response = co_await client.start(tunnel(url));
        EXPECT_EQ(response.status, 200);
        co_await expect_echo(response, behind);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

TEST_P(HttpClientUpgrade, WhatCannotLeaveIsRefusedBeforeItIsSent) {
  run([]() -> Task<void> {
    Client client(over_transport());
    const std::string url = "http://127.0.0.1:1/";
    for (const char* to : {"", "b", "b:", ":7", "[::1]", "b:99999", "b/c:7", "b:7\r\nX: y"}) {
      const Failure failure = co_await failure_of(client.start(ClientRequest::tunnel(url, to)));
      EXPECT_EQ(failure.code, Errc::bad_target) << to << failure.text;
    }
    ClientRequest with_body = tunnel(url);
    with_body.body = "body";
    const bool body_is_refused = co_await is_misuse(client.start(std::move(with_body)));
    EXPECT_TRUE(body_is_refused);
    EXPECT_THROW(static_cast<void>(client.request(tunnel(url))), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(client.request(asking(url))), std::invalid_argument);
  });
}

TEST_P(HttpClientUpgrade, ProtocolsThatAreNoFieldAreRefused) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      const std::string rest = co_await read_rest(stream);
      EXPECT_EQ(rest, "");
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      Client client(over_transport());
      ClientRequest request = get_of(url);
      request.upgrade_to("a\r\nb: c");
      const bool is_refused = co_await is_misuse(client.start(std::move(request)));
      EXPECT_TRUE(is_refused);
      EXPECT_EQ(client.idle_connections(), 0U);
    });
  });
}

TEST_P(HttpClientUpgrade, CountsAsAConnectionUntilItIsDestroyed) {
  run([]() -> Task<void> {
    ManualResetEvent ended;
    auto serve = [&](StreamSocket& stream, int number) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      const std::string answer = number == 1 ? kAccept : answer_of("x");
      co_await stream.write_all(answer);
      static_cast<void>(co_await read_rest(stream));
      if (number == 1) ended.set();
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      ClientOptions options = over_transport();
      options.max_connections_per_host = 1;
      Client client(options);
      IncomingResponse upgraded = co_await client.start(asking(url));
      ClientRequest hasty = get_of(url);
      hasty.timeout = milliseconds(20);
      const Failure failure = co_await failure_of(client.request(std::move(hasty)));
      EXPECT_EQ(failure.code, Errc::timed_out_queued) << failure.text;
      upgraded.upgraded.reset();
      co_await ended.wait();
      const http::Response next = co_await client.request(get_of(url));
      EXPECT_EQ(next.body, "x");
      EXPECT_EQ(client.idle_connections(), 1U);
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpClientUpgrade, ACancelClosesTheConnection) {
  run([]() -> Task<void> {
    ManualResetEvent asked;
    ManualResetEvent closed;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      asked.set();
      static_cast<void>(co_await read_rest(stream));
      closed.set();
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      JoinHandle<IncomingResponse> waiting = spawn(client.start(asking(url)));
      co_await asked.wait();
      waiting.cancel();
      const auto outcome = co_await std::move(waiting).outcome();
      EXPECT_TRUE(outcome.cancelled());
      co_await closed.wait();
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpClientUpgrade, AProxyForHttpIsAskedForATunnel) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int number) -> Task<void> {
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      if (number == 2) {
        EXPECT_TRUE(head.starts_with("GET http://b.example/y HTTP/1.1\r\n")) << head;
        co_await stream.write_all(answer_of("plain"));
        static_cast<void>(co_await read_rest(stream));
        co_return;
      }
      EXPECT_TRUE(head.starts_with("CONNECT b.example:80 HTTP/1.1\r\n")) << head;
      co_await stream.write_all("HTTP/1.1 200 OK\r\n\r\n");
      for (const std::string& answer : {answer_of("not now"), kAccept}) {
        const std::string inner = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_TRUE(inner.starts_with("GET /x HTTP/1.1\r\nHost: b.example\r\n")) << inner;
        co_await stream.write_all(answer);
      }
      co_await echo(stream);
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      ClientOptions options = over_transport();
      options.proxies.for_http(*http::Proxy::parse(url));
      Client client(options);
      IncomingResponse refusal = co_await client.start(asking("http://b.example/x"));
      EXPECT_EQ(refusal.upgraded, nullptr);
      co_await refusal.discard();
      const http::Response plain = co_await client.get("http://b.example/y");
      EXPECT_EQ(plain.body, "plain") << "the tunnel is no connection to the proxy";
      EXPECT_EQ(client.idle_connections(), 2U);
      IncomingResponse response = co_await client.start(asking("http://b.example/x"));
      EXPECT_EQ(client.idle_connections(), 1U) << "the tunnel was used again";
      co_await expect_echo(response, "");
    });
  });
}

// In memory and in virtual time.
TEST(HttpClientUpgradeInMemory, LimitsOfTimeEndWithTheHead) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    auto serve = [](DuplexEnd& end, int number, http::Origin) -> Task<void> {
      static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
      if (number == 1) co_return;  // says nothing
      co_await end.write_all(std::string_view(kAccept));
      co_await echo(end);
    };
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.first_byte_timeout = options.silence_timeout = seconds(5);
      Client client(options);
      const Failure failure = co_await failure_of(client.start(asking("http://a/")));
      EXPECT_EQ(failure.code, Errc::timed_out_waiting) << failure.text;
      IncomingResponse response = co_await client.start(asking("http://a/"));
      co_await sleep_for(hours(1));
      co_await expect_echo(response, "");
    };
    co_await with_memory_peers(serve, visit);
  });
}

TEST(HttpClientUpgradeInMemory, EndsItsClientConnection) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    Duplex ends = duplex(4096);
    auto serve = [&]() -> Task<void> {
      DuplexEnd end = std::move(ends.b);
      static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
      co_await end.write_all(std::string_view(kAccept));
      co_await echo(end);
    };
    auto visit = [&]() -> Task<void> {
      ClientConnection connection(std::move(ends.a));
      IncomingResponse response = co_await connection.start(asking("http://a/"));
      EXPECT_FALSE(connection.is_open());
      const Failure failure = co_await failure_of(connection.get("http://a/"));
      EXPECT_EQ(failure.code, std::errc::not_connected) << failure.text;
      connection.close();
      co_await expect_echo(response, "");
    };
    co_await when_all(serve(), visit());
  });
}

}  // namespace
}  // namespace weft::testing::http_client_upgrade_test
