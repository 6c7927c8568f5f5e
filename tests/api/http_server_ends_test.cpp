// How connections of an http::Server end: no answer is lost with them, and none outlives its
// client.
#include <vector>

#include "api/http_stream_doubles.hpp"
#include "os/fault.hpp"

namespace weft::testing::http_server_ends_test {
namespace {

using http::Request;
using http::Response;

class HttpServerEnds : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpServerEnds, transports_over_tcp(), name_of_transport);

constexpr std::size_t kLarge = 1024 * 1024;

/// Options whose sweeps come often; no test's write waits.
http::ServerOptions swept_often() {
  http::ServerOptions options = patient();
  options.write_timeout = milliseconds(40);
  return options;
}

/// Waits until the server has ended its side of its connections, or has closed them.
Task<void> until_closing(http::Server& server, const detail::FaultPlan& calls,
                         std::size_t connections) {
  co_await until([&] {
    return calls.calls(detail::Call::shutdown) >= connections || server.connections() == 0;
  });
}

/// A client whose system holds less than the answer, and which does not read yet.
Task<StreamSocket> ask(const Endpoint& to, std::string request) {
  StreamSocket stream = co_await StreamSocket::connect(to);
  EXPECT_TRUE(stream.set_receive_buffer(128 * 1024));
  co_await stream.write_all(request);
  co_return stream;
}

TEST_P(HttpServerEnds, BytesAfterTheLastRequestLoseNoAnswer) {
  const std::string ends[] = {
      get("/", "Connection: close\r\n"),
      "GET / HTTP/1.0\r\n\r\n",
      get("/close"),
      get("/") + "nonsense\r\n\r\n",
  };
  for (const std::string& end : ends) {
    for (const std::string& rest : {std::string("\r\n"), get("/next"), pattern(100'000)}) {
      detail::ScopedFaults calls;
      run([&]() -> Task<void> {
        Site site(patient(), [](Request& request) {
          Response response = Response::text(std::string(kLarge, 'x'));
          if (request.target == "/close") response.headers.add("Connection", "close");
          return response;
        });
        co_await visiting(site, [&](Site& s) -> Task<void> {
          StreamSocket stream = co_await ask(s.endpoint(), end);
          co_await until_closing(s.server, calls, 1);
          const Result<void> written = co_await attempt(stream.write_all(rest));
          EXPECT_TRUE(written);
          const std::string answer = co_await read_rest(stream);
          const std::size_t first = answer.find("\r\n\r\n") + 4;
          EXPECT_GE(answer.size(), first + kLarge) << end;
          stream.close();
          co_await until([&s] { return s.server.connections() == 0; });
        });
      });
    }
  }
}

TEST_P(HttpServerEnds, ADrainBetweenRequestsLosesNoAnswer) {
  detail::ScopedFaults calls;
  run([&calls]() -> Task<void> {
    std::atomic<int> handled = 0;
    Site site(patient(), [&handled](Request&) {
      ++handled;
      return Response::text(std::string(kLarge, 'x'));
    });
    const Endpoint endpoint = site.endpoint();
    co_await scope([&](Scope& children) -> Task<void> {
      JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
      StreamSocket stream = co_await ask(endpoint, get("/1"));
      co_await until([&handled] { return handled.load() == 1; });
      site.server.drain();
      co_await until_closing(site.server, calls, 1);
      const Result<void> written = co_await attempt(stream.write_all(get("/2")));
      EXPECT_TRUE(written);
      const std::string answer = co_await read_rest(stream);
      EXPECT_GE(body_of(answer).size(), kLarge);
      stream.close();
      co_await std::move(serving);
    });
  });
}

TEST_P(HttpServerEnds, AnIdleTimeoutBetweenRequestsLosesNoAnswer) {
  detail::ScopedFaults calls;
  run([&calls]() -> Task<void> {
    http::ServerOptions options = patient();
    options.idle_timeout = milliseconds(40);
    Site site(std::move(options),
              [](Request&) { return Response::text(std::string(kLarge, 'x')); });
    co_await visiting(site, [&calls](Site& s) -> Task<void> {
      StreamSocket stream = co_await ask(s.endpoint(), get("/1"));
      co_await until_closing(s.server, calls, 1);
      const Result<void> written = co_await attempt(stream.write_all(get("/2")));
      EXPECT_TRUE(written);
      const std::string answer = co_await read_rest(stream);
      EXPECT_GE(body_of(answer).size(), kLarge);
    });
  });
}

TEST_P(HttpServerEnds, ARequestThatMeetsADrainIsAnswered) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) { return Response::text(request.target); });
    co_await scope([&](Scope& children) -> Task<void> {
      JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
      std::vector<StreamSocket> clients;
      for (int i = 0; i < 20; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(site.endpoint());
        co_await stream.write_all(get("/first"));
        const std::string first = co_await read_up_to(stream, "/first");
        EXPECT_EQ(body_of(first), "/first");
        clients.push_back(std::move(stream));
      }
      // In the server's sockets before the drain, whether or not a read has begun to take them.
      for (StreamSocket& client : clients) co_await client.write_all(get("/second"));
      site.server.drain();
      for (StreamSocket& client : clients) {
        const std::string second = co_await read_rest(client);
        EXPECT_EQ(body_of(second), "/second");
      }
      clients.clear();
      co_await std::move(serving);
    });
  });
}

TEST(HttpServerLinger, APeerThatStaysIsNotWaitedForLong) {
  Runtime runtime;
  runtime.block_on([]() -> Task<void> {
    Site site(patient(), [](Request&) { return Response::text("bye"); });
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket silent = co_await StreamSocket::connect(s.endpoint());
      co_await silent.write_all(get("/", "Connection: close\r\n"));
      StreamSocket noisy = co_await StreamSocket::connect(s.endpoint());
      co_await noisy.write_all(get("/", "Connection: close\r\n"));
      const std::string more = pattern(kLarge);
      Result<void> written;
      while (written) written = co_await attempt(noisy.write_all(more));
      co_await until([&s] { return s.server.connections() == 0; });
    });
  });
}

/// The wait for the client's end begins with the drain, not with the next sweep.
TEST(HttpServerLinger, ADrainWaitsTwoSecondsForASilentClient) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    for (const milliseconds before : {milliseconds(0), milliseconds(700), milliseconds(1999)}) {
      http::Server server(patient(), [](Request&) { return Response::text("x"); });
      Duplex ends = duplex(4096);
      auto connection = spawn([&] { return server.serve_connection(std::move(ends.a)); });
      co_await ends.b.write_all(get("/"));
      static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\nx"));
      co_await sleep_for(before);
      const TimePoint begun = now();
      server.drain();
      co_await std::move(connection);
      EXPECT_LE(now() - begun, milliseconds(2300)) << before.count();
      EXPECT_GE(now() - begun, seconds(2));
    }
  });
}

TEST_P(HttpServerEnds, ADrainRefusesNewClientsAtOnce) {
  run([]() -> Task<void> {
    std::atomic<bool> entered = false;
    std::atomic<bool> leave = false;
    Site site(patient(), [&](Request&) -> Task<Response> {
      entered = true;
      co_await until([&leave] { return leave.load(); });
      co_return Response::text("done");
    });
    const Endpoint endpoint = site.endpoint();
    co_await scope([&](Scope& children) -> Task<void> {
      JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
      StreamSocket busy = co_await StreamSocket::connect(endpoint);
      co_await busy.write_all(get("/"));
      co_await until([&entered] { return entered.load(); });
      site.server.drain();
      for (;;) {
        const Result<StreamSocket> refused = co_await attempt(StreamSocket::connect(endpoint));
        // Until the listener has heard of it, the system accepts clients, and then resets them.
        if (refused || refused.error() == std::errc::connection_reset) continue;
        EXPECT_EQ(refused.error(), std::errc::connection_refused);
        break;
      }
      EXPECT_FALSE(serving.ended());
      leave = true;
      const std::string answer = co_await read_rest(busy);
      EXPECT_EQ(body_of(answer), "done");
      busy.close();
      co_await std::move(serving);
    });
  });
}

/// A handler that waits for `leave`, and counts the calls that have not ended.
struct Waiting {
  struct Guard {
    explicit Guard(std::atomic<int>& count) noexcept : counted(count) { ++counted; }
    ~Guard() { --counted; }
    std::atomic<int>& counted;
  };
  [[nodiscard]] auto handler() {
    return [this](Request& request) -> Task<Response> {
      const Guard guard(inside);
      co_await until([this] { return leave.load(); });
      co_return Response::text(request.target);
    };
  }
  [[nodiscard]] auto has(int count) {
    return [this, count] { return inside.load() == count; };
  }
  std::atomic<int> inside = 0;
  std::atomic<bool> leave = false;
};

TEST_P(HttpServerEnds, AHandlerWhoseClientHasResetIsCancelled) {
  run([]() -> Task<void> {
    Waiting waiting;
    Site site(swept_often(), waiting.handler());
    co_await visiting(site, [&waiting](Site& s) -> Task<void> {
      std::vector<StreamSocket> clients;
      for (int i = 0; i < 10; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        co_await stream.write_all(get("/"));
        EXPECT_TRUE(stream.set_linger(seconds(0)));
        clients.push_back(std::move(stream));
      }
      co_await until(waiting.has(10));
      StreamSocket stays = std::move(clients.back());
      clients.clear();
      co_await until(waiting.has(1));
      co_await until([&s] { return s.server.connections() == 1; });
      waiting.leave = true;
      const std::string answer = co_await read_up_to(stays, "\r\n\r\n/");
      EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
    });
  });
}

TEST_P(HttpServerEnds, AnOptionCancelsHandlersOnAHalfClose) {
  run([]() -> Task<void> {
    Waiting waiting;
    http::ServerOptions options = swept_often();
    options.cancel_on_half_close = true;
    Site site(std::move(options), waiting.handler());
    co_await visiting(site, [&waiting](Site& s) -> Task<void> {
      StreamSocket half = co_await StreamSocket::connect(s.endpoint());
      co_await half.write_all(get("/") + get("/next"));
      co_await until(waiting.has(1));
      EXPECT_TRUE(half.shutdown(Shutdown::write));
      co_await until(waiting.has(0));
      const std::string nothing = co_await read_rest(half);
      EXPECT_EQ(nothing, "");
    });
  });
}

TEST(HttpServerLinger, AClosedClientIsToldFromAHalfClosedOne) {
  Runtime runtime;
  runtime.block_on([]() -> Task<void> {
    Waiting waiting;
    Site site(swept_often(), waiting.handler());
    co_await visiting(site, [&waiting](Site& s) -> Task<void> {
      StreamSocket closed = co_await StreamSocket::connect(s.endpoint());
      co_await closed.write_all(get("/closed"));
      StreamSocket half = co_await StreamSocket::connect(s.endpoint());
      co_await half.write_all(get("/half"));
      StreamSocket old = co_await StreamSocket::connect(s.endpoint());
      co_await old.write_all("GET /old HTTP/1.0\r\n\r\n");
      co_await until(waiting.has(3));
      EXPECT_TRUE(half.shutdown(Shutdown::write));
      EXPECT_TRUE(old.shutdown(Shutdown::write));
      closed.close();
      const std::string interim = co_await read_up_to(half, "\r\n\r\n");
      EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
      co_await until(waiting.has(2));
      waiting.leave = true;
      const std::string answer = co_await read_rest(half);
      EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
      EXPECT_EQ(body_of(answer), "/half");
      const std::string of_old = co_await read_rest(old);
      EXPECT_EQ(status_line(of_old), "HTTP/1.1 200 OK") << "no interim response for HTTP/1.0";
    });
  });
}

TEST_P(HttpServerEnds, AHandlersTimeLimitIs503) {
  run([]() -> Task<void> {
    std::atomic<int> told = 0;
    Waiting waiting;
    http::ServerOptions options = patient();
    options.handler_timeout = milliseconds(30);
    options.on_handler_error = [&told](const Request& request, std::exception_ptr error) {
      EXPECT_EQ(request.target, "/slow");
      try {
        std::rethrow_exception(error);
      } catch (const IoError& late) {
        EXPECT_EQ(late.code(), std::errc::timed_out);
        ++told;
      }
    };
    Site site(std::move(options), [&waiting](Request& request) -> Task<Response> {
      if (request.target == "/fast") co_return Response::text("fast");
      auto slow = waiting.handler();
      co_return co_await slow(request);
    });
    co_await visiting(site, [&waiting](Site& s) -> Task<void> {
      const std::string answer =
          co_await tell(s.endpoint(), get("/slow") + get("/fast", "Connection: close\r\n"));
      EXPECT_EQ(status_line(answer), "HTTP/1.1 503 Service Unavailable");
      EXPECT_TRUE(answer.ends_with("fast")) << "the connection stays";
      EXPECT_EQ(waiting.inside, 0);
    });
    EXPECT_EQ(told, 1);
  });
}

}  // namespace
}  // namespace weft::testing::http_server_ends_test
