// The bytes that are sent.
#include <gtest/gtest.h>

#include <string>

#include "http/parser_test_support.hpp"
#include "http/serialize.hpp"

namespace weft::http::serialize_test {
namespace {

/// The response's text without the Date field, which changes.
std::string written(const Response& response, const ResponseFraming& framing = {}) {
  std::string out;
  append_response(out, response, framing);
  const std::size_t begin = out.find("Date: ");
  if (begin != std::string::npos) out.erase(begin, out.find("\r\n", begin) + 2 - begin);
  return out;
}

Response with_field(std::string_view name, std::string_view value) {
  Response response;
  response.headers.add(name, value);
  response.body = "abc";
  return response;
}

TEST(AppendResponse, WritesFramingItself) {
  const std::string plain = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
  EXPECT_EQ(written(with_field("Content-Length", "99")), plain);
  EXPECT_EQ(written(with_field("Transfer-Encoding", "chunked")), plain);
  EXPECT_EQ(written(with_field("Connection", "keep-alive")), plain);
  EXPECT_EQ(written(with_field("X", "y")),
            "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\nabc");
}

TEST(AppendResponse, SaysWhetherTheConnectionStays) {
  ResponseFraming framing;
  framing.keep_alive = false;
  EXPECT_EQ(written(Response(200), framing),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  framing.keep_alive = true;
  framing.request_version = Version::http_1_0;
  EXPECT_EQ(written(Response(200), framing),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST(AppendResponse, OnlyConnectionClosesTheConnection) {
  EXPECT_EQ(written(with_field("Keep-Alive", "close")),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(written(with_field("Connection", "x, Close")),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
}

TEST(AppendResponse, LeavesOutBodiesThatMayNotBe) {
  Response response(204);
  response.body = "abc";
  EXPECT_EQ(written(response), "HTTP/1.1 204 No Content\r\n\r\n");
  response.status = 304;
  EXPECT_EQ(written(response), "HTTP/1.1 304 Not Modified\r\n\r\n");
  ResponseFraming framing;
  framing.request_method = Method::head;
  response.status = 200;
  EXPECT_EQ(written(response, framing), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  response.body.clear();
  response.headers.add("Content-Length", "77");
  EXPECT_EQ(written(response, framing), "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
  response.headers.set("Content-Length", std::string(30, '7'));
  EXPECT_EQ(written(response, framing), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(AppendResponse, A205HasNoBody) {
  Response response(205);
  response.body = "abc";
  response.headers.add("Content-Length", "7");
  const std::string expected = "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(written(response), expected);
  ResponseFraming framing;
  framing.request_method = Method::head;
  EXPECT_EQ(written(response, framing), expected);
  response.body.clear();
  EXPECT_EQ(written(response, framing), expected);
}

/// A gateway passes on the date of the origin (RFC 9110, 6.6.1); what is no date is not sent.
TEST(AppendResponse, HasOneDate) {
  const std::string origin = "Sun, 06 Nov 1994 08:49:37 GMT";
  Response response = with_field("date", "tomorrow");
  for (const std::string& given : {std::string("yesterday"), origin, std::string("x")}) {
    response.headers.add("Date", given);
    std::string out;
    append_response(out, response, {});
    const std::size_t first = out.find("\r\nDate: ");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(out.find("ate: ", first + 8), std::string::npos);
    const bool has_origin = given != "yesterday";
    EXPECT_EQ(out.substr(first + 8, origin.size()) == origin, has_origin) << out;
  }
  EXPECT_EQ(written(response), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
}

TEST(AppendResponse, NamesTheServerUnlessTheHandlerDid) {
  ResponseFraming framing;
  framing.server_name = "weft";
  EXPECT_EQ(written(Response(599), framing),
            "HTTP/1.1 599 \r\nServer: weft\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(written(with_field("server", "mine"), framing),
            "HTTP/1.1 200 OK\r\nserver: mine\r\nContent-Length: 3\r\n\r\nabc");
}

TEST(AppendResponse, IsReadBackByTheParser) {
  std::string out;
  append_response(out, Response::text("hello"), {});
  const test::Outcome outcome = test::parse_responses({out});
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_NE(outcome.messages[0].find("|body=hello"), std::string::npos);
  EXPECT_EQ(outcome.end, "idle");
}

TEST(AppendRequest, IsReadBackByTheParser) {
  RequestLines request;
  request.method = Method::post;
  request.target = "/a?b";
  request.host = "h:81";
  request.body = "abc";
  request.user_agent = "weft";
  request.keep_alive = false;
  Headers headers;
  headers.add("X", "y");
  headers.add("Host", "other");
  headers.add("Host", "a third");
  headers.add("Content-Length", "7");
  std::string out;
  append_request(out, request, headers);
  EXPECT_EQ(test::parse_requests({out}).messages,
            std::vector<std::string>{"POST /a?b 1.1 close|Host=other|X=y|User-Agent=weft|"
                                     "Content-Length=3|Connection=close|body=abc"});
  out.clear();
  headers.remove("Host");
  headers.set("User-Agent", "mine");
  request = RequestLines{};
  request.target = "/";
  request.host = "h";
  request.user_agent = "weft";
  append_request(out, request, headers);
  EXPECT_EQ(out, "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\nUser-Agent: mine\r\n\r\n");
}

TEST(AppendResponse, AStatusNeedsNoPhrase) {
  EXPECT_EQ(written(Response(299)), "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

TEST(AppendHead, TheResponseMayAskForTheClose) {
  const auto stays = [](std::string_view name, std::string_view value) {
    std::string out;
    const WrittenHead head = append_head(out, with_field(name, value), {});
    EXPECT_TRUE(head.body_follows);
    EXPECT_EQ(out.find("\r\nConnection: close\r\n") == out.npos, head.keep_alive);
    return head.keep_alive;
  };
  EXPECT_FALSE(stays("Connection", "x , CLOSE"));
  EXPECT_FALSE(stays("Connection", "x\t,\tclose\t, y"));
  EXPECT_TRUE(stays("Connection", "closed"));
  EXPECT_TRUE(stays("X-Connection", "close"));
}

TEST(HttpDate, IsWrittenInTheOneForm) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "Thu, 01 Jan 1970 00:00:00 GMT"},         {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
      {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"}, {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
      {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
  };
  for (const auto& [seconds, text] : cases) {
    char written_text[29];
    write_http_date(seconds, written_text);
    EXPECT_EQ(std::string_view(written_text, 29), text);
  }
  EXPECT_EQ(http_date_now().size(), 29U);
}

}  // namespace
}  // namespace weft::http::serialize_test
