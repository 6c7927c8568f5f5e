// The connections of http::Client: the limits of each phase, bounds, proxies, encryption, and Unix
// sockets.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "api/http_client_peers.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_connections_test {
namespace {

using http::BodyWriter;
using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::IncomingResponse;
using http::Method;
using http::Origin;
using http::Proxies;
using http::Proxy;
using http::Response;
using http::Transport;

class HttpBounds : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpBounds);
class HttpProxy : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpProxy);

/// Answers each request with itself.
PeerScript echoing() {
  return [](DuplexEnd& end, int, Origin) -> Task<void> {
    co_await answer_each(end, [](const std::string& request) { return answer_of(request); });
  };
}
/// Reads a head, sends `answer`, and is silent.
PeerScript silent_after(std::string answer) {
  return [answer = std::move(answer)](DuplexEnd& end, int, Origin) -> Task<void> {
    static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
    co_await end.write_all(answer);
    co_await never();
  };
}

class NeverResolves final : public Resolver {
 public:
  [[nodiscard]] Task<std::vector<Endpoint>> resolve(std::string, std::uint16_t) override {
    co_await never();
    co_return std::vector<Endpoint>();
  }
};

struct PhaseRow {
  std::string name;
  PeerScript serve;
  std::function<void(ClientOptions&)> set;
  std::function<void(ClientRequest&)> change;
  std::string url;
  Errc error;
  std::string text;
  Nanoseconds elapsed;
};

std::vector<PhaseRow> phase_rows() {
  const std::string part = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart";
  const auto nothing = [](ClientRequest&) {};
  const auto large = [](ClientRequest& request) { request.body = std::string(100'000, 'x'); };
  const auto streamed = [](ClientRequest& request) {
    request.stream([](BodyWriter& out) -> Task<void> {
      for (;;) co_await out.write_all("0123456789");
    });
  };
  return {
      {"resolve", echoing(),
       [](ClientOptions& options) {
         options.connector = {};
         options.resolver = std::make_shared<NeverResolves>();
         options.resolve_timeout = seconds(2);
       },
       nothing, "http://a.example/x", Errc::timed_out_resolving,
       "resolve a.example: timed out while looking up the name", seconds(2)},
      {"secure", echoing(),
       [](ClientOptions& options) {
         const http::Connector connect = options.connector;
         options.connector = [connect](const Origin& to) -> Task<Transport> {
           const Origin clear("http", to.host, to.port);
           Transport made = co_await connect(clear);
           co_return made;
         };
         options.secure = [](Transport over, Origin) -> Task<Transport> {
           co_await never();
           co_return over;
         };
         options.secure_timeout = seconds(3);
       },
       nothing, "https://a/x", Errc::timed_out_securing,
       "connect https://a: timed out while securing the connection", seconds(3)},
      {"send a text", silent_after(""),
       [](ClientOptions& options) { options.send_timeout = seconds(4); }, large, "http://a/x",
       Errc::timed_out_sending, "POST http://a/x: timed out while sending the request", seconds(4)},
      {"send a stream", silent_after(""),
       [](ClientOptions& options) { options.send_timeout = seconds(4); }, streamed, "http://a/x",
       Errc::timed_out_sending, "POST http://a/x: timed out while sending the request", seconds(4)},
      {"first byte", silent_after(""),
       [](ClientOptions& options) { options.first_byte_timeout = seconds(5); }, nothing,
       "http://a/x", Errc::timed_out_waiting,
       "POST http://a/x: timed out while waiting for the first byte of the response", seconds(5)},
      {"silence", silent_after(part),
       [](ClientOptions& options) { options.silence_timeout = seconds(6); }, nothing, "http://a/x",
       Errc::timed_out_receiving, "POST http://a/x: timed out in the middle of the response",
       seconds(6)},
      {"silence in a head", silent_after("HTTP/1.1 200"),
       [](ClientOptions& options) { options.silence_timeout = seconds(6); }, nothing, "http://a/x",
       Errc::timed_out_receiving, "POST http://a/x: timed out in the middle of the response",
       seconds(6)},
      {"whole, of the request", silent_after(part), [](ClientOptions&) {},
       [](ClientRequest& request) { request.timeout = seconds(7); }, "http://a/x",
       Errc::timed_out_receiving, "POST http://a/x: timed out in the middle of the response",
       seconds(7)},
      {"whole, of a streamed request", silent_after(""), [](ClientOptions&) {},
       [](ClientRequest& request) {
         request.timeout = seconds(8);
         request.stream([](BodyWriter&) -> Task<void> { co_await never(); });
       },
       "http://a/x", Errc::timed_out_sending,
       "POST http://a/x: timed out while sending the request", seconds(8)},
  };
}

TEST(HttpPhases, EachHasItsLimitAndItsName) {
  for (const PhaseRow& row : phase_rows()) {
    Runtime runtime(test::with_virtual_time());
    runtime.block_on([&]() -> Task<void> {
      auto visit = [&](MemoryPeers& peers) -> Task<void> {
        ClientOptions options = peers.options();
        options.connect_timeout = options.timeout = hours(1);
        row.set(options);
        Client client(options);
        ClientRequest request(Method::post, row.url);
        row.change(request);
        const TimePoint begun = now();
        const auto failure = co_await failure_of(client.request(std::move(request)));
        EXPECT_EQ(failure.code, row.error) << row.name << ": " << failure.text;
        EXPECT_EQ(failure.code, std::errc::timed_out) << row.name;
        EXPECT_EQ(failure.text, row.text) << row.name;
        EXPECT_GE(now() - begun, row.elapsed) << row.name;
        EXPECT_LE(now() - begun, row.elapsed + seconds(1)) << row.name;
        EXPECT_EQ(client.idle_connections(), 0U) << row.name;
      };
      co_await with_memory_peers(row.serve, visit);
    });
  }
}

TEST(HttpPhases, TheWholeLimitCountsTheBodyOfAStartedRequest) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.timeout = seconds(9);
      Client client(options);
      const TimePoint begun = now();
      IncomingResponse response = co_await client.start(ClientRequest(Method::get, "http://a/x"));
      const auto failure = co_await failure_of(response.body.read_all(100));
      EXPECT_EQ(failure.code, Errc::timed_out_receiving);
      EXPECT_EQ(failure.text, "GET http://a/x: timed out in the middle of the response");
      EXPECT_EQ(now() - begun, seconds(9));
    };
    const std::string part = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart";
    co_await with_memory_peers(silent_after(part), visit);
  });
}

TEST(HttpPhases, AWaitForATurnCounts) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.timeout = seconds(10);
      options.max_connections_per_host = 1;
      Client client(options);
      const IncomingResponse held = co_await client.start(ClientRequest(Method::get, "http://a/x"));
      const auto failure = co_await failure_of(client.get("http://a/y"));
      EXPECT_EQ(failure.code, Errc::timed_out_queued);
      EXPECT_EQ(failure.text,
                "GET http://a/y: timed out while waiting for a connection of other requests");
      EXPECT_EQ(peers.connects, 1);
    };
    const std::string part = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart";
    co_await with_memory_peers(silent_after(part), visit);
  });
}

/// How many of something there are, and were at most.
struct Count {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  void add() noexcept {
    const int sum = ++now;
    int before = most;
    while (sum > before && !most.compare_exchange_weak(before, sum)) continue;
  }
};

/// Counts as long as it is not moved from.
class Counted {
 public:
  explicit Counted(Count& count) noexcept : count_(&count) { count.add(); }
  Counted(Counted&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    if (count_ != nullptr) --count_->now;
  }

 private:
  Count* count_;
};

/// A client's end that counts until it is closed: its own destructor comes before that of Counted.
class CountedEnd : private Counted, public DuplexEnd {
 public:
  CountedEnd(Count& count, DuplexEnd end) noexcept : Counted(count), DuplexEnd(std::move(end)) {}
};

// The client's ends are counted: a peer notices the end of a connection later, when another one may
// be open already.
TEST_P(HttpBounds, OfAHostHold) {
  run([]() -> Task<void> {
    auto serve = [](DuplexEnd& end, int, Origin) -> Task<void> {
      int count = 0;
      auto answer = [&count](const std::string& request) {
        // Every third answer ends its connection, so that new ones have to be opened.
        const std::string_view fields = ++count == 3 ? "Connection: close\r\n" : "";
        return answer_of(request.substr(0, request.find(" HTTP")), fields);
      };
      for (;;) {
        std::string request = co_await read_up_to(end, "\r\n\r\n");
        if (request.empty()) co_return;
        for (int i = 0; i < 20; ++i) co_await yield_now();
        co_await end.write_all(answer(request));
        if (count == 3) co_return;
      }
    };
    Count open;
    auto visit = [&open](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.connector = [&](const Origin& to) { return CountedEnd(open, peers.end_of(to)); };
      options.max_connections_per_host = 3;
      Client client(options);
      auto ask = [&client](int number) -> Task<void> {
        const std::string url = "http://a/" + std::to_string(number);
        const Response response = co_await client.get(url);
        EXPECT_EQ(response.body, "GET /" + std::to_string(number));
      };
      std::vector<Task<void>> all;
      for (int i = 0; i < 50; ++i) all.push_back(ask(i));
      co_await when_all(std::move(all));
      EXPECT_LE(client.idle_connections(), 3U);
      EXPECT_EQ(open.most, 3);
      EXPECT_GE(peers.connects, 16);
      client.close_idle();
      EXPECT_EQ(open.now, 0);
    };
    co_await with_memory_peers(serve, visit);
  });
}

TEST_P(HttpBounds, RequestsHaveTheirTurnsInOrderAndACancelLeavesNone) {
  run([]() -> Task<void> {
    std::vector<std::string> order;
    ManualResetEvent go;
    auto serve = [&](DuplexEnd& end, int, Origin) -> Task<void> {
      for (;;) {
        const std::string request = co_await read_up_to(end, "\r\n\r\n");
        if (request.empty()) co_return;
        order.push_back(request.substr(5, 1));
        co_await go.wait();
        co_await end.write_all(answer_of("x"));
      }
    };
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.max_connections = 1;
      Client client(options);
      std::vector<JoinHandle<Response>> asking;
      asking.push_back(spawn(client.get("http://a/0")));
      co_await test::until([&] { return peers.connects == 1; });
      for (const char* const url : {"http://a/1", "http://b/2", "http://a/3", "http://a/4"}) {
        asking.push_back(spawn(client.get(url)));
        for (int i = 0; i < 100; ++i) co_await yield_now();
      }
      asking[3].cancel();
      const auto cancelled = co_await std::move(asking[3]).outcome();
      EXPECT_TRUE(cancelled.cancelled());
      go.set();
      for (const std::size_t index : {0U, 1U, 2U, 4U}) {
        const Response response = co_await std::move(asking[index]);
        EXPECT_EQ(response.body, "x");
      }
      EXPECT_EQ(client.idle_connections(), 1U) << "a kept one was closed for one of another host";
    };
    co_await with_memory_peers(serve, visit);
    EXPECT_EQ(order.size(), 4U);
    EXPECT_EQ(std::ranges::count(order, "3"), 0);
    if (GetParam() <= 1) {
      EXPECT_EQ(order, (std::vector<std::string>{"0", "1", "2", "4"}));
    }
  });
}

TEST_P(HttpBounds, AStartedRequestHasItsTurnUntilItsBodyEnds) {
  run([]() -> Task<void> {
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.max_connections_per_host = 1;
      Client client(options);
      for (const bool is_dropped : {false, true}) {
        auto held = std::make_unique<IncomingResponse>();
        IncomingResponse first = co_await client.start(ClientRequest(Method::get, "http://a/1"));
        *held = std::move(first);
        JoinHandle<Response> waiting = spawn(client.get("http://a/2"));
        for (int i = 0; i < 100; ++i) co_await yield_now();
        EXPECT_FALSE(waiting.ended());
        if (!is_dropped) {
          const std::string body = co_await held->body.read_all(1000);
          EXPECT_TRUE(body.starts_with("GET /1 ")) << body;
        }
        held.reset();
        const Response response = co_await std::move(waiting);
        EXPECT_TRUE(response.body.starts_with("GET /2 ")) << response.body;
      }
    };
    co_await with_memory_peers(echoing(), visit);
  });
}

/// The text of the proxy's requests is in the answers.
TEST_P(HttpProxy, GetsTheWholeUrlOfHttp) {
  run([]() -> Task<void> {
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.proxies.for_all(Proxy::parse("user:pass@proxy:3128").value()).except("direct");
      Client client(options);
      const Response first = co_await client.get("http://a/x?y");
      EXPECT_TRUE(first.body.starts_with("GET http://a/x?y HTTP/1.1\r\nHost: a\r\n")) << first.body;
      EXPECT_NE(first.body.find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), std::string::npos);
      const Response second = co_await client.get("http://b:81/");
      EXPECT_TRUE(second.body.starts_with("GET http://b:81/ HTTP/1.1\r\nHost: b:81\r\n"));
      EXPECT_EQ(peers.connects, 1) << "one connection to the proxy serves all hosts";
      const Response direct = co_await client.get("http://direct/z");
      EXPECT_TRUE(direct.body.starts_with("GET /z HTTP/1.1\r\nHost: direct\r\n")) << direct.body;
      EXPECT_EQ(direct.body.find("Proxy-Authorization"), std::string::npos);
      EXPECT_EQ(peers.connects, 2);
    };
    auto serve = [](DuplexEnd& end, int number, Origin origin) -> Task<void> {
      EXPECT_EQ(origin.host, number == 1 ? "proxy" : "direct");
      EXPECT_EQ(origin.port, number == 1 ? 3128 : 80);
      co_await answer_each(end, [](const std::string& request) { return answer_of(request); });
    };
    co_await with_memory_peers(serve, visit);
  });
}

/// Options with a proxy, and a securer that encrypts nothing.
ClientOptions with_proxy(MemoryPeers& peers, std::vector<std::string>* secured = nullptr) {
  ClientOptions options = peers.options();
  options.proxies.for_all(Proxy::parse("http://user:pass@proxy:3128").value());
  options.secure = [secured](Transport over, Origin to) -> Task<Transport> {
    if (secured != nullptr) secured->push_back(to.host + ":" + std::to_string(to.port));
    co_return Encrypted(std::move(over));
  };
  return options;
}

TEST_P(HttpProxy, MakesATunnelForHttps) {
  run([]() -> Task<void> {
    std::vector<std::string> asked;
    auto serve = [&](DuplexEnd& end, int, Origin) -> Task<void> {
      std::string head = co_await read_up_to(end, "\r\n\r\n");
      asked.push_back(std::move(head));
      co_await end.write_all("HTTP/1.1 100 Continue\r\n\r\n");
      co_await end.write_all("HTTP/1.1 200 Connected\r\nContent-Length: 5\r\nX-Proxy: 1\r\n\r\n");
      co_await answer_each(end, [](const std::string& request) { return answer_of(request); });
    };
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      std::vector<std::string> secured;
      Client client(with_proxy(peers, &secured));
      for (const std::string url : {"https://a/x", "https://a/x", "https://[::1]:444/x"}) {
        const Response response = co_await client.get(url);
        EXPECT_TRUE(response.body.starts_with("GET /x HTTP/1.1\r\nHost: ")) << response.body;
        EXPECT_EQ(response.body.find("Proxy-Authorization"), std::string::npos);
      }
      EXPECT_EQ(peers.connects, 2) << "a tunnel is kept for its server";
      EXPECT_EQ(secured, (std::vector<std::string>{"a:443", "::1:444"}));
      EXPECT_EQ(client.idle_connections(), 2U);
    };
    co_await with_memory_peers(serve, visit);
    EXPECT_EQ(asked.at(0),
              "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nUser-Agent: weft\r\n"
              "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
    EXPECT_TRUE(asked.at(1).starts_with("CONNECT [::1]:444 HTTP/1.1\r\n")) << asked.at(1);
  });
}

TEST_P(HttpProxy, IsNamedInItsErrors) {
  struct Row {
    std::string url;
    std::string answer;
    Errc error;
    std::string text;
  };
  const std::string by = "connect by proxy http://proxy:3128 to https://a";
  const std::vector<Row> rows{
      {"https://a/x", "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", Errc::proxy_refused,
       by + " (status 407): proxy refused the tunnel"},
      {"https://a/x", "HTTP/1.1 302 Go\r\nLocation: https://b/\r\n\r\n", Errc::proxy_refused,
       by + " (status 302): proxy refused the tunnel"},
      {"https://a/x", "", Errc::unexpected_end, by + ": connection closed in the middle"},
      {"https://a/x", "HTTP/1.1 200 OK\r\nX: y", Errc::unexpected_end, by + ": connection closed"},
      {"https://a/x", "HTTP/1.1 200 OK\r\n\r\nmore", Errc::unasked_response,
       by + ": bytes came before the request was sent"},
      {"https://a/x", "garbage\r\n\r\n", Errc::bad_status_line, by + ": malformed status line"},
      {"http://a/x", "", Errc::closed_before_response,
       "GET http://a/x by proxy http://proxy:3128: connection closed before a response"},
  };
  for (const Row& row : rows) {
    run([&]() -> Task<void> {
      auto serve = [&](DuplexEnd& end, int, Origin) -> Task<void> {
        static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
        co_await end.write_all(row.answer);
        static_cast<void>(end.shutdown());
      };
      auto visit = [&](MemoryPeers& peers) -> Task<void> {
        ClientOptions options = with_proxy(peers);
        options.follow_redirects = 5;
        Client client(options);
        const auto failure = co_await failure_of(client.get(row.url));
        EXPECT_EQ(failure.code, row.error) << failure.text;
        EXPECT_TRUE(failure.text.starts_with(row.text)) << failure.text;
        EXPECT_EQ(failure.text.find("pass"), std::string::npos) << failure.text;
      };
      co_await with_memory_peers(serve, visit);
    });
  }
}

TEST_P(HttpProxy, ThatCannotBeReachedIsNamed) {
  run([]() -> Task<void> {
    ClientOptions options;
    SocketListener closed = SocketListener::bind(Endpoint::loopback(0));
    const std::string proxy = "http://" + closed.local_endpoint().to_string();
    closed.close();
    options.proxies.for_all(Proxy::parse(proxy).value());
    options.secure = [](Transport over, Origin) -> Task<Transport> { co_return over; };
    Client client(options);
    for (const std::string origin : {"http://a", "https://a"}) {
      const auto failure = co_await failure_of(client.get(origin + "/x"));
      EXPECT_EQ(failure.code, std::errc::connection_refused);
      EXPECT_EQ(failure.text,
                "connect by proxy " + proxy + " to " + origin + ": connection refused");
    }
  });
}

TEST_P(HttpProxy, OfHttpsIsSecuredFirstAndNeverEnough) {
  run([]() -> Task<void> {
    auto serve = [](DuplexEnd& end, int, Origin) -> Task<void> {
      static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
      co_await end.write_all("HTTP/1.1 200 Connected\r\n\r\n");
      co_await answer_each(end, [](const std::string& request) { return answer_of(request); });
    };
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.proxies.for_all(Proxy::parse("https://proxy").value());
      // The connector's stream to the proxy is encrypted; that to the server behind it is not.
      Client clear(options);
      const auto failure = co_await failure_of(clear.get("https://a/x"));
      EXPECT_EQ(failure.code, Errc::not_encrypted) << failure.text;
      std::vector<std::string> secured;
      options.secure = [&secured](Transport over, Origin to) -> Task<Transport> {
        secured.push_back(to.host);
        co_return Encrypted(std::move(over));
      };
      Client client(options);
      const Response response = co_await client.get("https://a/x");
      EXPECT_TRUE(response.body.starts_with("GET /x HTTP/1.1")) << response.body;
      EXPECT_EQ(secured, (std::vector<std::string>{"a"}));
    };
    co_await with_memory_peers(serve, visit);
  });
}

TEST_P(HttpProxy, IsNotNeededToSecureAStream) {
  run([]() -> Task<void> {
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options;
      options.connector = [&peers](const Origin& to) -> Task<Transport> {
        co_return peers.connect(Origin("http", to.host, to.port));
      };
      options.secure = [](Transport over, Origin) -> Task<Transport> { co_return over; };
      Client lies(options);
      const auto failure = co_await failure_of(lies.get("https://a/x"));
      EXPECT_EQ(failure.code, Errc::not_encrypted) << failure.text;
      std::vector<std::string> secured;
      options.secure = [&secured](Transport over, Origin to) -> Task<Transport> {
        secured.push_back(to.scheme + "://" + to.host + ":" + std::to_string(to.port));
        co_return Encrypted(std::move(over));
      };
      Client client(options);
      for (const std::string url : {"https://a/x", "https://a/y", "http://a/z"}) {
        const Response response = co_await client.get(url);
        EXPECT_EQ(response.status, 200);
      }
      EXPECT_EQ(secured, (std::vector<std::string>{"https://a:443"}));
    };
    co_await with_memory_peers(echoing(), visit);
  });
}

TEST_P(HttpProxy, IsNotUsedWithAUnixSocket) {
  run([]() -> Task<void> {
    const SocketDirectory directory;
    const std::string path = directory / "s";
    UnixListener listener = UnixListener::bind(path);
    http::Server server(patient(), [](http::Request& request) {
      return Response::text(std::string(request.headers.find("host").value_or("")) +
                            request.target);
    });
    co_await scope([&](Scope& children) -> Task<void> {
      auto serving = children.spawn([&] { return server.serve(listener); });
      ClientOptions options;
      options.unix_socket = path;
      options.proxies.for_all(Proxy::parse("http://127.0.0.1:1").value());
      Client client(options);
      for (int i = 0; i < 2; ++i) {
        const Response response = co_await client.get("http://virtual.host:81/x");
        EXPECT_EQ(response.body, "virtual.host:81/x");
      }
      EXPECT_EQ(client.idle_connections(), 1U);
      const auto failure = co_await failure_of(client.get("https://virtual.host/x"));
      EXPECT_EQ(failure.code, Errc::tls_not_configured) << failure.text;
      server.drain();
      client.close_idle();
      co_await std::move(serving);
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_client_connections_test
