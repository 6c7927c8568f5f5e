// Interim responses of http::Server: what a handler sends before its response.
#include <stdexcept>

#include "api/http_stream_doubles.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_interim_test {
namespace {

using http::BodyReader;
using http::Headers;
using http::Request;
using http::Response;

const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
const std::string processing = "HTTP/1.1 102 Processing\r\n\r\n";
const std::string continued = "HTTP/1.1 100 Continue\r\n\r\n";

/// With fields that an interim response may not have.
Headers hint_fields() {
  Headers fields;
  fields.add("Content-Length", "5");
  fields.add("Link", "</a.css>");
  for (const char* name : {"Transfer-Encoding", "Connection", "Keep-Alive", "Date", "Server"}) {
    fields.add(name, "x");
  }
  return fields;
}

class HttpInterim : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpInterim, all_transports(), name_of_transport);

Task<Response> hint(Request& request) {
  std::string text(request.path());
  if (text != "/quiet") {
    const bool first = co_await request.inform(102);
    const bool second = co_await request.inform(103, hint_fields());
    EXPECT_EQ(first, second);
    text += first ? " informed" : " not informed";
  }
  if (text.starts_with("/throw")) throw std::runtime_error("after the hints");
  if (text.starts_with("/stream")) {
    co_return Response::stream(
        [text](http::BodyWriter& out) -> Task<void> { co_await out.write_all(text); });
  }
  co_return Response::text(std::move(text));
}
Task<Response> hint_and_read(Request& request, BodyReader& body) {
  Response response = co_await hint(request);
  const std::string rest = co_await body.read_all(1000);
  if (!response.streamed) response.body += rest;
  co_return response;
}

TEST_P(HttpInterim, ComeBeforeTheResponseInTheOrderOfTheRequests) {
  struct Row {
    std::string target;
    std::string begin;  // of the answer
    std::string end;
  };
  const Row rows[] = {
      {"/quiet", "HTTP/1.1 200 OK\r\n", "/quiet"},
      {"/a", processing + hints + "HTTP/1.1 200 OK\r\n", "/a informed"},
      {"/throw", processing + hints + "HTTP/1.1 500 Internal", "500 Internal Server Error\n"},
      {"/stream", processing + hints + "HTTP/1.1 200 OK\r\n", "0\r\n\r\n"},
  };
  for (const bool streams : {false, true}) {
    run([&]() -> Task<void> {
      Site site = streams ? Site(patient(), hint_and_read) : Site(patient(), hint);
      co_await visiting(site, [&](Site& s) -> Task<void> {
        for (const std::string method : {"GET", "POST"}) {
          std::string all;
          for (const Row& row : rows) {
            const std::string fields = method == "GET" ? "" : "Content-Length: 4\r\n";
            all.append(method).append(" " + row.target + " HTTP/1.1\r\nHost: a\r\n" + fields);
            all.append("\r\n").append(method == "GET" ? "" : "body");
          }
          std::string answer =
              co_await tell(s.endpoint(), all + get("/quiet", "Connection: close\r\n"));
          for (const Row& row : rows) {
            EXPECT_TRUE(answer.starts_with(row.begin)) << row.target << ": " << answer;
            const std::size_t end = answer.find(row.end, row.begin.size());
            if (end == answer.npos) {
              ADD_FAILURE() << row.target << ": " << answer;
              break;
            }
            answer.erase(0, end + row.end.size());
            if (answer.starts_with("body")) answer.erase(0, 4);
          }
          EXPECT_TRUE(answer.ends_with("/quiet")) << answer;
        }
      });
    });
  }
}

TEST_P(HttpInterim, AreNotForOldClients) {
  for (const bool streams : {false, true}) {
    run([&]() -> Task<void> {
      Site site = streams ? Site(patient(), hint_and_read) : Site(patient(), hint);
      co_await visiting(site, [](Site& s) -> Task<void> {
        for (const std::string text :
             {"GET /a HTTP/1.0\r\n\r\n", "POST /a HTTP/1.0\r\nContent-Length: 1\r\n\r\nx"}) {
          const std::string answer = co_await tell(s.endpoint(), text);
          EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
          EXPECT_NE(answer.find("/a not informed"), answer.npos) << answer;
        }
      });
    });
  }
}

TEST_P(HttpInterim, HaveStatusesOfTheirOwn) {
  run([]() -> Task<void> {
    auto refused = [](Request& request) -> Task<Response> {
      std::string text;
      for (const int code : {101, 200, 404, 100, 199}) {
        bool accepted = false;
        try {
          accepted = co_await request.inform(code);
        } catch (const std::invalid_argument&) {
          text += "no ";
        }
        if (accepted) text += "yes ";
      }
      co_return Response::text(std::move(text));
    };
    Site site(patient(), refused);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      EXPECT_TRUE(answer.starts_with(continued + "HTTP/1.1 199 \r\n\r\nHTTP/1.1 200 OK\r\n"))
          << answer;
      EXPECT_TRUE(answer.ends_with("no no no yes yes ")) << answer;
    });
    Request nobodys;
    const bool sent = co_await nobodys.inform(103);
    EXPECT_FALSE(sent);
  });
}

TEST_P(HttpInterim, ArriveWhileTheHandlerWorks) {
  run([]() -> Task<void> {
    ManualResetEvent seen;
    auto handler = [&seen](Request& request, BodyReader& body) -> Task<Response> {
      co_await request.inform(103, hint_fields());
      co_await seen.wait();
      std::string text = co_await body.read_all(100);
      co_return Response::text(std::move(text));
    };
    Site site(patient(), handler);
    co_await visiting(site, [&seen](Site& s) -> Task<void> {
      for (const bool expects : {false, true}) {
        seen.reset();
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n";
        co_await stream.write_all(head + (expects ? "Expect: 100-continue\r\n\r\n" : "\r\nhello"));
        const std::string first = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_EQ(first, hints);
        seen.set();
        if (expects) {
          const std::string word = co_await read_up_to(stream, "\r\n\r\n");
          EXPECT_EQ(word, continued) << "the first read still asks for the body";
          co_await stream.write_all("hello");
        }
        const std::string answer = co_await read_up_to(stream, "hello");
        EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
      }
    });
  });
}

/// A read that asks for the body, on another task, and the handler's hints: each is whole.
TEST_P(HttpInterim, DoNotMixWithTheQuestionForTheBody) {
  run([]() -> Task<void> {
    auto handler = [](Request& request, BodyReader& body) -> Task<Response> {
      std::string text;
      auto work = [&](Scope& scope) -> Task<void> {
        scope.spawn([&]() -> Task<void> { text = co_await body.read_all(100); }).detach();
        for (int i = 0; i < 10; ++i) {
          co_await request.inform(103, hint_fields());
          co_await yield_now();
        }
      };
      co_await scope(work);
      co_return Response::text(std::move(text));
    };
    Site site(patient(), handler);
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
      int hinted = 0;
      int asked = 0;
      for (;;) {
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        if (head == hints) {
          ++hinted;
        } else if (head == continued) {
          ++asked;
          co_await stream.write_all("hello");
        } else {
          EXPECT_EQ(status_line(head), "HTTP/1.1 200 OK");
          break;
        }
      }
      EXPECT_EQ(hinted, 10);
      EXPECT_EQ(asked, 1);
      const std::string body = co_await read_up_to(stream, "hello");
      EXPECT_EQ(body, "hello");
    });
  });
}

class HttpInterimStreams : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpInterimStreams);

/// The client reads nothing until the handler has given up its hints: they come whole all the same.
TEST_P(HttpInterimStreams, ThatWereGivenUpAreNeverCut) {
  enum class End : std::uint8_t { response, failure, time_limit };
  for (const End end : {End::response, End::failure, End::time_limit}) {
    for (const bool streams : {false, true}) {
      run([&]() -> Task<void> {
        ManualResetEvent given_up;
        auto give_up = [&](Request& request) -> Task<Response> {
          Headers fields;
          fields.add("Link", std::string(500, 'x'));
          if (end == End::time_limit) {
            auto set = [&]() -> Task<void> {
              given_up.set();
              co_return;
            };
            co_await finally(request.inform(103, fields), set);
          }
          const auto sent = co_await attempt(timeout(request.inform(103, fields), milliseconds(5)));
          EXPECT_FALSE(sent.has_value());
          given_up.set();
          if (end == End::failure) throw std::runtime_error("no");
          co_return Response::text("done");
        };
        auto read_too = [&](Request& request, BodyReader&) { return give_up(request); };
        http::ServerOptions options = patient();
        if (end == End::time_limit) options.handler_timeout = milliseconds(5);
        auto server = streams ? std::make_unique<http::Server>(options, read_too)
                              : std::make_unique<http::Server>(options, give_up);
        Duplex ends = duplex(100);
        co_await serving(*server, std::move(ends.a), [&]() -> Task<void> {
          const std::string request =
              "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
          co_await ends.b.write_all(request);
          co_await given_up.wait();
          const std::string answer = co_await read_rest(ends.b);
          const std::string hint =
              "HTTP/1.1 103 Early Hints\r\nLink: " + std::string(500, 'x') + "\r\n\r\n";
          EXPECT_TRUE(answer.starts_with(hint)) << answer;
          const std::string after = answer.substr(std::min(answer.size(), hint.size()));
          const char* const expected = end == End::response  ? "HTTP/1.1 200 OK"
                                       : end == End::failure ? "HTTP/1.1 500 Internal Server Error"
                                                             : "HTTP/1.1 503 Service Unavailable";
          EXPECT_EQ(status_line(after), expected);
          ends.b.close();
        });
      });
    }
  }
}

/// Ends the connection: without a word about the handler, which has done nothing wrong.
TEST_P(HttpInterimStreams, ToAClientThatIsGone) {
  enum class Gone : std::uint8_t { fails, never_reads };
  for (const Gone gone : {Gone::fails, Gone::never_reads}) {
    for (const bool streams : {false, true}) {
      run([&]() -> Task<void> {
        std::atomic<int> reported = 0;
        std::atomic<int> went_on = 0;
        auto inform = [&](Request& request) -> Task<Response> {
          co_await request.inform(103, hint_fields());
          ++went_on;
          co_return Response::text("done");
        };
        auto read_too = [&](Request& request, BodyReader&) { return inform(request); };
        http::ServerOptions options = patient();
        if (gone == Gone::never_reads) options.write_timeout = milliseconds(20);
        options.on_handler_error = [&](const Request&, std::exception_ptr) { ++reported; };
        auto server = streams ? std::make_unique<http::Server>(options, read_too)
                              : std::make_unique<http::Server>(options, inform);
        Faults faults;
        if (gone == Gone::fails) faults.writes_until_failure = 10;
        Duplex ends = duplex(20);
        co_await serving(*server, Faulty(std::move(ends.a), faults), [&]() -> Task<void> {
          co_await ends.b.write_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
          co_await until([&] { return faults.closed.load() == 1; });
          ends.b.close();
        });
        EXPECT_EQ(reported.load(), 0);
        EXPECT_EQ(went_on.load(), 0);
      });
    }
  }
}

}  // namespace
}  // namespace weft::testing::http_interim_test
