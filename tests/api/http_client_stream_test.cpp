// http::Client::start(), and requests whose bodies are streamed: heads before bodies, back-pressure,
// trailers, cuts, cancels, and what happens to the task that sends.
#include "api/http_client_support.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "api/http_stream_doubles.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_stream_test {
namespace {

using http::BodyWriter;
using http::Client;
using http::ClientConnection;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::IncomingResponse;
using http::Method;
using http::Response;

class HttpIncoming : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpIncoming, transports_over_tcp(), name_of_transport);
class HttpOutgoing : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpOutgoing, transports_over_tcp(), name_of_transport);

constexpr std::string_view kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

ClientRequest get_of(const std::string& url) { return ClientRequest(Method::get, url); }

/// Reads a whole body by pieces of `size` bytes.
Task<std::string> read_body(IncomingResponse& response, std::size_t size = 1000) {
  std::string text;
  std::vector<std::byte> buffer(size);
  for (;;) {
    const std::size_t got = co_await response.body.read(buffer);
    if (got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

TEST_P(HttpIncoming, TheHeadComesBeforeTheBody) {
  run([]() -> Task<void> {
    ManualResetEvent has_head;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      for (int i = 0; i < 2; ++i) {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(kChunked);
        co_await has_head.wait();
        has_head.reset();
        co_await stream.write_all("3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nX-Sum: 6\r\n\r\n");
      }
      static_cast<void>(co_await read_rest(stream));
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      for (int i = 0; i < 2; ++i) {
        IncomingResponse response = co_await client.start(get_of(url));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.url, url);
        EXPECT_EQ(response.headers.find("transfer-encoding"), "chunked");
        EXPECT_FALSE(response.body.length());
        EXPECT_EQ(client.idle_connections(), 0U);
        has_head.set();
        const std::string body = co_await read_body(response);
        EXPECT_EQ(body, "abcde");
        EXPECT_EQ(response.body.trailers().find_all("x-sum"),
                  (std::vector<std::string_view>{"5", "6"}));
        EXPECT_EQ(client.idle_connections(), 1U) << "kept when read to its end";
      }
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpIncoming, BodiesOfEveryFramingAreRead) {
  struct Row {
    std::string answer;
    std::string body;
    std::optional<std::uint64_t> length;
    bool kept;
  };
  const std::vector<Row> rows{
      {answer_of("abc"), "abc", 3, true},
      {answer_of(""), "", 0, true},
      {"HTTP/1.1 204 No Content\r\n\r\n", "", 0, true},
      {std::string(kChunked) + "0\r\n\r\n", "", std::nullopt, true},
      {"HTTP/1.1 200 OK\r\n\r\nup to the end", "up to the end", std::nullopt, false},
      {answer_of("abc", "Connection: close\r\n"), "abc", 3, false},
      {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer_of("abc"), "abc", 3, true},
      {answer_of(pattern(300'000)), pattern(300'000), 300'000, true},
  };
  for (const Row& row : rows) {
    run([&]() -> Task<void> {
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(row.answer);
        if (!row.kept) co_return;
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        IncomingResponse response = co_await client.start(get_of(url));
        EXPECT_EQ(response.body.length(), row.length);
        const std::string body = co_await read_body(response);
        EXPECT_TRUE(body == row.body) << body.substr(0, 100);
        EXPECT_EQ(client.idle_connections(), row.kept ? 1U : 0U) << row.answer.substr(0, 100);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

TEST_P(HttpIncoming, InterimResponsesAreTold) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
      co_await stream.write_all("HTTP/1.1 102 Processing\r\n\r\n" + answer_of("x"));
      static_cast<void>(co_await read_rest(stream));
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      std::string told;
      ClientRequest request = get_of(url);
      request.on_interim = [&told](const Response& head) {
        told += std::to_string(head.status.code());
        told += head.headers.find("link").value_or("-");
      };
      Client client(over_transport());
      const Response response = co_await client.request(std::move(request));
      EXPECT_EQ(response.body, "x");
      EXPECT_EQ(told, "103</a>102-");
    });
  });
}

TEST_P(HttpIncoming, ASlowReaderStopsItsServer) {
  static constexpr std::size_t much = std::size_t{1} << 30;
  run([]() -> Task<void> {
    std::atomic<std::size_t> written = 0;
    ManualResetEvent ended;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
      const std::string piece(64 * 1024, 'x');
      for (bool goes_on = true; goes_on && written < much; written += piece.size()) {
        const auto taken = co_await attempt(stream.write_all(piece));
        goes_on = taken.has_value();
      }
      ended.set();
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      {
        IncomingResponse response = co_await client.start(get_of(url));
        EXPECT_EQ(response.body.length(), much);
        std::vector<std::byte> buffer(10'000);
        for (int i = 0; i < 10; ++i) {
          static_cast<void>(co_await response.body.read(buffer));
        }
        // As long as the peer goes on, this waits for more of it: it stops when the systems' buffers
        // are full.
        std::size_t before = 0;
        while (written != before) {
          before = written;
          co_await sleep_for(milliseconds(20));
        }
      }
      co_await ended.wait();
      EXPECT_LT(written, std::size_t{64} * 1024 * 1024) << "what both systems hold";
      EXPECT_EQ(client.idle_connections(), 0U) << "a body that was dropped ends its connection";
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

/// What a reader gets if the peer sends the first `size` bytes of `answer` and closes.
Task<std::string> outcome_of_cut(std::string_view answer, std::size_t size) {
  std::string outcome;
  auto serve = [&](StreamSocket& stream, int) -> Task<void> {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    co_await stream.write_all(answer.substr(0, size));
  };
  auto visit = [&](const std::string& url) -> Task<void> {
    Client client(over_transport());
    try {
      IncomingResponse response = co_await client.start(get_of(url));
      outcome = "head ";
      outcome = co_await read_body(response, 2);
    } catch (const IoError& error) {
      outcome += error.code().message();
      EXPECT_NE(std::string_view(error.what()).find(url), std::string_view::npos) << error.what();
    }
    EXPECT_LE(client.idle_connections(), outcome == "abcde" ? 1U : 0U);
  };
  co_await with_peer(std::move(serve), std::move(visit));
  co_return outcome;
}

TEST_P(HttpIncoming, EveryCutOfABodyIsAnError) {
  const std::string answers[] = {
      answer_of("abcde"),
      std::string(kChunked) + "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: u\r\n\r\n",
  };
  run([&]() -> Task<void> {
    for (const std::string& answer : answers) {
      const std::size_t head = answer.find("\r\n\r\n") + 4;
      for (std::size_t size = head - 1; size <= answer.size(); ++size) {
        const std::string outcome = co_await outcome_of_cut(answer, size);
        const std::string cut = "connection closed in the middle of a message";
        EXPECT_EQ(outcome, size == answer.size() ? "abcde" : size < head ? cut : "head " + cut)
            << answer.substr(0, size);
      }
    }
  });
}

TEST_P(HttpIncoming, AMalformedBodyIsAnError) {
  struct Row {
    std::string_view body;
    Errc error;
  };
  const std::vector<Row> rows{
      {"2\r\nab\r\nx\r\n", Errc::bad_chunk},
      {"2\r\nabc\r\n", Errc::bad_chunk},
      {"2\r\nab\r\n0\r\nContent-Length: 1\r\n\r\n", Errc::forbidden_trailer},
  };
  for (const Row& row : rows) {
    run([&]() -> Task<void> {
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(std::string(kChunked).append(row.body));
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        IncomingResponse response = co_await client.start(get_of(url));
        const Failure first = co_await failure_of(read_body(response));
        EXPECT_EQ(first.code, row.error) << first.text;
        const Failure again = co_await failure_of(read_body(response));
        EXPECT_EQ(again.code, row.error) << "each further read fails: " << again.text;
        EXPECT_EQ(client.idle_connections(), 0U);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

TEST_P(HttpIncoming, ACancelledReadHasReadNothing) {
  run([]() -> Task<void> {
    ManualResetEvent cancelled;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      co_await cancelled.wait();
      co_await stream.write_all("def");
      static_cast<void>(co_await read_rest(stream));
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      IncomingResponse response = co_await client.start(get_of(url));
      std::string text;
      std::array<std::byte, 10> buffer;
      while (text.size() < 3) {
        const std::size_t size = co_await response.body.read(buffer);
        text.append(reinterpret_cast<const char*>(buffer.data()), size);
      }
      for (int i = 0; i < 10; ++i) {
        const auto first = co_await select(response.body.read(buffer), yield_now());
        EXPECT_FALSE(first.has<0>());
      }
      cancelled.set();
      text += co_await read_body(response);
      EXPECT_EQ(text, "abcdef");
      EXPECT_EQ(response.body.bytes_read(), 6U);
      EXPECT_EQ(client.idle_connections(), 1U);
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpIncoming, ABodyThatIsDroppedClosesTheConnection) {
  run([]() -> Task<void> {
    ManualResetEvent closed;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
      static_cast<void>(co_await read_rest(stream));
      closed.set();
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      {
        const IncomingResponse response = co_await client.start(get_of(url));
        EXPECT_EQ(response.status, 200);
      }
      co_await closed.wait();
      EXPECT_EQ(client.idle_connections(), 0U);
      // So does the cancel of a request that waits for its head.
      JoinHandle<IncomingResponse> waiting = spawn(client.start(get_of(url)));
      co_await yield_now();
      waiting.cancel();
      const auto outcome = co_await std::move(waiting).outcome();
      EXPECT_TRUE(outcome.cancelled());
      EXPECT_EQ(client.idle_connections(), 0U);
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpIncoming, WhatIsLeftOfABodyMayBeDiscarded) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100'000}}) {
    run([size]() -> Task<void> {
      auto serve = [size](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        static_cast<void>(co_await attempt(stream.write_all(answer_of(pattern(size)))));
        static_cast<void>(co_await read_rest(stream));
      };
      co_await with_peer(serve, [size](const std::string& url) -> Task<void> {
        Client client(over_transport());
        IncomingResponse response = co_await client.start(get_of(url));
        co_await response.discard();
        EXPECT_EQ(client.idle_connections(), size == 1000 ? 1U : 0U);
      });
    });
  }
}

TEST_P(HttpIncoming, OutlivesItsClient) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all(answer_of(pattern(200'000)));
      static_cast<void>(co_await read_rest(stream));
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      auto client = std::make_unique<Client>(over_transport());
      IncomingResponse response = co_await client->start(get_of(url));
      client.reset();
      const std::string body = co_await read_body(response);
      EXPECT_TRUE(body == pattern(200'000));
    });
  });
}

/// Reads the chunked body of a request, and gives its bytes.
Task<std::string> read_chunked(StreamSocket& stream) {
  std::string body;
  for (;;) {
    const std::string line = co_await read_up_to(stream, "\r\n");
    if (line.empty()) co_return body + " cut";
    const std::size_t size = std::stoul(line, nullptr, 16);
    if (size == 0) break;
    std::string chunk(size + 2, '\0');
    const auto got = co_await attempt(stream.read_exact(chunk));
    if (!got) co_return body + " cut";
    body.append(chunk, 0, size);
  }
  std::string trailers;
  for (;;) {
    const std::string line = co_await read_up_to(stream, "\r\n");
    if (line == "\r\n" || line.empty()) break;
    trailers += line;
  }
  co_return body + trailers;
}

Task<void> write_words(BodyWriter& out) {
  co_await out.write_all("some ");
  co_await out.flush();
  co_await out.write_all("words");
  out.add_trailer("X-Count", "2");
}

AsyncGenerator<std::string> words() {
  co_yield std::string("some ");
  co_await yield_now();
  co_yield std::string("words");
}

TEST_P(HttpOutgoing, BodiesOfEveryKindAreSent) {
  struct Row {
    std::string name;
    std::function<void(ClientRequest&)> set;
    std::string expected;  // the field, and the body as it comes
  };
  const std::vector<Row> rows{
      {"callable", [](ClientRequest& r) { r.stream(write_words); },
       "chunked some wordsX-Count: 2\r\n"},
      {"callable of a known length", [](ClientRequest& r) { r.stream(write_words, 10); },
       "10 some words"},
      {"generator", [](ClientRequest& r) { r.stream(words()); }, "chunked some words"},
      {"reader",
       [](ClientRequest& r) {
         Duplex ends = duplex(100);
         EXPECT_TRUE(ends.a.try_write("some words"));
         EXPECT_TRUE(ends.a.shutdown());
         r.stream(std::move(ends.b), 10);
       },
       "10 some words"},
      {"nothing", [](ClientRequest& r) { r.stream([](BodyWriter&) -> Task<void> { co_return; }); },
       "chunked "},
      {"much",
       [](ClientRequest& r) {
         r.stream([](BodyWriter& out) -> Task<void> { co_await out.write_all(pattern(400'000)); });
       },
       "chunked " + pattern(400'000)},
  };
  for (const Row& row : rows) {
    run([&]() -> Task<void> {
      auto serve = [](StreamSocket& stream, int) -> Task<void> {
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        std::string told;
        if (head.find("Transfer-Encoding: chunked\r\n") != std::string::npos) {
          const std::string body = co_await read_chunked(stream);
          told = "chunked " + body;
        } else {
          const std::size_t at = head.find("Content-Length: ") + 16;
          std::string body(std::stoul(head.substr(at)), '\0');
          co_await stream.read_exact(body);
          told = std::to_string(body.size()) + " " + body;
        }
        co_await stream.write_all(answer_of(told));
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        ClientRequest request(Method::post, url);
        row.set(request);
        const Response response = co_await client.request(std::move(request));
        EXPECT_TRUE(response.body == row.expected) << row.name << response.body.substr(0, 200);
        EXPECT_TRUE(response.keep_alive) << row.name;
        EXPECT_EQ(client.idle_connections(), 1U) << row.name;
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

/// Says when it ends.
class Guard {
 public:
  explicit Guard(std::atomic<bool>& ended) noexcept : ended_(&ended) {}
  ~Guard() { *ended_ = true; }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  std::atomic<bool>* ended_;
};

/// A peer that reads a head, answers with `answer`, and tells what else it gets.
struct Peer {
  std::string answer;
  std::string rest = "not read";
  Task<void> operator()(StreamSocket& stream, int) {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    co_await stream.write_all(answer);
    rest = co_await read_rest(stream);
  }
};

TEST_P(HttpOutgoing, AnEarlyResponseEndsTheSending) {
  run([]() -> Task<void> {
    std::atomic<bool> ended = false;
    Peer peer{"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"};
    auto serve = [&peer](StreamSocket& stream, int number) { return peer(stream, number); };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      ClientRequest request(Method::post, url);
      request.stream([&ended](BodyWriter& out) -> Task<void> {
        const Guard guard(ended);
        for (;;) co_await out.write_all("0123456789");  // for ever
      });
      const Response response = co_await client.request(std::move(request));
      EXPECT_EQ(response.status, 413);
      EXPECT_EQ(response.body, "no");
      EXPECT_FALSE(response.keep_alive);
      EXPECT_TRUE(ended) << "request() waits for the producer";
      EXPECT_EQ(client.idle_connections(), 0U);
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpOutgoing, ResponseAndRequestFlowBesideEachOther) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all(kChunked);
      std::array<std::byte, 1000> piece;
      std::string all;
      while (!all.ends_with("0\r\n\r\n")) {  // chunks go back as they are
        const std::size_t size = co_await stream.read(piece);
        if (size == 0) co_return;
        all.append(reinterpret_cast<const char*>(piece.data()), size);
        co_await stream.write_all(std::span<const std::byte>(piece).first(size));
      }
      static_cast<void>(co_await read_rest(stream));
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      Client client(over_transport());
      auto [questions, source] = duplex(100);
      ClientRequest request(Method::post, url);
      request.stream([from = std::move(source)](BodyWriter& out) mutable -> Task<void> {
        std::array<std::byte, 100> buffer;
        for (;;) {
          const std::size_t size = co_await from.read(buffer);
          if (size == 0) co_return;
          co_await out.write_all(std::span<const std::byte>(buffer).first(size));
          co_await out.flush();
        }
      });
      IncomingResponse response = co_await client.start(std::move(request));
      for (const std::string word : {"one", "two", "three"}) {
        co_await questions.write_all(word);
        std::string answer(word.size(), '\0');
        co_await read_exact(response.body, answer);
        EXPECT_EQ(answer, word);
      }
      EXPECT_TRUE(questions.shutdown());
      const std::string rest = co_await read_body(response);
      EXPECT_EQ(rest, "");
      EXPECT_EQ(client.idle_connections(), 1U);
    });
  });
}

TEST_P(HttpOutgoing, AProducerThatFailsEndsTheRequest) {
  struct Row {
    std::string name;
    std::function<Task<void>(BodyWriter&)> produce;
    std::optional<std::uint64_t> length;
    std::string error;
  };
  const std::vector<Row> rows{
      {"throws",
       [](BodyWriter& out) -> Task<void> {
         co_await out.write_all("some");
         throw std::runtime_error("out of ideas");
       },
       std::nullopt, "out of ideas"},
      {"is too short", [](BodyWriter& out) -> Task<void> { co_await out.write_all("some"); }, 5,
       "body shorter than announced"},
      {"is too long", [](BodyWriter& out) -> Task<void> { co_await out.write_all("some"); }, 3,
       "body longer than announced"},
  };
  for (const Row& row : rows) {
    for (const bool has_head : {false, true}) {
      run([&]() -> Task<void> {
        Peer peer{has_head ? std::string(kChunked) : std::string()};
        ManualResetEvent answered;
        auto serve = [&](StreamSocket& stream, int number) { return peer(stream, number); };
        auto visit = [&](const std::string& url) -> Task<void> {
          Client client(over_transport());
          ClientRequest request(Method::post, url);
          auto produce = [&](BodyWriter& out) -> Task<void> {
            if (has_head) co_await answered.wait();
            co_await row.produce(out);
          };
          request.stream(produce, row.length);
          std::string text;
          try {
            IncomingResponse response = co_await client.start(std::move(request));
            answered.set();
            text = co_await read_body(response);
          } catch (const std::exception& error) {
            text = error.what();
          }
          EXPECT_NE(text.find(row.error), std::string::npos) << row.name << ": " << text;
          EXPECT_EQ(client.idle_connections(), 0U);
          co_await until([&] { return peer.rest != "not read"; });
        };
        co_await with_peer(std::move(serve), std::move(visit));
        EXPECT_FALSE(peer.rest.ends_with("0\r\n\r\n")) << "the body was not ended";
      });
    }
  }
}

TEST_P(HttpOutgoing, AProducerIsNotCalledBeforeTheWordThatWasAskedFor) {
  for (const bool refuses : {false, true}) {
    run([refuses]() -> Task<void> {
      std::atomic<int> calls = 0;
      std::atomic<int> early = 0;
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        for (int i = 0; i < 1000; ++i) co_await yield_now();
        early = calls.load();
        if (refuses) {
          co_await stream.write_all("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
        } else {
          co_await stream.write_all("HTTP/1.1 100 Continue\r\n\r\n");
          const std::string body = co_await read_chunked(stream);
          co_await stream.write_all(answer_of(body));
        }
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        ClientOptions options;
        options.continue_timeout = hours(1);
        Client client(over_transport(options));
        ClientRequest request(Method::post, url);
        request.headers.add("Expect", "100-continue");
        request.stream([&calls](BodyWriter& out) -> Task<void> {
          ++calls;
          co_await out.write_all("body");
        });
        const Response response = co_await client.request(std::move(request));
        EXPECT_EQ(response.status, refuses ? 417 : 200);
        EXPECT_EQ(response.body, refuses ? "" : "body");
        EXPECT_EQ(calls, refuses ? 0 : 1);
        EXPECT_EQ(early, 0);
        EXPECT_EQ(response.keep_alive, !refuses);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

TEST_P(HttpOutgoing, ADroppedResponseCancelsTheProducer) {
  run([]() -> Task<void> {
    auto ended = std::make_shared<std::atomic<bool>>(false);
    Peer peer{std::string(kChunked)};
    auto serve = [&peer](StreamSocket& stream, int number) { return peer(stream, number); };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      for (const bool waits_for_head : {false, true}) {
        *ended = false;
        ClientRequest request(Method::post, url);
        request.stream([ended](BodyWriter& out) -> Task<void> {
          const Guard guard(*ended);
          co_await out.flush();
          co_await never();
        });
        if (waits_for_head) {
          peer.answer = "";
          JoinHandle<IncomingResponse> waiting = spawn(client.start(std::move(request)));
          co_await yield_now();
          waiting.cancel();
          static_cast<void>(co_await std::move(waiting).outcome());
        } else {
          const IncomingResponse response = co_await client.start(std::move(request));
          EXPECT_EQ(response.status, 200);
        }
        if (!waits_for_head) co_await until([&] { return ended->load(); });
        EXPECT_EQ(client.idle_connections(), 0U);
      }
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpOutgoing, AScopeWaitsForTheProducer) {
  run([]() -> Task<void> {
    std::atomic<bool> ended = false;
    Peer peer{std::string(kChunked)};
    auto serve = [&peer](StreamSocket& stream, int number) { return peer(stream, number); };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      co_await scope([&](Scope& owner) -> Task<void> {
        ClientRequest request(Method::post, url);
        request.stream([&ended](BodyWriter& out) -> Task<void> {
          const Guard guard(ended);
          co_await out.flush();
          co_await never();
        });
        const IncomingResponse response = co_await client.start(std::move(request), owner);
        EXPECT_EQ(response.status, 200);
      });
      // It was begun, or was cancelled before it had begun and so has no guard.
      co_await until([&] { return peer.rest != "not read"; });
    };
    co_await with_peer(std::move(serve), std::move(visit));
    static_cast<void>(ended.load());
  });
}

TEST_P(HttpOutgoing, ProgressIsTold) {
  run([]() -> Task<void> {
    const std::string sent = pattern(200'000);
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      for (;;) {
        const std::string head = co_await read_up_to(stream, "\r\n\r\n");
        if (head.empty()) co_return;
        std::string body;
        if (head.find("chunked") != std::string::npos) {
          body = co_await read_chunked(stream);
        } else {
          body.resize(200'000);
          co_await stream.read_exact(body);
        }
        co_await stream.write_all(answer_of(body));
      }
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      for (const bool is_streamed : {false, true}) {
        std::uint64_t sent_bytes = 0;
        std::uint64_t got_bytes = 0;
        ClientRequest request(Method::post, url);
        if (is_streamed) {
          request.stream([&](BodyWriter& out) -> Task<void> { co_await out.write_all(sent); });
        } else {
          request.body = sent;
        }
        request.on_sent = [&](std::uint64_t bytes, std::optional<std::uint64_t> total) {
          EXPECT_GE(bytes, sent_bytes);
          EXPECT_EQ(total, is_streamed ? std::nullopt : std::optional<std::uint64_t>(200'000));
          sent_bytes = bytes;
        };
        request.on_received = [&](std::uint64_t bytes, std::optional<std::uint64_t> total) {
          EXPECT_GT(bytes, got_bytes);
          EXPECT_EQ(total, 200'000U);
          got_bytes = bytes;
        };
        const Response response = co_await client.request(std::move(request));
        EXPECT_TRUE(response.body == sent);
        EXPECT_EQ(sent_bytes, 200'000U);
        EXPECT_EQ(got_bytes, 200'000U);
        EXPECT_TRUE(response.keep_alive);
      }
    };
    co_await with_peer(std::move(serve), std::move(visit));
  });
}

TEST_P(HttpOutgoing, AConnectionHasItsTurnsByBodies) {
  run([]() -> Task<void> {
    Duplex ends = duplex(4096);
    ClientConnection connection(std::move(ends.a));
    JoinHandle<IncomingResponse> asking = spawn(connection.start(get_of("http://a/1")));
    static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
    co_await ends.b.write_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    IncomingResponse first = co_await std::move(asking);
    JoinHandle<Response> second = spawn(connection.get("http://a/2"));
    for (int i = 0; i < 100; ++i) co_await yield_now();
    std::array<std::byte, 1> one;
    EXPECT_EQ(ends.b.try_read(one).error(), std::errc::operation_would_block)
        << "the first body has the turn";
    co_await ends.b.write_all("bc");
    const std::string body = co_await read_body(first);
    EXPECT_EQ(body, "abc");
    const std::string head = co_await read_up_to(ends.b, "\r\n\r\n");
    EXPECT_TRUE(head.starts_with("GET /2 ")) << head;
    co_await ends.b.write_all(answer_of("two"));
    const Response two = co_await std::move(second);
    EXPECT_EQ(two.body, "two");

    JoinHandle<IncomingResponse> third = spawn(connection.start(get_of("http://a/3")));
    static_cast<void>(co_await read_up_to(ends.b, "\r\n\r\n"));
    co_await ends.b.write_all("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    static_cast<void>(co_await std::move(third));  // and drops the body
    EXPECT_FALSE(connection.is_open());
    co_await ends.b.peer_closed();
    const Failure failure = co_await failure_of(connection.get("http://a/4"));
    EXPECT_EQ(failure.code, std::errc::not_connected);
  });
}

}  // namespace
}  // namespace weft::testing::http_client_stream_test
