// The body of a request, and what the peer may do while http::Client sends it; 1xx responses; what
// a timeout tells.
#include "api/http_client_support.hpp"

#include <gtest/gtest.h>

#include "os/fault.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_body_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Method;
using http::Response;

class HttpRequestBody : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpRequestBody, transports_over_tcp(), name_of_transport);

constexpr std::size_t kLong = 16 * 1024 * 1024;  // more than both systems take unread

ClientRequest put(const std::string& url, std::string body) {
  ClientRequest request(Method::put, url);
  request.body = std::move(body);
  return request;
}

TEST_P(HttpRequestBody, AResponseIsReadBeforeThePeerHasItAll) {
  for (const std::string status : {"413 Content Too Large", "200 OK"}) {
    run([&]() -> Task<void> {
      ManualResetEvent done;
      auto serve = [&](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all("HTTP/1.1 " + status + "\r\nContent-Length: 3\r\n\r\nabc");
        co_await done.wait();  // and reads no more
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        const Response response = co_await client.request(put(url, std::string(kLong, 'x')));
        EXPECT_EQ(std::to_string(response.status.code()), status.substr(0, 3));
        EXPECT_EQ(response.body, "abc");
        EXPECT_FALSE(response.keep_alive);
        EXPECT_EQ(client.idle_connections(), 0U);
        done.set();
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
  }
}

/// Sends back each piece of the body as it comes, for two requests on a connection.
Task<void> echo(StreamSocket& stream, int) {
  constexpr std::string_view name = "Content-Length: ";
  std::vector<std::byte> piece(64 * 1024);
  for (;;) {
    const std::string head = co_await read_up_to(stream, "\r\n\r\n");
    if (head.empty()) co_return;
    std::size_t left = std::stoul(head.substr(head.find(name) + name.size()));
    co_await stream.write_all("HTTP/1.1 200 OK\r\n" + std::string(name) + std::to_string(left) +
                              "\r\n\r\n");
    while (left > 0) {
      const std::size_t size = co_await stream.read(piece);
      if (size == 0) co_return;
      co_await stream.write_all(std::span<const std::byte>(piece).first(size));
      left -= size;
    }
  }
}

TEST_P(HttpRequestBody, APeerMayAnswerWhileItReads) {
  run([]() -> Task<void> {
    co_await with_peer(echo, [](const std::string& url) -> Task<void> {
      ClientOptions options;
      options.timeout = minutes(2);
      Client client(over_transport(options));
      const std::string body = pattern(kLong);
      for (int round = 0; round < 2; ++round) {
        const Response response = co_await client.request(put(url, body));
        EXPECT_TRUE(response.body == body);
      }
    });
  });
}

TEST_P(HttpRequestBody, IsSentInFullWhateverItsSize) {
  run([]() -> Task<void> {
    co_await with_peer(echo, [](const std::string& url) -> Task<void> {
      Client client(over_transport());
      const std::size_t sizes[] = {0, 1, 16 * 1024, 16 * 1024 + 1, 300'000};
      for (const std::size_t size : sizes) {
        const std::string body = pattern(size);
        const Response response = co_await client.request(put(url, body));
        EXPECT_TRUE(response.body == body) << size;
        EXPECT_TRUE(response.keep_alive) << size;
      }
      EXPECT_EQ(client.idle_connections(), 1U);
    });
  });
}

ClientRequest expecting(const std::string& url, std::string body) {
  ClientRequest request = put(url, std::move(body));
  request.headers.add("Expect", "100-Continue");
  return request;
}

TEST_P(HttpRequestBody, WaitsForTheWordThatWasAskedFor) {
  run([]() -> Task<void> {
    std::string head;
    std::atomic<std::size_t> early = 0;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      head = co_await read_up_to(stream, "\r\n\r\n");
      std::array<std::byte, 64> rest;
      // The client's task has sent what it sends before the word when it waits for it.
      for (int i = 0; i < 1000; ++i) co_await yield_now();
      early = stream.try_read(rest).value_or(0);
      co_await stream.write_all("HTTP/1.1 100 Continue\r\n\r\n");
      std::string body = co_await read_up_to(stream, "end");
      co_await stream.write_all(answer_of(body));
      static_cast<void>(co_await read_rest(stream));
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      ClientOptions options;
      options.continue_timeout = hours(1);
      Client client(over_transport(options));
      const Response response = co_await client.request(expecting(url, "body to the end"));
      EXPECT_EQ(response.body, "body to the end");
      EXPECT_TRUE(response.keep_alive);
    };
    co_await with_peer(std::move(serve), std::move(visit));
    EXPECT_EQ(early, 0U);
    EXPECT_NE(head.find("Expect: 100-Continue\r\n"), std::string::npos) << head;
  });
}

TEST_P(HttpRequestBody, IsNotSentIfTheResponseComesFirst) {
  run([]() -> Task<void> {
    std::string rest;
    ManualResetEvent was_read;
    auto serve = [&](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      co_await stream.write_all("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
      rest = co_await read_rest(stream);
      was_read.set();
    };
    auto visit = [&](const std::string& url) -> Task<void> {
      ClientOptions options;
      options.continue_timeout = hours(1);
      Client client(over_transport(options));
      const Response response = co_await client.request(expecting(url, "body"));
      EXPECT_EQ(response.status, 417);
      EXPECT_FALSE(response.keep_alive);
      co_await was_read.wait();
    };
    co_await with_peer(std::move(serve), std::move(visit));
    EXPECT_EQ(rest, "");
  });
}

TEST(HttpExpectation, OfASilentPeerEnds) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
      std::string body = co_await read_up_to(stream, "body");
      co_await stream.write_all(answer_of(body));
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      ClientOptions options;
      options.continue_timeout = seconds(20);
      Client client(over_transport(options));
      const TimePoint begun = now();
      const Response response = co_await client.request(expecting(url, "body"));
      EXPECT_EQ(response.body, "body");
      EXPECT_GE(now() - begun, seconds(20)) << "the body was sent without the word";
    });
  });
}

TEST_P(HttpRequestBody, OfNoBytesExpectsNothing) {
  run([]() -> Task<void> {
    auto serve = [](StreamSocket& stream, int) -> Task<void> {
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      co_await stream.write_all(answer_of(head));
    };
    co_await with_peer(serve, [](const std::string& url) -> Task<void> {
      Client client(over_transport());
      const Response response = co_await client.request(expecting(url, ""));
      EXPECT_EQ(response.body.find("Expect"), std::string::npos) << response.body;
    });
  });
}

/// The outcome of a request whose response has `count` interim ones before it.
Task<std::string> after_interim(std::size_t count, std::string_view interim) {
  std::string outcome;
  auto serve = [&](StreamSocket& stream, int) -> Task<void> {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all.append(interim);
    all += answer_of("final");
    static_cast<void>(co_await attempt(stream.write_all(all)));
    static_cast<void>(co_await read_rest(stream));
  };
  auto visit = [&](const std::string& url) -> Task<void> {
    Client client(over_transport());
    try {
      const Response response = co_await client.get(url);
      outcome = response.body;
    } catch (const IoError& error) {
      outcome = error.code().message();
    }
  };
  co_await with_peer(std::move(serve), std::move(visit));
  co_return outcome;
}

TEST_P(HttpRequestBody, AnyNumberOfInterimResponsesMayCome) {
  run([]() -> Task<void> {
    const std::string_view interim = "HTTP/1.1 102 Processing\r\n\r\n";
    for (const std::size_t count : {std::size_t{1}, std::size_t{17}, std::size_t{600}}) {
      const std::string outcome = co_await after_interim(count, interim);
      EXPECT_EQ(outcome, "final") << count;
    }
    // As many bytes as one head may have.
    const std::string beyond = co_await after_interim(16 * 1024 / interim.size() + 1, interim);
    EXPECT_EQ(beyond, "headers too large");
  });
}

/// What a request gives if the peer sends the first `size` bytes of `answer` and closes.
Task<std::string> outcome_of_cut(std::string_view answer, std::size_t size) {
  std::string outcome;
  auto serve = [&](StreamSocket& stream, int) -> Task<void> {
    static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
    co_await stream.write_all(answer.substr(0, size));
  };
  auto visit = [&](const std::string& url) -> Task<void> {
    Client client(over_transport());
    try {
      const Response response = co_await client.get(url);
      outcome = response.body;
    } catch (const IoError& error) {
      outcome = error.code().message();
    }
    EXPECT_LE(client.idle_connections(), outcome == "abcde" ? 1U : 0U);
  };
  co_await with_peer(std::move(serve), std::move(visit));
  co_return outcome;
}

TEST_P(HttpRequestBody, EveryCutOfAResponseIsAnError) {
  const std::string answers[] = {
      answer_of("abcde", "A: b\r\n c\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 5\n\nabcde",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: u\r\n\r\n",
  };
  run([&]() -> Task<void> {
    for (const std::string& answer : answers) {
      for (std::size_t size = 0; size <= answer.size(); ++size) {
        const std::string outcome = co_await outcome_of_cut(answer, size);
        const bool is_end_of_message =
            size == 0 || outcome == "connection closed before a response";
        EXPECT_EQ(outcome, size == answer.size() ? "abcde"
                           : is_end_of_message   ? "connection closed before a response"
                                                 : "connection closed in the middle of a message")
            << answer.substr(0, size);
      }
    }
  });
}

/// A write that fails although the connection lives, as without memory for it: the peer waits for
/// the rest of the request.
TEST_P(HttpRequestBody, AFailedWriteEndsTheRequestAtOnce) {
  struct Case {
    detail::Call call;
    std::size_t size;
  };
  // The head; head and body in one call; the rest of a body.
  for (const Case one : {Case{detail::Call::send, 0}, Case{detail::Call::sendmsg, 100'000},
                         Case{detail::Call::send, kLong}}) {
    detail::ScopedFaults faults;
    // A stream that is no socket writes one piece after the other.
    const bool in_pieces = present_transport == Over::pieces;
    faults.add({.call = in_pieces ? detail::Call::send : one.call, .errno_value = ENOBUFS});
    run([&]() -> Task<void> {
      auto serve = [](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_rest(stream));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport());
        const Failure failure =
            co_await failure_of(client.request(put(url, std::string(one.size, 'x'))));
        EXPECT_EQ(failure.code, std::errc::no_buffer_space) << failure.text;
        EXPECT_EQ(client.idle_connections(), 0U);
      };
      co_await with_peer(std::move(serve), std::move(visit));
    });
    EXPECT_EQ(faults.struck(), 1U);
  }
}

/// Fills the queue of a listener, so that the next connect waits.
Task<std::vector<StreamSocket>> fill(const SocketListener& listener) {
  std::vector<StreamSocket> streams;
  for (;;) {
    auto next = timeout(StreamSocket::connect(listener.local_endpoint()), seconds(1));
    Result<StreamSocket> stream = co_await attempt(std::move(next));
    if (!stream) co_return streams;
    streams.push_back(std::move(*stream));
  }
}

TEST(HttpTimeout, NamesWhatWasWaitedFor) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    ClientOptions options;
    options.timeout = seconds(5);
    options.connect_timeout = seconds(60);
    ListenOptions short_queue;
    short_queue.backlog = 0;
    {
      SocketListener listener = SocketListener::bind(Endpoint::loopback(0), short_queue);
      const std::vector<StreamSocket> fillers = co_await fill(listener);
      const std::string address = listener.local_endpoint().to_string();
      Client client(over_transport(options));
      const Failure whole = co_await failure_of(client.get("http://" + address + "/a"));
      EXPECT_EQ(whole.code, Errc::timed_out_connecting);
      EXPECT_EQ(whole.code, std::errc::timed_out);
      EXPECT_EQ(whole.text, "GET http://" + address + "/a: timed out while connecting");
      options.connect_timeout = seconds(1);
      Client hasty(options);
      const Failure connecting = co_await failure_of(hasty.get("http://" + address + "/a"));
      EXPECT_EQ(connecting.code, Errc::timed_out_connecting);
      EXPECT_EQ(connecting.text, "connect " + address + ": timed out while connecting");
    }
    struct Case {
      std::string answer;
      std::size_t body_size;
      Errc error;
      std::string_view text;
    };
    const Case cases[] = {
        {"", kLong, Errc::timed_out_sending, "timed out while sending the request"},
        {"", 10, Errc::timed_out_waiting,
         "timed out while waiting for the first byte of the response"},
        {"HTTP", 10, Errc::timed_out_receiving, "timed out in the middle of the response"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", kLong, Errc::timed_out_receiving,
         "timed out in the middle of the response"},
    };
    for (const Case& one : cases) {
      auto serve = [&one](StreamSocket& stream, int) -> Task<void> {
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        co_await stream.write_all(one.answer);
        co_await sleep_for(hours(1));
      };
      auto visit = [&](const std::string& url) -> Task<void> {
        Client client(over_transport(options));
        auto request = client.request(put(url, std::string(one.body_size, 'x')));
        const Failure failure = co_await failure_of(std::move(request));
        EXPECT_EQ(failure.code, one.error) << failure.text;
        EXPECT_EQ(failure.code, std::errc::timed_out);
        EXPECT_EQ(failure.text, "PUT " + url + ": " + std::string(one.text));
      };
      co_await with_peer(std::move(serve), std::move(visit));
    }
  });
}

}  // namespace
}  // namespace weft::testing::http_client_body_test
