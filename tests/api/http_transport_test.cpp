// http::Server over streams that are no sockets: in memory, of one byte at a time, failing ones.
#include <memory>
#include <vector>

#include "api/http_stream_doubles.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_transport_test {
namespace {

using http::Request;
using http::Response;

class HttpTransport : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpTransport);

Task<Response> describe(Request& request) {
  std::string text(to_string(request.method));
  text.append(" ").append(request.target).append(" ").append(request.body).append("\n");
  co_return Response::text(std::move(text));
}

std::string three_requests() {
  return get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
         get("/3", "Connection: close\r\n");
}
/// What the server must have answered to these, whatever they came over.
void expect_three_answers(const std::string& answer) {
  const std::size_t first = answer.find("GET /1 \n");
  const std::size_t second = answer.find("POST /2 hello\n");
  EXPECT_NE(first, std::string::npos) << answer;
  EXPECT_LT(first, second);
  EXPECT_NE(second, std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("GET /3 \n")) << answer;
}

TEST_P(HttpTransport, ADuplexOfAnyCapacityIsServed) {
  run([]() -> Task<void> {
    http::Server server(patient(), describe);
    for (const std::size_t capacity : {1U, 7U, 100U, 100'000U}) {
      Duplex ends = duplex(capacity);
      co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
        const std::string raw = three_requests();
        auto send = [&]() -> Task<void> { co_await ends.b.write_all(raw); };
        auto both = co_await when_all(send(), read_rest(ends.b));
        expect_three_answers(std::get<1>(both));
        ends.b.close();
      });
    }
  });
}

TEST_P(HttpTransport, AStreamThatCanDoNothingMoreIsServed) {
  run([]() -> Task<void> {
    http::Server server(patient(), [](Request& request) -> Task<Response> {
      EXPECT_EQ(request.peer, nullptr);
      Response response = co_await describe(request);
      co_return response;
    });
    Duplex ends = duplex(64);
    co_await serving(server, Bare(std::move(ends.a)), [&]() -> Task<void> {
      const std::string raw = three_requests();
      auto send = [&]() -> Task<void> { co_await ends.b.write_all(raw); };
      // It has no shutdown(): the client must end first, at the end of the last message.
      auto receive = [&]() -> Task<std::string> { return read_up_to(ends.b, "GET /3 \n"); };
      auto both = co_await when_all(send(), receive());
      expect_three_answers(std::get<1>(both));
      ends.b.close();
    });
  });
}

TEST_P(HttpTransport, ABorrowedStreamIsClosedAndStays) {
  run([]() -> Task<void> {
    http::Server server(patient(), describe);
    Duplex ends = duplex(4096);
    Faults faults;
    Faulty stream(std::move(ends.a), faults);
    co_await scope([&](Scope& children) -> Task<void> {
      auto connection = children.spawn([&] { return server.serve_connection(stream); });
      co_await ends.b.write_all(three_requests());
      const std::string answer = co_await read_rest(ends.b);
      expect_three_answers(answer);
      EXPECT_EQ(faults.shut, 1);
      EXPECT_EQ(faults.closed, 0) << "the peer may still send";
      ends.b.close();
      co_await std::move(connection);
    });
    EXPECT_EQ(faults.closed, 1);
    EXPECT_GE(faults.flushed, 1);
  });
}

TEST_P(HttpTransport, AFailedStreamEndsItsConnectionAlone) {
  run([]() -> Task<void> {
    http::Server server(patient(), describe);
    Duplex lives = duplex(4096);
    co_await serving(server, std::move(lives.a), [&]() -> Task<void> {
      for (const bool something_else : {false, true}) {
        for (const bool reads : {false, true}) {
          for (const std::size_t bytes : {0U, 1U, 30U, 150U}) {
            Faults faults;
            faults.throws_something_else = something_else;
            (reads ? faults.reads_until_failure : faults.writes_until_failure) = bytes;
            Duplex ends = duplex(4096);
            co_await scope([&](Scope& children) -> Task<void> {
              auto connection = children.spawn(
                  [&] { return server.serve_connection(Faulty(std::move(ends.a), faults)); });
              co_await ends.b.write_all(get("/" + std::string(200, 'x')));
              const std::string answer = co_await read_rest(ends.b);
              EXPECT_FALSE(answer.ends_with("x \n")) << answer;
              ends.b.close();
              co_await std::move(connection);
            });
            EXPECT_EQ(faults.closed, 1);
          }
        }
      }
      co_await lives.b.write_all(get("/lives"));
      const std::string answer = co_await read_up_to(lives.b, "GET /lives \n");
      EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
      lives.b.close();
    });
  });
}

TEST_P(HttpTransport, AWriterThatTakesNothingEndsItsConnection) {
  run([]() -> Task<void> {
    http::Server server(patient(), describe);
    Faults faults;
    faults.takes_nothing = true;
    Duplex ends = duplex(4096);
    co_await serving(server, Faulty(std::move(ends.a), faults), [&]() -> Task<void> {
      co_await ends.b.write_all(get("/"));
      const std::string nothing = co_await read_rest(ends.b);
      EXPECT_EQ(nothing, "");
    });
    EXPECT_EQ(faults.closed, 1);
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
      co_await leave.wait();
      co_return Response::text(request.target + "\n");
    };
  }
  [[nodiscard]] auto has(int count) {
    return [this, count] { return inside.load() == count; };
  }
  std::atomic<int> inside = 0;
  ManualResetEvent leave;
};

TEST_P(HttpTransport, AHandlerWhoseClientHasClosedIsCancelled) {
  run([]() -> Task<void> {
    Waiting waiting;
    http::Server server(patient(), waiting.handler());
    Duplex ends = duplex(4096);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      co_await ends.b.write_all(get("/1") + get("/2"));
      co_await test::until(waiting.has(1));
      ends.b.close();
      co_await test::until(waiting.has(0));
    });
  });
}

TEST_P(HttpTransport, AHalfClosedClientGetsItsAnswer) {
  run([]() -> Task<void> {
    Waiting waiting;
    http::Server server(patient(), waiting.handler());
    Duplex ends = duplex(4096);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      co_await ends.b.write_all(get("/1") + get("/2"));
      EXPECT_TRUE(ends.b.shutdown());
      co_await test::until(waiting.has(1));
      waiting.leave.set();
      const std::string answer = co_await read_rest(ends.b);
      EXPECT_NE(answer.find("\r\n\r\n/1\n"), std::string::npos);
      EXPECT_TRUE(answer.ends_with("/2\n"));
      EXPECT_EQ(answer.find("100 Continue"), std::string::npos) << "it can be told without one";
      ends.b.close();
    });
  });
}

TEST_P(HttpTransport, AnOptionCancelsHandlersOnAHalfClose) {
  run([]() -> Task<void> {
    Waiting waiting;
    http::ServerOptions options = patient();
    options.cancel_on_half_close = true;
    http::Server server(std::move(options), waiting.handler());
    Duplex ends = duplex(4096);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      co_await ends.b.write_all(get("/") + get("/unread"));
      co_await test::until(waiting.has(1));
      EXPECT_TRUE(ends.b.shutdown());
      const std::string nothing = co_await read_rest(ends.b);
      EXPECT_EQ(nothing, "");
      EXPECT_EQ(waiting.inside, 0);
    });
  });
}

TEST_P(HttpTransport, AHandlerOfAStreamThatCannotTellRunsToItsEnd) {
  run([]() -> Task<void> {
    Waiting waiting;
    std::atomic<bool> ended = false;
    auto handler = [&, inner = waiting.handler()](Request& request) -> Task<Response> {
      Response response = co_await inner(request);
      ended = true;
      co_return response;
    };
    http::Server server(patient(), std::move(handler));
    Duplex ends = duplex(4096);
    co_await serving(server, Bare(std::move(ends.a)), [&]() -> Task<void> {
      co_await ends.b.write_all(get("/"));
      co_await test::until(waiting.has(1));
      ends.b.close();
      co_await yield_now();
      EXPECT_EQ(waiting.inside, 1);
      waiting.leave.set();
    });
    EXPECT_TRUE(ended);
  });
}

TEST_P(HttpTransport, ADrainEndsTheIdleAndFinishesTheBusy) {
  run([]() -> Task<void> {
    Waiting waiting;
    http::Server server(patient(), waiting.handler());
    Duplex idle = duplex(4096);
    Duplex busy = duplex(4096);
    Duplex late = duplex(4096);
    co_await serving(server, std::move(idle.a), [&]() -> Task<void> {
      co_await serving(server, std::move(busy.a), [&]() -> Task<void> {
        co_await busy.b.write_all(get("/busy"));
        co_await test::until(waiting.has(1));
        server.drain();
        const std::string nothing = co_await read_rest(idle.b);
        EXPECT_EQ(nothing, "");
        idle.b.close();
        waiting.leave.set();
        const std::string answer = co_await read_rest(busy.b);
        EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
        EXPECT_EQ(body_of(answer), "/busy\n");
        busy.b.close();
        co_await test::until([&] { return server.connections() == 0; });
      });
    });
    // What has arrived is answered after a drain, too.
    co_await late.b.write_all(get("/late"));
    co_await serving(server, std::move(late.a), [&]() -> Task<void> {
      const std::string answer = co_await read_rest(late.b);
      EXPECT_EQ(body_of(answer), "/late\n");
      late.b.close();
    });
  });
}

TEST_P(HttpTransport, ACancelEndsTheConnectionAtOnce) {
  run([]() -> Task<void> {
    Waiting waiting;
    http::Server server(patient(), waiting.handler());
    for (const bool in_handler : {false, true}) {
      Duplex ends = duplex(4096);
      auto connection = spawn([&] { return server.serve_connection(std::move(ends.a)); });
      if (in_handler) co_await ends.b.write_all(get("/"));
      co_await test::until(
          [&] { return server.connections() == 1 && waiting.inside == (in_handler ? 1 : 0); });
      connection.cancel();
      auto outcome = co_await std::move(connection).outcome();
      EXPECT_TRUE(outcome.cancelled());
      EXPECT_EQ(waiting.inside, 0);
      EXPECT_EQ(server.connections(), 0U);
      const std::string nothing = co_await read_rest(ends.b);
      EXPECT_EQ(nothing, "");
    }
  });
}

TEST_P(HttpTransport, AServerThatIsDestroyedEndsItsConnections) {
  run([]() -> Task<void> {
    Waiting waiting;
    auto server = std::make_unique<http::Server>(patient(), waiting.handler());
    Duplex ends = duplex(4096);
    auto connection = spawn(server->serve_connection(std::move(ends.a)));
    co_await ends.b.write_all(get("/"));
    co_await test::until(waiting.has(1));
    server.reset();
    co_await std::move(connection);
    EXPECT_EQ(waiting.inside, 0);
  });
}

TEST_P(HttpTransport, LimitsAreTheSame) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.limits.max_body = 10;
    options.limits.max_target = 100;
    options.limits.max_header_bytes = 200;
    http::Server server(std::move(options), describe);
    struct Row {
      std::string raw;
      std::string_view status;
    };
    const std::vector<Row> rows{
        {get("/" + std::string(200, 'x')), "HTTP/1.1 414 URI Too Long"},
        {get("/", "X: " + std::string(300, 'x') + "\r\n"),
         "HTTP/1.1 431 Request Header Fields Too Large"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n",
         "HTTP/1.1 413 Content Too Large"},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
        {"GET / HTTP/3.1\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported"},
    };
    for (const Row& row : rows) {
      for (const bool bare : {false, true}) {
        Duplex ends = duplex(4096);
        auto visit = [&]() -> Task<void> {
          co_await ends.b.write_all(row.raw);
          const std::string answer = co_await read_up_to(ends.b, "\r\n\r\n");
          EXPECT_EQ(status_line(answer).substr(0, 12), row.status.substr(0, 12)) << row.raw;
          ends.b.close();
        };
        if (bare) {
          co_await serving(server, Bare(std::move(ends.a)), visit);
        } else {
          co_await serving(server, std::move(ends.a), visit);
        }
      }
    }
  });
}

/// With virtual time, which goes on only while all tasks wait.
template <class V>
void in_virtual_time(http::ServerOptions options, V visit) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([&]() -> Task<void> {
    http::Server server(std::move(options), [](Request& request) {
      return Response::text(std::string(request.target == "/large" ? 100'000 : 1, 'x'));
    });
    Duplex ends = duplex(100);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      const TimePoint start = now();
      co_await visit(ends.b);
      ends.b.close();
      co_await test::until([&] { return server.connections() == 0; });
      EXPECT_LT(now() - start, minutes(2)) << "a deadline was missed";
    });
  });
}

TEST(HttpTransportTime, ASlowHeadOrBodyIs408) {
  for (const std::string_view begin :
       {"GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"}) {
    in_virtual_time(http::ServerOptions(), [begin](DuplexEnd& client) -> Task<void> {
      co_await client.write_all(begin);
      const std::string answer = co_await read_rest(client);
      EXPECT_EQ(status_line(answer), "HTTP/1.1 408 Request Timeout");
    });
  }
}

TEST(HttpTransportTime, AnIdleConnectionIsClosed) {
  in_virtual_time(http::ServerOptions(), [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(get("/"));
    const TimePoint start = now();
    const std::string answer = co_await read_rest(client);
    EXPECT_TRUE(answer.ends_with("\r\n\r\nx"));
    EXPECT_GE(now() - start, seconds(75));
  });
}

TEST(HttpTransportTime, AClientThatNeverReadsIsClosed) {
  in_virtual_time(http::ServerOptions(), [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(get("/large"));
    const TimePoint start = now();
    co_await client.peer_closed();
    EXPECT_GE(now() - start, seconds(30));
    EXPECT_LT(now() - start, seconds(40));
  });
}

TEST(HttpTransportTime, AClientThatStaysIsNotWaitedForLong) {
  in_virtual_time(http::ServerOptions(), [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(get("/", "Connection: close\r\n"));
    const std::string answer = co_await read_rest(client);
    EXPECT_TRUE(answer.ends_with("\r\n\r\nx"));
    const TimePoint start = now();
    co_await client.peer_closed();
    EXPECT_GE(now() - start, seconds(2));
    EXPECT_LT(now() - start, seconds(5));
  });
}

TEST(HttpTransportUse, FromFibersFuturesCallbacksAndThreads) {
  Runtime runtime;
  http::Server server(patient(), describe);
  auto talk = [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(three_requests());
    const std::string answer = co_await read_rest(client);
    expect_three_answers(answer);
    client.close();
  };
  {
    Duplex ends = duplex(4096);
    auto serving_it = runtime.spawn(server.serve_connection(std::move(ends.a)));
    runtime.block_on(talk(ends.b));
    runtime.block_on(std::move(serving_it));
  }
  {
    Duplex ends = duplex(4096);
    auto client = runtime.spawn([&] { return talk(ends.b); });
    runtime.block_on(server.serve_connection(std::move(ends.a)));
    runtime.block_on(std::move(client));
  }
  {
    Duplex ends = duplex(4096);
    auto client = runtime.spawn([&] { return talk(ends.b); });
    runtime.block_on(fiber([&] { await(server.serve_connection(std::move(ends.a))); }));
    runtime.block_on(std::move(client));
  }
  EXPECT_EQ(server.connections(), 0U);
}

}  // namespace
}  // namespace weft::testing::http_transport_test
