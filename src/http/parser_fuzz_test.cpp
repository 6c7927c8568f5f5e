// Mutated messages against both parsers, strict and tolerant: no crash, and the same messages, the
// same error and the same number of consumed bytes whole, byte by byte and cut at random.
// Deterministic: see fuzz_support.hpp; a failure prints the seed with the input.
#include <gtest/gtest.h>

#include <weft/http/decoder.hpp>
#include <weft/http/serializer.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "http/fuzz_support.hpp"
#include "http/message_grammar.hpp"
#include "http/parser_test_support.hpp"
#include "support/sanitizers.hpp"

namespace weft::http::parser_fuzz_test {
namespace {

using test::one_in;
using test::Outcome;
using test::pick;
using test::Random;
using test::Tokens;

const std::string kRequests[] = {
    "GET /0/x HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    "POST /p?q=1 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello",
    "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;n=v;q=\"w\"\r\nabc\r\n1f\r\n0123456789abcdef0123456789abcde\r\n0\r\nX-T: 1\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
    "\r\n\r\nGET http://b:80/ HTTP/1.1\r\nHost: [::1]:80\t\r\nConnection:\tclose\t,x\r\n\r\n\r\n",
};
const std::string kResponses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;n=v\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
    "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 1\nContent-Length: 1\n\nx",
};
/// One or two messages: those above, or made by the grammar; most of them changed a little.
template <std::size_t N>
std::string make_input(const std::string (&seeds)[N], Tokens (test::MessageMaker::*make)(),
                       Random& random) {
  std::string input;
  if (one_in(random, 2)) {
    input = seeds[pick(random, N)];
    if (one_in(random, 3)) input += seeds[pick(random, N)];
  } else {
    test::MessageMaker maker(random);
    Tokens tokens = (maker.*make)();
    while (one_in(random, 3)) {
      const Tokens next = (maker.*make)();
      tokens.insert(tokens.end(), next.begin(), next.end());
    }
    for (std::size_t left = pick(random, 4); left > 0; --left) {
      test::change_once(tokens, test::kFuzzWords, random);
    }
    input = test::joined(tokens);
    if (one_in(random, 2)) return input;
  }
  for (std::size_t left = pick(random, 5); left > 0; --left)
    test::mutate_once(input, test::kFuzzWords, random);
  return input;
}

/// Sometimes so small that a typical message exceeds them.
Limits make_limits(Random& random) {
  Limits limits;
  if (pick(random, 4) == 0) limits.max_target = pick(random, 12);
  if (pick(random, 4) == 0) limits.max_header_bytes = pick(random, 60);
  if (pick(random, 4) == 0) limits.max_headers = pick(random, 4);
  if (pick(random, 4) == 0) limits.max_body = pick(random, 8);
  if (pick(random, 4) == 0) limits.max_chunk_extension = pick(random, 6);
  return limits;
}

/// `parse` gives the same for each way to cut `input`; returns it.
template <class Parse>
Outcome expect_same_however_cut(unsigned seed, const std::string& input, Random& random,
                                Parse parse) {
  const Outcome whole = parse({input});
  const auto differs = [&] {
    return "WEFT_SEED=" + std::to_string(seed) + ": " + ::testing::PrintToString(input);
  };
  EXPECT_EQ(parse(test::cut_everywhere(input)), whole) << differs();
  EXPECT_EQ(parse(test::cut_at_random(input, random)), whole) << differs();
  return whole;
}

const unsigned kRounds = weft::test::fewer_if_sanitized(20'000U);

using Pieces = std::vector<std::string_view>;

TEST(ParserFuzz, RequestsGiveTheSameOutcomeHoweverCut) {
  test::for_each_seed(kRounds, [](unsigned seed) {
    Random random(seed);
    const std::string input = make_input(kRequests, &test::MessageMaker::request, random);
    const Limits limits = make_limits(random);
    const Outcome whole = expect_same_however_cut(seed, input, random, [&](const Pieces& pieces) {
      return test::parse_requests(pieces, limits);
    });
    const Outcome forgotten = expect_same_however_cut(
        seed, input, random,
        [&](const Pieces& pieces) { return test::parse_requests_and_forget(pieces, limits); });
    EXPECT_EQ(forgotten, whole) << seed << "\n" << input;
  });
}

TEST(ParserFuzz, ResponsesGiveTheSameOutcomeHoweverCut) {
  test::for_each_seed(kRounds, [](unsigned seed) {
    Random random(seed);
    const std::string input = make_input(kResponses, &test::MessageMaker::response, random);
    const Method method = one_in(random, 4) ? Method::head : Method::get;
    const Limits limits = make_limits(random);
    const Reading reading = one_in(random, 2) ? Reading::strict : Reading::tolerant;
    const Outcome whole = expect_same_however_cut(seed, input, random, [&](const Pieces& pieces) {
      return test::parse_responses_to_the_end(pieces, method, limits, reading);
    });
    // What is well-formed is the same to both.
    if (reading == Reading::strict && whole.error == Errc{}) {
      EXPECT_EQ(test::parse_responses_to_the_end({input}, method, limits, Reading::tolerant), whole)
          << seed << "\n"
          << input;
    }
  });
}

/// A decoder's outcome, as the parser's is described; and the messages.
template <class Message>
struct Decoded {
  Outcome outcome;
  std::vector<Message> messages;
};

template <class Message, class Decoder, class Current, class Next>
Decoded<Message> decode(const Pieces& pieces, Decoder& decoder, Current current, Next next) {
  Decoded<Message> decoded;
  std::size_t consumed = 0;
  std::string body;
  for (const std::string_view piece : pieces) {
    std::string_view rest = piece;
    for (;;) {
      const ParseStep step = decoder.feed(rest);
      rest.remove_prefix(step.consumed);
      consumed += step.consumed;
      body += step.body;
      if (step.event == ParseEvent::need_more) break;
      if (step.event == ParseEvent::failed) {
        decoded.outcome.error = static_cast<Errc>(decoder.error().value());
        return decoded;
      }
      if (step.event != ParseEvent::complete) continue;
      decoded.messages.push_back(std::move(current()));
      decoded.messages.back().body = std::exchange(body, {});
      decoded.outcome.messages.push_back(test::describe(decoded.messages.back()));
      decoded.outcome.consumed.push_back(consumed);
      next();
      if (rest.empty()) break;
    }
  }
  return decoded;
}

Decoded<Request> decode_requests(const Pieces& pieces, const Limits& limits = {}) {
  RequestDecoder decoder(limits);
  return decode<Request>(
      pieces, decoder, [&]() -> Request& { return decoder.request(); }, [&] { decoder.begin(); });
}

Decoded<Response> decode_responses(const Pieces& pieces, const Limits& limits = {}) {
  ResponseDecoder decoder(Method::get, limits);
  return decode<Response>(
      pieces, decoder, [&]() -> Response& { return decoder.response(); },
      [&] { decoder.begin(Method::get); });
}

/// The fields but those that the serializer writes itself.
std::string fields_of(const Headers& headers) {
  Headers left = headers;
  for (const std::string_view name :
       {"Host", "Date", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"}) {
    left.remove(name);
  }
  return test::describe_fields(left);
}

void expect_round_trip(const Request& request, unsigned seed) {
  // Of HTTP/1.0 is taken what HTTP/1.1 forbids: no Host, any Expect.
  if (request.version == Version::http_1_0) return;
  if (request.method == Method::trace && !request.body.empty()) return;
  std::string text;
  serialize_request(text, request);
  const Decoded<Request> again = decode_requests({text});
  ASSERT_EQ(again.messages.size(), 1U) << seed << "\n" << text;
  const Request& read = again.messages.front();
  EXPECT_EQ(read.method, request.method) << seed;
  EXPECT_EQ(read.target, request.target) << seed;
  EXPECT_EQ(read.body, request.body) << seed;
  EXPECT_EQ(read.keep_alive, request.keep_alive) << seed << "\n" << text;
  EXPECT_EQ(read.headers.find("Host"), request.headers.find("Host")) << seed;
  EXPECT_EQ(fields_of(read.headers), fields_of(request.headers)) << seed;
}

void expect_round_trip(const Response& response, unsigned seed) {
  if (response.status.is_informational()) return;
  std::string text;
  const WrittenHead head = serialize_response(text, response, {.keep_alive = response.keep_alive});
  const Decoded<Response> again = decode_responses({text});
  ASSERT_EQ(again.messages.size(), 1U) << seed << "\n" << text;
  const Response& read = again.messages.front();
  EXPECT_EQ(read.status, response.status) << seed;
  EXPECT_EQ(read.body, head.body_follows ? response.body : "") << seed;
  EXPECT_EQ(read.keep_alive, response.keep_alive) << seed << "\n" << text;
  EXPECT_EQ(fields_of(read.headers), fields_of(response.headers)) << seed;
}

TEST(ParserFuzz, RequestsOfTheDecoderAreThoseOfTheParserAndAreWrittenAsTheyWereRead) {
  test::for_each_seed(kRounds, [](unsigned seed) {
    Random random(seed);
    const std::string input = make_input(kRequests, &test::MessageMaker::request, random);
    const Limits limits = make_limits(random);
    const Outcome parsed = test::parse_requests({input}, limits);
    for (const Pieces& pieces : {Pieces{input}, test::cut_at_random(input, random)}) {
      const Decoded<Request> decoded = decode_requests(pieces, limits);
      EXPECT_EQ(decoded.outcome.messages, parsed.messages) << seed << "\n" << input;
      EXPECT_EQ(decoded.outcome.error, parsed.error) << seed << "\n" << input;
      for (const Request& request : decoded.messages) expect_round_trip(request, seed);
    }
  });
}

TEST(ParserFuzz, ResponsesOfTheDecoderAreThoseOfTheParserAndAreWrittenAsTheyWereRead) {
  test::for_each_seed(kRounds, [](unsigned seed) {
    Random random(seed);
    const std::string input = make_input(kResponses, &test::MessageMaker::response, random);
    const Limits limits = make_limits(random);
    const Outcome parsed = test::parse_responses({input}, Method::get, limits);
    for (const Pieces& pieces : {Pieces{input}, test::cut_at_random(input, random)}) {
      const Decoded<Response> decoded = decode_responses(pieces, limits);
      EXPECT_EQ(decoded.outcome.messages, parsed.messages) << seed << "\n" << input;
      EXPECT_EQ(decoded.outcome.error, parsed.error) << seed << "\n" << input;
      for (const Response& response : decoded.messages) expect_round_trip(response, seed);
    }
  });
}

}  // namespace
}  // namespace weft::http::parser_fuzz_test
