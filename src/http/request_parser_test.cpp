// RequestParser: the requirements of HTTP/1.1, each input whole, byte by byte, and cut at every
// position.
#include <gtest/gtest.h>

#include <string>

#include "http/parser_test_support.hpp"

namespace weft::http::request_parser_test {
namespace {

using std::string_literals::operator""s;
using test::Outcome;

/// A request line and a Host, then `rest`.
std::string with_host(std::string_view rest, std::string_view line = "POST / HTTP/1.1") {
  return std::string(line) + "\r\nHost: a\r\n" + std::string(rest);
}

void expect_same_for_all_cuts(const std::string& input, const Outcome& whole,
                              const Limits& limits = {}) {
  EXPECT_EQ(test::parse_requests(test::cut_everywhere(input), limits), whole) << input;
  EXPECT_EQ(test::parse_requests_and_forget(test::cut_everywhere(input), limits), whole) << input;
  const std::string_view view = input;
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    const std::vector<std::string_view> pieces{view.substr(0, cut), view.substr(cut)};
    ASSERT_EQ(test::parse_requests(pieces, limits), whole) << "cut at " << cut << " of " << input;
    ASSERT_EQ(test::parse_requests_and_forget(pieces, limits), whole)
        << "buffers given away, cut at " << cut << " of " << input;
  }
}

Outcome parse(const std::string& input, const Limits& limits = {}) {
  Outcome whole = test::parse_requests({input}, limits);
  if (input.size() < 2000) expect_same_for_all_cuts(input, whole, limits);
  return whole;
}

struct Refusal {
  std::string input;
  Errc error;
};

class RefusedRequest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedRequest, FailsWithItsReason) {
  const Outcome outcome = parse(GetParam().input);
  EXPECT_TRUE(outcome.messages.empty()) << outcome.messages.front();
  EXPECT_EQ(outcome.end, "failed: " + make_error_code(GetParam().error).message())
      << GetParam().input;
}

const Refusal kBadLines[] = {
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", Errc::bad_line_ending},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", Errc::bad_line_ending},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", Errc::bad_line_ending},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", Errc::bad_line_ending},
    {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_line_ending},
    {"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET /\r\n\r\n", Errc::bad_request_line},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET / RTSP/1.0\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET / HTTP/1.\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", Errc::bad_request_line},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Errc::unsupported_version},
    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", Errc::unsupported_version},
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Errc::unsupported_version},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Errc::http2_preface},
    {"\x16\x03\x01\x02", Errc::bad_request_line},
    {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::unsupported_method},
    {"UNSUBSCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::unsupported_method},
    {"DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::unsupported_method},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", Errc::unsupported_method},
    {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Errc::unsupported_method},
    {std::string(65, 'A') + " / HTTP/1.1\r\n\r\n", Errc::bad_request_line},
    {"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"s, Errc::bad_target},
    {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
};
INSTANTIATE_TEST_SUITE_P(Lines, RefusedRequest, ::testing::ValuesIn(kBadLines));

const Refusal kBadFields[] = {
    {with_host("Foo : b\r\n\r\n"), Errc::bad_header},
    {with_host("Foo\t: b\r\n\r\n"), Errc::bad_header},
    {with_host("Foo Bar: b\r\n\r\n"), Errc::bad_header},
    {with_host("Content-Length : 3\r\n\r\nabc"), Errc::bad_header},
    {with_host(": b\r\n\r\n"), Errc::bad_header},
    {with_host("Foo\r\n\r\n"), Errc::bad_header},
    {with_host("F\xc3\xa9: b\r\n\r\n"), Errc::bad_header},
    {with_host("Foo: b\r\n folded\r\n\r\n"), Errc::folded_header},
    {with_host("Foo: b\r\n\tfolded\r\n\r\n"), Errc::folded_header},
    {with_host("Foo:\r\n folded\r\n\r\n"), Errc::folded_header},
    {with_host("Foo: b\r\n \r\n\r\n"), Errc::folded_header},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Errc::folded_header},
    {with_host("Foo: a\rb\r\n\r\n"), Errc::bad_line_ending},
    {with_host("Foo:\rb\r\n\r\n"), Errc::bad_line_ending},
    {with_host("Foo: a\r\r\n\r\n"), Errc::bad_line_ending},
    {with_host("Foo: a\0b\r\n\r\n"s), Errc::bad_header},
    {with_host("Foo: a\x01\r\n\r\n"), Errc::bad_header},
    {with_host("Foo: a\x7f\r\n\r\n"), Errc::bad_header},
    {"GET / HTTP/1.1\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [::1]:b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [::1%251]\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [::1%1]\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: [:::1]\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a]\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: %\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", Errc::bad_host},
    {"GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", Errc::bad_host},
    {"GET http://b/ HTTP/1.1\r\n\r\n", Errc::bad_host},
    {"GET http://b/ HTTP/1.1\r\nHost: a:b\r\n\r\n", Errc::bad_host},
    {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET http://?x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET http://a:1:2/x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET http://a@b/x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET http://a@b@c/x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET http://[::1/x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET http:/a/x HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Errc::bad_target},
    {with_host("Expect: tea\r\n\r\n"), Errc::unsupported_expectation},
};
INSTANTIATE_TEST_SUITE_P(Fields, RefusedRequest, ::testing::ValuesIn(kBadFields));

const Refusal kBadLengths[] = {
    {with_host("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     Errc::conflicting_length},
    {with_host("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
     Errc::conflicting_length},
    {with_host("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), Errc::bad_content_length},
    {with_host("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), Errc::bad_content_length},
    {with_host("Content-Length: 3, 3\r\n\r\nabc"), Errc::bad_content_length},
    {with_host("Content-Length: +5\r\n\r\nabcde"), Errc::bad_content_length},
    {with_host("Content-Length: -1\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length: 0x5\r\n\r\nabcde"), Errc::bad_content_length},
    {with_host("Content-Length: 5_0\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length: 5 0\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length: 5\t0\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length:\t\r\n\r\n"), Errc::bad_content_length},
    {with_host("Transfer-Encoding: chun\tked\r\n\r\n"), Errc::unsupported_transfer_coding},
    {with_host("Content-Length: 5\r\nFoo\t: b\r\n\r\n"), Errc::bad_header},
    {with_host("Content-Length: \r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length:\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length: five\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length: 18446744073709551616\r\n\r\n"), Errc::bad_content_length},
    {with_host("Content-Length: 18446744073709551615\r\n\r\n"), Errc::body_too_large},
    {with_host("Content-Length: 1048577\r\n\r\n"), Errc::body_too_large},
    {with_host("Transfer-Encoding: chunked, gzip\r\n\r\n"), Errc::bad_transfer_encoding},
    {with_host("Transfer-Encoding: chunked, chunked\r\n\r\n"), Errc::bad_transfer_encoding},
    {with_host("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     Errc::bad_transfer_encoding},
    {with_host("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
     Errc::bad_transfer_encoding},
    {with_host("Transfer-Encoding:\r\n\r\n"), Errc::bad_transfer_encoding},
    {with_host("Transfer-Encoding: ,chunked\r\n\r\n"), Errc::bad_transfer_encoding},
    {with_host("Transfer-Encoding: xchunked\r\n\r\n"), Errc::unsupported_transfer_coding},
    {with_host("Transfer-Encoding: gzip, chunked\r\n\r\n"), Errc::unsupported_transfer_coding},
    {with_host("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
     Errc::unsupported_transfer_coding},
    {with_host("Transfer-Encoding: identity\r\n\r\n"), Errc::unsupported_transfer_coding},
    {with_host("Transfer-Encoding: \"chunked\"\r\n\r\n"), Errc::unsupported_transfer_coding},
    {with_host("Transfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.0"),
     Errc::bad_transfer_encoding},
};
INSTANTIATE_TEST_SUITE_P(Lengths, RefusedRequest, ::testing::ValuesIn(kBadLengths));

std::string chunked(std::string_view body) {
  return with_host("Transfer-Encoding: chunked\r\n\r\n") + std::string(body);
}

const Refusal kBadChunks[] = {
    {chunked("\r\n"), Errc::bad_chunk},
    {chunked("g\r\n"), Errc::bad_chunk},
    {chunked("0x3\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("-3\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("+3\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked(" 3\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3 \r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3_0\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("10000000000000000\r\n"), Errc::bad_chunk},
    {chunked("00000000000000003\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("ffffffffffffffff\r\n"), Errc::body_too_large},
    {chunked("100001\r\n"), Errc::body_too_large},
    {chunked("3\nabc\r\n0\r\n\r\n"), Errc::bad_line_ending},
    {chunked("3\rabc\r\n0\r\n\r\n"), Errc::bad_line_ending},
    {chunked("3\r\nabcd\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3\r\nab\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3\r\nabc\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3\r\nabcXX0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3\r\nabc\rX0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3; a\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;a=\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;=b\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;a b\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;a=\"b\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;a=\"b\"c\r\nabc\r\n0\r\n\r\n"), Errc::bad_chunk},
    {chunked("3;a\nabc\r\n0\r\n\r\n"), Errc::bad_line_ending},
    {chunked("0\r\nContent-Length: 3\r\n\r\n"), Errc::forbidden_trailer},
    {chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), Errc::forbidden_trailer},
    {chunked("0\r\nhost: b\r\n\r\n"), Errc::forbidden_trailer},
    {chunked("0\r\nCookie: b\r\n\r\n"), Errc::forbidden_trailer},
    {chunked("0\r\nX : b\r\n\r\n"), Errc::bad_header},
    {chunked("0\r\nX: b\r\n c\r\n\r\n"), Errc::folded_header},
    {chunked("0\r\nX: b\n\r\n"), Errc::bad_line_ending},
    {chunked("0\r\n\n"), Errc::bad_line_ending},
};
INSTANTIATE_TEST_SUITE_P(Chunks, RefusedRequest, ::testing::ValuesIn(kBadChunks));

struct Acceptance {
  std::string input;
  std::vector<std::string> messages;
  std::string end = "idle";
};

class AcceptedRequest : public ::testing::TestWithParam<Acceptance> {};

TEST_P(AcceptedRequest, GivesItsMessages) {
  const Outcome outcome = parse(GetParam().input);
  EXPECT_EQ(outcome.messages, GetParam().messages) << GetParam().input;
  EXPECT_EQ(outcome.end, GetParam().end) << GetParam().input;
}

const Acceptance kGood[] = {
    {"", {}},
    {"\r\n", {}},
    {"GET", {}, "more"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", {"GET / 1.1 keep|Host=a|body="}},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", {"GET / 1.1 keep|Host=a|body="}},
    {"GET / HTTP/1.1\r\nHost:a\r\n\r\n", {"GET / 1.1 keep|Host=a|body="}},
    {"GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", {"GET / 1.1 keep|Host=a|body="}},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", {"GET / 1.1 keep|Host=|body="}},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", {"GET / 1.1 keep|Host=[::1]:80|body="}},
    {"GET / HTTP/1.0\r\n\r\n", {"GET / 1.0 close|body="}},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     {"GET / 1.0 keep|Connection=keep-alive|body="}},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
     {"GET / 1.1 close|Host=a|Connection=x, Close|body="}},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", {"OPTIONS * 1.1 keep|Host=a|body="}},
    {"GET http://b/c?d HTTP/1.1\r\nHost: b\r\n\r\n", {"GET http://b/c?d 1.1 keep|Host=b|body="}},
    {"GET http://b:81/c HTTP/1.1\r\nX: y\r\nHost: a\r\nZ: z\r\n\r\n",
     {"GET http://b:81/c 1.1 keep|X=y|Host=b:81|Z=z|body="}},
    {"GET http://b?d HTTP/1.0\r\nX: y\r\n\r\n", {"GET http://b?d 1.0 close|X=y|Host=b|body="}},
    {"GET HTTPS://[::1]:1/ HTTP/1.1\r\nHost: a\r\n\r\n",
     {"GET HTTPS://[::1]:1/ 1.1 keep|Host=[::1]:1|body="}},
    {"GET / HTTP/1.1\r\nHost: a_b.c-d:\r\n\r\n", {"GET / 1.1 keep|Host=a_b.c-d:|body="}},
    {"GET / HTTP/1.1\r\nHost: a%2Fb:065535\r\n\r\n", {"GET / 1.1 keep|Host=a%2Fb:065535|body="}},
    {"GET / HTTP/1.1\r\nHost: [2001:db8::1.2.3.4]\r\n\r\n",
     {"GET / 1.1 keep|Host=[2001:db8::1.2.3.4]|body="}},
    // A tab is white space around a value, as a space is.
    {"GET / HTTP/1.1\r\nHost: a\t\r\nConnection: close\t\r\n\r\n",
     {"GET / 1.1 close|Host=a|Connection=close|body="}},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection:\tx\t,\tclose\t, y\r\n\r\n",
     {"GET / 1.1 close|Host=a|Connection=x\t,\tclose\t, y|body="}},
    {"GET / HTTP/1.0\r\nConnection:\tKeep-Alive\t\r\n\r\n",
     {"GET / 1.0 keep|Connection=Keep-Alive|body="}},
    {with_host("Content-Length:\t3\t \t\r\nFoo:\ta\tb\t\r\n\r\nabc"),
     {"POST / 1.1 keep|Host=a|Content-Length=3|Foo=a\tb|body=abc"}},
    {with_host("Transfer-Encoding:\tchunked\t\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
     {"POST / 1.1 keep|Host=a|Transfer-Encoding=chunked|body=x"}},
    {with_host("Expect:\t100-continue\t\r\nContent-Length: 1\r\n\r\nx"),
     {"POST / 1.1 keep|Host=a|Expect=100-continue|Content-Length=1|body=x"}},
    // No field of HTTP/1.1.
    {"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n",
     {"GET / 1.1 keep|Host=a|Proxy-Connection=close|body="}},
    {"GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n",
     {"GET / 1.0 close|Proxy-Connection=keep-alive|body="}},
    {"GET / HTTP/1.1\r\nHost: a\r\nFoo: \xc3\xa9 b\r\nFoo:\r\n\r\n",
     {"GET / 1.1 keep|Host=a|Foo=\xc3\xa9 b|Foo=|body="}},
    {with_host("Content-Length: 3\r\n\r\nabc"),
     {"POST / 1.1 keep|Host=a|Content-Length=3|body=abc"}},
    {with_host("Content-Length: 003 \r\n\r\nabc"),
     {"POST / 1.1 keep|Host=a|Content-Length=003|body=abc"}},
    {with_host("Content-Length: 0\r\n\r\n"), {"POST / 1.1 keep|Host=a|Content-Length=0|body="}},
    {with_host("Content-Length: 3\r\n\r\nab"), {}, "more"},
    {with_host("Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
     {"POST / 1.1 keep|Host=a|Expect=100-Continue|Content-Length=1|body=x"}},
    {with_host("Upgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
     {"POST / 1.1 keep|Host=a|Upgrade=h2c|Connection=upgrade|body="}},
    {chunked("0\r\n\r\n"), {"POST / 1.1 keep|Host=a|Transfer-Encoding=chunked|body="}},
    {chunked("3\r\nabc\r\nA;n\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"),
     {"POST / 1.1 keep|Host=a|Transfer-Encoding=chunked|body=abc0123456789"}},
    {chunked("1;a=b;c=d;e=\"f \\\" g\";h\r\nx\r\n000;i=\"\"\r\n\r\n"),
     {"POST / 1.1 keep|Host=a|Transfer-Encoding=chunked|body=x"}},
    {with_host("Transfer-Encoding: CHUNKED \r\n\r\n1\r\nx\r\n0\r\n\r\n"),
     {"POST / 1.1 keep|Host=a|Transfer-Encoding=CHUNKED|body=x"}},
    {with_host("Content-Length: 3\r\n\r\nabc") + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n" +
         chunked("1\r\nx\r\n0\r\n\r\n") + "\r\nHEAD /4 HTTP/1.1\r\nHost: a\r\n\r\nGE",
     {"POST / 1.1 keep|Host=a|Content-Length=3|body=abc", "GET /2 1.1 keep|Host=a|body=",
      "POST / 1.1 keep|Host=a|Transfer-Encoding=chunked|body=x", "HEAD /4 1.1 keep|Host=a|body="},
     "more"},
};
INSTANTIATE_TEST_SUITE_P(Good, AcceptedRequest, ::testing::ValuesIn(kGood));

TEST(RequestLimits, TargetOfOneMebibyteIs414) {
  const std::string input = "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const Outcome outcome = parse(input);
  EXPECT_EQ(outcome.error, Errc::target_too_long);
  EXPECT_EQ(status_of(outcome.error), 414);
  EXPECT_EQ(test::parse_requests(test::cut_everywhere(input)), outcome);
}

TEST(RequestLimits, TargetAtTheLimitPasses) {
  Limits limits;
  limits.max_target = 10;
  EXPECT_EQ(parse("GET /234567890 HTTP/1.1\r\nHost: a\r\n\r\n", limits).messages.size(), 1U);
  EXPECT_EQ(parse("GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n", limits).error,
            Errc::target_too_long);
}

TEST(RequestLimits, HundredThousandHeadersAre431) {
  std::string input = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 100'000; ++i) input += "A: b\r\n";
  const Outcome outcome = parse(input + "\r\n");
  EXPECT_EQ(outcome.error, Errc::too_many_headers);
  EXPECT_EQ(status_of(outcome.error), 431);
}

TEST(RequestLimits, OneGreatHeaderIs431) {
  const std::string input = with_host("A: " + std::string(20'000, 'b') + "\r\n\r\n");
  const Outcome outcome = parse(input);
  EXPECT_EQ(outcome.error, Errc::headers_too_large);
  EXPECT_EQ(test::parse_requests(test::cut_everywhere(input)), outcome);
}

TEST(RequestLimits, HeaderBytesAndCountAtTheLimitPass) {
  Limits limits;
  limits.max_headers = 2;
  limits.max_header_bytes = 9 + 6 + 2;
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n", limits).messages.size(), 1U);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nB: cd\r\n\r\n", limits).error,
            Errc::headers_too_large);
  limits.max_header_bytes = 1000;
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nD: e\r\n\r\n", limits).error,
            Errc::too_many_headers);
}

TEST(RequestLimits, BodyAtTheLimitPasses) {
  Limits limits;
  limits.max_body = 4;
  EXPECT_EQ(parse(with_host("Content-Length: 4\r\n\r\nabcd"), limits).messages.size(), 1U);
  EXPECT_EQ(parse(with_host("Content-Length: 5\r\n\r\nabcde"), limits).error, Errc::body_too_large);
  EXPECT_EQ(parse(chunked("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"), limits).messages.size(), 1U);
  EXPECT_EQ(parse(chunked("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), limits).error, Errc::body_too_large);
}

TEST(RequestLimits, EndlessChunkExtensionIsCut) {
  RequestParser parser(Limits{});
  Request request;
  parser.begin(request);
  std::string input = chunked("1;a=");
  std::size_t fed = 0;
  ParseStep step{};
  // The bytes accepted from a client that sends 1 GiB of extensions before it is refused.
  while (fed < (1U << 30) && step.event != ParseEvent::failed) {
    step = parser.feed(input);
    if (step.event == ParseEvent::head) {
      step = parser.feed(std::string_view(input).substr(step.consumed));
    }
    fed += input.size();
    input.assign(1024, 'x');
  }
  EXPECT_EQ(parser.error(), Errc::chunk_extension_too_large);
  EXPECT_LT(fed, 8192U);
}

TEST(RequestLimits, ExtensionsOfManyChunksAddUp) {
  std::string input = chunked("");
  for (int i = 0; i < 1000; ++i) input += "1;abcdefgh\r\nx\r\n";
  EXPECT_EQ(parse(input).error, Errc::chunk_extension_too_large);
}

TEST(RequestLimits, TrailersCountAnew) {
  std::string input = chunked("0\r\n");
  for (int i = 0; i < 101; ++i) input += "A: b\r\n";
  EXPECT_EQ(parse(input + "\r\n").error, Errc::too_many_headers);
  EXPECT_EQ(parse(chunked("0\r\nA: " + std::string(20'000, 'b'))).error, Errc::headers_too_large);
}

TEST(RequestParser, TellsOfTheHeadBeforeTheBody) {
  RequestParser parser(Limits{});
  Request request;
  parser.begin(request);
  const std::string input = with_host("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const ParseStep head = parser.feed(input);
  EXPECT_EQ(head.event, ParseEvent::head);
  EXPECT_EQ(head.consumed, input.size());
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.feed("").event, ParseEvent::need_more);
  const ParseStep body = parser.feed("abGET");
  EXPECT_EQ(body.event, ParseEvent::body);
  EXPECT_EQ(body.body, "ab");
  EXPECT_EQ(parser.feed("GET").event, ParseEvent::complete);
}

TEST(RequestParser, KeepsItsMemoryOverMessages) {
  RequestParser parser(Limits{});
  Request request;
  const std::string input =
      "GET /0/x HTTP/1.1\r\nHost: a\r\nUser-Agent: some/1.0\r\nAccept: */*\r\n\r\n";
  parser.begin(request);
  ASSERT_EQ(parser.feed(input).event, ParseEvent::complete);
  const char* const first = request.headers[0].name.data();
  for (int i = 0; i < 100; ++i) {
    parser.begin(request);
    ASSERT_EQ(parser.feed(input).event, ParseEvent::complete);
    ASSERT_EQ(request.headers[0].name.data(), first);
  }
}

}  // namespace
}  // namespace weft::http::request_parser_test
