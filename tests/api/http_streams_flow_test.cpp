// The flow of streamed bodies of http::Server: which side waits for the other, for how long, and in
// how much memory.
#include <malloc.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "api/http_stream_doubles.hpp"
#include "support/helpers.hpp"
#include "support/sanitizers.hpp"

namespace weft::testing::http_streams_flow_test {
namespace {

using http::BodyReader;
using http::BodyWriter;
using http::Request;
using http::Response;

class HttpStreamsFlow : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpStreamsFlow);

constexpr std::size_t kMebibyte = 1024 * 1024;

std::string head_of(std::uint64_t length) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
         "\r\nConnection: close\r\n\r\n";
}

/// Writes until the other side takes nothing for a while of turns.
Task<void> write_for_ever(DuplexEnd& end, std::atomic<std::size_t>& written) {
  const std::string piece = pattern(1000);
  for (;;) {
    co_await end.write_all(piece);
    written += piece.size();
  }
}
/// Waits until `bytes` stays the same.
Task<void> settled(const std::atomic<std::size_t>& bytes) {
  std::size_t before = 0;
  do {
    before = bytes.load();
    co_await sleep_for(milliseconds(20));
  } while (bytes.load() != before || before == 0);
}

TEST_P(HttpStreamsFlow, AHandlerThatDoesNotReadStopsItsClient) {
  run([]() -> Task<void> {
    ManualResetEvent go_on;
    http::ServerOptions options = patient();
    options.limits.max_body = 1U << 30;
    http::Server server(std::move(options), [&](Request&, BodyReader& body) -> Task<Response> {
      std::string first(1, '\0');
      co_await read_exact(body, writable_bytes(first));
      co_await go_on.wait();
      co_return Response::text("enough");
    });
    Duplex ends = duplex(1000);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      std::atomic<std::size_t> written = 0;
      co_await ends.b.write_all(head_of(1U << 30));
      auto watch = [&]() -> Task<void> {
        co_await settled(written);
        EXPECT_LT(written.load(), 20'000U) << "one buffer of the server, and the duplex";
      };
      co_await select(write_for_ever(ends.b, written), watch());
      go_on.set();
      const std::string answer = co_await read_rest(ends.b);
      EXPECT_TRUE(answer.ends_with("enough")) << answer;
      ends.b.close();
    });
  });
}

TEST_P(HttpStreamsFlow, AClientThatDoesNotReadStopsItsProducer) {
  run([]() -> Task<void> {
    std::atomic<std::size_t> produced = 0;
    std::atomic<int> ended = 0;
    struct Counted {
      explicit Counted(std::atomic<int>& c) noexcept : count(c) {}
      Counted(const Counted&) = delete;
      Counted& operator=(const Counted&) = delete;
      ~Counted() { ++count; }
      std::atomic<int>& count;
    };
    http::Server server(patient(), [&](Request&) {
      return Response::stream([&](BodyWriter& out) -> Task<void> {
        const Counted counted(ended);
        const std::string piece = pattern(100'000);
        for (;;) {
          const std::size_t taken = co_await out.write(piece);
          produced += taken;
        }
      });
    });
    Duplex ends = duplex(1000);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      co_await ends.b.write_all(get("/"));
      co_await settled(produced);
      EXPECT_LT(produced.load(), 200'000U);
      const std::size_t before = produced.load();
      std::string some(500'000, '\0');
      co_await ends.b.read_exact(writable_bytes(some));
      EXPECT_GT(produced.load(), before) << "it goes on when its client does";
      ends.b.close();
      co_await test::until([&] { return ended.load() == 1; });
    });
  });
}

/// A client that does both at once, and one that is slow: with virtual time, at once.
template <class H, class V>
void in_virtual_time(H handler, V visit) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([&]() -> Task<void> {
    http::Server server(http::ServerOptions(), std::move(handler));
    Duplex ends = duplex(1000);
    co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
      co_await visit(ends.b);
      ends.b.close();
      co_await test::until([&] { return server.connections() == 0; });
    });
  });
}
Task<Response> count_bytes(Request&, BodyReader& body) {
  std::string text = co_await body.read_all(kMebibyte);
  co_return Response::text(std::to_string(text.size()));
}
Task<Response> stream_much(Request&) {
  co_return Response::stream([](BodyWriter& out) -> Task<void> {
    const std::string piece = pattern(1000);
    for (int i = 0; i < 200; ++i) co_await out.write_all(piece);
  });
}

TEST(HttpStreamsTime, ABodyIsLimitedBySilenceAlone) {
  in_virtual_time(count_bytes, [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(head_of(20));
    for (int i = 0; i < 20; ++i) {  // 400 s in all
      co_await sleep_for(seconds(20));
      co_await client.write_all("x");
    }
    const std::string answer = co_await read_rest(client);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n20")) << answer;
  });
}

TEST(HttpStreamsTime, ASilentBodyIs408) {
  in_virtual_time(count_bytes, [](DuplexEnd& client) -> Task<void> {
    const TimePoint start = now();
    co_await client.write_all(head_of(20) + "some");
    const std::string answer = co_await read_rest(client);
    EXPECT_EQ(status_line(answer), "HTTP/1.1 408 Request Timeout");
    EXPECT_GE(now() - start, seconds(30));
    EXPECT_LT(now() - start, seconds(40));
  });
}

TEST(HttpStreamsTime, ASilentBodyBehindAResponseThatHasBegunEndsTheConnection) {
  auto echo = [](Request&, BodyReader& body) -> Task<Response> {
    Response made = Response::stream(std::move(body));
    co_return made;
  };
  in_virtual_time(echo, [](DuplexEnd& client) -> Task<void> {
    const TimePoint start = now();
    co_await client.write_all(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n");
    const std::string answer = co_await read_rest(client);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n4\r\nsome\r\n")) << answer;
    EXPECT_EQ(answer.find("408"), answer.npos);
    EXPECT_GE(now() - start, seconds(30));
  });
}

TEST(HttpStreamsTime, AnUnreadBodyThatDoesNotComeIsNotWaitedForLong) {
  auto handler = [](Request&, BodyReader&) -> Task<Response> { co_return Response::text("seen"); };
  in_virtual_time(handler, [](DuplexEnd& client) -> Task<void> {
    const TimePoint start = now();
    co_await client.write_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nsome");
    const std::string answer = co_await read_rest(client);
    EXPECT_TRUE(answer.ends_with("seen")) << answer;
    EXPECT_EQ(answer.find("408"), answer.npos);
    EXPECT_LT(now() - start, seconds(40));
  });
}

TEST(HttpStreamsTime, AClientThatReadsSlowlyIsServedAndOneThatStopsIsNot) {
  in_virtual_time(stream_much, [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(get("/", "Connection: close\r\n"));
    std::string answer;
    std::string piece(2000, '\0');
    for (;;) {  // more than 1000 s in all
      co_await sleep_for(seconds(10));
      const std::size_t got = co_await client.read(writable_bytes(piece));
      if (got == 0) break;
      answer.append(piece, 0, got);
    }
    EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
    EXPECT_GT(answer.size(), 200'000U);
  });
  in_virtual_time(stream_much, [](DuplexEnd& client) -> Task<void> {
    co_await client.write_all(get("/"));
    const TimePoint start = now();
    co_await client.peer_closed();
    EXPECT_GE(now() - start, seconds(30));
    EXPECT_LT(now() - start, seconds(40));
  });
}

std::int64_t resident_bytes() {
  ::malloc_trim(0);
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// A sum in which order counts.
std::uint64_t add(std::uint64_t sum, std::string_view bytes) {
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
  }
  return sum;
}

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kPieces = test::address_sanitizer || test::thread_sanitizer ? 64 : 4096;

Task<std::uint64_t> sum_up(BodyReader& body) {
  std::uint64_t sum = 0;
  std::string piece(kPiece, '\0');
  for (;;) {
    std::size_t size = 0;
    while (size < piece.size()) {
      const std::size_t got = co_await body.read(writable_bytes(piece).subspan(size));
      if (got == 0) break;
      size += got;
    }
    sum = add(sum, std::string_view(piece).substr(0, size));
    if (body.ended()) co_return sum;
  }
}

class HttpStreamsMemory : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpStreamsMemory, ::testing::Values(0, 2), name_of_workers);

/// 1 GiB up and 1 GiB down.
TEST_P(HttpStreamsMemory, LargeBodiesTakeNoMemory) {
  const std::string piece = pattern(kPiece);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kPieces; ++i) sum = add(sum, piece);
  run([&]() -> Task<void> {
    http::ServerOptions options = patient();
    options.limits.max_body = kPiece * kPieces;
    Site site(std::move(options), [&](Request& request, BodyReader& body) -> Task<Response> {
      if (request.method == http::Method::post) {
        const std::uint64_t got = co_await sum_up(body);
        co_return Response::text(std::to_string(got));
      }
      co_return Response::stream([&](BodyWriter& out) -> Task<void> {
        for (std::size_t i = 0; i < kPieces; ++i) co_await out.write_all(piece);
      });
    });
    co_await visiting(site, [&](Site& s) -> Task<void> {
      const std::int64_t before = resident_bytes();
      StreamSocket up = co_await StreamSocket::connect(s.endpoint());
      co_await up.write_all(head_of(kPiece * kPieces));
      for (std::size_t i = 0; i < kPieces; ++i) co_await up.write_all(piece);
      const std::string answer = co_await read_rest(up);
      EXPECT_EQ(body_of(answer), std::to_string(sum));
      StreamSocket down = co_await StreamSocket::connect(s.endpoint());
      co_await down.write_all(get("/", "Connection: close\r\n"));
      static_cast<void>(co_await read_up_to(down, "\r\n\r\n"));
      std::string room(kPiece, '\0');
      std::size_t size = 0;
      for (;;) {
        const std::size_t got = co_await down.read(writable_bytes(room));
        if (got == 0) break;
        size += got;
      }
      EXPECT_GT(size, kPiece * kPieces);
      if (!test::address_sanitizer && !test::thread_sanitizer) {
        EXPECT_LT(resident_bytes() - before, std::int64_t{16 * kMebibyte});
      }
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_streams_flow_test
