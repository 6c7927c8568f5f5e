// http::Client::start(): heads before bodies, back-pressure, trailers, cuts, cancels.
#include "api/http_client_peers.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_stream_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::IncomingResponse;
using http::Method;
using http::Response;

class HttpIncoming : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpIncoming, transports_over_tcp(), name_of_transport);

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

// In memory, where the bytes under way are known exactly, and in virtual time, which passes only
// when nothing moves any more.
TEST(HttpIncomingInMemory, ASlowReaderStopsItsServer) {
  static constexpr std::size_t much = std::size_t{1} << 30;
  static constexpr std::size_t under_way = 64 * 1024;  // the client's buffer, and the stream's
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    std::size_t written = 0;
    ManualResetEvent ended;
    auto serve = [&](DuplexEnd& end, int, http::Origin) -> Task<void> {
      static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
      co_await end.write_all("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
      const std::string piece(1000, 'x');
      for (bool goes_on = true; goes_on && written < much; written += piece.size()) {
        const auto taken = co_await attempt(end.write_all(std::string_view(piece)));
        goes_on = taken.has_value();
      }
      ended.set();
    };
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      Client client(peers.options());
      {
        IncomingResponse response = co_await client.start(get_of("http://a/x"));
        EXPECT_EQ(response.body.length(), much);
        std::vector<std::byte> buffer(10'000);
        for (std::size_t wanted : {std::size_t{0}, std::size_t{100'000}, std::size_t{1'000'000}}) {
          while (response.body.bytes_read() < wanted) {
            static_cast<void>(co_await response.body.read(buffer));
          }
          co_await sleep_for(seconds(1));
          EXPECT_GE(written, response.body.bytes_read()) << "it goes on when there is room";
          EXPECT_LE(written, response.body.bytes_read() + under_way);
        }
      }
      co_await ended.wait();
      EXPECT_EQ(client.idle_connections(), 0U) << "a body that was dropped ends its connection";
    };
    co_await with_memory_peers(serve, visit);
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
        EXPECT_EQ(outcome, size == answer.size() ? "abcde"
                           : size < head         ? cut
                                                 : "head " + cut)
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
      auto visit = [size](const std::string& url) -> Task<void> {
        Client client(over_transport());
        IncomingResponse response = co_await client.start(get_of(url));
        co_await response.discard();
        EXPECT_EQ(client.idle_connections(), size == 1000 ? 1U : 0U);
      };
      co_await with_peer(std::move(serve), std::move(visit));
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

}  // namespace
}  // namespace weft::testing::http_client_stream_test
