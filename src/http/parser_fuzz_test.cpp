// Mutated messages against both parsers, strict and tolerant: no crash, and the same messages, the
// same error and the same number of consumed bytes whole, byte by byte and cut at random.
// Deterministic: round N of a test uses seed N, and a failure prints it with the input.
// WEFT_FUZZ_ROUNDS in the environment sets the number of rounds, WEFT_SEED the first seed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

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
const std::string_view kWords[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\"",
    "0",
    "-1",
    "+5",
    "0x5",
    "5_0",
    "ffffffff",
    "18446744073709551616",
    "\r\n\r\n",
    "Host: b\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "chunked",
    "gzip",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "PRI * HTTP/2.0",
    "Upgrade: x\r\n",
    "Connection: upgrade\r\n",
    "\xff",
    "/",
    "*",
    "#",
    "%00",
};

void mutate_once(std::string& input, Random& random) {
  const std::size_t at = pick(random, input.size() + 1);
  const std::size_t length = std::min(input.size() - at, 1 + pick(random, 12));
  switch (pick(random, 5)) {
    case 0:
      input.insert(at, 1, static_cast<char>(pick(random, 256)));
      break;
    case 1:
      input.erase(at, length);
      break;
    case 2:
      if (at < input.size()) input[at] = static_cast<char>(pick(random, 256));
      break;
    case 3:
      input.insert(at, kWords[pick(random, std::size(kWords))]);
      break;
    default:
      input.insert(at, input.substr(pick(random, input.size() + 1), length));
      break;
  }
}

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
      test::change_once(tokens, kWords, random);
    }
    input = test::joined(tokens);
    if (one_in(random, 2)) return input;
  }
  for (std::size_t left = pick(random, 5); left > 0; --left) mutate_once(input, random);
  return input;
}

std::vector<std::string_view> cut_at_random(std::string_view input, Random& random) {
  std::vector<std::string_view> pieces;
  while (!input.empty()) {
    const std::size_t size = std::min(input.size(), 1 + pick(random, 20));
    pieces.push_back(input.substr(0, size));
    input.remove_prefix(size);
  }
  return pieces;
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

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// Calls `round(seed)` for each seed, until one fails.
template <class Round>
void for_each_seed(Round round) {
  const unsigned first = from_environment("WEFT_SEED", 0);
  const unsigned rounds =
      from_environment("WEFT_FUZZ_ROUNDS", weft::test::fewer_if_sanitized(20'000U));
  for (unsigned i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) round(first + i);
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
  EXPECT_EQ(parse(cut_at_random(input, random)), whole) << differs();
  return whole;
}

using Pieces = std::vector<std::string_view>;

TEST(ParserFuzz, RequestsGiveTheSameOutcomeHoweverCut) {
  for_each_seed([](unsigned seed) {
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
  for_each_seed([](unsigned seed) {
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

}  // namespace
}  // namespace weft::http::parser_fuzz_test
