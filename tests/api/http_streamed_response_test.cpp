// Responses of http::Server whose bodies are made while they are sent.
#include <functional>
#include <vector>

#include "api/http_support.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_streamed_response_test {
/// Gives a text in pieces.
class TextReader {
 public:
  explicit TextReader(std::string text) noexcept : text_(std::move(text)) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t size = text_.copy(reinterpret_cast<char*>(buffer.data()),
                                        std::min<std::size_t>(buffer.size(), 50'000), at_);
    at_ += size;
    co_return size;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

namespace {

using http::BodyWriter;
using http::Request;
using http::Response;

class HttpStreamedResponse : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpStreamedResponse, all_transports(), name_of_transport);

/// A body that came chunked, without its framing; "bad: …" if that is wrong or not complete.
std::string unchunked(std::string_view raw, std::string* trailers = nullptr) {
  std::string body;
  for (;;) {
    const std::size_t line = raw.find("\r\n");
    if (line == raw.npos) return "bad: no line in " + std::string(raw.substr(0, 100));
    const std::size_t size = std::stoul(std::string(raw.substr(0, line)), nullptr, 16);
    raw.remove_prefix(line + 2);
    if (size == 0) break;
    if (raw.size() < size + 2 || raw.substr(size, 2) != "\r\n") return "bad: a short chunk";
    body.append(raw.substr(0, size));
    raw.remove_prefix(size + 2);
  }
  if (trailers != nullptr) *trailers = raw.substr(0, raw.find("\r\n\r\n"));
  return body;
}

AsyncGenerator<std::string> three_items() {
  for (const char* item : {"one ", "two ", "three"}) {
    co_yield std::string(item);
    co_await yield_now();
  }
}
Task<void> write_three(BodyWriter& out) {
  co_await out.write_all("one ");
  co_await yield_now();
  co_await out.write_all(std::string("two "));
  co_await out.write_all("three");
}
Response respond(const Request& request) {
  const std::string path(request.path());
  const bool announces = request.query() == "length";
  const auto length = [&](std::size_t size) {
    return announces ? std::optional<std::uint64_t>(size) : std::nullopt;
  };
  if (path == "/items") return Response::stream(three_items(), length(13));
  if (path == "/reader") return Response::stream(TextReader("one two three"), length(13));
  if (path == "/large") return Response::stream(TextReader(pattern(300'000)), length(300'000));
  if (path == "/none")
    return Response::stream([](BodyWriter&) -> Task<void> { co_return; }, length(0));
  if (path == "/204") return Response::stream(write_three, length(13), 204);
  return Response::stream(write_three, length(13));
}

TEST_P(HttpStreamedResponse, OfAnyProducerAndFraming) {
  struct Row {
    const char* path;
    std::string body;
  };
  const Row rows[] = {{"/call", "one two three"},
                      {"/items", "one two three"},
                      {"/reader", "one two three"},
                      {"/large", pattern(300'000)},
                      {"/none", ""}};
  for (const bool waits : {false, true}) {
    run([&]() -> Task<void> {
      auto immediate = [](Request& request) { return respond(request); };
      auto waiting = [](Request& request) -> Task<Response> {
        co_await yield_now();
        co_return respond(request);
      };
      Site site = waits ? Site(patient(), waiting) : Site(patient(), immediate);
      co_await visiting(site, [&](Site& s) -> Task<void> {
        for (const Row& row : rows) {
          const std::string target = row.path;
          std::string answer =
              co_await tell(s.endpoint(), get("/items") + get(target, "Connection: close\r\n"));
          EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), answer.npos);
          EXPECT_EQ(answer.find("Content-Length"), answer.npos) << answer.substr(0, 300);
          const std::string first_end = "0\r\n\r\n";
          const std::size_t second = answer.find(first_end) + first_end.size();
          EXPECT_EQ(unchunked(body_of(answer.substr(0, second))), "one two three");
          EXPECT_EQ(unchunked(body_of(answer.substr(second))), row.body) << row.path;

          answer = co_await tell(s.endpoint(), get(target + "?length", "Connection: close\r\n"));
          EXPECT_EQ(answer.find("Transfer-Encoding"), answer.npos);
          EXPECT_NE(answer.find("Content-Length: " + std::to_string(row.body.size()) + "\r\n"),
                    answer.npos);
          EXPECT_EQ(body_of(answer), row.body) << row.path;

          answer = co_await tell(s.endpoint(), "GET " + target + " HTTP/1.0\r\n\r\n");
          EXPECT_EQ(answer.find("Transfer-Encoding"), answer.npos);
          EXPECT_EQ(body_of(answer), row.body) << row.path;
        }
      });
    });
  }
}

TEST_P(HttpStreamedResponse, WithoutABodyCallsNoProducer) {
  run([]() -> Task<void> {
    std::atomic<int> called = 0;
    Site site(patient(), [&called](Request& request) {
      const Response made = respond(request);
      return Response::stream(
          [&called](BodyWriter& out) -> Task<void> {
            ++called;
            co_await out.write_all("x");
          },
          made.streamed.length(), made.status);
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(
          s.endpoint(),
          "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /a?length HTTP/1.1\r\nHost: a\r\n\r\n" +
              get("/204", "Connection: close\r\n"));
      const std::size_t second = answer.find("\r\n\r\n") + 4;
      const std::size_t third = answer.find("\r\n\r\n", second) + 4;
      EXPECT_NE(answer.substr(0, second).find("Transfer-Encoding: chunked"), answer.npos);
      EXPECT_NE(answer.substr(second, third - second).find("Content-Length: 13"), answer.npos);
      EXPECT_EQ(status_line(answer.substr(third)), "HTTP/1.1 204 No Content");
      EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
      EXPECT_EQ(answer.substr(third).find("Transfer-Encoding"), answer.npos);
    });
    EXPECT_EQ(called.load(), 0);
  });
}

TEST_P(HttpStreamedResponse, GathersSmallWrites) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request&) {
      return Response::stream([](BodyWriter& out) -> Task<void> {
        for (int i = 0; i < 10'000; ++i) co_await out.write_all("0123456789");
      });
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      const std::string body = body_of(answer);
      EXPECT_EQ(unchunked(body).size(), 100'000U);
      EXPECT_LT(body.size(), 100'000U + 10 * 12) << "chunks of about 16 KiB";
    });
  });
}

TEST_P(HttpStreamedResponse, HoldsNothingBackAcrossAFlush) {
  run([]() -> Task<void> {
    ManualResetEvent seen;
    Site site(patient(), [&seen](Request&) {
      return Response::stream([&seen](BodyWriter& out) -> Task<void> {
        co_await out.flush();  // the head
        co_await seen.wait();
        seen.reset();
        co_await out.write_all("first");
        co_await out.flush();
        co_await seen.wait();
        co_await out.write_all("second");
      });
    });
    co_await visiting(site, [&seen](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(get("/"));
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(status_line(head), "HTTP/1.1 200 OK");
      seen.set();
      const std::string first = co_await read_up_to(stream, "first\r\n");
      EXPECT_EQ(first, "5\r\nfirst\r\n");
      seen.set();
      const std::string second = co_await read_up_to(stream, "0\r\n\r\n");
      EXPECT_EQ(second, "6\r\nsecond\r\n0\r\n\r\n");
    });
  });
}

TEST_P(HttpStreamedResponse, MayHaveTrailers) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) {
      return Response::stream(
          [](BodyWriter& out) -> Task<void> {
            for (const char* name : {"Content-Length", "transfer-encoding", "HOST", "Set-Cookie"}) {
              EXPECT_THROW(out.add_trailer(name, "x"), std::invalid_argument) << name;
            }
            EXPECT_THROW(out.add_trailer("X", "a\r\nb"), std::invalid_argument);
            co_await out.write_all("hello");
            out.add_trailer("X-Sum", "5");
          },
          request.target == "/length" ? std::optional<std::uint64_t>(5) : std::nullopt);
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      std::string trailers;
      EXPECT_EQ(unchunked(body_of(answer), &trailers), "hello");
      EXPECT_EQ(trailers, "X-Sum: 5");
      const std::string with_length =
          co_await tell(s.endpoint(), get("/length", "Connection: close\r\n"));
      EXPECT_EQ(body_of(with_length), "hello");
    });
  });
}

TEST_P(HttpStreamedResponse, ThatFailsIsSeenToBeIncomplete) {
  struct Row {
    const char* what;
    std::function<Response()> make;
    bool has_begun;
  };
  const auto thrower = [](bool flushes) {
    return [flushes](BodyWriter& out) -> Task<void> {
      co_await out.write_all("some");
      if (flushes) co_await out.flush();
      throw std::runtime_error("the producer failed");
    };
  };
  const Row rows[] = {
      {"before anything was sent", [&] { return Response::stream(thrower(false)); }, false},
      {"in a chunked body", [&] { return Response::stream(thrower(true)); }, true},
      {"in a body with a length", [&] { return Response::stream(thrower(true), 10); }, true},
      {"too few bytes", [&] { return Response::stream(write_three, 20); }, false},
      {"too many bytes", [&] { return Response::stream(write_three, 10); }, false},
      {"too few bytes, late", [&] { return Response::stream(TextReader(pattern(90'000)), 90'001); },
       true},
      {"too many bytes, late",
       [&] { return Response::stream(TextReader(pattern(90'000)), 89'999); }, true},
      {"an interim status", [&] { return Response::stream(write_three, 13, 102); }, false},
  };
  for (const Row& row : rows) {
    for (const bool old : {false, true}) {
      run([&]() -> Task<void> {
        std::atomic<int> reported = 0;
        http::ServerOptions options = patient();
        options.on_handler_error = [&](const Request&, std::exception_ptr) { ++reported; };
        Site site(std::move(options), [&](Request&) { return row.make(); });
        co_await visiting(site, [&](Site& s) -> Task<void> {
          const std::string request =
              old ? std::string("GET / HTTP/1.0\r\n\r\n") : get("/", "Connection: close\r\n");
          const std::string answer = co_await tell(s.endpoint(), request);
          if (!row.has_begun) {
            EXPECT_EQ(status_line(answer), "HTTP/1.1 500 Internal Server Error") << row.what;
            EXPECT_EQ(answer.find("HTTP/1.1", 1), answer.npos) << answer;
          } else {
            EXPECT_FALSE(answer.ends_with("0\r\n\r\n")) << row.what;
            EXPECT_EQ(answer.find("500 "), answer.npos) << answer.substr(0, 300);
          }
        });
        EXPECT_EQ(reported.load(), 1) << row.what;
      });
    }
  }
}

TEST_P(HttpStreamedResponse, OfAProducerThatCatchesIsWrongAllTheSame) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request&) {
      return Response::stream(
          [](BodyWriter& out) -> Task<void> {
            co_await out.write_all("12345");
            co_await out.flush();
            const auto more = co_await attempt(out.write("67890"));
            EXPECT_EQ(more.error().code(), http::Errc::body_too_long);
            const auto rest = co_await attempt(out.write("6"));
            EXPECT_EQ(rest.value_or(0), 1U) << "nothing was taken of what did not fit";
          },
          6);
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      EXPECT_EQ(body_of(answer), "123456");
    });
  });
}

struct Produced {
  std::atomic<std::size_t> bytes = 0;
  std::atomic<int> ended = 0;
};
/// Ends with its producer, however that ends.
class Ending {
 public:
  explicit Ending(Produced& produced) noexcept : produced_(produced) {}
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  ~Ending() { ++produced_.ended; }

 private:
  Produced& produced_;
};
auto endless(Produced& produced) {
  return [&produced](BodyWriter& out) -> Task<void> {
    const Ending ending(produced);
    const std::string piece = pattern(10'000);
    for (;;) {
      co_await out.write_all(piece);
      produced.bytes += piece.size();
    }
  };
}
auto silent(Produced& produced) {
  return [&produced](BodyWriter& out) -> Task<void> {
    const Ending ending(produced);
    co_await out.write_all("begin");
    co_await out.flush();
    co_await never();
  };
}

TEST_P(HttpStreamedResponse, EndsWhenItsClientLeaves) {
  for (const bool writes : {false, true}) {
    run([&]() -> Task<void> {
      Produced produced;
      http::ServerOptions options = patient();
      options.write_timeout = milliseconds(200);  // so sweeps come often
      Site site(std::move(options), [&](Request&) -> Task<Response> {
        co_await yield_now();
        if (writes) co_return Response::stream(endless(produced));
        co_return Response::stream(silent(produced));
      });
      co_await visiting(site, [&](Site& s) -> Task<void> {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        co_await stream.write_all(get("/"));
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        EXPECT_EQ(status_line(head), "HTTP/1.1 200 OK");
        static_cast<void>(stream.set_linger(seconds(0)));  // a reset, as of a client that crashes
        stream.close();
        co_await until([&] { return produced.ended.load() == 1; });
        co_await until([&] { return s.server.connections() == 0; });
      });
    });
  }
}

TEST_P(HttpStreamedResponse, IsFinishedByADrainOrEndedAtItsLimit) {
  for (const bool finishes : {true, false}) {
    run([&]() -> Task<void> {
      Produced produced;
      ManualResetEvent go_on;
      http::ServerOptions options = patient();
      if (!finishes) options.drain_timeout = milliseconds(50);
      Site site(std::move(options), [&](Request&) {
        if (!finishes) return Response::stream(silent(produced));
        return Response::stream([&](BodyWriter& out) -> Task<void> {
          co_await out.write_all("begin");
          co_await out.flush();
          co_await go_on.wait();
          co_await out.write_all("end");
        });
      });
      const Endpoint endpoint = site.endpoint();
      co_await scope([&](Scope& children) -> Task<void> {
        JoinHandle<void> serving = children.spawn([&site] { return site.serve(); });
        StreamSocket stream = co_await StreamSocket::connect(endpoint);
        co_await stream.write_all(get("/"));
        static_cast<void>(co_await read_up_to(stream, "begin\r\n"));
        site.server.drain();
        go_on.set();
        const std::string rest = co_await read_rest(stream);
        EXPECT_EQ(rest, finishes ? "3\r\nend\r\n0\r\n\r\n" : "");
        stream.close();
        co_await std::move(serving);
        EXPECT_EQ(produced.ended.load(), finishes ? 0 : 1);
      });
    });
  }
}

TEST_P(HttpStreamedResponse, WithoutAnEndEndsWhenTheServerDrains) {
  run([]() -> Task<void> {
    ManualResetEvent begun;
    Site site(patient(), [&](Request&) {
      return http::event_stream([&](http::EventWriter& events) -> Task<void> {
        co_await events.send("hello");
        begun.set();
        co_await events.draining();
        co_await events.send("goodbye");
      });
    });
    co_await visiting(site, [&](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(get("/"));
      co_await begun.wait();
      s.server.drain();
      const std::string answer = co_await read_rest(stream);
      EXPECT_NE(answer.find("data: hello"), answer.npos) << answer;
      EXPECT_NE(answer.find("data: goodbye"), answer.npos) << answer;
      EXPECT_TRUE(answer.ends_with("0\r\n\r\n")) << answer;
      stream.close();
      co_await until([&] { return s.server.connections() == 0; });
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_streamed_response_test
