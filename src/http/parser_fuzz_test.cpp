// Mutated messages against both parsers, strict and tolerant: no crash, and the same outcome whole,
// byte by byte and cut at random. Deterministic: round N of a test uses seed N, and a failure
// prints it. WEFT_FUZZ_ROUNDS in the environment sets the number of rounds.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "http/parser_test_support.hpp"

namespace weft::http::parser_fuzz_test {
namespace {

using test::Outcome;
using Random = std::mt19937;

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

std::size_t pick(Random& random, std::size_t count) {
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
}

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

template <std::size_t N>
std::string make_input(const std::string (&seeds)[N], Random& random) {
  std::string input = seeds[pick(random, N)];
  if (pick(random, 3) == 0) input += seeds[pick(random, N)];
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

unsigned rounds() {
  const char* wanted = std::getenv("WEFT_FUZZ_ROUNDS");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 20'000U;
}

TEST(ParserFuzz, RequestsGiveTheSameOutcomeHoweverCut) {
  for (unsigned seed = 0; seed < rounds(); ++seed) {
    Random random(seed);
    const std::string input = make_input(kRequests, random);
    const Limits limits = make_limits(random);
    const Outcome whole = test::parse_requests({input}, limits);
    ASSERT_EQ(test::parse_requests(test::cut_everywhere(input), limits), whole) << seed << "\n"
                                                                                << input;
    ASSERT_EQ(test::parse_requests(cut_at_random(input, random), limits), whole) << seed << "\n"
                                                                                 << input;
    ASSERT_EQ(test::parse_requests_and_forget(test::cut_everywhere(input), limits), whole)
        << seed << "\n"
        << input;
    ASSERT_EQ(test::parse_requests_and_forget(cut_at_random(input, random), limits), whole)
        << seed << "\n"
        << input;
  }
}

TEST(ParserFuzz, ResponsesGiveTheSameOutcomeHoweverCut) {
  for (unsigned seed = 0; seed < rounds(); ++seed) {
    Random random(seed);
    const std::string input = make_input(kResponses, random);
    const Method method = pick(random, 4) == 0 ? Method::head : Method::get;
    const Limits limits = make_limits(random);
    const Reading reading = pick(random, 2) == 0 ? Reading::strict : Reading::tolerant;
    const auto parse = [&](const std::vector<std::string_view>& pieces) {
      return test::parse_responses(pieces, method, limits, reading);
    };
    const Outcome whole = parse({input});
    ASSERT_EQ(parse(test::cut_everywhere(input)), whole) << seed << "\n" << input;
    ASSERT_EQ(parse(cut_at_random(input, random)), whole) << seed << "\n" << input;
    // What is well-formed is the same to both.
    if (reading == Reading::strict && whole.error == Errc{}) {
      ASSERT_EQ(test::parse_responses({input}, method, limits, Reading::tolerant), whole)
          << seed << "\n"
          << input;
    }
  }
}

}  // namespace
}  // namespace weft::http::parser_fuzz_test
