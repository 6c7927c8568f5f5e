// http::Server under pressure: deadlines, clients that do not read, drains, cancels, shortages.
#include <cerrno>

#include "api/http_support.hpp"
#include "os/fault.hpp"

namespace weft::testing::http_server_limits_test {
namespace {

using http::Request;
using http::Response;

class HttpServerLimits : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpServerLimits, all_transports(), name_of_transport);

Response plain(Request& request) { return Response::text(request.target); }

TEST_P(HttpServerLimits, ASlowHeadIs408) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.header_timeout = milliseconds(200);  // the head has to arrive in that time
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), "GET /slow HT");
      EXPECT_EQ(status_line(answer), "HTTP/1.1 408 Request Timeout");
      EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
      // A connection that sends nothing at all is closed without an answer.
      const std::string silence = co_await tell(s.endpoint(), "");
      EXPECT_EQ(silence, "");
    });
  });
}

TEST_P(HttpServerLimits, TricklingDoesNotMoveTheDeadline) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.header_timeout = milliseconds(200);
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all("GET / HTTP/1.1\r\n");
      // One byte now and then, for as long as the server accepts it.
      auto trickle = [](StreamSocket& to) -> Task<void> {
        for (;;) {
          co_await sleep_for(milliseconds(5));
          const Result<void> written = co_await attempt(to.write_all("a"));
          if (!written) co_await sleep_for(hours(1));
        }
      };
      auto first = co_await select(read_rest(stream), trickle(stream));
      EXPECT_EQ(first.index(), 0U);
      EXPECT_EQ(status_line(first.take<0>()), "HTTP/1.1 408 Request Timeout");
    });
  });
}

TEST_P(HttpServerLimits, EmptyLinesKeepNoConnectionOpen) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.idle_timeout = options.header_timeout = milliseconds(200);
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      for (const std::string& before : {std::string(), get("/")}) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        if (!before.empty()) co_await stream.write_all(before);
        // An empty line now and then, for as long as the server accepts it.
        auto trickle = [](StreamSocket& to) -> Task<void> {
          for (;;) {
            const Result<void> written = co_await attempt(to.write_all("\r\n"));
            co_await sleep_for(written ? Nanoseconds(milliseconds(20)) : Nanoseconds(hours(1)));
          }
        };
        auto first = co_await select(read_rest(stream), trickle(stream));
        EXPECT_EQ(first.index(), 0U);
      }
    });
  });
}

TEST(HttpServerTime, EmptyLinesMoveNoDeadline) {
  RuntimeOptions virtual_time;
  virtual_time.current_thread = virtual_time.virtual_time = true;
  Runtime runtime(std::move(virtual_time));
  runtime.block_on([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.idle_timeout = options.header_timeout = hours(1);
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      // Before the first request, between two, and in a buffer that a longer request has got.
      const std::string longer = get("/", "X: " + std::string(400, 'x') + "\r\n");
      for (const std::string& before : {std::string(), get("/"), longer}) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        if (!before.empty()) {
          co_await stream.write_all(before);
          const std::string answer = co_await read_up_to(stream, "\r\n\r\n/");
          EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
        }
        const TimePoint begin = now();
        for (const int minute : {25, 50}) {
          co_await sleep_until(begin + minutes(minute));
          co_await stream.write_all("\r\n");
        }
        const std::string nothing = co_await read_rest(stream);
        EXPECT_EQ(nothing, "");
        EXPECT_GE(now() - begin, minutes(59));  // from the server's last sweep before
        EXPECT_LT(now() - begin, minutes(62));
      }
    });
  });
}

TEST_P(HttpServerLimits, BodiesOfAllConnectionsTogetherAreBounded) {
  run([]() -> Task<void> {
    std::atomic<bool> entered = false;
    std::atomic<bool> leave = false;
    http::ServerOptions options = patient();
    options.max_bodies = 100'000;
    Site site(std::move(options), [&entered, &leave](Request& request) -> Task<Response> {
      if (request.target == "/held") {
        entered = true;
        co_await until([&leave] { return leave.load(); });
      }
      co_return Response::text(std::to_string(request.body.size()));
    });
    co_await visiting(site, [&entered, &leave](Site& s) -> Task<void> {
      const auto post = [](const char* target, std::size_t bytes) {
        return std::string("POST ") + target +
               " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 80000\r\n\r\n" +
               std::string(bytes, 'x');
      };
      StreamSocket first = co_await StreamSocket::connect(s.endpoint());
      co_await first.write_all(post("/held", 80'000));
      co_await until([&entered] { return entered.load(); });
      // Counted as it is received: it is refused before it is whole.
      const std::string refused = co_await tell(s.endpoint(), post("/", 30'000));
      EXPECT_EQ(status_line(refused), "HTTP/1.1 503 Service Unavailable");
      leave = true;
      const std::string answer = co_await read_rest(first);
      EXPECT_EQ(body_of(answer), "80000");
      const std::string again = co_await tell(s.endpoint(), post("/", 80'000));
      EXPECT_EQ(body_of(again), "80000");
    });
  });
}

TEST_P(HttpServerLimits, ASlowBodyIs408) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.body_timeout = milliseconds(40);
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(
          s.endpoint(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
      EXPECT_EQ(status_line(answer), "HTTP/1.1 408 Request Timeout");
    });
  });
}

TEST_P(HttpServerLimits, AnIdleConnectionIsClosed) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.idle_timeout = milliseconds(40);
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/once"));
      EXPECT_EQ(body_of(answer), "/once");
    });
  });
}

TEST_P(HttpServerLimits, HandlersHaveNoDeadline) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.idle_timeout = options.header_timeout = options.body_timeout = milliseconds(200);
    Site site(std::move(options), [](Request&) -> Task<Response> {
      co_await sleep_for(milliseconds(300));
      co_return Response::text("late");
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/"));
      EXPECT_EQ(body_of(answer), "late");
    });
  });
}

TEST_P(HttpServerLimits, AClientThatNeverReadsIsHeldBackAndThenClosed) {
  run([]() -> Task<void> {
    std::atomic<std::size_t> handled = 0;
    http::ServerOptions options = patient();
    options.write_timeout = milliseconds(200);
    options.max_output = 8 * 1024;
    constexpr std::size_t kBody = 8 * 1024;
    Site site(std::move(options), [&handled](Request& request) {
      if (request.target == "/other") return Response::text("served");
      ++handled;
      return Response::text(std::string(kBody, 'x'));
    });
    co_await visiting(site, [&handled](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      EXPECT_TRUE(stream.set_receive_buffer(16 * 1024));
      std::string raw;
      for (int i = 0; i < 10'000; ++i) raw += get("/big");
      // The kernel may take all of it, or the server may give up first.
      const Result<void> written = co_await attempt(stream.write_all(raw));
      static_cast<void>(written);
      const std::string other = co_await tell(s.endpoint(), get("/other", "Connection: close\r\n"));
      EXPECT_EQ(body_of(other), "served");
      co_await until([&s] { return s.server.connections() == 0; });
      // 80 MB were requested. Only as much as the kernel's buffers hold was made.
      EXPECT_LT(handled.load() * kBody, std::size_t{20} * 1024 * 1024);
      EXPECT_GT(handled.load(), 0U);
    });
  });
}

TEST_P(HttpServerLimits, DrainClosesTheIdleAndFinishesTheBusy) {
  run([]() -> Task<void> {
    std::atomic<bool> entered = false;
    std::atomic<bool> leave = false;
    Site site(patient(), [&entered, &leave](Request& request) -> Task<Response> {
      if (request.target == "/busy") {
        entered = true;
        co_await until([&leave] { return leave.load(); });
      }
      co_return Response::text(request.target);
    });
    co_await scope([&](Scope& children) -> Task<void> {
      JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
      StreamSocket idle = co_await StreamSocket::connect(site.endpoint());
      co_await idle.write_all(get("/idle"));
      const std::string first = co_await read_up_to(idle, "/idle");
      EXPECT_EQ(body_of(first), "/idle");
      StreamSocket busy = co_await StreamSocket::connect(site.endpoint());
      co_await busy.write_all(get("/busy"));
      co_await until([&entered] { return entered.load(); });

      site.server.drain();
      const std::string nothing = co_await read_rest(idle);
      EXPECT_EQ(nothing, "");
      idle.close();
      EXPECT_FALSE(serving.ended());
      leave = true;
      const std::string answer = co_await read_rest(busy);
      EXPECT_EQ(body_of(answer), "/busy");
      EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
      busy.close();
      co_await std::move(serving);
      site.server.drain();
      co_await site.serve();  // returns at once
    });
    EXPECT_EQ(site.server.connections(), 0U);
  });
}

TEST_P(HttpServerLimits, DrainHasADeadline) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.drain_timeout = milliseconds(30);
    std::atomic<bool> entered = false;
    Site site(std::move(options), [&entered](Request&) -> Task<Response> {
      entered = true;
      co_await sleep_for(hours(1));
      co_return Response(200);
    });
    co_await scope([&](Scope& children) -> Task<void> {
      JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
      StreamSocket stream = co_await StreamSocket::connect(site.endpoint());
      co_await stream.write_all(get("/"));
      co_await until([&entered] { return entered.load(); });
      site.server.drain();
      const std::string nothing = co_await read_rest(stream);
      EXPECT_EQ(nothing, "");
      co_await std::move(serving);
    });
  });
}

TEST_P(HttpServerLimits, CancelEndsRequestsUnderWay) {
  struct Guard {
    explicit Guard(std::atomic<int>& count) noexcept : counted(count) { ++counted; }
    ~Guard() { --counted; }
    std::atomic<int>& counted;
  };
  run([]() -> Task<void> {
    std::atomic<int> inside = 0;
    Site site(patient(), [&inside](Request&) -> Task<Response> {
      Guard guard(inside);
      co_await sleep_for(hours(1));
      co_return Response(200);
    });
    co_await visiting(site, [&inside](Site& s) -> Task<void> {
      StreamSocket busy = co_await StreamSocket::connect(s.endpoint());
      co_await busy.write_all(get("/"));
      StreamSocket partial = co_await StreamSocket::connect(s.endpoint());
      co_await partial.write_all("GET / HT");
      co_await until([&inside, &s] { return inside == 1 && s.server.connections() == 2; });
    });
    EXPECT_EQ(inside, 0);
  });
}

TEST_P(HttpServerLimits, MoreConnectionsThanAllowedWait) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.max_connections = 1;
    Site site(std::move(options), plain);
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket first = co_await StreamSocket::connect(s.endpoint());
      co_await first.write_all(get("/first"));
      const std::string answer = co_await read_up_to(first, "/first");
      EXPECT_EQ(body_of(answer), "/first");
      StreamSocket second = co_await StreamSocket::connect(s.endpoint());
      co_await second.write_all(get("/second", "Connection: close\r\n"));
      first.close();
      const std::string later = co_await read_rest(second);
      EXPECT_EQ(body_of(later), "/second");
    });
  });
}

TEST_P(HttpServerLimits, WhatFailsBeforeAConnectionIsAcceptedPasses) {
  struct Failure {
    detail::Call call;
    int error;
  };
  for (const Failure failure : {Failure{detail::Call::accept4, EMFILE},
                                {detail::Call::accept4, ENFILE},
                                {detail::Call::accept4, ENOMEM},
                                {detail::Call::accept4, ENOBUFS},
                                {detail::Call::accept4, ECONNABORTED},
                                {detail::Call::accept4, EPERM},
                                {detail::Call::accept4, ETIMEDOUT},
                                {detail::Call::accept4, ENOSR},
                                {detail::Call::accept4, ECONNRESET},
                                {detail::Call::accept4, EIO},
                                {detail::Call::epoll_ctl, ENOSPC},
                                {detail::Call::epoll_ctl, ENOMEM}}) {
    SCOPED_TRACE(failure.error);
    // Outlives the runtime: its workers read the plan at any time.
    detail::ScopedFaults faults;
    run([&faults, failure]() -> Task<void> {
      Site site(patient(), plain);
      detail::Fault of_the_listener{failure.call};
      of_the_listener.errno_value = failure.error;
      of_the_listener.handle = site.listener.native_handle();
      of_the_listener.times = 3;
      faults.add(of_the_listener);
      co_await visiting(site, [&faults](Site& s) -> Task<void> {
        co_await until([&faults] { return faults.struck() == 3; });
        const std::string answer =
            co_await tell(s.endpoint(), get("/later", "Connection: close\r\n"));
        EXPECT_EQ(body_of(answer), "/later");
        EXPECT_LT(faults.calls(detail::Call::accept4), 20U);  // it does not spin
      });
    });
  }
}

TEST_P(HttpServerLimits, AResetIsNothingToOthers) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) -> Task<Response> {
      if (request.target == "/reset") co_await sleep_for(milliseconds(5));
      co_return Response::text(std::string(100'000, 'x'));
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      for (int i = 0; i < 20; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        EXPECT_TRUE(stream.set_linger(seconds(0)));
        co_await stream.write_all(get("/reset") + get("/reset"));
      }
      const std::string answer = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      EXPECT_EQ(body_of(answer).size(), 100'000U);
      co_await until([&s] { return s.server.connections() == 0; });
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_server_limits_test
