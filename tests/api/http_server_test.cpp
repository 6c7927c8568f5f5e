// http::Server over real sockets: framing, pipelining, bodies, refusals, hooks. Deadlines, drains
// and shortages are in http_server_limits_test.cpp, the ends of connections in
// http_server_ends_test.cpp.
#include <stdexcept>
#include <vector>

#include "api/http_support.hpp"
#include "os/fault.hpp"

namespace weft::testing::http_server_test {
namespace {

using http::Request;
using http::Response;

class HttpServer : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpServer, all_transports(), name_of_transport);

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

TEST_P(HttpServer, TellsTheHandlerWhichClientAsks) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) -> Task<Response> {
      std::string client = request.peer->to_string() + " asks.\n";
      request = Request();  // the next one on the connection has its client all the same
      co_return Response::text(std::move(client));
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      const std::string self = stream.local_endpoint().value().to_string();
      for (const std::string_view target : {"/1", "/2"}) {
        co_await stream.write_all(get(target));
        const std::string answer = co_await read_up_to(stream, ".\n");
        EXPECT_EQ(body_of(answer), self + " asks.\n");
      }
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
      if (present_transport == Over::pieces) co_return;  // the head comes before the body
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

/// What a careless hook does.
enum class Hook { catches_std_only, throws_int, throws_exception };

TEST_P(HttpServer, AHookMayThrowAnything) {
  for (const Hook hook : {Hook::catches_std_only, Hook::throws_int, Hook::throws_exception}) {
    std::atomic<int> unhandled = 0;
    RuntimeOptions runtime_options;
    runtime_options.workers = GetParam().workers;
    runtime_options.current_thread = GetParam().workers == 0;
    runtime_options.on_failure = [&unhandled](const UnhandledFailure&) { ++unhandled; };
    Runtime runtime(std::move(runtime_options));
    runtime.block_on([hook]() -> Task<void> {
      http::ServerOptions options = patient();
      options.on_handler_error = [hook](const Request&, std::exception_ptr error) {
        if (hook == Hook::throws_int) throw 1;
        if (hook == Hook::throws_exception) throw std::runtime_error("of the hook");
        try {
          std::rethrow_exception(error);
        } catch (const std::exception&) {
        }
      };
      Site site(std::move(options), [](Request& request) -> Task<Response> {
        co_await yield_now();
        if (request.target == "/fail") throw 5;
        co_return Response::text("fine");
      });
      co_await visiting(site, [](Site& s) -> Task<void> {
        StreamSocket other = co_await StreamSocket::connect(s.endpoint());
        co_await other.write_all(get("/ok"));
        const std::string before = co_await read_up_to(other, "fine");
        const std::string answer = co_await tell(
            s.endpoint(), get("/fail") + get("/fail") + get("/ok", "Connection: close\r\n"));
        EXPECT_EQ(status_line(answer), "HTTP/1.1 500 Internal Server Error");
        EXPECT_TRUE(answer.ends_with("fine")) << answer;
        co_await other.write_all(get("/ok", "Connection: close\r\n"));
        const std::string after = co_await read_rest(other);
        EXPECT_EQ(body_of(after), "fine");
      });
    });
    runtime.shutdown();
    EXPECT_EQ(unhandled, 2) << "what the hook throws goes to the runtime";
  }
}

TEST_P(HttpServer, AnInterimStatusOfAHandlerIs500) {
  run([]() -> Task<void> {
    std::string told;
    http::ServerOptions options = patient();
    options.on_handler_error = [&told](const Request&, std::exception_ptr error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::invalid_argument& refused) {
        told = refused.what();
      }
    };
    Site site(std::move(options), [](Request& request) {
      const std::string code(request.path().substr(1));
      return Response(std::stoi(code));
    });
    co_await visiting(site, [&told](Site& s) -> Task<void> {
      for (const std::string_view code : {"100", "101", "103", "199"}) {
        told.clear();
        const std::string answer =
            co_await tell(s.endpoint(), get(std::string("/").append(code)) +
                                            get("/204", "Connection: close\r\n"));
        EXPECT_EQ(status_line(answer), "HTTP/1.1 500 Internal Server Error");
        EXPECT_NE(answer.find("HTTP/1.1 204 No Content\r\n"), std::string::npos);
        EXPECT_NE(told.find(std::string("status ").append(code)), std::string::npos) << told;
      }
    });
  });
}

TEST_P(HttpServer, AHandlerThatChangesItsRequestChangesNoFraming) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) -> Task<Response> {
      const bool fails = request.target == "/fail";
      co_await yield_now();
      Request taken = std::exchange(request, Request());
      request.method = taken.method == http::Method::head ? http::Method::get : http::Method::head;
      request.version = http::Version::http_1_0;
      request.keep_alive = !taken.keep_alive;
      if (fails) throw std::runtime_error("on purpose");
      co_return Response::text("text");
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      for (const std::string_view target : {"/", "/fail"}) {
        co_await stream.write_all(get(target));
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_EQ(head.find("Connection:"), std::string::npos) << head;
        const std::string body = co_await read_up_to(stream, target == "/" ? "text" : "Error\n");
        EXPECT_FALSE(body.empty());
      }
      const std::string last =
          co_await tell(s.endpoint(), "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_NE(last.find("Connection: close\r\n"), std::string::npos);
      EXPECT_EQ(body_of(last), "");
    });
  });
}

TEST_P(HttpServer, AHandlerSeesTheHostOfAnAbsoluteTarget) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) {
      return Response::text(std::string(request.headers.find("host").value_or("none")));
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer =
          co_await tell(s.endpoint(), get("http://b:81/x", "Connection: close\r\n"));
      EXPECT_EQ(body_of(answer), "b:81");
    });
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

/// The status lines of all answers on a connection.
std::string verdict_of(const std::string& answers) {
  std::string lines;
  for (std::size_t at = answers.find("HTTP/1.1 "); at != std::string::npos;
       at = answers.find("HTTP/1.1 ", at + 1)) {
    lines.append(answers, at, answers.find("\r\n", at) - at).append("\n");
  }
  return lines;
}

/// Sends the pieces, each when the server has read the one before.
Task<std::string> tell_in_pieces(const Endpoint& to, std::vector<std::string_view> pieces,
                                 const detail::FaultPlan& calls) {
  StreamSocket stream = co_await StreamSocket::connect(to);
  for (const std::string_view piece : pieces) {
    const std::uint64_t reads = calls.calls(detail::Call::read);
    const Result<void> written = co_await attempt(stream.write_all(piece));
    if (!written) break;  // refused already
    co_await until([&] { return calls.calls(detail::Call::read) > reads; });
    for (int turn = 0; turn < 5; ++turn) co_await yield_now();
  }
  std::string answers = co_await read_rest(stream);
  co_return verdict_of(answers);
}

TEST(HttpServerSegments, DoNotChangeTheVerdict) {
  const std::string last = get("/", "Connection: close\r\n");
  const std::string body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  const std::string inputs[] = {
      "\r\n" + last,
      "\r" + last,
      "\n" + last,
      "\r\r\n" + last,
      "\r\n\r\n\r\n\r\n" + last,
      "\r\n\r\n\r\n\r\n\r\n" + last,
      body + "\r\n" + last,
      body + "\r" + last,
      body + "\r\n\r\n" + body + "\n" + last,
  };
  detail::ScopedFaults calls;
  RuntimeOptions current_thread;
  current_thread.current_thread = true;
  Runtime runtime(std::move(current_thread));
  runtime.block_on([&]() -> Task<void> {
    Site site(patient(), [](Request&) { return Response(200); });
    co_await visiting(site, [&](Site& s) -> Task<void> {
      for (const std::string& input : inputs) {
        const std::string answers = co_await tell(s.endpoint(), input);
        const std::string whole = verdict_of(answers);
        EXPECT_NE(whole, "") << input;
        const std::string_view view = input;
        for (std::size_t cut = 1; cut < input.size(); ++cut) {
          const std::vector<std::string_view> pieces{view.substr(0, cut), view.substr(cut)};
          const std::string split = co_await tell_in_pieces(s.endpoint(), pieces, calls);
          EXPECT_EQ(split, whole) << "cut at " << cut << " of " << input;
        }
      }
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
  options.handler_timeout = Nanoseconds(0);
  EXPECT_THROW(http::Server(options, handler), std::invalid_argument);
  options = {};
  options.max_bodies = 0;
  EXPECT_THROW(http::Server(options, handler), std::invalid_argument);
  options = {};
  options.server_name = "a\r\nb";
  EXPECT_THROW(http::Server(options, handler), std::invalid_argument);
}

}  // namespace
}  // namespace weft::testing::http_server_test
