// Mutated request bodies: what a handler of http::Server reads of them, and the error with which
// its reads end, are those of a RequestDecoder that gets all bytes at once.
#include <vector>

#include "api/http_stream_doubles.hpp"
#include "http/fuzz_support.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_body_fuzz_test {
namespace {

using http::BodyReader;
using http::Request;
using http::Response;

class HttpBodyFuzz : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpBodyFuzz);

struct Outcome {
  Outcome() = default;
  std::string body;
  std::error_code error;
};

Outcome outcome_of_decoder(std::string_view input, const http::Limits& limits) {
  http::RequestDecoder decoder(limits);
  Outcome outcome;
  for (;;) {
    const http::ParseStep step = decoder.feed(input);
    outcome.body += step.body;
    input.remove_prefix(step.consumed);
    if (step.event == http::ParseEvent::complete) return outcome;
    const bool is_at_the_end = step.event == http::ParseEvent::need_more;
    if (is_at_the_end) static_cast<void>(decoder.finish());
    outcome.error = decoder.error();
    if (is_at_the_end || step.event == http::ParseEvent::failed) return outcome;
  }
}

/// Reads by pieces of `size` bytes into `outcome`, which keeps what came before an error.
Task<void> read_into(Outcome& outcome, BodyReader& body, std::size_t size) {
  std::string piece(size, '\0');
  for (;;) {
    const auto got = co_await attempt(body.read(writable_bytes(piece)));
    if (!got) outcome.error = got.error().code();
    if (!got || *got == 0) co_return;
    outcome.body.append(piece, 0, *got);
  }
}

/// Sends the pieces, of which the server may drop the last ones, and reads all answers.
Task<std::string> send_pieces(DuplexEnd& to, std::vector<std::string_view> pieces) {
  auto send = [&]() -> Task<void> {
    for (const std::string_view piece : pieces) {
      const auto sent = co_await attempt(write_all(to, bytes_of(piece)));
      if (!sent) co_return;
    }
    static_cast<void>(to.shutdown());
  };
  auto both = co_await when_all(send(), read_rest(to));
  co_return std::get<1>(both);
}

const std::string kHead = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
const std::string kBodies[] = {
    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0a; c=\"d\\\"\"\r\n0123456789\r\n0\r\nT: "
    "u\r\n\r\n",
    "Content-Length: 12\r\n\r\nhello, world",
};

TEST_P(HttpBodyFuzz, MutatedBodiesAreReadAsByTheDecoder) {
  http::ServerOptions options = patient();
  options.limits.max_body = 40;
  http::test::for_each_seed(test::fewer_if_sanitized(1'000U), [&](unsigned seed) {
    http::test::Random random(seed);
    std::string body = kBodies[http::test::pick(random, std::size(kBodies))];
    const std::size_t fields = body.find("\r\n\r\n") + 4;
    std::string text = body.substr(fields);
    for (std::size_t left = http::test::pick(random, 4); left > 0; --left) {
      http::test::mutate_once(text, http::test::kFuzzWords, random);
    }
    const std::string input = kHead + body.substr(0, fields) + text;
    const std::size_t by = 1 + http::test::pick(random, 12);
    const Outcome expected = outcome_of_decoder(input, options.limits);
    run([&]() -> Task<void> {
      Outcome got;
      int calls = 0;
      auto handler = [&](Request&, BodyReader& reader) -> Task<Response> {
        ++calls;
        co_await read_into(got, reader, by);
        co_return Response::text("read");
      };
      http::Server server(options, handler);
      Duplex ends = duplex(1 + http::test::pick(random, 50));
      std::string answer;
      co_await serving(server, std::move(ends.a), [&]() -> Task<void> {
        answer = co_await send_pieces(ends.b, http::test::cut_at_random(input, random));
        ends.b.close();
      });
      EXPECT_EQ(got.error, expected.error)
          << "WEFT_SEED=" << seed << "\n"
          << input << "\n"
          << got.error.message() << ", not " << expected.error.message();
      EXPECT_TRUE(expected.body.starts_with(got.body)) << "WEFT_SEED=" << seed << "\n" << input;
      if (!expected.error) {
        EXPECT_EQ(got.body, expected.body) << "WEFT_SEED=" << seed << "\n" << input;
      }
      EXPECT_EQ(calls, 1);
      EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK") << "WEFT_SEED=" << seed;
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_body_fuzz_test
