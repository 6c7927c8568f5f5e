// Request bodies that a handler of http::Server reads as they come.
#include <memory>
#include <vector>

#include "api/http_support.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_bodies_test {
namespace {

using http::BodyReader;
using http::Request;
using http::Response;

class HttpBodies : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpBodies, all_transports(), name_of_transport);

/// Reads by pieces of `size` bytes.
Task<std::string> read_by(BodyReader& body, std::size_t size) {
  std::string all;
  std::string piece(size, '\0');
  for (;;) {
    const std::size_t got = co_await body.read(writable_bytes(piece));
    if (got == 0) co_return all;
    all.append(piece, 0, got);
  }
}

std::string post(std::string_view fields, std::string_view body) {
  std::string text("POST / HTTP/1.1\r\nHost: a\r\n");
  return text.append(fields).append("\r\n").append(body);
}
std::string post_of(std::string_view body, std::string_view fields = "") {
  std::string all("Content-Length: " + std::to_string(body.size()) + "\r\n");
  return post(all.append(fields), body);
}
std::string chunk(std::string_view data) {
  char line[20];
  std::snprintf(line, sizeof(line), "%zx\r\n", data.size());
  return std::string(line).append(data).append("\r\n");
}
std::string post_chunks(std::string_view chunks) {
  return post("Transfer-Encoding: chunked\r\n", chunks);
}
const std::string last_request = get("/last", "Connection: close\r\n");

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_P(HttpBodies, AreReadWhole) {
  const std::string large = pattern(100'000);
  std::string cut;
  for (std::size_t i = 0; i < large.size(); i += 777) cut += chunk(large.substr(i, 777));
  struct Row {
    std::string raw;
    std::string body;
    std::string trailer;
  };
  const Row rows[] = {
      {get("/"), "", ""},
      {post_of(""), "", ""},
      {post_of("hello"), "hello", ""},
      {post_of(large), large, ""},
      {post_chunks("0\r\n\r\n"), "", ""},
      {post_chunks("5\r\nhello\r\n0\r\n\r\n"), "hello", ""},
      {post_chunks("1\r\nh\r\n04;a=\"b\"\r\nello\r\n000\r\nX-Sum: 7\r\n\r\n"), "hello", "7"},
      {post_chunks(cut + "0\r\nX-Sum: 9\r\n\r\n"), large, "9"},
  };
  for (const std::size_t size : {1U, 7U, 5000U, 200'000U}) {
    run([&]() -> Task<void> {
      std::string got;
      std::string trailer;
      auto handler = [&](Request& request, BodyReader& body) -> Task<Response> {
        if (request.target == "/last") co_return Response::text("last");
        EXPECT_TRUE(request.body.empty());
        EXPECT_TRUE(body.trailers().empty());
        got = co_await read_by(body, size);
        EXPECT_TRUE(body.ended());
        EXPECT_EQ(body.bytes_read(), got.size());
        EXPECT_EQ(body.length().value_or(got.size()), got.size());
        trailer = body.trailers().find("x-sum").value_or("");
        co_return Response::text("read");
      };
      Site site(patient(), handler);
      co_await visiting(site, [&](Site& s) -> Task<void> {
        for (const Row& row : rows) {
          const std::string answer = co_await tell(s.endpoint(), row.raw + last_request);
          EXPECT_EQ(count_of(answer, "HTTP/1.1 200 OK"), 2U) << row.raw.substr(0, 200);
          EXPECT_TRUE(answer.ends_with("last")) << answer;
          EXPECT_EQ(got, row.body);
          EXPECT_EQ(trailer, row.trailer);
        }
      });
    });
  }
}

/// The response goes back while the request comes: one task, two directions.
TEST_P(HttpBodies, GoBackWhileTheyCome) {
  run([]() -> Task<void> {
    auto echo = [](Request&, BodyReader& body) -> Task<Response> {
      Response response = Response::stream(std::move(body));
      co_return response;
    };
    Site site(patient(), echo);
    co_await visiting(site, [](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(post_chunks(""));
      std::string head;
      for (const std::string text : {"one", "two", "three"}) {
        co_await stream.write_all(chunk(text));
        if (head.empty()) head = co_await read_up_to(stream, "\r\n\r\n");
        std::string back;
        while (back.size() < text.size()) {
          const std::string line = co_await read_up_to(stream, "\r\n");
          const std::string data = co_await read_up_to(stream, "\r\n");
          back.append(data, 0, data.size() - 2);
          EXPECT_NE(line, "0\r\n") << back;
        }
        EXPECT_EQ(back, text);
      }
      co_await stream.write_all("0\r\n\r\n");
      const std::string end = co_await read_up_to(stream, "0\r\n\r\n");
      EXPECT_EQ(end, "0\r\n\r\n");
      co_await stream.write_all(post_of("again", "Connection: close\r\n"));
      const std::string again = co_await read_rest(stream);
      EXPECT_EQ(status_line(again), "HTTP/1.1 200 OK");
      EXPECT_TRUE(again.ends_with("0\r\n\r\n")) << again;
    });
  });
}

TEST_P(HttpBodies, ThatAreNotReadAreDroppedOrEndTheConnection) {
  const std::string small(1000, 'x');
  const std::string large(200'000, 'x');
  struct Row {
    const char* what;
    std::string raw;
    bool goes_on;
  };
  const Row rows[] = {
      {"short", post_of(small), true},
      {"short, chunked", post_chunks(chunk(small) + "0\r\n\r\n"), true},
      {"long", post_of(large), false},
      {"long, chunked", post_chunks(chunk(large) + "0\r\n\r\n"), false},
      {"malformed behind what was read", post_chunks(chunk(small) + "nonsense\r\n"), false},
  };
  for (const std::size_t read_first : {0U, 10U}) {
    for (const bool streams : {false, true}) {
      run([&]() -> Task<void> {
        auto handler = [&](Request& request, BodyReader& body) -> Task<Response> {
          if (request.target == "/last") co_return Response::text("last");
          std::string first(read_first, '\0');
          if (read_first != 0) co_await read_exact(body, writable_bytes(first));
          if (streams) {
            Response made = Response::stream(
                [](http::BodyWriter& out) -> Task<void> { co_await out.write_all("seen"); });
            co_return made;
          }
          co_return Response::text("seen");
        };
        Site site(patient(), handler);
        co_await visiting(site, [&](Site& s) -> Task<void> {
          for (const Row& row : rows) {
            const std::string answer = co_await tell(s.endpoint(), row.raw + last_request);
            EXPECT_NE(answer.find("seen"), answer.npos) << row.what << ": " << answer;
            EXPECT_EQ(answer.ends_with("last"), row.goes_on) << row.what << ": " << answer;
            EXPECT_EQ(count_of(answer, "HTTP/1.1 "), row.goes_on ? 2U : 1U) << row.what;
          }
        });
      });
    }
  }
}

TEST_P(HttpBodies, AreAskedForByTheFirstRead) {
  run([]() -> Task<void> {
    auto handler = [](Request& request, BodyReader& body) -> Task<Response> {
      if (request.target == "/unread") co_return Response::text("no", 403);
      std::string text = co_await body.read_all(100);
      co_return Response::text(std::move(text));
    };
    Site site(patient(), handler);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string fields = "Host: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all("POST / HTTP/1.1\r\n" + fields);
      const std::string word = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(word, "HTTP/1.1 100 Continue\r\n\r\n");
      co_await stream.write_all("hello");
      const std::string answer = co_await read_up_to(stream, "hello");
      EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
      // A handler that answers without reading: the client need not send the body.
      co_await stream.write_all("POST /unread HTTP/1.1\r\n" + fields);
      const std::string refusal = co_await read_rest(stream);
      EXPECT_EQ(status_line(refusal), "HTTP/1.1 403 Forbidden");
      EXPECT_NE(refusal.find("Connection: close\r\n"), refusal.npos);
      // The body came with the head: no question.
      const std::string at_once = co_await tell(
          s.endpoint(), post_of("hello", "Connection: close\r\nExpect: 100-continue\r\n"));
      if (GetParam().over != Over::pieces) {
        EXPECT_EQ(at_once.find("100 Continue"), at_once.npos);
      }
      EXPECT_TRUE(at_once.ends_with("hello"));
    });
  });
}

TEST_P(HttpBodies, ThatAreMalformedAreErrorsOfTheirReads) {
  struct Row {
    std::string raw;
    http::Errc error;
    std::string status;  // if the handler lets the error through
  };
  const Row rows[] = {
      {post_chunks("5\r\nhello\r\nxyz\r\n"), http::Errc::bad_chunk, "400"},
      {post_chunks("5\r\nhelloX"), http::Errc::bad_chunk, "400"},
      {post_chunks("5\nhello"), http::Errc::bad_line_ending, "400"},
      {post_chunks("5\r\nhello\r\n0\r\nHost: b\r\n\r\n"), http::Errc::forbidden_trailer, "400"},
      {post_chunks("5;" + std::string(5000, 'x')), http::Errc::chunk_extension_too_large, "400"},
      {post_chunks(chunk(std::string(600, 'x')) + chunk(std::string(600, 'x'))),
       http::Errc::body_too_large, "413"},
      {post_chunks("5\r\nhel"), http::Errc::unexpected_end, "400"},
      {post("Content-Length: 6\r\n", "hello"), http::Errc::unexpected_end, "400"},
  };
  for (const bool catches : {false, true}) {
    run([&]() -> Task<void> {
      std::error_code got;
      std::atomic<int> reported = 0;
      auto handler = [&](Request&, BodyReader& body) -> Task<Response> {
        if (!catches) {
          std::string text = co_await read_by(body, 3);
          co_return Response::text(std::move(text));
        }
        for (int i = 0; i < 2; ++i) {  // it stays
          const auto text = co_await attempt(read_by(body, 3));
          EXPECT_FALSE(text.has_value());
          got = text ? std::error_code() : text.error().code();
        }
        co_return Response::text("caught");
      };
      http::ServerOptions options = patient();
      options.limits.max_body = 1000;
      options.on_handler_error = [&](const Request&, std::exception_ptr) { ++reported; };
      Site site(std::move(options), handler);
      co_await visiting(site, [&](Site& s) -> Task<void> {
        for (const Row& row : rows) {
          StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
          co_await stream.write_all(row.raw);
          static_cast<void>(stream.shutdown(Shutdown::write));
          const std::string answer = co_await read_rest(stream);
          EXPECT_EQ(answer.substr(9, 3), catches ? "200" : row.status) << row.raw.substr(0, 200);
          EXPECT_NE(answer.find("Connection: close\r\n"), answer.npos);
          if (catches) {
            EXPECT_EQ(got, row.error) << got.message();
          }
        }
      });
      EXPECT_EQ(reported.load(), 0);
    });
  }
}

/// What is kept beyond the exchange.
struct Kept {
  std::unique_ptr<BodyReader> reader;
  std::error_code error;
  std::atomic<bool> reading = false;
};

Task<void> read_elsewhere(Kept& kept) {
  std::string piece(10, '\0');
  kept.reading = true;
  const auto got = co_await attempt(kept.reader->read(writable_bytes(piece)));
  kept.error = got ? std::error_code() : got.error().code();
}

TEST_P(HttpBodies, AreGoneWhenTheExchangeHasEnded) {
  for (const bool in_the_middle : {false, true}) {
    run([&]() -> Task<void> {
      Kept kept;
      std::optional<JoinHandle<void>> reader;
      auto handler = [&](Request&, BodyReader& body) -> Task<Response> {
        kept.reader = std::make_unique<BodyReader>(std::move(body));
        if (in_the_middle) {
          reader = spawn(read_elsewhere, std::ref(kept));
          co_await until([&] { return kept.reading.load(); });
          co_await yield_now();
        }
        co_return Response::text("done");
      };
      Site site(patient(), handler);
      co_await visiting(site, [&](Site& s) -> Task<void> {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        co_await stream.write_all(post("Content-Length: 100000\r\n", ""));
        const std::string answer = co_await read_rest(stream);
        EXPECT_TRUE(answer.ends_with("done")) << answer;
        if (in_the_middle) {
          co_await std::move(*reader);
        } else {
          co_await read_elsewhere(kept);
        }
        EXPECT_EQ(kept.error, http::Errc::body_gone) << kept.error.message();
      });
      co_await read_elsewhere(kept);  // also when the connection has gone
      EXPECT_EQ(kept.error, http::Errc::body_gone);
    });
  }
}

TEST_P(HttpBodies, AreReadByTasksOfTheHandler) {
  run([]() -> Task<void> {
    // A select() around each read, and reads in a child beside the producer of the response.
    auto handler = [](Request&, BodyReader& body) -> Task<Response> {
      std::string text;
      std::string piece(1000, '\0');
      for (;;) {
        const auto got = co_await timeout(body.read(writable_bytes(piece)), minutes(1));
        if (got == 0) break;
        text.append(piece, 0, got);
      }
      co_return Response::text(std::move(text));
    };
    Site site(patient(), handler);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string large = pattern(50'000);
      const std::string answer =
          co_await tell(s.endpoint(), post_of(large, "Connection: close\r\n"));
      EXPECT_EQ(body_of(answer), large);
    });
  });
}

TEST_P(HttpBodies, OfClientsThatLeaveEndTheirHandlers) {
  run([]() -> Task<void> {
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
    struct Counted {
      explicit Counted(std::atomic<int>& c) noexcept : count(c) {}
      Counted(const Counted&) = delete;
      Counted& operator=(const Counted&) = delete;
      ~Counted() { ++count; }
      std::atomic<int>& count;
    };
    auto handler = [&](Request&, BodyReader& body) -> Task<Response> {
      const Counted counted(ended);
      ++begun;
      std::string text = co_await body.read_all(1 << 20);
      co_return Response::text(std::move(text));
    };
    Site site(patient(), handler);
    co_await visiting(site, [&](Site& s) -> Task<void> {
      for (int i = 1; i <= 10; ++i) {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        co_await stream.write_all(post("Content-Length: 100000\r\n", "some"));
        co_await until([&] { return begun.load() == i; });
        stream.close();
        co_await until([&] { return ended.load() == i; });
      }
      co_await until([&] { return s.server.connections() == 0; });
    });
  });
}

TEST_P(HttpBodies, OfAnotherLengthAreLimited) {
  run([]() -> Task<void> {
    http::ServerOptions options = patient();
    options.limits.max_body = 3'000'000;
    auto handler = [](Request&, BodyReader& body) -> Task<Response> {
      std::string text = co_await body.read_all(2'500'000);
      co_return Response::text(std::to_string(text.size()));
    };
    Site site(std::move(options), handler);
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string close = "Connection: close\r\n";
      const std::string most = co_await tell(s.endpoint(), post_of(pattern(2'500'000), close));
      EXPECT_EQ(body_of(most), "2500000");
      // Beyond the limit of the reader.
      const std::string more = co_await tell(s.endpoint(), post_of(pattern(2'500'001), close));
      EXPECT_EQ(status_line(more), "HTTP/1.1 413 Content Too Large");
      const std::string beyond =
          co_await tell(s.endpoint(), post("Content-Length: 3000001\r\n", ""));
      EXPECT_EQ(status_line(beyond), "HTTP/1.1 413 Content Too Large");
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_bodies_test
