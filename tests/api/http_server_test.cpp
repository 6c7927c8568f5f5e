// http::Server over real sockets: framing, pipelining, bodies, refusals. Deadlines, drains and
// shortages are in http_server_limits_test.cpp.
#include "api/http_support.hpp"

namespace weft::testing::http_server_test {
namespace {

using http::Request;
using http::Response;

class HttpServer : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpServer, ::testing::Values(0, 1, 2), name_of_workers);

/// Echoes the request: "POST /path body".
Task<Response> describe(Request& request) {
  std::string text(to_string(request.method));
  text.append(" ").append(request.target).append(" ").append(request.body).append("\n");
  co_return Response::text(std::move(text));
}

TEST_P(HttpServer, KeepsTheConnection) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      for (const std::string_view target : {"/1", "/2", "/3"}) {
        co_await stream.write_all(get(target));
        const std::string answer = co_await read_up_to(stream, " \n");
        EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
        EXPECT_EQ(body_of(answer), "GET " + std::string(target) + " \n");
        EXPECT_EQ(answer.find("Connection:"), std::string::npos);
        EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
      }
      EXPECT_EQ(s.server.connections(), 1U);
    });
  });
}

TEST_P(HttpServer, ClosesWhenAsked) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string closed = co_await tell(s.endpoint(), get("/1", "Connection: close\r\n"));
      EXPECT_NE(closed.find("\r\nConnection: close\r\n"), std::string::npos);
      EXPECT_EQ(body_of(closed), "GET /1 \n");
      const std::string old = co_await tell(s.endpoint(), "GET /2 HTTP/1.0\r\n\r\n");
      EXPECT_EQ(body_of(old), "GET /2 \n");
      const std::string kept =
          co_await tell(s.endpoint(), "GET /3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" +
                                          get("/4", "Connection: close\r\n"));
      EXPECT_NE(kept.find("\r\nConnection: keep-alive\r\n"), std::string::npos);
      EXPECT_TRUE(kept.ends_with("GET /4 \n")) << kept;
    });
  });
}

TEST_P(HttpServer, AHandlerMayClose) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request&) {
      Response response = Response::text("bye");
      response.headers.add("Connection", "close");
      return response;
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/1") + get("/2"));
      EXPECT_EQ(body_of(answer), "bye");
    });
  });
}

TEST_P(HttpServer, AnswersInOrderWhateverHandlersTake) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) -> Task<Response> {
      if (request.target == "/slow") co_await sleep_for(milliseconds(20));
      co_return Response::text(request.target + "\n");
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(
          s.endpoint(), get("/slow") + get("/fast") + get("/last", "Connection: close\r\n"));
      const std::size_t slow = answer.find("/slow\n");
      const std::size_t fast = answer.find("/fast\n");
      EXPECT_LT(slow, fast);
      EXPECT_LT(fast, answer.find("/last\n"));
      EXPECT_TRUE(answer.ends_with("/last\n"));
    });
  });
}

TEST_P(HttpServer, RequestsMayComeInAnyPieces) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string raw = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
                              get("/q", "Connection: close\r\n");
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      for (const char& c : raw) co_await stream.write_all(std::string_view(&c, 1));
      const std::string answer = co_await read_rest(stream);
      EXPECT_NE(answer.find("POST /p hello\n"), std::string::npos);
      EXPECT_TRUE(answer.ends_with("GET /q \n"));
    });
  });
}

TEST_P(HttpServer, TakesLongHeadsAndBodies) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) { return Response::text(request.body); });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string body = pattern(1024 * 1024);
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      for (int round = 0; round < 2; ++round) {
        const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nX: " + std::string(4000, 'x') +
                                 "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
        co_await stream.write_all(head + body);
        const std::string answer_head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_NE(answer_head.find("Content-Length: 1048576\r\n"), std::string::npos);
        std::string answer(body.size(), '\0');
        co_await stream.read_exact(writable_bytes(answer));
        EXPECT_TRUE(answer == body);
      }
    });
  });
}

TEST_P(HttpServer, TakesChunkedBodies) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(
          s.endpoint(),
          "PUT /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
          "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: z\r\n\r\n");
      EXPECT_EQ(body_of(answer), "PUT /c hello world\n");
    });
  });
}

TEST_P(HttpServer, SendsContinueOnlyToThoseWhoWait) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string head =
          "POST /e HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
          "Content-Length: 2\r\n\r\n";
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(head);
      const std::string word = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(word, "HTTP/1.1 100 Continue\r\n\r\n");
      co_await stream.write_all("ok");
      const std::string answer = co_await read_rest(stream);
      EXPECT_EQ(body_of(answer), "POST /e ok\n");
      const std::string at_once = co_await tell(s.endpoint(), head + "ok");
      EXPECT_EQ(status_line(at_once), "HTTP/1.1 200 OK");
    });
  });
}

TEST_P(HttpServer, AnswersHeadWithoutABody) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer =
          co_await tell(s.endpoint(), "HEAD /h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_NE(answer.find("Content-Length: 9\r\n"), std::string::npos);
      EXPECT_EQ(body_of(answer), "");
    });
  });
}

TEST_P(HttpServer, AHalfClosedClientStillGetsItsAnswers) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) -> Task<Response> {
      co_await sleep_for(milliseconds(5));
      co_return Response::text(request.target);
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(get("/1") + get("/2"));
      EXPECT_TRUE(stream.shutdown(Shutdown::write));
      const std::string answer = co_await read_rest(stream);
      EXPECT_NE(answer.find("/1"), std::string::npos);
      EXPECT_TRUE(answer.ends_with("/2"));
    });
  });
}

TEST_P(HttpServer, RefusesWithTheRightStatusAndCloses) {
  const std::pair<std::string, std::string> cases[] = {
      {"GET / HTTP/1.1\n\n", "400 Bad Request"},
      {"\x16\x03\x01\x02\x01", "400 Bad Request"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {get("/", "Foo : b\r\n"), "400 Bad Request"},
      {get("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), "400 Bad Request"},
      {get("/", "Transfer-Encoding: chunked\r\n") + "zz\r\n", "400 Bad Request"},
      {get("/", "Content-Length: 9999999\r\n"), "413 Content Too Large"},
      {get("/", "Expect: 100-continue\r\nContent-Length: 9999999\r\n"), "413 Content Too Large"},
      {get("/" + std::string(1 << 20, 'a')), "414 URI Too Long"},
      {get("/", "Expect: tea\r\n"), "417 Expectation Failed"},
      {get("/", "A: " + std::string(1 << 20, 'b') + "\r\n"), "431 Request Header Fields Too Large"},
      {get("/", "Transfer-Encoding: xchunked\r\n"), "501 Not Implemented"},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported"},
  };
  run([&cases]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [&cases](Site& s) -> Task<void> {
      for (const auto& [raw, status] : cases) {
        const std::string answer = co_await tell(s.endpoint(), raw);
        EXPECT_EQ(status_line(answer), "HTTP/1.1 " + status) << raw.substr(0, 100);
        EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
      }
      // Requests before the fault are still answered, and other connections are served.
      const std::string mixed = co_await tell(s.endpoint(), get("/good") + "bad\r\n\r\n");
      EXPECT_EQ(status_line(mixed), "HTTP/1.1 200 OK");
      EXPECT_NE(mixed.find("HTTP/1.1 400 Bad Request\r\n"), std::string::npos);
    });
  });
}

TEST_P(HttpServer, AFailingHandlerIs500AndTheConnectionLives) {
  run([]() -> Task<void> {
    std::atomic<int> told = 0;
    http::ServerOptions options = patient();
    options.on_handler_error = [&told](const Request& request, std::exception_ptr error) {
      EXPECT_EQ(request.target, "/fail");
      EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
      ++told;
    };
    Site site(std::move(options), [](Request& request) -> Task<Response> {
      co_await yield_now();
      if (request.target == "/fail") throw std::runtime_error("on purpose");
      co_return Response::text("fine");
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer =
          co_await tell(s.endpoint(), get("/fail") + get("/ok", "Connection: close\r\n"));
      EXPECT_EQ(status_line(answer), "HTTP/1.1 500 Internal Server Error");
      EXPECT_TRUE(answer.ends_with("fine"));
    });
    EXPECT_EQ(told, 1);
  });
}

TEST_P(HttpServer, TenThousandPipelinedAreAnsweredInOrder) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) { return Response::text(request.target + ";"); });
    co_await visiting(site, [](Site& s) -> Task<void> {
      std::string raw;
      std::string expected;
      for (int i = 0; i < 10'000; ++i) {
        raw += get("/" + std::to_string(i), i == 9999 ? "Connection: close\r\n" : "");
        expected += "/" + std::to_string(i) + ";";
      }
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      auto both = co_await when_all(as_task(stream.write_all(raw)), read_rest(stream));
      std::string bodies;
      const std::string& answer = std::get<1>(both);
      for (std::size_t at = answer.find("\r\n\r\n"); at != std::string::npos;
           at = answer.find("\r\n\r\n", at)) {
        at += 4;
        bodies += answer.substr(at, answer.find(';', at) + 1 - at);
      }
      EXPECT_TRUE(bodies == expected);
    });
  });
}

TEST(HttpServerOptions, AreChecked) {
  const auto handler = [](Request&) { return Response(200); };
  http::ServerOptions options;
  options.idle_timeout = Nanoseconds(0);
  EXPECT_THROW(http::Server(options, handler), std::invalid_argument);
  options = {};
  options.max_connections = 0;
  EXPECT_THROW(http::Server(options, handler), std::invalid_argument);
  options = {};
  options.server_name = "a\r\nb";
  EXPECT_THROW(http::Server(options, handler), std::invalid_argument);
}

}  // namespace
}  // namespace weft::testing::http_server_test
