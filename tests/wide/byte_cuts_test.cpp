// Messages of HTTP that end after each of their bytes, by an end of the stream or by a reset: the
// client ends each time with the documented error or the response, and what it keeps open can be
// used; the server goes on to serve others. No handle is left.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "api/http_client_support.hpp"
#include "api/http_stream_doubles.hpp"
#include "wide/wide.hpp"

namespace weft::testing::byte_cuts_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Method;
using http::Response;
using test::Case;
using test::is_wide;

/// How a peer ends the connection after its last byte.
enum class Ending : std::uint8_t { close, half_close, reset };
constexpr std::array endings{Ending::close, Ending::half_close, Ending::reset};

const char* name_of(Ending how) {
  constexpr std::array names{"close", "half-close", "reset"};
  return names[static_cast<std::size_t>(how)];
}

std::string described(std::string_view sent, Ending how) {
  return ::testing::PrintToString(std::string(sent)) + ", then " + name_of(how);
}

/// After the peer has all bytes.
Task<void> end_stream(StreamSocket& stream, Ending how) {
  if (how == Ending::reset) {
    EXPECT_TRUE(stream.set_linger(seconds(0)).has_value());
    stream.close();
  } else if (how == Ending::half_close) {
    static_cast<void>(stream.shutdown());
    static_cast<void>(co_await read_rest(stream));
  }
}

/// Every byte, or in a short run some of them; the last always.
std::size_t cuts_apart() { return is_wide() ? 1 : 7; }
std::size_t first_cut(std::string_view text) { return text.size() % cuts_apart(); }

// Responses

struct Kind {
  const char* name;
  Method method;
  std::string text;
  std::string body;
  /// Where the response may end: there a cut is no error.
  bool until_close = false;
  /// Bytes of 1xx responses before it.
  std::size_t interim = 0;
};

const std::string continued = "HTTP/1.1 100 Continue\r\n\r\n";
const std::string hinted = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kinds{
      {"Length", Method::get, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nabcde", "abcde"},
      {"ZeroLength", Method::get, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ""},
      {"Chunks", Method::get,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: u\r\nV: w\r\n\r\n",
       "abcde"},
      {"UntilClose", Method::get, "HTTP/1.1 200 OK\r\nA: b\r\n\r\nabcde", "abcde", true},
      {"OldUntilClose", Method::get, "HTTP/1.0 200 OK\r\n\r\nabc", "abc", true},
      {"NoContent", Method::get, "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", ""},
      {"NotModified", Method::get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""},
      {"Head", Method::head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ""},
      {"Interim", Method::get,
       continued + hinted + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", false,
       continued.size() + hinted.size()},
      {"LineFeeds", Method::get, "HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 2\n\nab", "ab"},
      {"Post", Method::post, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nab", "ab"},
  };
  return kinds;
}

/// The body, or the error.
struct Got {
  std::string body;
  std::error_code error;
};
/// `streams`: the body is read as it comes.
Task<Got> ask(Client& client, const Kind& kind, std::string url, bool streams) {
  ClientRequest request(kind.method, std::move(url));
  if (kind.method == Method::post) request.body = "a body";
  Got got;
  try {
    if (streams) {
      http::IncomingResponse response = co_await client.start(std::move(request));
      std::string piece(2, '\0');
      while (const std::size_t size = co_await response.body.read(writable_bytes(piece))) {
        got.body.append(piece, 0, size);
      }
    } else {
      Response response = co_await client.request(std::move(request));
      got.body = std::move(response.body);
    }
  } catch (const IoError& error) {
    EXPECT_NE(std::string_view(error.what()).find("127.0.0.1"), std::string_view::npos)
        << error.what();
    got.error = error.code();
  }
  co_return got;
}

/// What is documented for the first `size` bytes of a response.
void expect_documented(const Kind& kind, std::size_t size, Ending how, const Got& got) {
  const std::string what =
      std::string(kind.name) + ": " + described(kind.text.substr(0, size), how);
  const std::size_t head_end = kind.text.find("\r\n\r\n", kind.interim) + 4;
  const bool is_whole = size == kind.text.size() && !kind.until_close;
  if (how == Ending::reset && (got.error || !is_whole)) {
    // The kernel drops what was not read before the reset.
    const bool is_one_of =
        got.error == std::errc::connection_reset || got.error == std::errc::broken_pipe ||
        got.error == Errc::unexpected_end || got.error == Errc::closed_before_response;
    EXPECT_TRUE(is_one_of) << what << ": " << got.error.message();
  } else if (is_whole) {
    EXPECT_EQ(got.error, std::error_code()) << what;
    EXPECT_EQ(got.body, kind.body) << what;
  } else if (kind.until_close && size >= head_end) {
    EXPECT_EQ(got.error, std::error_code()) << what;
    EXPECT_EQ(got.body, kind.text.substr(head_end, size - head_end)) << what;
  } else {
    const bool between =
        size == 0 || size == kind.interim || (kind.interim != 0 && size == continued.size());
    EXPECT_EQ(got.error, between ? Errc::closed_before_response : Errc::unexpected_end)
        << what << ": " << got.error.message();
  }
}

/// A peer that answers with a part of a response, or with a whole one for the target "/whole".
struct Cutter {
  const Kind* kind = nullptr;
  std::size_t size = 0;
  Ending how = Ending::close;

  Task<void> operator()(StreamSocket& stream, int) const {
    for (;;) {
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      if (head.empty()) co_return;
      if (head.starts_with("POST ")) static_cast<void>(co_await read_up_to(stream, "a body"));
      if (head.find(" /whole ") == std::string::npos) break;
      co_await stream.write_all(answer_of("whole"));
    }
    co_await stream.write_all(std::string_view(kind->text).substr(0, size));
    co_await end_stream(stream, how);
  }
};

class ByteCuts : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, ByteCuts, ::testing::Values(0, 1, 2), name_of_workers);

/// All cuts of a response by one client, on a fresh connection and on a kept one.
Task<void> cut_response(const Kind& kind, Ending how, bool streams) {
  Cutter cutter;
  cutter.kind = &kind;
  cutter.how = how;
  auto serve = [&](StreamSocket& stream, int number) { return cutter(stream, number); };
  auto visit = [&](const std::string& url) -> Task<void> {
    ClientOptions options;
    options.timeout = seconds(20);
    Client client(options);
    const std::string whole = url.substr(0, url.rfind('/')) + "/whole";
    for (const bool kept : {false, true}) {
      for (cutter.size = first_cut(kind.text); cutter.size <= kind.text.size();
           cutter.size += cuts_apart()) {
        Case::begin(kind.name + (": " + described(kind.text.substr(0, cutter.size), how)));
        client.close_idle();
        if (kept) {
          const Response before = co_await client.get(whole);
          EXPECT_EQ(before.body, "whole");
        }
        const Got got = co_await ask(client, kind, url, streams);
        expect_documented(kind, cutter.size, how, got);
        if (got.error) {
          EXPECT_EQ(client.idle_connections(), 0U);
        }
        const Response after = co_await client.get(whole);
        EXPECT_EQ(after.body, "whole");
        Case::end();
      }
    }
  };
  co_await with_peer(std::move(serve), std::move(visit));
}

TEST_P(ByteCuts, OfAResponseAreItsEndOrAnError) {
  for (const Kind& kind : kinds()) {
    for (const Ending how : endings) {
      if (!is_wide() && how == Ending::half_close) continue;
      for (const bool streams : {false, true}) {
        run([&]() -> Task<void> { co_await cut_response(kind, how, streams); });
      }
    }
  }
}

// Requests

const std::string requests[] = {
    get("/a"),
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: u\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    "\r\n" + get("/a") + get("/b") + "GET /c HTTP/1.0\r\n\r\n",
};

/// Sends `sent`, ends, and gives what comes back up to the server's end.
Task<std::string> tell_and_end(const Endpoint& to, std::string_view sent, Ending how) {
  StreamSocket stream = co_await StreamSocket::connect(to);
  if (!sent.empty()) co_await stream.write_all(sent);
  std::string answer;
  if (how == Ending::half_close) {
    EXPECT_TRUE(stream.shutdown().has_value());
    answer = co_await read_rest(stream);
  } else {
    co_await end_stream(stream, how);
  }
  co_return answer;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

/// Lives while something is produced.
struct Counted {
  explicit Counted(std::atomic<int>& n) noexcept : count(n) { ++count; }
  ~Counted() { --count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  std::atomic<int>& count;
};

/// Asks through a stream that breaks, and gives what came.
Task<std::string> ask_over(http::Server& server, Faults& faults) {
  Duplex ends = duplex(4096);
  std::string answer;
  co_await serving(server, Faulty(std::move(ends.a), faults), [&]() -> Task<void> {
    co_await ends.b.write_all(get("/", "Connection: close\r\n"));
    answer = co_await read_rest(ends.b);
    ends.b.close();
  });
  co_return answer;
}

/// The first bytes, but for the date from `date` on, which may be another one.
std::string begin_of(std::string answer, std::size_t size, std::size_t date) {
  answer.resize(std::min(answer.size(), size));
  for (std::size_t i = date; i < std::min(answer.size(), date + 35); ++i) answer[i] = '*';
  return answer;
}

Task<void> cut_request(Site& site, const std::string& request, Ending how,
                       std::atomic<int>& calls) {
  for (std::size_t size = first_cut(request); size <= request.size(); size += cuts_apart()) {
    const std::string_view sent = std::string_view(request).substr(0, size);
    Case::begin(described(sent, how));
    const int before = calls.load();
    const std::string answer = co_await tell_and_end(site.endpoint(), sent, how);
    if (how == Ending::half_close) {
      // A response for each whole request, and none, or a refusal, for a part of one.
      EXPECT_EQ(count_of(answer, "HTTP/1.1 200 "), static_cast<std::size_t>(calls - before))
          << described(sent, how) << answer;
    }
    const std::string after = co_await tell(site.endpoint(), get("/", "Connection: close\r\n"));
    EXPECT_EQ(status_line(after), "HTTP/1.1 200 OK") << described(sent, how);
    Case::end();
  }
}

TEST_P(ByteCuts, OfARequestLeaveTheServerToOthers) {
  for (const bool waits : {false, true}) {
    for (const std::string& request : requests) {
      for (const Ending how : endings) {
        std::atomic<int> calls = 0;
        auto handler = [&](http::Request& asked) -> Task<Response> {
          ++calls;
          if (waits) co_await yield_now();
          co_return Response::text(asked.body);
        };
        run([&]() -> Task<void> {
          Site site(patient(), handler);
          co_await visiting(site, [&](Site& visited) -> Task<void> {
            co_await cut_request(visited, request, how, calls);
            co_await until([&] { return visited.server.connections() == 0; });
          });
        });
        if (!is_wide() && waits) break;
      }
    }
  }
}

/// `whole` counts what was read to its end. The echo sends it back meanwhile.
Task<Response> read_streamed(http::Request& request, http::BodyReader& body,
                             std::atomic<int>& whole) {
  if (request.target == "/echo") {
    auto back = [reader = std::make_shared<http::BodyReader>(std::move(body)),
                 &whole](http::BodyWriter& out) -> Task<void> {
      co_await copy(*reader, out);
      ++whole;
    };
    co_return Response::stream(std::move(back));
  }
  std::string text = co_await body.read_all(1000);
  ++whole;
  co_return Response::text(std::move(text));
}

const std::string bodies[] = {
    "Content-Length: 5\r\n\r\nhello",
    "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: u\r\n\r\n",
    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
};

/// Whole responses: one each for the bodies that were whole.
std::size_t complete_in(const std::string& answer, bool echoes) {
  return count_of(answer, echoes ? "\r\n0\r\n\r\n" : "HTTP/1.1 200 ");
}

Task<void> cut_streamed_request(Site& site, const std::string& request, Ending how,
                                std::atomic<int>& whole, bool echoes) {
  for (std::size_t size = first_cut(request); size <= request.size(); size += cuts_apart()) {
    const std::string_view sent = std::string_view(request).substr(0, size);
    Case::begin(described(sent, how));
    const int before = whole.load();
    const std::string answer = co_await tell_and_end(site.endpoint(), sent, how);
    if (how == Ending::half_close) {
      EXPECT_EQ(complete_in(answer, echoes), static_cast<std::size_t>(whole - before))
          << described(sent, how) << answer;
      EXPECT_EQ(whole - before, size == request.size() ? 1 : 0) << described(sent, how);
    }
    co_await until([&] { return site.server.connections() == 0; });
    const std::string after = co_await tell(site.endpoint(), get("/", "Connection: close\r\n"));
    EXPECT_EQ(status_line(after), "HTTP/1.1 200 OK") << described(sent, how);
    Case::end();
  }
}

TEST_P(ByteCuts, OfAStreamedRequestAreErrorsOfItsReader) {
  for (const std::string target : {"/read", "/echo"}) {
    for (const std::string& body : bodies) {
      const std::string request = "POST " + target + " HTTP/1.1\r\nHost: a\r\n" + body;
      for (const Ending how : endings) {
        std::atomic<int> whole = 0;
        auto handler = [&whole](http::Request& asked, http::BodyReader& reader) {
          return read_streamed(asked, reader, whole);
        };
        run([&]() -> Task<void> {
          Site site(patient(), handler);
          co_await visiting(site, [&](Site& visited) -> Task<void> {
            co_await cut_streamed_request(visited, request, how, whole, target == "/echo");
          });
        });
      }
    }
  }
}

/// Connections that break after each byte of a streamed response: what was sent is its beginning,
/// and never looks whole.
TEST_P(ByteCuts, OfAStreamedResponseEndItsProducer) {
  const std::string text = "one two three";
  for (const bool announces : {false, true}) {
    run([&]() -> Task<void> {
      std::atomic<int> producing = 0;
      std::atomic<int> made = 0;
      http::Server server(patient(), [&](http::Request&) {
        auto produce = [&](http::BodyWriter& out) -> Task<void> {
          const Counted counted(producing);
          for (std::size_t i = 0; i < text.size(); i += 4) {
            co_await out.write_all(text.substr(i, 4));
            co_await out.flush();
          }
          ++made;
        };
        return Response::stream(
            produce, announces ? std::optional<std::uint64_t>(text.size()) : std::nullopt);
      });
      Faults whole_faults;
      const std::string whole = co_await ask_over(server, whole_faults);
      const std::size_t date = whole.find("Date: ");
      for (std::size_t size = first_cut(whole); size < whole.size(); size += cuts_apart()) {
        Case::begin("a response broken after " + std::to_string(size) + " bytes");
        Faults faults;
        faults.writes_until_failure = size;
        const std::string part = co_await ask_over(server, faults);
        EXPECT_EQ(begin_of(part, size, date), begin_of(whole, part.size(), date));
        EXPECT_LE(part.size(), size);
        EXPECT_EQ(faults.closed.load(), 1);
        EXPECT_EQ(producing.load(), 0);
        Case::end();
      }
    });
  }
}

}  // namespace
}  // namespace weft::testing::byte_cuts_test
