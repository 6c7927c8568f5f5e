// http::Client with a connector, and http::ClientConnection: over Unix sockets, in memory, over
// streams that can do little, or fail.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

#include "api/http_client_support.hpp"
#include "api/http_stream_doubles.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_connector_test {
namespace {

using http::Client;
using http::ClientConnection;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Method;
using http::Origin;
using http::Request;
using http::Response;

class HttpConnector : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpConnector);
class HttpClientConnection : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpClientConnection);

Task<Response> describe(Request& request) {
  std::string text(to_string(request.method));
  text.append(" ").append(request.headers.find("host").value_or("-"));
  text.append(request.target).append(" ").append(request.body);
  Response response = Response::text(std::move(text));
  if (request.target == "/last") response.headers.add("Connection", "close");
  co_return response;
}

/// A server in memory: each call of connect() is a new connection to it.
class Memory {
 public:
  explicit Memory(Scope& scope, http::ServerOptions options = patient())
      : server(std::move(options), describe), scope_(scope) {}
  [[nodiscard]] DuplexEnd connect(std::size_t capacity = 4096) {
    ++connects;
    Duplex ends = duplex(capacity);
    auto serve = [this](DuplexEnd end) { return server.serve_connection(std::move(end)); };
    scope_.spawn(serve, std::move(ends.a)).detach();
    return std::move(ends.b);
  }
  http::Server server;
  std::atomic<int> connects = 0;

 private:
  Scope& scope_;
};

/// Runs `visit(memory)`, and ends the server's connections.
template <class V>
Task<void> with_memory(V visit) {
  std::unique_ptr<Memory> memory;
  co_await scope([&](Scope& children) -> Task<void> {
    memory = std::make_unique<Memory>(children);
    co_await visit(*memory);
    children.cancel_children();
  });
}

template <class C>
[[nodiscard]] ClientOptions by(C connect) {
  ClientOptions options;
  options.connector = std::move(connect);
  return options;
}

TEST_P(HttpConnector, ConnectsInMemoryAndKeepsTheConnection) {
  run([]() -> Task<void> {
    co_await with_memory([](Memory& memory) -> Task<void> {
      Client client(by([&memory](const Origin&) { return memory.connect(); }));
      for (int i = 0; i < 3; ++i) {
        const Response response = co_await client.get("http://service/x");
        EXPECT_EQ(response.body, "GET service/x ");
        EXPECT_TRUE(response.keep_alive);
      }
      EXPECT_EQ(memory.connects, 1);
      EXPECT_EQ(client.idle_connections(), 1U);
      client.close_idle();
    });
  });
}

TEST_P(HttpConnector, MayBeAnyCallableOfAnyStream) {
  run([]() -> Task<void> {
    co_await with_memory([](Memory& memory) -> Task<void> {
      std::vector<ClientOptions> all;
      all.push_back(by([&](const Origin&) -> Task<DuplexEnd> { co_return memory.connect(); }));
      all.push_back(by([&](Origin) { return Bare(memory.connect(1)); }));
      all.push_back(by([&](const Origin&) -> Task<http::Transport> {
        co_return http::Transport(Bare(memory.connect(7)));
      }));
      for (const ClientOptions& options : all) {
        Client client(options);
        for (int i = 0; i < 2; ++i) {
          ClientRequest request(Method::post, "http://service/x");
          request.body = std::string(20'000, 'b');
          const Response response = co_await client.request(std::move(request));
          EXPECT_EQ(response.body, "POST service/x " + std::string(20'000, 'b'));
        }
      }
      EXPECT_EQ(memory.connects, 3);
    });
  });
}

TEST_P(HttpConnector, IsToldTheOrigin) {
  run([]() -> Task<void> {
    co_await with_memory([](Memory& memory) -> Task<void> {
      std::vector<std::string> told;
      auto connect = [&](const Origin& to) {
        told.push_back(to.scheme + " " + to.host + " " + std::to_string(to.port));
        return memory.connect();
      };
      Client client(by(connect));
      for (const char* url : {"http://A.example/", "http://a.example:81/", "http://[::1]/"}) {
        const Response response = co_await client.get(url);
        EXPECT_EQ(response.status.code(), 200);
      }
      EXPECT_EQ(told, (std::vector<std::string>{"http a.example 80", "http a.example 81",
                                                "http ::1 80"}));
    });
  });
}

TEST_P(HttpConnector, ConnectsOverUnixSockets) {
  run([]() -> Task<void> {
    const SocketDirectory directory;
    const std::string path = directory / "s";
    UnixListener listener = UnixListener::bind(path);
    http::Server server(patient(), [](Request& request) {
      return Response::text(request.peer->to_string() + request.target);
    });
    co_await scope([&](Scope& children) -> Task<void> {
      auto serving = children.spawn([&] { return server.serve(listener); });
      Client client(by([&](const Origin&) { return UnixStream::connect(path); }));
      for (int i = 0; i < 2; ++i) {
        const Response response = co_await client.get("http://localhost/x");
        EXPECT_EQ(response.body, "unix:/x");
      }
      EXPECT_EQ(server.connections(), 1U);
      server.drain();
      client.close_idle();
      co_await std::move(serving);
      EXPECT_FALSE(std::filesystem::exists(path)) << "the drain closes the listener";
      const auto gone = co_await failure_of(client.get("http://localhost/x"));
      EXPECT_EQ(gone.code, std::errc::no_such_file_or_directory) << gone.text;
    });
  });
}

TEST_P(HttpConnector, ItsErrorsEndTheRequest) {
  run([]() -> Task<void> {
    Client refused(by([](const Origin& to) -> Task<DuplexEnd> {
      const std::string text = to.host;
      co_await yield_now();
      throw IoError(std::make_error_code(std::errc::connection_refused), "tunnel to", text);
    }));
    const auto failure = co_await failure_of(refused.get("http://there/"));
    EXPECT_EQ(failure.code, std::errc::connection_refused);
    EXPECT_EQ(failure.text, "tunnel to there: connection refused");
    Client broken(by([](const Origin&) -> DuplexEnd { throw std::runtime_error("no stream"); }));
    std::string text;
    try {
      static_cast<void>(co_await broken.get("http://there/"));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    EXPECT_EQ(text, "no stream");
  });
}

TEST_P(HttpConnector, HttpsNeedsAnEncryptedStream) {
  struct Encrypted : Bare {
    using Bare::Bare;
    [[nodiscard]] bool is_encrypted() const noexcept { return true; }
  };
  run([]() -> Task<void> {
    co_await with_memory([](Memory& memory) -> Task<void> {
      Client clear(by([&](const Origin&) { return memory.connect(); }));
      const auto failure = co_await failure_of(clear.get("https://service/"));
      EXPECT_EQ(failure.code, Errc::not_encrypted) << failure.text;
      EXPECT_EQ(clear.idle_connections(), 0U);
      Client encrypted(by([&](const Origin&) { return Encrypted(memory.connect()); }));
      const Response response = co_await encrypted.get("https://service/x");
      EXPECT_EQ(response.body, "GET service/x ");
      // The same host and port in the clear are another server.
      const Response other = co_await encrypted.get("http://service:443/x");
      EXPECT_EQ(other.body, "GET service:443/x ");
      EXPECT_EQ(encrypted.idle_connections(), 2U);
    });
  });
}

TEST(HttpConnectorTime, ConnectingHasItsTimeout) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    Client client(by([](const Origin&) -> Task<DuplexEnd> {
      co_await never();
      co_return std::move(duplex(1).a);
    }));
    const TimePoint start = now();
    const auto failure = co_await failure_of(client.get("http://there/"));
    EXPECT_EQ(failure.code, Errc::timed_out_connecting) << failure.text;
    EXPECT_EQ(now() - start, seconds(10));
  });
}

/// Peers that close kept connections, end them, and send what was not asked for.
template <class S>
Task<void> kept_connections(S make_stream) {
  std::vector<DuplexEnd> peers;
  auto connect = [&](const Origin&) {
    Duplex ends = duplex(4096);
    peers.push_back(std::move(ends.b));
    return make_stream(std::move(ends.a));
  };
  Client client(by(connect));
  auto ask = [&](std::size_t peer, std::string body) -> Task<void> {
    auto answer = [&]() -> Task<void> {
      co_await test::until([&] { return peers.size() > peer; });
      const std::string head = co_await read_up_to(peers[peer], "\r\n\r\n");
      EXPECT_TRUE(head.starts_with("GET / HTTP/1.1\r\n"));
      co_await peers[peer].write_all(answer_of(body));
    };
    auto both = co_await when_all(client.get("http://a/"), answer());
    EXPECT_EQ(std::get<0>(both).body, body);
  };
  peers.reserve(10);
  co_await ask(0, "one");
  co_await ask(0, "two");
  peers[0].close();  // a kept connection that its peer has closed
  co_await ask(1, "three");
  co_await peers[1].write_all(answer_of("poison"));  // bytes that were not asked for
  co_await ask(2, "four");
  EXPECT_TRUE(peers[2].shutdown());
  co_await ask(3, "five");
  EXPECT_EQ(peers.size(), 4U);
}

TEST_P(HttpConnector, WhatCameBeforeARequestIsNeverItsResponse) {
  run([]() -> Task<void> {
    co_await kept_connections([](DuplexEnd end) { return end; });
    co_await kept_connections([](DuplexEnd end) { return Bare(std::move(end)); });
  });
}

TEST_P(HttpConnector, AFreshStreamThatSpeaksFirstIsRefused) {
  run([]() -> Task<void> {
    std::optional<DuplexEnd> peer;
    auto connect = [&]() -> DuplexEnd {
      Duplex ends = duplex(4096);
      peer.emplace(std::move(ends.b));
      EXPECT_TRUE(peer->try_write(answer_of("poison")));
      return std::move(ends.a);
    };
    Client whole(by([&](const Origin&) { return connect(); }));
    const auto failure = co_await failure_of(whole.get("http://a/"));
    EXPECT_EQ(failure.code, Errc::unasked_response);
    Client bare(by([&](const Origin&) { return Bare(connect()); }));
    const auto same = co_await failure_of(bare.get("http://a/"));
    EXPECT_EQ(same.code, Errc::unasked_response);
  });
}

TEST_P(HttpClientConnection, SendsItsRequestsOneAfterTheOther) {
  run([]() -> Task<void> {
    co_await with_memory([](Memory& memory) -> Task<void> {
      ClientConnection connection(memory.connect(64));
      auto ask = [&](int number) -> Task<void> {
        ClientRequest request(Method::post, "http://service/" + std::to_string(number));
        request.body = std::string(static_cast<std::size_t>(number) * 1000, 'b');
        std::string expected = "POST service/" + std::to_string(number) + " " + request.body;
        const Response response = co_await connection.request(std::move(request));
        EXPECT_EQ(response.body, expected);
      };
      std::vector<Task<void>> all;
      for (int i = 0; i < 20; ++i) all.push_back(ask(i));
      co_await when_all(std::move(all));
      EXPECT_TRUE(connection.is_open());
      EXPECT_EQ(memory.connects, 1);
    });
  });
}

TEST_P(HttpClientConnection, EndsWithAResponseThatSaysSo) {
  run([]() -> Task<void> {
    co_await with_memory([](Memory& memory) -> Task<void> {
      ClientConnection connection(memory.connect());
      const Response response = co_await connection.get("http://service/last");
      EXPECT_FALSE(response.keep_alive);
      EXPECT_FALSE(connection.is_open());
      const auto failure = co_await failure_of(connection.get("http://service/"));
      EXPECT_EQ(failure.code, std::errc::not_connected);
      co_await test::until([&] { return memory.server.connections() == 0; });
    });
  });
}

TEST_P(HttpClientConnection, ACancelOfAWaitingRequestLeavesItOpen) {
  run([]() -> Task<void> {
    Duplex ends = duplex(4096);
    ClientConnection connection(std::move(ends.a));
    JoinHandle<Response> first = spawn(connection.get("http://a/1"));
    const std::string head = co_await read_up_to(ends.b, "\r\n\r\n");
    EXPECT_TRUE(head.starts_with("GET /1 "));
    JoinHandle<Response> second = spawn(connection.get("http://a/2"));
    co_await yield_now();
    second.cancel();
    auto outcome = co_await std::move(second).outcome();
    EXPECT_TRUE(outcome.cancelled());
    co_await ends.b.write_all(answer_of("one"));
    const Response one = co_await std::move(first);
    EXPECT_EQ(one.body, "one");
    EXPECT_TRUE(connection.is_open());

    JoinHandle<Response> third = spawn(connection.get("http://a/3"));
    const std::string next = co_await read_up_to(ends.b, "\r\n\r\n");
    EXPECT_TRUE(next.starts_with("GET /3 ")) << "the second was not sent";
    third.cancel();
    auto ended = co_await std::move(third).outcome();
    EXPECT_TRUE(ended.cancelled());
    EXPECT_FALSE(connection.is_open());
    co_await ends.b.peer_closed();
    const auto failure = co_await failure_of(connection.get("http://a/4"));
    EXPECT_EQ(failure.code, std::errc::not_connected);
  });
}

TEST_P(HttpClientConnection, CloseEndsItAfterThePresentRequest) {
  run([]() -> Task<void> {
    Duplex ends = duplex(4096);
    auto connection = std::make_unique<ClientConnection>(std::move(ends.a));
    JoinHandle<Response> first = spawn(connection->get("http://a/1"));
    static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
    JoinHandle<Response> second = spawn(connection->get("http://a/2"));
    connection.reset();  // as close(), and the requests keep what they use
    co_await ends.b.write_all(answer_of("one"));
    const Response one = co_await std::move(first);
    EXPECT_EQ(one.body, "one");
    const auto failure = co_await failure_of(as_task(std::move(second)));
    EXPECT_EQ(failure.code, std::errc::not_connected);
    co_await ends.b.peer_closed();
  });
}

TEST_P(HttpClientConnection, ReturnsRedirectsAndFillsSinks) {
  run([]() -> Task<void> {
    Duplex ends = duplex(4096);
    ClientOptions options;
    options.follow_redirects = 5;
    ClientConnection connection(std::move(ends.a), options);
    co_await ends.b.write_all("");
    JoinHandle<Response> first = spawn(connection.get("http://a/1"));
    static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
    co_await ends.b.write_all(
        "HTTP/1.1 302 Found\r\nLocation: http://b/\r\n"
        "Content-Length: 0\r\n\r\n");
    const Response redirect = co_await std::move(first);
    EXPECT_EQ(redirect.status.code(), 302);
    std::string body;
    auto sink = [&body](const Response&, std::span<const std::byte> bytes) {
      body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    JoinHandle<Response> second = spawn(connection.get_to("http://a/2", sink));
    static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
    co_await ends.b.write_all(answer_of(pattern(10'000)));
    const Response response = co_await std::move(second);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(body, pattern(10'000));
  });
}

TEST_P(HttpClientConnection, AFailedStreamEndsTheRequestWithItsError) {
  run([]() -> Task<void> {
    for (const bool reads : {false, true}) {
      for (const std::size_t bytes : {0U, 1U, 20U, 5000U}) {
        Faults faults;
        (reads ? faults.reads_until_failure : faults.writes_until_failure) = bytes;
        Duplex ends = duplex(100'000);
        ClientConnection connection(Faulty(std::move(ends.a), faults));
        ClientRequest request(Method::post, "http://a/");
        request.body = std::string(50'000, 'b');
        JoinHandle<Response> asking = spawn(connection.request(std::move(request)));
        if (reads) {
          static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
          try {
            co_await ends.b.write_all(answer_of(std::string(20'000, 'x')));
          } catch (const std::system_error& error) {
            EXPECT_EQ(error.code(), std::errc::broken_pipe)
                << "the client may have closed it already";
          }
        } else {
          // It has ended its side: a peer may answer what it has got, or end.
          co_await ends.b.peer_ended();
          EXPECT_TRUE(ends.b.shutdown());
        }
        const auto failure = co_await failure_of(as_task(std::move(asking)));
        EXPECT_EQ(failure.code, std::errc::io_error) << failure.text << " " << bytes;
        EXPECT_FALSE(connection.is_open());
        EXPECT_EQ(faults.closed, 1);
      }
    }
  });
}

TEST_P(HttpClientConnection, APeersEndIsTold) {
  run([]() -> Task<void> {
    struct Row {
      std::string answer;
      Errc error;
    };
    const std::vector<Row> rows{
        {"", Errc::closed_before_response},
        {"HTTP/1.1 200 OK\r\nConte", Errc::unexpected_end},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", Errc::unexpected_end}};
    for (const Row& row : rows) {
      Duplex ends = duplex(4096);
      ClientConnection connection(Bare(std::move(ends.a)));
      JoinHandle<Response> asking = spawn(connection.get("http://a/"));
      static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
      co_await ends.b.write_all(row.answer);
      EXPECT_TRUE(ends.b.shutdown());
      const auto failure = co_await failure_of(as_task(std::move(asking)));
      EXPECT_EQ(failure.code, row.error) << failure.text;
    }
  });
}

TEST(HttpClientConnectionTime, ASilentPeerEnds) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    Duplex ends = duplex(4096);
    ClientConnection connection(std::move(ends.a));
    const TimePoint start = now();
    const auto failure = co_await failure_of(connection.get("http://a/"));
    EXPECT_EQ(failure.code, Errc::timed_out_waiting) << failure.text;
    EXPECT_EQ(now() - start, seconds(30));
    EXPECT_FALSE(connection.is_open());
  });
}

}  // namespace
}  // namespace weft::testing::http_connector_test
