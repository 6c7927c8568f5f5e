// RequestDecoder, ResponseDecoder and the serializer, as a program uses them that reads and writes
// by itself: each row is an input and what must become of it, whole and byte by byte.
#include <weft/http.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace weft::testing::http_codec_test {
namespace {

using http::Answered;
using http::BodyFraming;
using http::Errc;
using http::Headers;
using http::Limits;
using http::Method;
using http::ParseEvent;
using http::ParseStep;
using http::Request;
using http::RequestDecoder;
using http::Response;
using http::ResponseDecoder;

/// The events of one message as text, with the bodies' pieces joined, and what is left behind it.
struct Read {
  std::string events;
  std::string body;
  std::string rest;
};

template <class Decoder>
Read read_one(Decoder& decoder, std::string_view input, std::size_t piece) {
  Read read;
  while (true) {
    std::string_view part = input.substr(0, piece);
    input.remove_prefix(part.size());
    ParseStep step{0, ParseEvent::need_more, {}};
    do {
      step = decoder.feed(part);
      part.remove_prefix(step.consumed);
      if (step.event == ParseEvent::head) read.events += "head ";
      read.body += step.body;
    } while (step.event == ParseEvent::head || step.event == ParseEvent::body);
    if (step.event == ParseEvent::need_more && !input.empty()) continue;
    if (step.event == ParseEvent::need_more) read.events += "more";
    if (step.event == ParseEvent::complete) read.events += "complete";
    if (step.event == ParseEvent::failed) read.events += "failed";
    read.rest.append(part).append(input);
    return read;
  }
}

template <class Decoder>
void expect_read(Decoder make(), std::string_view input, const Read& expected) {
  for (const std::size_t piece : {input.size(), std::size_t{1}, std::size_t{3}}) {
    Decoder decoder = make();
    const Read read = read_one(decoder, input, piece);
    EXPECT_EQ(read.events, expected.events) << input << "in pieces of " << piece;
    EXPECT_EQ(read.body, expected.body) << input << "in pieces of " << piece;
    EXPECT_EQ(read.rest, expected.rest) << input << "in pieces of " << piece;
  }
}

RequestDecoder requests() { return RequestDecoder(); }
RequestDecoder requests_with_connect() {
  RequestDecoder decoder;
  decoder.accept_connect(true);
  return decoder;
}
template <Method method>
ResponseDecoder responses() {
  return ResponseDecoder(method);
}

TEST(HttpDecoder, RequestsGiveHeadBodyAndEnd) {
  expect_read(requests, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", {"head complete", "", ""});
  expect_read(requests, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET",
              {"head complete", "hi", "GET"});
  expect_read(requests,
              "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              "2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\nGET",
              {"head complete", "hi!", "GET"});
  expect_read(requests, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nhi",
              {"head more", "hi", ""});
  expect_read(requests_with_connect, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03",
              {"head complete", "", "\x16\x03"});
}

TEST(HttpDecoder, ResponsesEndAsTheirRequestAndStatusSay) {
  const std::string_view sized = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  expect_read(responses<Method::get>, sized, {"head complete", "hi", ""});
  expect_read(responses<Method::head>, sized, {"head complete", "", "hi"});
  expect_read(responses<Method::connect>, sized, {"head complete", "", "hi"});
  const std::string_view chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
  expect_read(responses<Method::get>, chunked, {"head complete", "hi", ""});
  expect_read(responses<Method::connect>, chunked, {"head complete", "", "2\r\nhi\r\n0\r\n\r\n"});
  // A refused tunnel has a body as any other response.
  expect_read(responses<Method::connect>, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
              {"head complete", "no", ""});
  for (const std::string_view status :
       {"100 Continue", "103 Early Hints", "101 X", "204 No Content", "304 Not Modified"}) {
    const std::string head = "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 5\r\n\r\n";
    expect_read(responses<Method::get>, head + "HTTP/", {"head complete", "", "HTTP/"});
  }
}

TEST(HttpDecoder, AnInterimResponseIsAMessageOfItsOwn) {
  ResponseDecoder decoder(Method::put);
  std::string_view input =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  ParseStep step = decoder.feed(input);
  input.remove_prefix(step.consumed);
  EXPECT_EQ(step.event, ParseEvent::head);
  EXPECT_EQ(decoder.feed(input).event, ParseEvent::complete);
  EXPECT_EQ(decoder.response().status.code(), 100);
  EXPECT_FALSE(decoder.leaves_http());
  decoder.begin(Method::put);
  const Read last = read_one(decoder, input, input.size());
  EXPECT_EQ(last.events, "head complete");
  EXPECT_EQ(decoder.response().status.code(), 201);
}

TEST(HttpDecoder, SaysWhenTheConnectionLeavesHttp) {
  const auto leaves = [](Method method, std::string_view status) {
    ResponseDecoder decoder(method);
    const std::string head = "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n";
    EXPECT_FALSE(decoder.leaves_http());
    EXPECT_EQ(read_one(decoder, head, 7).events, "head complete");
    return decoder.leaves_http();
  };
  EXPECT_TRUE(leaves(Method::get, "101 Switching Protocols"));
  EXPECT_TRUE(leaves(Method::connect, "200 OK"));
  EXPECT_FALSE(leaves(Method::connect, "407 X"));
  EXPECT_FALSE(leaves(Method::get, "200 OK"));

  RequestDecoder request;
  read_one(request, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 99);
  EXPECT_TRUE(request.asks_upgrade());
}

TEST(HttpDecoder, PipelinedRequestsAreReadOneAfterTheOther) {
  RequestDecoder decoder;
  std::string input;
  for (int i = 0; i < 3; ++i) {
    input += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
  }
  for (int i = 0; i < 3; ++i) {
    const Read read = read_one(decoder, input, input.size());
    EXPECT_EQ(read.events, "head complete");
    EXPECT_EQ(decoder.request().target, "/" + std::to_string(i));
    EXPECT_EQ(decoder.content_length(), 1U);
    input = read.rest;
    decoder.begin();
  }
  EXPECT_TRUE(input.empty());
  EXPECT_TRUE(decoder.finish());
}

TEST(HttpDecoder, TrailersAreHadWithTheEnd) {
  RequestDecoder decoder;
  EXPECT_TRUE(decoder.trailers().empty());
  read_one(decoder,
           "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
           "0\r\nX-Sum: 1\r\n\r\n",
           5);
  EXPECT_TRUE(decoder.is_chunked());
  EXPECT_TRUE(decoder.expects_continue());
  EXPECT_EQ(decoder.trailers().find("x-sum"), "1");
  decoder.begin();
  EXPECT_TRUE(decoder.trailers().empty());
}

TEST(HttpDecoder, AFailureStaysUntilTheNextBegin) {
  RequestDecoder decoder;
  EXPECT_FALSE(decoder.error());
  EXPECT_EQ(read_one(decoder, "GET / HTTP/1.1\nHost: a\r\n\r\n", 99).events, "failed");
  EXPECT_EQ(decoder.error(), Errc::bad_line_ending);
  const ParseStep again = decoder.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(again.event, ParseEvent::failed);
  EXPECT_EQ(again.consumed, 0U);
  EXPECT_FALSE(decoder.finish());
  EXPECT_EQ(decoder.error(), Errc::bad_line_ending);
  decoder.begin();
  EXPECT_FALSE(decoder.error());
  EXPECT_EQ(read_one(decoder, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 99).events, "head complete");
  EXPECT_EQ(decoder.feed("GET").event, ParseEvent::complete);  // nor does an end go away
  EXPECT_EQ(decoder.feed("GET").consumed, 0U);
}

TEST(HttpDecoder, LimitsHold) {
  struct Row {
    Limits limits;
    std::string input;
    Errc error;
  };
  Limits small;
  small.max_target = 4;
  small.max_header_bytes = 40;
  small.max_headers = 2;
  small.max_body = 3;
  small.max_chunk_extension = 4;
  const std::string chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost:a\r\n\r\n";
  Limits roomy = small;
  roomy.max_header_bytes = 400;
  const Row rows[] = {
      {small, "GET /12345 HTTP/1.1\r\n", Errc::target_too_long},
      {small, "GET / HTTP/1.1\r\nHost: " + std::string(40, 'a'), Errc::headers_too_large},
      {small, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\n\r\n", Errc::too_many_headers},
      {roomy, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", Errc::body_too_large},
      {roomy, chunked + "2\r\nab\r\n2\r\n", Errc::body_too_large},
      {roomy, chunked + "1;abcd=efgh\r\n", Errc::chunk_extension_too_large},
  };
  for (const Row& row : rows) {
    for (const std::size_t piece : {row.input.size(), std::size_t{1}}) {
      RequestDecoder decoder(row.limits);
      const Read read = read_one(decoder, row.input, piece);
      EXPECT_TRUE(read.events.ends_with("failed")) << row.input;
      EXPECT_EQ(decoder.error(), row.error) << row.input << decoder.error().message();
    }
  }
}

TEST(HttpDecoder, TheEndOfTheStreamEndsABodyOrIsAnError) {
  ResponseDecoder open_end;
  EXPECT_EQ(read_one(open_end, "HTTP/1.1 200 OK\r\n\r\nhi", 4).body, "hi");
  EXPECT_TRUE(open_end.finish());
  EXPECT_EQ(open_end.feed({}).event, ParseEvent::complete);
  EXPECT_FALSE(open_end.response().keep_alive);

  const auto ended = [](std::string_view input, bool complete) {
    ResponseDecoder decoder;
    std::string_view rest = input;
    ParseStep step = decoder.feed(rest);  // the head alone, then what fits
    rest.remove_prefix(step.consumed);
    static_cast<void>(decoder.feed(rest));
    EXPECT_EQ(decoder.finish(), complete) << input;
    return decoder.error();
  };
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  EXPECT_EQ(ended("", false), Errc::closed_before_response);
  EXPECT_EQ(ended("HTTP/1.1 2", false), Errc::unexpected_end);
  EXPECT_EQ(ended(head + "h", false), Errc::unexpected_end);
  EXPECT_FALSE(ended(head + "hi", true));  // complete, though that was not asked for yet

  RequestDecoder request;
  EXPECT_TRUE(request.finish());
  static_cast<void>(request.feed("\r\n"));
  EXPECT_TRUE(request.finish());
  static_cast<void>(request.feed("GE"));
  EXPECT_FALSE(request.finish());
  EXPECT_EQ(request.error(), Errc::unexpected_end);
  EXPECT_EQ(request.feed("T").event, ParseEvent::failed);
}

TEST(HttpDecoder, ATolerantReadingTakesWhatIsWellBounded) {
  const std::string_view input = "HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 1\n\nx";
  ResponseDecoder strict;
  EXPECT_EQ(read_one(strict, input, 99).events, "failed");
  ResponseDecoder tolerant(Method::get, {}, http::Reading::tolerant);
  EXPECT_EQ(read_one(tolerant, input, 1).body, "x");
  EXPECT_EQ(tolerant.response().headers.find("a"), "b c");
}

Request request_to(std::string_view target, Method method = Method::get) {
  Request request;
  request.method = method;
  request.target = target;
  request.headers.add("Host", "a:1");
  return request;
}

TEST(HttpSerializer, WritesRequests) {
  const auto written = [](const Request& request) {
    std::string out = "before|";
    http::serialize_request(out, request);
    return out;
  };
  EXPECT_EQ(written(request_to("/x?y")), "before|GET /x?y HTTP/1.1\r\nHost: a:1\r\n\r\n");
  Request post = request_to("/", Method::post);
  post.body = "hi";
  post.keep_alive = false;
  post.headers.add("Content-Length", "77");
  post.headers.add("Transfer-Encoding", "chunked");
  EXPECT_EQ(written(post),
            "before|POST / HTTP/1.1\r\nHost: a:1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
            "hi");
  Request upgrade = request_to("/");
  upgrade.headers.add("Upgrade", "x");
  EXPECT_EQ(written(upgrade), "before|GET / HTTP/1.1\r\nHost: a:1\r\nUpgrade: x\r\n\r\n");
  upgrade.headers.add("Connection", "Upgrade");
  EXPECT_EQ(written(upgrade),
            "before|GET / HTTP/1.1\r\nHost: a:1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
  Request connect = request_to("b:443", Method::connect);
  connect.headers.clear();
  EXPECT_EQ(written(connect), "before|CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n");
}

TEST(HttpSerializer, RefusesWhatWouldAddALineOrAField) {
  std::vector<Request> bad;
  for (const std::string_view target :
       {"", "/ HTTP/1.1\r\nX: y", "/a b", "/a\nb", "/a#b", "/\xc3\xa9", "a", "*"}) {
    bad.push_back(request_to(target));
  }
  bad.push_back(request_to(std::string_view("/\0", 2)));
  bad.push_back(request_to("a b:1", Method::connect));
  bad.push_back(request_to("/"));
  bad.back().headers.clear();  // no Host
  bad.push_back(request_to("/"));
  bad.back().headers.set("Host", "a/b");
  bad.push_back(request_to("/", Method::trace));
  bad.back().body = "x";
  for (const Request& request : bad) {
    std::string out = "before";
    EXPECT_THROW(http::serialize_request(out, request), std::invalid_argument) << request.target;
    EXPECT_EQ(out, "before");
    if (!request.body.empty()) continue;
    EXPECT_THROW(http::serialize_request_head(out, request, {BodyFraming::End::length, 0}),
                 std::invalid_argument);
    EXPECT_EQ(out, "before");
  }
  Headers headers;
  EXPECT_THROW(headers.add("X", "a\r\nY: b"), std::invalid_argument);
  EXPECT_THROW(headers.add("X\r\nY", "b"), std::invalid_argument);
}

TEST(HttpSerializer, RefusesWhatTheFramingForbids) {
  const std::function<void(std::string&)> calls[] = {
      [](std::string& out) {
        http::serialize_request_head(out, request_to("/"), {BodyFraming::End::close, 0});
      },
      [](std::string& out) {
        http::serialize_request_head(out, request_to("a:1", Method::connect), {});
      },
      [](std::string& out) { http::serialize_response(out, Response(100)); },
      [](std::string& out) { http::serialize_response_head(out, Response(103), {}, 5); },
      [](std::string& out) { http::serialize_interim_response(out, 200); },
      [](std::string& out) { http::serialize_interim_response(out, 101); },
      [](std::string& out) {
        Headers trailers;
        trailers.add("Content-Length", "5");
        http::serialize_last_chunk(out, trailers);
      },
  };
  for (const auto& call : calls) {
    std::string out;
    EXPECT_THROW(call(out), std::invalid_argument);
    EXPECT_EQ(out, "");
  }
}

/// Without the Date field, which changes.
std::string without_date(std::string text) {
  const std::size_t begin = text.find("Date: ");
  if (begin != text.npos) text.erase(begin, text.find("\r\n", begin) + 2 - begin);
  return text;
}

TEST(HttpSerializer, WritesResponsesAsTheirRequestNeedsThem) {
  Response response(200);
  response.body = "hi";
  std::string out;
  const http::WrittenHead head = http::serialize_response(out, response);
  EXPECT_TRUE(head.body_follows && head.keep_alive);
  EXPECT_EQ(without_date(out), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  out.clear();
  EXPECT_FALSE(http::serialize_response(out, response, {.method = Method::head}).body_follows);
  EXPECT_EQ(without_date(out), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  out.clear();
  EXPECT_FALSE(http::serialize_response(out, response, {.method = Method::connect}).body_follows);
  EXPECT_EQ(without_date(out), "HTTP/1.1 200 OK\r\n\r\n");
  out.clear();
  response.headers.add("Connection", "close");
  EXPECT_FALSE(http::serialize_response(out, response).keep_alive);
  EXPECT_EQ(without_date(out),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  out.clear();
  Response switching(101);
  switching.headers.add("Upgrade", "x");
  http::serialize_response(out, switching);
  EXPECT_EQ(without_date(out),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
}

TEST(HttpSerializer, SaysHowABodyThatFollowsEnds) {
  struct Row {
    Answered answered;
    std::optional<std::uint64_t> length;
    int status;
    bool follows;
    BodyFraming::End end;
    std::string_view lines;
  };
  const Row rows[] = {
      {{}, 5, 200, true, BodyFraming::End::length, "Content-Length: 5\r\n"},
      {{}, std::nullopt, 200, true, BodyFraming::End::chunked, "Transfer-Encoding: chunked\r\n"},
      {{.version = http::Version::http_1_0},
       std::nullopt,
       200,
       true,
       BodyFraming::End::close,
       "Connection: close\r\n"},
      {{.method = Method::head}, 5, 200, false, BodyFraming::End::length, "Content-Length: 5\r\n"},
      {{}, 5, 204, false, BodyFraming::End::chunked, ""},
  };
  for (const Row& row : rows) {
    std::string out;
    const http::WrittenHead head =
        http::serialize_response_head(out, Response(row.status), row.answered, row.length);
    EXPECT_EQ(head.body_follows, row.follows) << out;
    EXPECT_TRUE(!row.follows || head.framing.end == row.end) << out;
    const std::string text = without_date(out);
    EXPECT_EQ(text.substr(text.find("\r\n") + 2), std::string(row.lines) + "\r\n");
  }
}

TEST(HttpSerializer, ChunksAreReadAsTheyWereWritten) {
  Request request = request_to("/", Method::put);
  std::string out;
  http::serialize_request_head(out, request, {BodyFraming::End::chunked, 0});
  const std::string large(70'000, 'x');
  http::serialize_chunk(out, "hi");
  http::serialize_chunk(out, "");  // would end the body
  http::serialize_chunk(out, large);
  Headers trailers;
  trailers.add("X-Sum", "1");
  http::serialize_last_chunk(out, trailers);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}, out.size()}) {
    RequestDecoder decoder;
    const Read read = read_one(decoder, out, piece);
    EXPECT_EQ(read.events, "head complete");
    EXPECT_TRUE(read.body == "hi" + large);
    EXPECT_EQ(decoder.trailers().find("X-Sum"), "1");
    EXPECT_TRUE(decoder.is_chunked());
  }
  std::string interim;
  http::serialize_interim_response(interim, 100);
  EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
}

}  // namespace
}  // namespace weft::testing::http_codec_test
