// Requests of http::Client whose bodies are streamed, and what happens to the task that sends.
#include "api/http_client_peers.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_upload_test {
namespace {

using http::BodyWriter;
using http::Client;
using http::ClientConnection;
using http::ClientOptions;
using http::ClientRequest;
using http::IncomingResponse;
using http::Method;
using http::Response;

class HttpOutgoing : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpOutgoing, transports_over_tcp(), name_of_transport);

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
  std::string rest = {};
  std::atomic<bool> has_rest = false;
  Task<void> operator()(StreamSocket& stream, int) {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    co_await stream.write_all(answer);
    rest = co_await read_rest(stream);
    has_rest = true;
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
          co_await until([&] { return peer.has_rest.load(); });
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
    ManualResetEvent begun;
    Peer peer{std::string(kChunked)};
    auto serve = [&peer](StreamSocket& stream, int number) { return peer(stream, number); };
    auto visit = [&](const std::string& url) -> Task<void> {
      Client client(over_transport());
      co_await scope([&](Scope& owner) -> Task<void> {
        ClientRequest request(Method::post, url);
        request.stream([&](BodyWriter& out) -> Task<void> {
          const Guard guard(ended);
          begun.set();
          co_await out.flush();
          co_await never();
        });
        const IncomingResponse response = co_await client.start(std::move(request), owner);
        EXPECT_EQ(response.status, 200);
        co_await begun.wait();
      });
      EXPECT_TRUE(ended);
      co_await until([&] { return peer.has_rest.load(); });
    };
    co_await with_peer(std::move(serve), std::move(visit));
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

/// The body of a redirect is not the final response's.
TEST_P(HttpOutgoing, ProgressIsOfTheFinalResponse) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      for (const std::string first : {"HTTP/1.1 302 Found\r\nLocation: /there\r\n", ""}) {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        const std::string moved = first + "Content-Length: 13\r\n\r\nlook there :)";
        const std::string answer = first.empty() ? answer_of("found") : moved;
        co_await stream.write_all(answer);
      }
    };
    auto visit = [](const std::string& url) -> Task<void> {
      ClientOptions options = over_transport();
      options.follow_redirects = 3;
      Client client(options);
      ClientRequest request = get_of(url);
      std::vector<std::uint64_t> told;
      request.on_received = [&](std::uint64_t bytes, std::optional<std::uint64_t> total) {
        told.push_back(bytes);
        EXPECT_EQ(total, 5U);
      };
      const Response response = co_await client.request(std::move(request));
      EXPECT_EQ(response.body, "found");
      EXPECT_EQ(told.empty() ? 0U : told.back(), 5U);
    };
    co_await with_peer(serve, visit);
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
}  // namespace weft::testing::http_client_upload_test
