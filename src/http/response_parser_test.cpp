// ResponseParser: as strict as the request side or tolerant, plus bodies that end with the
// connection.
#include <gtest/gtest.h>

#include <string>

#include "http/parser_test_support.hpp"

namespace weft::http::response_parser_test {
namespace {

using test::Outcome;

Outcome parse(const std::string& input, Method method = Method::get, const Limits& limits = {},
              Reading reading = Reading::strict) {
  const Outcome whole = test::parse_responses({input}, method, limits, reading);
  EXPECT_EQ(test::parse_responses(test::cut_everywhere(input), method, limits, reading), whole)
      << input;
  const std::string_view view = input;
  for (std::size_t cut = 1; cut < input.size() && input.size() < 2000; ++cut) {
    EXPECT_EQ(
        test::parse_responses({view.substr(0, cut), view.substr(cut)}, method, limits, reading),
        whole)
        << "cut at " << cut << " of " << input;
  }
  return whole;
}

Outcome parse_tolerantly(const std::string& input, const Limits& limits = {}) {
  return parse(input, Method::get, limits, Reading::tolerant);
}

struct Case {
  std::string input;
  std::vector<std::string> messages;
  Method method = Method::get;
};

TEST(ResponseParser, AcceptsWhatIsWellFormed) {
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
       {"200 1.1 keep|Content-Length=3|body=abc"}},
      {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", {"200 1.1 keep|Content-Length=0|body="}},
      {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", {"200 1.1 keep|Content-Length=0|body="}},
      {"HTTP/1.1 404 Not \xc3\xa9 Found\r\nContent-Length: 0\r\n\r\n",
       {"404 1.1 keep|Content-Length=0|body="}},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", {"200 1.0 close|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
       {"200 1.1 close|Connection=close|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n",
       {"200 1.1 keep|Transfer-Encoding=chunked|body=ab"}},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
       {"200 1.1 keep|Content-Length=9|body=", "204 1.1 keep|body="},
       Method::head},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       {"200 1.1 keep|Transfer-Encoding=chunked|body="},
       Method::head},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
       {"204 1.1 keep|Content-Length=5|body="}},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
       {"304 1.1 keep|Content-Length=5|body="}},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       {"100 1.1 keep|body=", "200 1.1 keep|Content-Length=1|body=x"}},
  };
  for (const Case& one : cases) {
    const Outcome outcome = parse(one.input, one.method);
    EXPECT_EQ(outcome.messages, one.messages) << one.input;
    EXPECT_EQ(outcome.end, "idle") << one.input;
  }
}

TEST(ResponseParser, RefusesWhatIsNot) {
  const std::pair<std::string, Errc> cases[] = {
      {"HTTP/1.1 200 OK\n\r\n", Errc::bad_line_ending},
      {"HTTP/1.1 200 OK\rX", Errc::bad_line_ending},
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.1  200 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.1 20 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.1 2000 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.1 099 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/2.0 200 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.2 200 OK\r\n\r\n", Errc::unsupported_version},
      {"ICY 200 OK\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.1 200 O\x01K\r\n\r\n", Errc::bad_status_line},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Errc::bad_header},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Errc::folded_header},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       Errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       Errc::conflicting_length},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Errc::unsupported_transfer_coding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", Errc::bad_transfer_encoding},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Errc::bad_transfer_encoding},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", Errc::bad_chunk},
  };
  for (const auto& [input, error] : cases) {
    EXPECT_EQ(parse(input).end, "failed: " + make_error_code(error).message()) << input;
  }
}

TEST(ResponseParser, ToleratesFaultsThatLeaveTheEndClear) {
  const std::string length = "Content-Length: 1\r\n";
  const Case cases[] = {
      // Folded fields.
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n" + length + "\r\nx",
       {"200 1.1 keep|A=b c|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nA: b \r\n\t \t c\r\n d\r\n" + length + "\r\nx",
       {"200 1.1 keep|A=b  c d|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nA:\r\n b\r\n" + length + "\r\nx",
       {"200 1.1 keep|A=b|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nA: b\r\n  \r\n" + length + " \r\n\r\nx",
       {"200 1.1 keep|A=b|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nContent-Length:\r\n 1\r\nConnection:\r\n\tclose\r\n\r\nx",
       {"200 1.1 close|Content-Length=1|Connection=close|body=x"}},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\nT: u\r\n v\r\n\r\n",
       {"200 1.1 keep|Transfer-Encoding=chunked|body=x"}},
      // Lines that end with LF alone, some or all.
      {"HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\nx",
       {"200 1.1 keep|A=b|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nA: b\n" + length + "\nx", {"200 1.1 keep|A=b|Content-Length=1|body=x"}},
      {"HTTP/1.1 200\nA: b\n c\nContent-Length: 1\n\r\nx",
       {"200 1.1 keep|A=b c|Content-Length=1|body=x"}},
      {"HTTP/1.1 204 No\n\nHTTP/1.1 204 No\r\n\r\n", {"204 1.1 keep|body=", "204 1.1 keep|body="}},
      // Equal lengths.
      {"HTTP/1.1 200 OK\r\n" + length + length + "A: b\r\n" + length + "\r\nx",
       {"200 1.1 keep|Content-Length=1|Content-Length=1|A=b|Content-Length=1|body=x"}},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\ncontent-length: 00\r\n\r\n",
       {"200 1.1 keep|Content-Length=0|content-length=00|body="}},
  };
  for (const Case& one : cases) {
    const Outcome outcome = parse_tolerantly(one.input);
    EXPECT_EQ(outcome.messages, one.messages) << one.input;
    EXPECT_EQ(outcome.end, "idle") << one.input;
    EXPECT_NE(parse(one.input).error, Errc{}) << one.input;
  }
}

TEST(ResponseParser, RefusesTolerantlyWhatHidesTheEnd) {
  const std::pair<std::string, Errc> cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       Errc::bad_content_length},
      {"HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 1\nContent-Length: 0\n\n",
       Errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", Errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", Errc::bad_content_length},
      {"HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n",
       Errc::conflicting_length},
      {"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", Errc::folded_header},
      {"HTTP/1.1 200 OK\n\tA: b\n\n", Errc::folded_header},
      {"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", Errc::bad_line_ending},
      {"HTTP/1.1 200 OK\r\nA: b\r\n\rC", Errc::bad_line_ending},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\x01\r\n\r\n", Errc::bad_header},
      {"HTTP/1.1 200 OK\r\nA\r\n : b\r\n\r\n", Errc::bad_header},
      {"HTTP/1.1 200 OK\rX", Errc::bad_line_ending},
      {"HTTP/1.1\n", Errc::bad_line_ending},
      {"\nHTTP/1.1 200 OK\n\n", Errc::bad_line_ending},
      // Chunks are read strictly: a line of theirs that a proxy takes otherwise hides a response.
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
       Errc::bad_line_ending},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n", Errc::bad_chunk},
  };
  for (const auto& [input, error] : cases) {
    EXPECT_EQ(parse_tolerantly(input).end, "failed: " + make_error_code(error).message()) << input;
  }
  const std::string folds(20'000, ' ');
  EXPECT_EQ(parse_tolerantly("HTTP/1.1 200 OK\r\nA: b\r\n" + folds).error, Errc::headers_too_large);
}

TEST(ResponseParser, BodyWithoutLengthEndsWithTheConnection) {
  ResponseParser parser(Limits{});
  Response response;
  parser.begin(response, Method::get);
  const std::string_view input = "HTTP/1.1 200 OK\r\n\r\nabc";
  const ParseStep head = parser.feed(input);
  EXPECT_EQ(head.event, ParseEvent::head);
  EXPECT_EQ(parser.feed(input.substr(head.consumed)).body, "abc");
  EXPECT_FALSE(response.keep_alive);
  EXPECT_TRUE(parser.finish());
  EXPECT_EQ(parser.feed("").event, ParseEvent::complete);
}

TEST(ResponseParser, EndOfConnectionElsewhereIsAnError) {
  const std::pair<std::string, Errc> cases[] = {
      {"", Errc::closed_before_response},
      {"H", Errc::unexpected_end},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Errc::unexpected_end},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", Errc::unexpected_end},
  };
  for (const auto& [input, error] : cases) {
    ResponseParser parser(Limits{});
    Response response;
    parser.begin(response, Method::get);
    const ParseStep step = parser.feed(input);
    if (step.event == ParseEvent::head) {
      EXPECT_NE(parser.feed(std::string_view(input).substr(step.consumed)).event,
                ParseEvent::complete);
    }
    EXPECT_FALSE(parser.finish());
    EXPECT_EQ(parser.error(), error) << input;
  }
}

TEST(ResponseParser, OversizedHeadIsRefused) {
  const std::string fields = "HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'b') + "\r\n\r\n";
  EXPECT_EQ(parse(fields).error, Errc::headers_too_large);
  EXPECT_EQ(parse("HTTP/1.1 200 " + std::string(20'000, 'b')).error, Errc::headers_too_large);
}

TEST(ResponseParser, BodyLimitHoldsForEveryFraming) {
  Limits limits;
  limits.max_body = 2;
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\n\r\nabc", Method::get, limits).error, Errc::body_too_large);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", Method::get, limits).error,
            Errc::body_too_large);
}

}  // namespace
}  // namespace weft::http::response_parser_test
