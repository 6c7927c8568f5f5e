// Values of fields: dates, entity tags and conditions, ranges, media types, negotiation. Each row
// is an input and what must become of it.
#include <weft/http.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::testing::http_fields_test {
namespace {

using http::Condition;
using http::EntityTag;
using http::HttpTime;
using http::MediaType;
using http::Request;
using http::Response;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

Request request_with(const Fields& fields, http::Method method = http::Method::get) {
  Request request;
  request.method = method;
  request.target = "/";
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  return request;
}

const HttpTime example{std::chrono::seconds(784'111'777)};  // of RFC 9110, 5.6.7

TEST(HttpFields, DatesOfAllThreeForms) {
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(http::parse_http_date(text), example) << text;
  }
  EXPECT_EQ(http::to_http_date(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  const HttpTime leap{std::chrono::seconds(951'782'400)};
  EXPECT_EQ(http::to_http_date(leap), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(http::parse_http_date(http::to_http_date(leap)), leap);
  const HttpTime beyond{std::chrono::seconds(999'999'999'999)};
  EXPECT_EQ(http::to_http_date(beyond), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(HttpFields, YearsOfTwoDigitsAreNotFarInTheFuture) {
  const auto parsed = http::parse_http_date("Friday, 01-Jan-99 00:00:00 GMT");
  ASSERT_TRUE(parsed);
  EXPECT_LT(*parsed, std::chrono::system_clock::now() + std::chrono::years(50));
}

TEST(HttpFields, BadDatesAreNone) {
  for (const std::string_view text :
       {"", "now", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 06 08:49 1994",
        " Sun, 06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(http::parse_http_date(text)) << text;
  }
}

TEST(HttpFields, EntityTags) {
  struct Row {
    std::string_view field;
    std::optional<std::pair<std::string_view, bool>> is;
  };
  const Row rows[] = {{"\"a\"", {{"a", false}}},     {"W/\"a\"", {{"a", true}}},
                      {"\"\"", {{"", false}}},       {" \"a,b\" ", {{"a,b", false}}},
                      {"w/\"a\"", std::nullopt},     {"a", std::nullopt},
                      {"\"a", std::nullopt},         {"\"a\"b", std::nullopt},
                      {"\"a b\"", std::nullopt},     {"", std::nullopt},
                      {"\"a\", \"b\"", std::nullopt}};
  for (const Row& row : rows) {
    const auto tag = EntityTag::parse(row.field);
    ASSERT_EQ(tag.has_value(), row.is.has_value()) << row.field;
    if (!tag) continue;
    EXPECT_EQ(tag->opaque(), row.is->first);
    EXPECT_EQ(tag->is_weak(), row.is->second);
  }
  EXPECT_EQ(EntityTag("v1").weakened().to_string(), "W/\"v1\"");
  EXPECT_FALSE(EntityTag("v1").matches_strongly(EntityTag("v1", true)));
  EXPECT_TRUE(EntityTag("v1").matches_weakly(EntityTag("v1", true)));
  EXPECT_THROW(EntityTag("a\"b"), std::invalid_argument);
  EXPECT_THROW(EntityTag("a\r\nb"), std::invalid_argument);
}

TEST(HttpFields, ConditionsInTheirOrder) {
  constexpr auto holds = Condition::holds;
  constexpr auto same = Condition::not_modified;
  constexpr auto failed = Condition::failed;
  constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
  constexpr std::string_view at = "Sun, 06 Nov 1994 08:49:37 GMT";
  struct Row {
    Fields fields;
    Condition of_get;
    Condition of_put;
  };
  const Row rows[] = {{{}, holds, holds},
                      {{{"If-Match", "\"v1\""}}, holds, holds},
                      {{{"If-Match", "\"v0\", \"v1\""}}, holds, holds},
                      {{{"If-Match", "\"v0\""}, {"If-Match", "\"v1\""}}, holds, holds},
                      {{{"If-Match", "*"}}, holds, holds},
                      {{{"If-Match", "\"v0\""}}, failed, failed},
                      {{{"If-Match", "W/\"v1\""}}, failed, failed},  // by strong comparison
                      {{{"If-Match", "v1"}}, failed, failed},
                      {{{"If-Unmodified-Since", at}}, holds, holds},
                      {{{"If-Unmodified-Since", before}}, failed, failed},
                      {{{"If-Unmodified-Since", "nonsense"}}, holds, holds},
                      {{{"If-Match", "\"v1\""}, {"If-Unmodified-Since", before}}, holds, holds},
                      {{{"If-None-Match", "\"v1\""}}, same, failed},
                      {{{"If-None-Match", "W/\"v1\""}}, same, failed},  // by weak comparison
                      {{{"If-None-Match", "\"v0\" , \"v1\""}}, same, failed},
                      {{{"If-None-Match", "*"}}, same, failed},
                      {{{"If-None-Match", "\"v0\""}}, holds, holds},
                      {{{"If-Modified-Since", at}}, same, holds},
                      {{{"If-Modified-Since", before}}, holds, holds},
                      {{{"If-None-Match", "\"v0\""}, {"If-Modified-Since", at}}, holds, holds},
                      {{{"If-Match", "\"v0\""}, {"If-None-Match", "\"v1\""}}, failed, failed},
                      {{{"If-Match", "\"v1\""}, {"If-None-Match", "\"v1\""}}, same, failed}};
  const http::Validators present(EntityTag("v1"), example);
  for (const Row& row : rows) {
    std::string text;
    for (const auto& [name, value] : row.fields)
      text.append(name).append(": ").append(value) += '\n';
    EXPECT_EQ(http::evaluate(request_with(row.fields), present), row.of_get) << text;
    EXPECT_EQ(http::evaluate(request_with(row.fields, http::Method::put), present), row.of_put)
        << text;
  }
  http::Validators absent;
  absent.exists = false;
  EXPECT_EQ(http::evaluate(request_with({{"If-None-Match", "*"}}), absent), holds);
  EXPECT_EQ(http::evaluate(request_with({{"If-Match", "*"}}), absent), failed);
}

TEST(HttpFields, AnswersToConditions) {
  const http::Validators present(EntityTag("v1"), example);
  const auto unchanged = http::answer_conditions(request_with({{"If-None-Match", "*"}}), present);
  ASSERT_TRUE(unchanged);
  EXPECT_EQ(unchanged->status, 304);
  EXPECT_EQ(unchanged->headers.find("ETag"), "\"v1\"");
  EXPECT_EQ(unchanged->headers.find("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  const auto failed = http::answer_conditions(request_with({{"If-Match", "\"x\""}}), present);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, 412);
  EXPECT_FALSE(http::answer_conditions(request_with({}), present));
}

TEST(HttpFields, IfRangeNamesThePresentVersion) {
  const http::Validators strong(EntityTag("v1"), example);
  const http::Validators weak(EntityTag("v1", true), example);
  const auto with = [](std::string_view value) { return request_with({{"If-Range", value}}); };
  EXPECT_TRUE(http::if_range_holds(request_with({}), strong));
  EXPECT_TRUE(http::if_range_holds(with("\"v1\""), strong));
  EXPECT_FALSE(http::if_range_holds(with("\"v0\""), strong));
  EXPECT_FALSE(http::if_range_holds(with("\"v1\""), weak));
  EXPECT_TRUE(http::if_range_holds(with("Sun, 06 Nov 1994 08:49:37 GMT"), strong));
  EXPECT_FALSE(http::if_range_holds(with("Sun, 06 Nov 1994 08:49:38 GMT"), strong));
  EXPECT_FALSE(http::if_range_holds(with("nonsense"), strong));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const http::Validators fresh(std::nullopt, now + std::chrono::hours(1));
  EXPECT_FALSE(http::if_range_holds(with(http::to_http_date(*fresh.modified)), fresh));
}

TEST(HttpFields, Ranges) {
  using R = std::vector<http::ByteRange>;
  struct Row {
    std::string_view field;
    bool partial;
    R ranges;
  };
  const Row rows[] = {
      {"bytes=0-0", true, {{0, 0}}},
      {"bytes=0-", true, {{0, 99}}},
      {"bytes=10-19", true, {{10, 19}}},
      {"Bytes = 10-19", true, {{10, 19}}},
      {"bytes=90-200", true, {{90, 99}}},
      {"bytes=-10", true, {{90, 99}}},
      {"bytes=-1000", true, {{0, 99}}},
      {"bytes=0-1, 4-5 ,,8-9", true, {{0, 1}, {4, 5}, {8, 9}}},
      {"bytes=0-99999999999999999999999", true, {{0, 99}}},
      {"bytes=100-", true, {}},
      {"bytes=99999999999999999999999-", true, {}},
      {"bytes=-0", true, {}},
      {"bytes=200-300, 5-6", true, {{5, 6}}},
      // The whole body: malformed, another unit, or more than a server should do.
      {"bytes", false, {}},
      {"bytes=", false, {}},
      {"bytes=-", false, {}},
      {"bytes=5-4", false, {}},
      {"bytes=a-b", false, {}},
      {"bytes=+5-6", false, {}},
      {"bytes=5", false, {}},
      {"bytes=1-2;3-4", false, {}},
      {"lines=1-2", false, {}},
      {"bytes=0-9,5-14", false, {}},
      {"bytes=50-59,0-9", false, {}},
      {"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,"
       "30-30,32-32",
       false,
       {}}};
  for (const Row& row : rows) {
    const http::RangeChoice chosen = http::parse_ranges(row.field, 100);
    EXPECT_EQ(chosen.partial(), row.partial) << row.field;
    EXPECT_EQ(chosen.ranges(), row.ranges) << row.field;
  }
  EXPECT_TRUE(http::parse_ranges("bytes=0-", 0).unsatisfiable());
  http::RangeLimits loose;
  loose.allow_overlap = true;
  EXPECT_EQ(http::parse_ranges("bytes=0-9,5-14", 100, loose).ranges(), (R{{0, 9}, {5, 14}}));
  EXPECT_FALSE(http::choose_ranges(request_with({{"Range", "bytes=0-1"}}, http::Method::head), 100)
                   .partial());
  EXPECT_FALSE(
      http::choose_ranges(request_with({{"Range", "bytes=0-1"}, {"Range", "bytes=2-3"}}), 100)
          .partial());
}

TEST(HttpFields, ContentRanges) {
  EXPECT_EQ(http::content_range({0, 9}, 100), "bytes 0-9/100");
  EXPECT_EQ(http::answer_unsatisfiable(7).headers.find("Content-Range"), "bytes */7");
  const auto whole = http::ContentRange::parse("bytes 0-9/100");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->range, (http::ByteRange{0, 9}));
  EXPECT_EQ(whole->size, 100U);
  EXPECT_FALSE(http::ContentRange::parse("bytes 0-9/*")->size);
  EXPECT_FALSE(http::ContentRange::parse("bytes */100")->range);
  for (const std::string_view bad :
       {"", "bytes 0-9", "bytes 9-0/100", "bytes 0-100/100", "bytes */*", "items 0-9/100",
        "bytes 0-x/100", "bytes=0-9/10"}) {
    EXPECT_FALSE(http::ContentRange::parse(bad)) << bad;
  }
}

TEST(HttpFields, MultipartRangesHaveTheLengthThatTheySay) {
  const http::MultipartRanges frame({{0, 4}, {50, 99}}, 100, "text/plain");
  EXPECT_TRUE(frame.content_type().starts_with("multipart/byteranges; boundary="));
  std::string body = frame.before(0) + std::string(5, 'a') + frame.before(1) + std::string(50, 'b');
  body += frame.end();
  EXPECT_EQ(frame.length(), body.size());
  EXPECT_NE(body.find("\r\nContent-Range: bytes 50-99/100\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(body.starts_with("--")) << body;
  EXPECT_NE(http::MultipartRanges({{0, 1}}, 9, "").content_type(), frame.content_type());
}

TEST(HttpFields, MediaTypes) {
  struct Row {
    std::string_view field;
    std::string_view written;  // empty: refused
  };
  const Row rows[] = {{"text/html", "text/html"},
                      {" Text/HTML ; Charset=UTF-8", "text/html; charset=UTF-8"},
                      {"a/b;c=\"d e\"", "a/b; c=\"d e\""},
                      {"a/b;c=\"d\\\"e\"", "a/b; c=\"d\\\"e\""},
                      {"a/b;", "a/b"},
                      {"a/b; ; c=d", "a/b; c=d"},
                      {"*/*", "*/*"},
                      {"", ""},
                      {"text", ""},
                      {"text/", ""},
                      {"/html", ""},
                      {"text/html charset=utf-8", ""},
                      {"text/html; charset", ""},
                      {"text/html; charset=", ""},
                      {"text/html; a=1; A=2", ""},
                      {"text/html; a=\"1", ""},
                      {"text/html, text/plain", ""}};
  for (const Row& row : rows) {
    const auto type = MediaType::parse(row.field);
    EXPECT_EQ(type ? type->to_string() : "", row.written) << row.field;
  }
  EXPECT_TRUE(MediaType::parse("Text/Html; a=b")->is("text/HTML"));
  EXPECT_EQ(http::quote("a b\n"), "\"a b \"");
  EXPECT_EQ(http::media_type_of("a/b.tar.GZ"), "application/gzip");
  EXPECT_EQ(http::media_type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(http::media_type_of("a.d/README"), "application/octet-stream");
  EXPECT_EQ(http::media_type_of(""), "application/octet-stream");
}

TEST(HttpFields, NegotiatesTypes) {
  const std::string_view offered[] = {"text/html", "application/json", "text/plain;charset=utf-8"};
  struct Row {
    std::string_view accept;
    std::optional<std::size_t> chosen;
  };
  const Row rows[] = {{"*/*", 0},
                      {"application/json", 1},
                      {"application/*", 1},
                      {"text/*;q=0.5, application/json;q=0.4", 0},
                      {"text/html;q=0.1, text/*;q=0.9", 2},
                      {"text/html;q=0, */*", 1},
                      {"image/png", std::nullopt},
                      {"*/*;q=0", std::nullopt},
                      {"text/plain;charset=utf-8, text/html;q=0.5", 2},
                      {"text/plain;charset=latin1", std::nullopt},
                      {"nonsense, application/json", 1},
                      {"text/html;q=2", std::nullopt},
                      {"", std::nullopt}};
  for (const Row& row : rows) {
    EXPECT_EQ(http::negotiate_type(request_with({{"Accept", row.accept}}), offered), row.chosen)
        << row.accept;
  }
  EXPECT_EQ(http::negotiate_type(request_with({}), offered), 0U);
}

TEST(HttpFields, NegotiatesCodings) {
  const std::string_view offered[] = {"br", "gzip", "identity"};
  struct Row {
    std::optional<std::string_view> accept;
    std::optional<std::size_t> chosen;
  };
  const Row rows[] = {{std::nullopt, 2},
                      {"", 2},
                      {"gzip", 1},
                      {"x-gzip", 1},
                      {"GZIP, br", 0},
                      {"gzip;q=0.8, br;q=0.2", 1},
                      {"*", 0},
                      {"*;q=0.5, br;q=0", 1},
                      {"identity;q=0", std::nullopt},
                      {"*;q=0", std::nullopt},
                      {"*;q=0, gzip;q=0.001", 1},
                      {"gzip;q=nonsense", 2},
                      {"gzip;q=1.001", 2},
                      {"deflate", 2}};
  for (const Row& row : rows) {
    Fields fields;
    if (row.accept) fields.emplace_back("Accept-Encoding", *row.accept);
    EXPECT_EQ(http::negotiate_coding(request_with(fields), offered), row.chosen)
        << row.accept.value_or("(none)");
  }
}

}  // namespace
}  // namespace weft::testing::http_fields_test
