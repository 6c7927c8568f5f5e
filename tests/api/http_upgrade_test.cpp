// Connections of http::Server that leave HTTP: by an upgrade, or as a tunnel.
#include <stdexcept>
#include <vector>

#include "api/http_stream_doubles.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_upgrade_test {
namespace {

using http::BodyReader;
using http::Request;
using http::Response;
using http::UpgradedStream;

class HttpUpgrade : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpUpgrade, all_transports(), name_of_transport);

const std::string asks = "Connection: keep-alive, Upgrade\r\nUpgrade: other/2, Echo\r\n";

Task<void> echo(UpgradedStream& peer) {
  std::string piece(100, '\0');
  while (const std::size_t size = co_await peer.read(writable_bytes(piece))) {
    co_await peer.write_all(std::string_view(piece).substr(0, size));
  }
}
Response upgrade_or_not(Request& request) {
  if (request.path() == "/forced") return Response::upgrade("echo", echo);
  if (request.asks_upgrade_to("echo")) return Response::upgrade("echo", echo);
  return Response::text("plain " + request.body);
}

/// Speaks to what has been upgraded, to its end.
Task<void> expect_echo(StreamSocket& stream, std::string_view already) {
  const std::string first = co_await read_up_to(stream, already);
  EXPECT_EQ(first, already);
  for (const std::string text : {"one", "two\n", "three"}) {
    co_await stream.write_all(text);
    const std::string back = co_await read_up_to(stream, text);
    EXPECT_EQ(back, text);
  }
  EXPECT_TRUE(stream.shutdown(Shutdown::write).has_value());
  const std::string rest = co_await read_rest(stream);
  EXPECT_EQ(rest, "");
}

std::string request_of(std::string_view method, std::string_view fields, std::string_view body) {
  std::string text(method);
  text.append(" / HTTP/1.1\r\nHost: a\r\n").append(asks).append(fields);
  return text.append("\r\n").append(body);
}

/// Handlers of the three kinds.
std::vector<std::unique_ptr<Site>> sites(const http::ServerOptions& options) {
  std::vector<std::unique_ptr<Site>> all;
  all.push_back(std::make_unique<Site>(options, upgrade_or_not));
  all.push_back(std::make_unique<Site>(options, [](Request& request) -> Task<Response> {
    co_await yield_now();
    co_return upgrade_or_not(request);
  }));
  all.push_back(
      std::make_unique<Site>(options, [](Request& request, BodyReader& body) -> Task<Response> {
        if (request.target != "/unread") request.body = co_await body.read_all(100);
        co_return upgrade_or_not(request);
      }));
  return all;
}

TEST_P(HttpUpgrade, GoesOnWithWhatCameBehindTheRequest) {
  struct Row {
    std::string request;
    std::string behind;
  };
  const Row rows[] = {
      {request_of("GET", "", ""), ""},
      {request_of("GET", "", ""), "early"},
      {request_of("GET", "", ""), std::string(20'000, 'e')},
      {request_of("POST", "Content-Length: 4\r\n", "body"), "early"},
      {request_of("POST", "Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n"), "early"},
  };
  run([&]() -> Task<void> {
    for (const auto& site : sites(patient())) {
      co_await visiting(*site, [&](Site& s) -> Task<void> {
        for (const Row& row : rows) {
          StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
          auto send = [&]() -> Task<void> {
            co_await stream.write_all(get("/first") + row.request + row.behind);
          };
          auto speak = [&]() -> Task<void> {
            const std::string first = co_await read_up_to(stream, "plain ");
            EXPECT_EQ(status_line(first), "HTTP/1.1 200 OK");
            const std::string head = co_await read_up_to(stream, "\r\n\r\n");
            EXPECT_EQ(status_line(head), "HTTP/1.1 101 Switching Protocols");
            EXPECT_NE(head.find("\r\nUpgrade: echo\r\n"), head.npos) << head;
            EXPECT_NE(head.find("\r\nConnection: upgrade\r\n"), head.npos) << head;
            EXPECT_EQ(head.find("Content-Length"), head.npos) << head;
            EXPECT_EQ(head.find("Transfer-Encoding"), head.npos) << head;
            co_await expect_echo(stream, row.behind);
          };
          co_await when_all(send(), speak());
        }
        co_await until([&s] { return s.server.connections() == 0; });
      });
    }
  });
}

TEST_P(HttpUpgrade, ThatWasNotAskedForIsIgnored) {
  struct Row {
    const char* what;
    std::string lines;
  };
  const Row rows[] = {
      {"no Connection", " HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n"},
      {"another Connection",
       " HTTP/1.1\r\nHost: a\r\nConnection: up, grade\r\nUpgrade: echo\r\n\r\n"},
      {"no Upgrade", " HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n"},
      {"another protocol", " HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ech\r\n\r\n"},
      {"HTTP/1.0", " HTTP/1.0\r\nConnection: keep-alive, upgrade\r\nUpgrade: echo\r\n\r\n"},
  };
  for (const bool forced : {false, true}) {
    run([&]() -> Task<void> {
      std::atomic<int> reported = 0;
      http::ServerOptions options = patient();
      options.on_handler_error = [&](const Request&, std::exception_ptr) { ++reported; };
      for (const auto& site : sites(options)) {
        reported = 0;
        co_await visiting(*site, [&](Site& s) -> Task<void> {
          for (const Row& row : rows) {
            const std::string target = forced ? "/forced" : "/a";
            const std::string answer = co_await tell(
                s.endpoint(), "GET " + target + row.lines + get("/b", "Connection: close\r\n"));
            EXPECT_EQ(status_line(answer),
                      forced ? "HTTP/1.1 500 Internal Server Error" : "HTTP/1.1 200 OK")
                << row.what;
            EXPECT_TRUE(answer.ends_with("plain ")) << row.what << ": " << answer;
          }
        });
        EXPECT_EQ(reported.load(), forced ? static_cast<int>(std::size(rows)) : 0);
      }
    });
  }
}

TEST_P(HttpUpgrade, NeedsTheWholeBody) {
  struct Row {
    const char* what;
    std::string fields;
    std::string body;
    std::string status;
  };
  const std::string large(100'000, 'x');
  const Row rows[] = {
      {"short", "Content-Length: 5\r\n", "hello", "101"},
      {"short, chunked", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "101"},
      {"long", "Content-Length: 100000\r\n", large, "500"},
      {"long, chunked", "Transfer-Encoding: chunked\r\n", "186A0\r\n" + large + "\r\n0\r\n\r\n",
       "500"},
      {"long, not asked for", "Content-Length: 100000\r\nExpect: 100-continue\r\n", "", "500"},
      {"malformed", "Transfer-Encoding: chunked\r\n", "5\r\nhelloX", "400"},
      {"cut off", "Content-Length: 5\r\n", "hell", "400"},
  };
  run([&]() -> Task<void> {
    auto unread = [](Request& request, BodyReader&) -> Task<Response> {
      co_return upgrade_or_not(request);
    };
    Site site(patient(), unread);
    co_await visiting(site, [&](Site& s) -> Task<void> {
      for (const Row& row : rows) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        // A refused request's body is not read to its end.
        static_cast<void>(
            co_await attempt(stream.write_all(request_of("POST", row.fields, row.body))));
        if (row.status == "400") static_cast<void>(stream.shutdown(Shutdown::write));
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_EQ(head.substr(9, 3), row.status) << row.what << ": " << head;
        if (row.status == "101") co_await expect_echo(stream, "");
      }
      // RFC 9110, 7.8: 100 comes before 101.
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      const std::string awaited = "Content-Length: 5\r\nExpect: 100-continue\r\n";
      co_await stream.write_all(request_of("POST", awaited, ""));
      const std::string asked = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(asked.substr(9, 3), "100") << asked;
      co_await stream.write_all("hello");
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(head.substr(9, 3), "101") << head;
      co_await expect_echo(stream, "");
    });
  });
}

/// What the handler below lets through.
const std::string echo_host = "echo.test:7";

Task<Response> proxy(Request& request, Endpoint to) {
  if (request.method != http::Method::connect) co_return Response::text("no tunnel");
  if (request.target == "wrong:1") co_return Response::of(200);
  if (request.target != echo_host) co_return Response::of(403);
  StreamSocket upstream = co_await StreamSocket::connect(to);
  auto forward = [up = std::move(upstream)](UpgradedStream& client) mutable -> Task<void> {
    co_await copy_bidirectional(client, up);
  };
  co_return Response::tunnel(std::move(forward));
}

TEST_P(HttpUpgrade, ConnectIsAnsweredIfTheServerAcceptsIt) {
  struct Row {
    std::string text;
    std::string status;
    bool goes_on;
  };
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  const Row rows[] = {
      {"CONNECT other.test:443" + host + "\r\n", "403", true},
      {"CONNECT [::1]:443" + host + "\r\n", "403", true},
      {"CONNECT other.test:443" + host + "Content-Length: 0\r\n\r\n", "403", true},
      {"CONNECT other.test:443 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "403", true},
      {"CONNECT wrong:1" + host + "\r\n", "500", true},
      {"CONNECT /a" + host + "\r\n", "400", false},
      {"CONNECT a" + host + "\r\n", "400", false},
      {"CONNECT a:" + host + "\r\n", "400", false},
      {"CONNECT :80" + host + "\r\n", "400", false},
      {"CONNECT [::1]" + host + "\r\n", "400", false},
      {"CONNECT u@a:80" + host + "\r\n", "400", false},
      {"CONNECT a:99999" + host + "\r\n", "400", false},
      {"CONNECT a:0" + host + "\r\n", "400", false},
      {"CONNECT http://a:80/" + host + "\r\n", "400", false},
      {"CONNECT *" + host + "\r\n", "400", false},
      {"CONNECT a:80" + host + "Content-Length: 5\r\n\r\nhello", "400", false},
      {"CONNECT a:80" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400", false},
      {"CONNECT a:80 HTTP/1.1\r\n\r\n", "400", false},
  };
  for (const bool accepts : {false, true}) {
    run([&]() -> Task<void> {
      http::ServerOptions options = patient();
      options.accept_connect = accepts;
      Site site(std::move(options),
                [](Request& request) { return proxy(request, Endpoint::loopback(1)); });
      co_await visiting(site, [&](Site& s) -> Task<void> {
        for (const Row& row : rows) {
          const std::string answer =
              co_await tell(s.endpoint(), row.text + get("/", "Connection: close\r\n"));
          EXPECT_EQ(answer.substr(9, 3), accepts ? row.status : "501") << row.text << answer;
          EXPECT_EQ(answer.ends_with("no tunnel"), accepts && row.goes_on) << row.text << answer;
        }
      });
    });
  }
}

/// A server that echoes, for a proxy.
Task<void> serve_echo(SocketListener& listener) {
  co_await scope([&listener](Scope& children) -> Task<void> {
    for (;;) {
      StreamSocket accepted = co_await listener.accept();
      auto stream = std::make_shared<StreamSocket>(std::move(accepted));
      children
          .spawn([stream]() -> Task<void> {
            co_await copy(*stream, *stream);
            static_cast<void>(stream->shutdown(Shutdown::write));
          })
          .detach();
    }
  });
}

TEST_P(HttpUpgrade, AConnectIsATunnel) {
  run([]() -> Task<void> {
    SocketListener upstream = SocketListener::bind(Endpoint::loopback(0));
    http::ServerOptions options = patient();
    options.accept_connect = true;
    const Endpoint to = upstream.local_endpoint();
    Site site(std::move(options), [&to](Request& request) { return proxy(request, to); });
    co_await scope([&](Scope& children) -> Task<void> {
      children.spawn([&upstream] { return serve_echo(upstream); }).detach();
      co_await visiting(site, [](Site& s) -> Task<void> {
        for (const std::string behind : {"", "early"}) {
          StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
          co_await stream.write_all("CONNECT " + echo_host + " HTTP/1.1\r\nHost: a\r\n\r\n" +
                                    behind);
          const std::string head = co_await read_up_to(stream, "\r\n\r\n");
          EXPECT_EQ(status_line(head), "HTTP/1.1 200 OK");
          EXPECT_EQ(head.find("Content-Length"), head.npos) << head;
          EXPECT_EQ(head.find("Connection"), head.npos) << head;
          co_await expect_echo(stream, behind);
        }
        co_await until([&s] { return s.server.connections() == 0; });
      });
      children.cancel_children();
    });
  });
}

/// The limits of HTTP do not hold: an idle connection beside it is closed first.
TEST_P(HttpUpgrade, HasNoIdleTimeout) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.header_timeout = options.idle_timeout = options.write_timeout = milliseconds(30);
    options.body_timeout = milliseconds(30);
    Site site(std::move(options), upgrade_or_not);
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(request_of("GET", "", ""));
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(status_line(head), "HTTP/1.1 101 Switching Protocols");
      for (int i = 0; i < 3; ++i) {
        const std::string closed = co_await tell(s.endpoint(), "");
        EXPECT_EQ(closed, "");
      }
      EXPECT_GE(s.server.connections(), 1U);
      co_await expect_echo(stream, "");
    });
  });
}

TEST_P(HttpUpgrade, IsReachedByADrain) {
  for (const bool heeds : {true, false}) {
    run([&]() -> Task<void> {
      std::atomic<bool> ended = false;
      auto take = [&](UpgradedStream& peer) -> Task<void> {
        struct Ended {
          explicit Ended(std::atomic<bool>& f) noexcept : flag(f) {}
          ~Ended() { flag = true; }
          std::atomic<bool>& flag;
        };
        const Ended mark(ended);
        if (!heeds) co_await never();
        co_await peer.draining();
        co_await peer.write_all("goodbye");
      };
      http::ServerOptions options = patient();
      if (!heeds) options.drain_timeout = milliseconds(30);
      Site site(std::move(options), [&](Request&) { return Response::upgrade("echo", take); });
      co_await scope([&](Scope& children) -> Task<void> {
        JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
        StreamSocket stream = co_await StreamSocket::connect(site.endpoint());
        co_await stream.write_all(request_of("GET", "", ""));
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_EQ(status_line(head), "HTTP/1.1 101 Switching Protocols");
        EXPECT_EQ(site.server.connections(), 1U);
        site.server.drain();
        const std::string rest = co_await read_rest(stream);
        EXPECT_EQ(rest, heeds ? "goodbye" : "");
        stream.close();
        co_await std::move(serving);
      });
      EXPECT_TRUE(ended.load());
      EXPECT_EQ(site.server.connections(), 0U);
    });
  }
}

/// Also by a request that has arrived when its idle connection is dismissed.
TEST_P(HttpUpgrade, ThatMeetsADrainIsServed) {
  run([]() -> Task<void> {
    Site site(patient(), upgrade_or_not);
    co_await scope([&](Scope& children) -> Task<void> {
      JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
      std::vector<StreamSocket> clients;
      for (int i = 0; i < 10; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(site.endpoint());
        co_await stream.write_all(get("/"));
        const std::string first = co_await read_up_to(stream, "plain ");
        EXPECT_EQ(status_line(first), "HTTP/1.1 200 OK");
        clients.push_back(std::move(stream));
      }
      for (StreamSocket& client : clients) {
        co_await client.write_all(request_of("GET", "", "") + "early");
      }
      site.server.drain();
      for (StreamSocket& client : clients) {
        const std::string head = co_await read_up_to(client, "\r\n\r\n");
        EXPECT_EQ(status_line(head), "HTTP/1.1 101 Switching Protocols");
        co_await expect_echo(client, "early");
        client.close();
      }
      co_await std::move(serving);
    });
  });
}

/// What was received with the request can be taken out, to go on with the stream below.
TEST_P(HttpUpgrade, GivesWhatIsBelow) {
  const bool over_socket = GetParam().over != Over::pieces;
  run([&]() -> Task<void> {
    std::atomic<int> seen = 0;
    auto take = [&](UpgradedStream& peer) -> Task<void> {
      co_await peer.readable();
      std::string first(2, '\0');
      co_await read_exact(peer, writable_bytes(first));
      EXPECT_EQ(first, "ea");
      std::string rest = peer.take_received();
      if (over_socket) {
        EXPECT_EQ(rest, "rly");
      }
      while (rest.size() < 3) {
        std::string one(1, '\0');
        co_await read_exact(peer, writable_bytes(one));
        rest += one;
      }
      EXPECT_EQ(rest, "rly");
      EXPECT_EQ(peer.socket() != nullptr, over_socket);
      EXPECT_FALSE(peer.is_encrypted());
      EXPECT_EQ(peer.subject().empty(), peer.peer() == nullptr);
      if (over_socket) co_await peer.socket()->write_all("below");
      ++seen;
      co_await peer.shutdown();
      std::string nothing(1, '\0');
      const std::size_t end = co_await peer.read(writable_bytes(nothing));
      EXPECT_EQ(end, 0U);
    };
    Site site(patient(), [&](Request&) { return Response::upgrade("echo", take); });
    co_await visiting(site, [&](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(request_of("GET", "", "") + "early");
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      const std::string rest = co_await read_rest(stream);
      EXPECT_EQ(rest, over_socket ? "below" : "");
      stream.close();
      co_await until([&] { return s.server.connections() == 0; });
      EXPECT_EQ(seen.load(), 1);
    });
  });
}

class HttpUpgradeStreams : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpUpgradeStreams);

TEST_P(HttpUpgradeStreams, InMemory) {
  run([]() -> Task<void> {
    http::Server server(patient(), upgrade_or_not);
    for (const std::size_t capacity : {1U, 100U, 100'000U}) {
      Duplex ends = duplex(capacity);
      co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
        const std::string raw = get("/first") + request_of("GET", "", "") + "early";
        auto send = [&]() -> Task<void> {
          co_await ends.b.write_all(raw);
          static_cast<void>(ends.b.shutdown());
        };
        auto both = co_await when_all(send(), read_rest(ends.b));
        const std::string& answer = std::get<1>(both);
        EXPECT_TRUE(answer.ends_with("Connection: upgrade\r\n\r\nearly")) << answer;
        ends.b.close();
      });
    }
  });
}

TEST_P(HttpUpgrade, ThatFailsIsReported) {
  run([]() -> Task<void> {
    std::atomic<int> reported = 0;
    std::string target;
    http::ServerOptions options = patient();
    options.on_handler_error = [&](const Request& request, std::exception_ptr) {
      target = request.target;
      ++reported;
    };
    auto take = [](UpgradedStream& peer) -> Task<void> {
      std::string piece(10, '\0');
      const std::size_t size = co_await peer.read(writable_bytes(piece));
      if (size != 0) throw std::runtime_error("no");
    };
    Site site(std::move(options), [&](Request&) { return Response::upgrade("echo", take); });
    co_await visiting(site, [&](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(request_of("GET", "", ""));
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all("x");
      const std::string rest = co_await read_rest(stream);
      EXPECT_EQ(rest, "");
      co_await until([&] { return reported.load() == 1; });
      EXPECT_EQ(target, "/");
      co_await until([&s] { return s.server.connections() == 0; });
      // A client that only leaves is none.
      StreamSocket leaves = co_await StreamSocket::connect(s.endpoint());
      co_await leaves.write_all(request_of("GET", "", ""));
      static_cast<void>(co_await read_up_to(leaves, "\r\n\r\n"));
      leaves.close();
      co_await until([&s] { return s.server.connections() == 0; });
      EXPECT_EQ(reported.load(), 1);
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_upgrade_test
