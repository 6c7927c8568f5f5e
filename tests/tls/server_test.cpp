// Servers of TLS over TCP: floods, slow clients, reloads under load; HTTP over TLS.
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <vector>
#include <weft/http.hpp>
#include <weft/tls/http.hpp>

#include "tls/tls_support.hpp"

namespace weft::test::tls_server_test {
namespace {

class TlsServers : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TlsServers);

using http::Request;
using http::Response;

http::ServerOptions patient() {
  http::ServerOptions options;
  options.header_timeout = options.body_timeout = options.idle_timeout = std::chrono::minutes(5);
  options.write_timeout = options.drain_timeout = std::chrono::minutes(5);
  options.limits.max_body = std::uint64_t{256} * 1024 * 1024;
  return options;
}

/// An HTTPS server on a free port, for the time of a test.
struct Site {
  template <class H>
  Site(const ServerContext& context, H handler, http::ServerOptions options = patient())
      : tcp(SocketListener::bind(Endpoint::loopback(0))),
        listener(tcp, context),
        server(std::move(options), std::move(handler)) {}
  [[nodiscard]] std::string url(std::string_view target) const {
    return "https://localhost:" + std::to_string(port()) + std::string(target);
  }
  [[nodiscard]] std::uint16_t port() const { return tcp.local_endpoint().port(); }

  SocketListener tcp;
  tls::Listener<SocketListener&> listener;
  http::Server server;
};

template <class V>
Task<void> visiting(Site& site, V visit) {
  co_await scope([&site, &visit](Scope& children) -> Task<void> {
    children.spawn([&site] { return site.server.serve(site.listener); }).detach();
    co_await visit();
    children.cancel_children();
  });
  EXPECT_EQ(site.server.connections(), 0U);
}

http::ClientOptions secured(const ClientContext& context) {
  http::ClientOptions options;
  options.connector = tls::connector(context);
  options.timeout = options.connect_timeout = std::chrono::minutes(5);
  options.limits.max_body = std::uint64_t{256} * 1024 * 1024;
  return options;
}

Response echo(Request& request) { return Response::text(request.target + request.body + "\n"); }

TEST_P(TlsServers, HttpIsServedOverTls) {
  run([]() -> Task<void> {
    Site site(ServerContext(presenting()), echo);
    co_await visiting(site, [&]() -> Task<void> {
      const ClientContext context(trusting());
      http::Client client(secured(context));
      for (int i = 0; i < 3; ++i) {
        const Response response = co_await client.get(site.url("/hello"));
        EXPECT_EQ(response.body, "/hello\n");
        EXPECT_EQ(client.idle_connections(), 1U);
      }
      http::ClientRequest post(http::Method::post, site.url("/"));
      post.body = pattern(1'000'000);
      const std::string expected = "/" + post.body + "\n";
      const Response response = co_await client.request(std::move(post));
      EXPECT_TRUE(response.body == expected) << response.body.size();
      const HowItEnded plain = co_await how_it_ended(client.get("http://localhost:1/"));
      EXPECT_EQ(plain.code, std::errc::operation_not_permitted) << plain.text;
    });
  });
}

TEST_P(TlsServers, ABodyOf100MebibytesArrivesWhole) {
  if (GetParam() == 8 || address_sanitizer || thread_sanitizer) GTEST_SKIP() << "long";
  run([]() -> Task<void> {
    const std::string body = pattern(std::size_t{100} * 1024 * 1024);
    Site site(ServerContext(presenting()), [&](Request&) { return Response::text(body); });
    co_await visiting(site, [&]() -> Task<void> {
      const ClientContext context(trusting());
      http::Client client(secured(context));
      std::size_t at = 0;
      bool same = true;
      auto sink = [&](const Response&, std::span<const std::byte> bytes) {
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        same = same && body.compare(at, text.size(), text) == 0;
        at += text.size();
      };
      const Response head = co_await client.get_to(site.url("/"), sink);
      EXPECT_EQ(at, body.size());
      EXPECT_TRUE(same);
    });
  });
}

TEST_P(TlsServers, AHandlerKnowsTheClientsCertificate) {
  run([]() -> Task<void> {
    ServerOptions options = presenting();
    options.client_auth = tls::ClientAuth::required;
    options.trust.pem = authority().pem();
    tls::Listener<SocketListener&>* listener = nullptr;
    auto who = [&listener](Request& request) {
      const auto session = listener->session(request.peer);
      if (!session || !session->certificate) return Response::of(401);
      return Response::text(session->certificate->subject());
    };
    Site site(ServerContext(options), who);
    listener = &site.listener;
    co_await visiting(site, [&]() -> Task<void> {
      ClientOptions alice = trusting();
      alice.identities.push_back(identity_of(authority().issue_for("alice")));
      const ClientContext context(alice);
      http::Client client(secured(context));
      const Response response = co_await client.get(site.url("/"));
      EXPECT_EQ(response.body, "CN=alice");
      EXPECT_FALSE(site.listener.session(nullptr).has_value());
    });
  });
}

/// An upgrade over TLS: both sides go on in the same session of TLS, and each end is told.
TEST_P(TlsServers, ConnectionsOverTlsLeaveHttp) {
  run([]() -> Task<void> {
    auto shout = [](http::UpgradedStream& stream) -> Task<void> {
      BufferedReader reader(stream);
      for (;;) {
        const auto line = co_await reader.read_line();
        if (!line) break;
        co_await stream.write_all(*line + "!\n");
      }
      co_await stream.shutdown();
    };
    Site site(ServerContext(presenting()),
              [&](Request&) { return Response::upgrade("shout", shout); });
    co_await visiting(site, [&]() -> Task<void> {
      const ClientContext context(trusting());
      http::Client client(secured(context));
      http::ClientRequest request(http::Method::get, site.url("/"));
      http::IncomingResponse response =
          co_await client.start(std::move(request.upgrade_to("shout")));
      EXPECT_EQ(response.status, 101);
      http::UpgradedStream& stream = *response.upgraded;
      BufferedReader reader(stream);
      for (const std::string& text : {std::string("hello"), pattern(1'000)}) {
        const std::string asked = text.substr(0, text.find('\n'));
        co_await stream.write_all(asked + "\n");
        const auto line = co_await reader.read_line();
        EXPECT_EQ(line, asked + "!");
      }
      co_await stream.shutdown();
      const auto end = co_await reader.read_line();
      EXPECT_FALSE(end.has_value());
    });
  });
}

TEST_P(TlsServers, HandshakesThatFailAreReported) {
  run([]() -> Task<void> {
    ServerOptions options = presenting();
    options.client_auth = tls::ClientAuth::required;
    options.trust.pem = authority().pem();
    ThreadMutex mutex;
    std::vector<std::error_code> codes;
    std::string text;
    http::ServerOptions how = patient();
    how.on_connection_error = [&](const IoError& error) {
      const std::lock_guard lock(mutex);
      codes.push_back(error.code());
      text = error.what();
    };
    Site site(ServerContext(options), echo, how);
    co_await visiting(site, [&]() -> Task<void> {
      const auto told = [&] {
        const std::lock_guard lock(mutex);
        return codes.size();
      };
      const ClientContext anonymous(trusting());
      http::Client client(secured(anonymous));
      static_cast<void>(co_await how_it_ended(client.get(site.url("/"))));
      while (told() < 1) co_await yield_now();
      StreamSocket plain = co_await StreamSocket::connect("127.0.0.1", site.port());
      co_await plain.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      while (told() < 2) co_await yield_now();
      EXPECT_EQ(codes[0], Errc::no_certificate) << codes[0].message();
      EXPECT_EQ(codes[1], Errc::not_tls) << codes[1].message();
      EXPECT_NE(text.find("127.0.0.1:"), std::string::npos) << text;
    });
  });
}

TEST_P(TlsServers, ErrorsOfTheHandshakeAreTheRequests) {
  run([]() -> Task<void> {
    Site site(ServerContext(presenting(authority().issue_for("other"))), echo);
    co_await visiting(site, [&]() -> Task<void> {
      const ClientContext context(trusting());
      http::Client client(secured(context));
      const HowItEnded ended = co_await how_it_ended(client.get(site.url("/")));
      EXPECT_EQ(ended.code, Errc::wrong_host) << ended.text;
    });
  });
}

TEST_P(TlsServers, ATransportBecomesEncrypted) {
  run([]() -> Task<void> {
    http::Server server(patient(), echo);
    const ClientContext context(trusting());
    const auto secure = tls::secure(context);
    const http::Origin origin("https", "localhost", 443);
    for (const bool over_socket : {true, false}) {
      testing::Pair sockets = co_await make_pair();
      Duplex memory = duplex(5000);
      const ServerContext accepting(presenting());
      co_await scope([&](Scope& children) -> Task<void> {
        if (over_socket) {
          children
              .spawn([&] {
                return server.serve_connection(tls::Stream(std::move(sockets.server), accepting));
              })
              .detach();
        } else {
          children
              .spawn([&] {
                return server.serve_connection(tls::Stream(std::move(memory.b), accepting));
              })
              .detach();
        }
        http::Transport below = over_socket ? http::Transport(std::move(sockets.client))
                                            : http::Transport(std::move(memory.a));
        http::Transport secured_one = co_await secure(std::move(below), origin);
        EXPECT_TRUE(secured_one.is_encrypted());
        auto& stream = secured_one.over<http::TransportStream>();
        co_await stream.write_all("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        std::string got;
        std::array<std::byte, 1000> buffer;
        for (;;) {
          const std::size_t size = co_await stream.read(buffer);
          if (size == 0) break;
          got.append(reinterpret_cast<const char*>(buffer.data()), size);
        }
        EXPECT_TRUE(got.ends_with("/x\n")) << got;
        co_await stream.end_writing();
      });
    }
  });
}

TEST_P(TlsServers, SilentClientsAreEndedAndKeepNoneWaiting) {
  run([]() -> Task<void> {
    ServerOptions options = presenting();
    options.handshake_timeout = std::chrono::milliseconds(1500);
    Site site(ServerContext(options), echo);
    co_await visiting(site, [&]() -> Task<void> {
      std::vector<StreamSocket> silent;
      for (int i = 0; i < 50; ++i) {
        StreamSocket socket = co_await StreamSocket::connect(site.tcp.local_endpoint());
        if (i % 2 == 0) co_await socket.write_all(std::string("\x16\x03\x01", 3));  // half a hello
        silent.push_back(std::move(socket));
      }
      const ClientContext context(trusting());
      http::Client client(secured(context));
      const Response response = co_await client.get(site.url("/prompt"));
      EXPECT_EQ(response.body, "/prompt\n");
      client.close_idle();
      for (StreamSocket& socket : silent) {
        std::string rest;
        std::array<std::byte, 100> buffer;
        for (;;) {  // an alert, perhaps, and the end
          const IoResult<std::size_t> size = co_await attempt(socket.read(buffer));
          if (!size || *size == 0) break;
        }
      }
    });
  });
}

TEST_P(TlsServers, AFloodOfGarbageHarmsNoOtherConnection) {
  run([]() -> Task<void> {
    Site site(ServerContext(presenting()), echo);
    co_await visiting(site, [&]() -> Task<void> {
      const ClientContext context(trusting());
      http::Client client(secured(context));
      const std::vector<std::string> garbage{
          "GET / HTTP/1.1\r\n\r\n", pattern(20'000), std::string("\x16\x03\x01\xff\xff", 5),
          std::string("\x15\x03\x01\x00\x02\x02\x28", 7), std::string("\x16", 1)};
      for (int i = 0; i < 100; ++i) {
        StreamSocket socket = co_await StreamSocket::connect(site.tcp.local_endpoint());
        const std::string& said = garbage[static_cast<std::size_t>(i) % garbage.size()];
        static_cast<void>(co_await attempt(socket.write_all(said)));
        static_cast<void>(socket.shutdown());
        if (i % 10 != 0) continue;
        const Response response = co_await client.get(site.url("/lives"));
        EXPECT_EQ(response.body, "/lives\n");
      }
      client.close_idle();
      co_await until([&] { return site.server.connections() == 0; });
    });
  });
}

TEST_P(TlsServers, AReloadUnderLoadLosesNoConnection) {
  run([]() -> Task<void> {
    const Issued first = authority().issue();
    ServerOptions options = presenting(first);
    const std::string file =
        ::testing::TempDir() + "weft-tls-reload-" + std::to_string(::getpid()) + ".pem";
    std::ofstream(file) << first.both();
    options.identities.clear();
    options.identities.emplace_back(file, "");
    const ServerContext context(options);
    Site site(context, echo);
    co_await visiting(site, [&]() -> Task<void> {
      const ClientContext trusted(trusting());
      std::atomic<int> answered = 0;
      std::atomic<int> failed = 0;
      constexpr int clients = 200;
      const int rounds = fewer_if_sanitized(20);
      auto one = [&](bool keeps) -> Task<void> {
        http::Client client(secured(trusted));
        for (int i = 0; i < rounds; ++i) {
          const IoResult<Response> got = co_await attempt(client.get(site.url("/r")));
          (got && got->body == "/r\n" ? answered : failed)++;
          if (!keeps) client.close_idle();
        }
      };
      auto reload = [&]() -> Task<void> {
        for (int i = 0; i < 10; ++i) {
          std::ofstream(file) << authority().issue().both();
          context.reload();
          co_await yield_now();
        }
      };
      co_await scope([&](Scope& children) -> Task<void> {
        for (int i = 0; i < clients; ++i) {
          children.spawn([&one, i] { return one(i % 10 != 0); }).detach();
        }
        co_await reload();
      });
      EXPECT_EQ(answered, clients * rounds);
      EXPECT_EQ(failed, 0);
    });
    std::filesystem::remove(file);
  });
}

/// Of the main thread's arena.
std::size_t allocated_bytes() { return ::mallinfo2().uordblks; }

/// A byte each way, and no end.
Task<void> exchange_once(TlsPair& pair) {
  std::array<std::byte, 1> there;
  std::array<std::byte, 1> back;
  auto say = [](MemoryStream& stream) -> Task<void> { co_await stream.write_all("x"); };
  co_await when_all(say(pair.client), say(pair.server), pair.server.read(there),
                    pair.client.read(back));
}

TEST_P(TlsServers, AnIdleConnectionHoldsLittle) {
  if (GetParam() != 0 || address_sanitizer || thread_sanitizer) GTEST_SKIP() << "measured once";
  run([]() -> Task<void> {
    constexpr std::size_t count = 200;
    const ClientContext client(trusting());
    const ServerContext server(presenting());
    std::vector<TlsPair> pairs;
    pairs.reserve(count);
    auto add = [&]() -> Task<void> {
      pairs.push_back(memory_pair(client, server, 1));
      co_await exchange_once(pairs.back());
    };
    for (int i = 0; i < 20; ++i) co_await add();
    const std::size_t before = allocated_bytes();
    for (std::size_t i = 20; i < count; ++i) co_await add();
    const std::size_t each = (allocated_bytes() - before) / (count - 20) / 2;
    RecordProperty("bytes_each", static_cast<int>(each));
    EXPECT_LE(each, 16U * 1024);
  });
}

}  // namespace
}  // namespace weft::test::tls_server_test
