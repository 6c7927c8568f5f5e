// Headers, Request, Response, Status, percent-encoding and Url.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <weft/http/message.hpp>
#include <weft/http/url.hpp>

namespace weft::http::message_test {
namespace {

TEST(Headers, FindWithoutRegardToCaseAndKeepOrder) {
  Headers headers;
  headers.add("Accept", "a");
  headers.add("X", "1");
  headers.add("accept", "b");
  EXPECT_EQ(headers.find("ACCEPT"), "a");
  EXPECT_EQ(headers.find_all("aCCEPT"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_FALSE(headers.find("Accep"));
  EXPECT_EQ(headers[2].name, "accept");
  EXPECT_EQ(headers.size(), 3U);
}

TEST(Headers, SetLeavesOne) {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  headers.set("A", "4");
  ASSERT_EQ(headers.size(), 2U);
  EXPECT_EQ(headers[0].value, "4");
  headers.set("C", "5");
  EXPECT_EQ(headers[2].value, "5");
}

TEST(Headers, RemoveCounts) {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  EXPECT_EQ(headers.remove("a"), 2U);
  EXPECT_EQ(headers.remove("a"), 0U);
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].name, "B");
}

TEST(Headers, RefuseWhatWouldForgeOthers) {
  Headers headers;
  headers.add("A", "1");
  for (const std::string_view name : {"", "a b", "a:", "a\r\n", "\xc3\xa9"}) {
    EXPECT_THROW(headers.add(name, "v"), std::invalid_argument) << name;
  }
  for (const std::string_view value : {"a\r\nB: c", "a\n", "\x01", "\x7f"}) {
    EXPECT_THROW(headers.add("B", value), std::invalid_argument) << value;
    EXPECT_THROW(headers.set("A", value), std::invalid_argument) << value;
  }
  EXPECT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers.find("A"), "1");
}

TEST(Headers, TrimValues) {
  Headers headers;
  headers.add("A", " \t b c \t");
  EXPECT_EQ(headers.find("A"), "b c");
}

TEST(Percent, DecodeAndEncode) {
  EXPECT_EQ(percent_decode("a%20b+%C3%a9"), "a b+\xc3\xa9");
  for (const std::string_view bad : {"%", "%1", "a%zz", "%%20"}) {
    EXPECT_EQ(percent_decode(bad).error(), Errc::bad_percent_encoding) << bad;
  }
  EXPECT_EQ(percent_encode("a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
}

TEST(Request, PathAndQuery) {
  const struct {
    const char* target;
    const char* path;
    const char* query;
  } cases[] = {
      {"/", "/", ""},           {"/a/b?c=d?e", "/a/b", "c=d?e"}, {"/?", "/", ""},
      {"*", "*", ""},           {"http://h/a?b", "/a", "b"},     {"http://h", "/", ""},
      {"http://h?b", "/", "b"},
  };
  for (const auto& one : cases) {
    Request request;
    request.target = one.target;
    EXPECT_EQ(request.path(), one.path) << one.target;
    EXPECT_EQ(request.query(), one.query) << one.target;
  }
}

TEST(Request, QueryValue) {
  Request request;
  request.target = "/?a=1&b=x%20y+z&&c&a=2&d=%zz";
  EXPECT_EQ(request.query_value("a"), "1");
  EXPECT_EQ(request.query_value("b"), "x y z");
  EXPECT_EQ(request.query_value("c"), "");
  EXPECT_FALSE(request.query_value("d"));
  EXPECT_FALSE(request.query_value("e"));
}

TEST(Status, ReasonAndRange) {
  EXPECT_EQ(Status(404).reason(), "Not Found");
  EXPECT_EQ(Status(299).reason(), "");
  EXPECT_EQ(Status(7).code(), 500);
  EXPECT_EQ(Response::of(503).body, "503 Service Unavailable\n");
}

TEST(Url, TakesApart) {
  const struct {
    const char* text;
    const char* host;
    int port;
    const char* target;
    const char* authority;
  } cases[] = {
      {"http://a", "a", 80, "/", "a"},
      {"HTTP://A.b:8080/c?d#e", "a.b", 8080, "/c?d", "a.b:8080"},
      {"http://a?b", "a", 80, "/?b", "a"},
      {"http://a#b", "a", 80, "/", "a"},
      {"http://a:/", "a", 80, "/", "a"},
      {"http://a:80/", "a", 80, "/", "a"},
      {"http://[::1]:81/x", "::1", 81, "/x", "[::1]:81"},
      {"http://[::1]", "::1", 80, "/", "[::1]"},
      {"http://[FE80::1%25Eth0]:81/", "fe80::1%Eth0", 81, "/", "[fe80::1%25Eth0]:81"},
      {"http://[fe80::1%eth0.5]/", "fe80::1%eth0.5", 80, "/", "[fe80::1%25eth0.5]"},
      {"http://[fe80::1%25a%2Db]/", "fe80::1%a-b", 80, "/", "[fe80::1%25a-b]"},
      {"https://a/", "a", 443, "/", "a"},
      {"http://a/b c\"\xc3\xa9%20%zz", "a", 80, "/b%20c%22%C3%A9%20%25zz", "a"},
      {"http://a/b\r\nX: y", "a", 80, "/b%0D%0AX:%20y", "a"},
  };
  for (const auto& one : cases) {
    const Result<Url> url = Url::parse(one.text);
    ASSERT_TRUE(url) << one.text << ": " << url.error().message();
    EXPECT_EQ(url->host, one.host) << one.text;
    EXPECT_EQ(url->port, one.port) << one.text;
    EXPECT_EQ(url->target, one.target) << one.text;
    EXPECT_EQ(url->authority(), one.authority) << one.text;
  }
}

TEST(Url, AZoneIsOfTheAddressAlone) {
  const Url url = *Url::parse("http://[fe80::1%25eth0]:81/a");
  EXPECT_EQ(url.host_field(), "[fe80::1]:81");
  EXPECT_EQ(url.to_string(), "http://[fe80::1%25eth0]:81/a");
  EXPECT_EQ(Url::parse(url.to_string())->host, url.host);
  EXPECT_EQ(Url::parse("http://a.b:81/")->host_field(), "a.b:81");
}

TEST(Url, Refuses) {
  const std::pair<const char*, Errc> cases[] = {
      {"", Errc::bad_url},
      {"a", Errc::bad_url},
      {"a/b", Errc::bad_url},
      {"localhost:80/", Errc::bad_url},
      {"http:/a", Errc::bad_url},
      {"http://", Errc::bad_url},
      {"http:///a", Errc::bad_url},
      {"http://:80/", Errc::bad_url},
      {"http://a:0/", Errc::bad_url},
      {"http://a:65536/", Errc::bad_url},
      {"http://a:1x/", Errc::bad_url},
      {"http://a b/", Errc::bad_url},
      {"http://a\r\nb/", Errc::bad_url},
      {"http://[::1/", Errc::bad_url},
      {"http://[a]/", Errc::bad_url},
      {"http://[::1]x/", Errc::bad_url},
      {"http://[::1%]/", Errc::bad_url},
      {"http://[::1%25]/", Errc::bad_url},
      {"http://[::1%25a b]/", Errc::bad_url},
      {"http://[::1%25a%0d%0aX]/", Errc::bad_url},
      {"http://[::1%25a%]/", Errc::bad_url},
      {"http://[%25a]/", Errc::bad_url},
      {"http://a%25b/", Errc::bad_url},
      {"http://u:p@a/", Errc::userinfo_in_url},
      {"ftp://a/", Errc::unsupported_scheme},
  };
  for (const auto& [text, error] : cases) {
    const Result<Url> url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error(), error) << text;
  }
}

TEST(Url, ResolvesReferences) {
  const Url base = *Url::parse("http://a:81/b/c?d");
  const std::pair<const char*, const char*> cases[] = {
      {"http://x/y", "http://x/y"},  {"//x/y", "http://x/y"},
      {"/y?z", "http://a:81/y?z"},   {"y", "http://a:81/b/y"},
      {"?y", "http://a:81/b/c?y"},   {"", "http://a:81/b/c?d"},
      {"../y", "http://a:81/y"},     {"./y/../z", "http://a:81/b/z"},
      {"/../../y", "http://a:81/y"}, {"#f", "http://a:81/b/c?d"},
      {"..", "http://a:81/"},        {"/y/.?../z", "http://a:81/y/?../z"},
  };
  for (const auto& [reference, expected] : cases) {
    const Result<Url> url = base.resolve(reference);
    ASSERT_TRUE(url) << reference;
    EXPECT_EQ(url->to_string(), expected) << reference;
  }
  EXPECT_EQ(base.resolve("ftp://x").error(), Errc::unsupported_scheme);
}

}  // namespace
}  // namespace weft::http::message_test
