// Mutated values of fields, URLs, forms and event streams against their parsers: no crash; what is
// accepted is written and read again as the same; limits hold; streams give the same however cut.
// Deterministic: see fuzz_support.hpp; a failure prints the seed with the input.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <weft/http/conditional.hpp>
#include <weft/http/connector.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/date.hpp>
#include <weft/http/event_stream.hpp>
#include <weft/http/form.hpp>
#include <weft/http/media_type.hpp>
#include <weft/http/proxy.hpp>
#include <weft/http/range.hpp>
#include <weft/http/url.hpp>
#include <weft/io.hpp>

#include "http/char_class.hpp"
#include "http/fuzz_support.hpp"
#include "support/sanitizers.hpp"

namespace weft::http::field_fuzz_test {
namespace {

using test::one_in;
using test::pick;
using test::Random;

const unsigned kRounds = weft::test::fewer_if_sanitized(10'000U);

/// Calls `check(input, random)` with one of `inputs`, or two joined, changed a little by bytes and
/// `words`.
template <std::size_t N, std::size_t M, class Check>
void for_each_input(const std::string_view (&inputs)[N], const std::string_view (&words)[M],
                    Check check) {
  test::for_each_seed(kRounds, [&](unsigned seed) {
    Random random(seed);
    std::string input(inputs[pick(random, N)]);
    if (one_in(random, 4)) input += inputs[pick(random, N)];
    for (std::size_t left = pick(random, 5); left > 0; --left) {
      test::mutate_once(input, std::span<const std::string_view>(words), random);
    }
    SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed) + ": " + ::testing::PrintToString(input));
    check(input, random);
  });
}

/// A field's value as a message may have it; none if it has a control character.
std::optional<Headers> headers_with(std::string_view name, std::string_view value) {
  Headers headers;
  try {
    headers.add(name, value);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
  return headers;
}

bool same_url(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port && a.target == b.target;
}

void expect_url(const Result<Url>& url) {
  if (!url) return;
  EXPECT_TRUE(!url->target.empty() && all(kTarget, url->target)) << url->target;
  const Result<Url> again = Url::parse(url->to_string());
  ASSERT_TRUE(again) << url->to_string();
  EXPECT_TRUE(same_url(*again, *url)) << url->to_string() << " and " << again->to_string();
  Headers headers;
  EXPECT_NO_THROW(headers.add("Host", url->host_field()));
}

TEST(ParserFuzz, FieldsOfUrls) {
  const std::string_view urls[] = {"http://a/",
                                   "https://b.example:8443/x/../y?q=1#f",
                                   "http://[::1]:80/",
                                   "http://[fe80::1%25eth0]/a%20b",
                                   "//c/d",
                                   "../e?f",
                                   "HTTP://A:0?x",
                                   "?y"};
  const std::string_view words[] = {"/", "..", ":",  "@", "%",    "%2f",   "[",     "]",       "?",
                                    "#", "\\", "//", " ", "\r\n", "http:", "65536", "\xc3\xa9"};
  const Url base = *Url::parse("http://base:81/p/q?r");
  for_each_input(urls, words, [&](const std::string& input, Random&) {
    expect_url(Url::parse(input));
    expect_url(base.resolve(input));
  });
}

bool same_cookie(const SetCookie& a, const SetCookie& b) {
  return a.name() == b.name() && a.value() == b.value() && a.domain() == b.domain() &&
         a.path() == b.path() && a.max_age() == b.max_age() && a.expires() == b.expires() &&
         a.is_secure() == b.is_secure() && a.is_http_only() == b.is_http_only() &&
         a.same_site() == b.same_site();
}

TEST(ParserFuzz, FieldsOfCookies) {
  const std::string_view cookies[] = {"a=b",
                                      "sid=x1; Path=/; Secure; HttpOnly; SameSite=None",
                                      "__Host-a=b; Secure; Path=/",
                                      "c=\"d\"; Max-Age=60; Domain=.example.org",
                                      "e=; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
                                      "f=g; h=i;; j"};
  const std::string_view words[] = {
      ";",       "=",          "\"",   ",",        " ",
      "Max-Age", "-1",         "\r\n", "Expires=", "99999999999999999999",
      "Secure",  "SameSite=x", "\x7f", "Domain="};
  for_each_input(cookies, words, [](const std::string& input, Random& random) {
    if (const std::optional<SetCookie> cookie = SetCookie::parse(input)) {
      EXPECT_FALSE(cookie->name().empty() && cookie->value().empty());
      EXPECT_LE(cookie->name().size() + cookie->value().size(), 4096U);
      try {
        const std::string text = cookie->to_string();
        const std::optional<SetCookie> again = SetCookie::parse(text);
        ASSERT_TRUE(again) << text;
        // Of several dots before a domain a client drops one each time.
        if (cookie->domain().starts_with('.')) return;
        EXPECT_TRUE(same_cookie(*again, *cookie)) << text << " and " << again->to_string();
      } catch (const std::invalid_argument&) {
        // What a client has to take, and a server must not send.
      }
    }
    const std::optional<Headers> headers = headers_with("Cookie", input);
    if (!headers) return;
    const std::size_t most = pick(random, 4);
    EXPECT_LE(parse_cookies(*headers, most).size(), most);
    for (const auto& [name, value] : parse_cookies(*headers)) EXPECT_FALSE(name.empty()) << value;
  });
}

TEST(ParserFuzz, FieldsOfRanges) {
  const std::string_view ranges[] = {"bytes=0-0",         "bytes=-5",        "bytes=9-",
                                     "bytes=0-1, 4-7,-1", "bytes 0-99/1000", "bytes */10",
                                     "bytes 0-1/*"};
  const std::string_view words[] = {
      "-", ",", "=", "18446744073709551615", "18446744073709551616", "0", " ", "bytes",
      "/", "*", "9"};
  for_each_input(ranges, words, [](const std::string& input, Random& random) {
    const std::uint64_t sizes[] = {0, 1, 10, std::numeric_limits<std::uint64_t>::max()};
    const std::uint64_t size = sizes[pick(random, 4)];
    const RangeChoice choice = parse_ranges(input, size);
    for (const ByteRange& range : choice.ranges()) {
      EXPECT_LE(range.first, range.last);
      EXPECT_LT(range.last, size);
      const auto again = ContentRange::parse(content_range(range, size));
      ASSERT_TRUE(again && again->range) << content_range(range, size);
      EXPECT_TRUE(again->range->first == range.first && again->range->last == range.last);
      EXPECT_EQ(again->size, size);
    }
    const std::optional<ContentRange> content = ContentRange::parse(input);
    if (!content || !content->range) return;
    EXPECT_LE(content->range->first, content->range->last);
    EXPECT_TRUE(!content->size || content->range->last < *content->size);
  });
}

TEST(ParserFuzz, FieldsOfTagsDatesAndTypes) {
  const std::string_view values[] = {"\"a\"",
                                     "W/\"b\"",
                                     "*",
                                     "\"a\", W/\"b\"",
                                     "Sun, 06 Nov 1994 08:49:37 GMT",
                                     "Sunday, 06-Nov-94 08:49:37 GMT",
                                     "Sun Nov  6 08:49:37 1994",
                                     "text/html; charset=utf-8",
                                     "multipart/form-data; boundary=\"a \\\"b\""};
  const std::string_view words[] = {"\"", "W/",     ",",   ";",    "=",    "/",   "\\", " ",
                                    "31", "29 Feb", "24:", "9999", "0000", "q=0", "*",  "\t"};
  for_each_input(values, words, [](const std::string& input, Random&) {
    if (const auto tag = EntityTag::parse(input)) {
      const auto again = EntityTag::parse(tag->to_string());
      ASSERT_TRUE(again);
      EXPECT_TRUE(again->opaque() == tag->opaque() && again->is_weak() == tag->is_weak());
    }
    if (const auto time = parse_http_date(input)) {
      EXPECT_EQ(parse_http_date(to_http_date(*time)), time) << to_http_date(*time);
    }
    if (const auto time = parse_cookie_date(input)) {
      EXPECT_EQ(parse_http_date(to_http_date(*time)), time) << to_http_date(*time);
    }
    if (const auto type = MediaType::parse(input)) {
      const auto again = MediaType::parse(type->to_string());
      ASSERT_TRUE(again) << type->to_string();
      EXPECT_EQ(again->essence(), type->essence());
      EXPECT_EQ(again->parameters, type->parameters) << type->to_string();
    }
    for (const std::string_view name : {"If-Match", "If-None-Match", "If-Modified-Since"}) {
      Request request;
      std::optional<Headers> headers = headers_with(name, input);
      if (!headers) return;
      request.headers = std::move(*headers);
      static_cast<void>(evaluate(request, Validators(EntityTag("a"))));
    }
  });
}

TEST(ParserFuzz, FieldsOfNegotiation) {
  const std::string_view values[] = {"gzip, br;q=0.5, *;q=0", "identity;q=0", "zstd;q=1.000,gzip",
                                     "*", "text/html, text/*;q=0.5, */*;q=0.1"};
  const std::string_view words[] = {",",   ";",    "q=",       "q=0", "q=1.001", "0.", "*",
                                    "*/*", "gzip", "identity", " ",   "\"",      "1"};
  const std::string_view codings[] = {"br", "gzip", "identity"};
  const std::string_view types[] = {"text/html", "application/json"};
  for_each_input(values, words, [&](const std::string& input, Random&) {
    Request request;
    for (const std::string_view name : {"Accept-Encoding", "Accept"}) {
      std::optional<Headers> headers = headers_with(name, input);
      if (!headers) return;
      request.headers = std::move(*headers);
      const auto coding = negotiate_coding(request, codings);
      const auto type = negotiate_type(request, types);
      EXPECT_LT(coding.value_or(0), std::size(codings));
      EXPECT_LT(type.value_or(0), std::size(types));
      // A coding that was not asked for is not chosen.
      EXPECT_TRUE(request.headers.contains("Accept-Encoding") || coding == 2U);
    }
  });
}

TEST(ParserFuzz, FieldsOfForms) {
  const std::string_view forms[] = {"a=b&c=d", "x+y=%20%2B&z", "=&==&&", "n=%00%ff"};
  const std::string_view words[] = {"&", "=", "+", "%", "%2", "%zz", ";", "%26"};
  for_each_input(forms, words, [](const std::string& input, Random& random) {
    const Result<Form> form = Form::parse(input);
    if (form) {
      const Result<Form> again = Form::parse(form->to_string());
      ASSERT_TRUE(again) << form->to_string();
      EXPECT_EQ(again->fields(), form->fields()) << form->to_string();
    }
    FormLimits limits;
    limits.max_fields = pick(random, 4);
    limits.max_field_size = pick(random, 4);
    const Result<Form> bounded = Form::parse(input, limits);
    if (!bounded) return;
    EXPECT_LE(bounded->fields().size(), limits.max_fields);
    for (const auto& [name, value] : bounded->fields()) {
      EXPECT_LE(name.size() + value.size(), limits.max_field_size);
    }
  });
}

struct Events {
  std::vector<std::string> events;
  std::string last_id;
  bool exceeded = false;
  friend bool operator==(const Events&, const Events&) = default;
};

Events events_of(const std::vector<std::string_view>& pieces, std::size_t limit) {
  Events read;
  EventParser parser(limit);
  try {
    for (const std::string_view piece : pieces) {
      parser.push(piece);
      while (const auto event = parser.next()) {
        EXPECT_LE(event->data.size(), limit);
        read.events.push_back(event->type + "|" + event->id + "|" + event->data);
      }
    }
    read.last_id = parser.last_id();
  } catch (const IoError&) {
    read.exceeded = true;
  }
  return read;
}

void expect_event_round_trip(const std::string& input) {
  EventParser parser;
  parser.push(input);
  while (const auto event = parser.next()) {
    ServerEvent sent = *event;
    EventParser other;
    other.push(to_text(sent));
    const auto again = other.next();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->type, sent.type);
    EXPECT_EQ(again->data, sent.data);
    EXPECT_EQ(again->id, sent.id);
  }
}

TEST(ParserFuzz, FieldsOfEventStreams) {
  const std::string_view streams[] = {"data: a\n\n", "event: e\r\nid: 1\r\ndata: x\r\ndata\r\n\r\n",
                                      ": comment\rretry: 10\rdata:y\r\r",
                                      "\xef\xbb\xbf"
                                      "data: bom\n\nid\n\n"};
  const std::string_view words[] = {
      "\n",  "\r",      "\r\n", "\n\n", "data:",
      "id:", "event: ", ":",    " ",    "retry: 99999999999999999999"};
  for_each_input(streams, words, [](const std::string& input, Random& random) {
    const Events whole = events_of({input}, 1000);
    EXPECT_EQ(events_of(test::cut_at_random(input, random), 1000), whole);
    const Events bounded = events_of({input}, pick(random, 12));
    EXPECT_TRUE(bounded.exceeded || bounded == whole);
    expect_event_round_trip(input);
  });
}

TEST(ParserFuzz, FieldsOfProxies) {
  const std::string_view proxies[] = {"http://proxy:3128", "https://u:p%40w@proxy",
                                      "proxy:1",           "10.0.0.0/8, .example.org",
                                      "[::1]:80 fc00::/7", "*"};
  const std::string_view words[] = {":", "@", "/", "%",  "/33", "/129",  "/-1", "[",
                                    "]", ",", " ", "*.", "..",  "65536", "::"};
  for_each_input(proxies, words, [](const std::string& input, Random&) {
    if (const Result<Proxy> proxy = Proxy::parse(input)) {
      const Result<Proxy> again = Proxy::parse(proxy->to_string());
      ASSERT_TRUE(again) << proxy->to_string();
      EXPECT_TRUE(again->scheme == proxy->scheme && again->host == proxy->host &&
                  again->port == proxy->port)
          << proxy->to_string();
      EXPECT_TRUE(headers_with("Proxy-Authorization", proxy->authorization));
    }
    Proxies found;
    found.for_all(*Proxy::parse("http://proxy:3128")).except(input);
    for (const char* host : {"a.example.org", "10.1.2.3", "::1"}) {
      const Origin origin("http", host, 80);
      const bool direct = found.find(origin) == nullptr;
      // An exception more takes none away.
      Proxies more;
      more.for_all(*Proxy::parse("http://proxy:3128")).except(input).except("other");
      EXPECT_EQ(more.find(origin) == nullptr, direct) << host;
      EXPECT_EQ(more.except("*").find(origin), nullptr) << host;
    }
  });
}

}  // namespace
}  // namespace weft::http::field_fuzz_test
