// Cookies: of requests, of responses, and of a client's jar.
#include <weft/http.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace weft::testing::http_cookie_test {
namespace {

using http::CookieJar;
using http::Headers;
using http::HttpTime;
using http::SetCookie;

TEST(HttpCookie, OfARequest) {
  Headers headers;
  headers.add("Cookie", "a=1; b=\"two\";c= 3 ;=4; nothing; a=5; d=x=y");
  headers.add("Cookie", "e=6");
  EXPECT_EQ(http::find_cookie(headers, "a"), "1");
  EXPECT_EQ(http::find_cookie(headers, "b"), "two");
  EXPECT_EQ(http::find_cookie(headers, "c"), "3");
  EXPECT_EQ(http::find_cookie(headers, "d"), "x=y");
  EXPECT_EQ(http::find_cookie(headers, "e"), "6");
  EXPECT_FALSE(http::find_cookie(headers, "nothing"));
  EXPECT_FALSE(http::find_cookie(headers, "A"));
  EXPECT_EQ(http::parse_cookies(headers).size(), 6U);
  EXPECT_EQ(http::parse_cookies(headers, 2).size(), 2U);
}

TEST(HttpCookie, IsWrittenWithItsAttributes) {
  SetCookie cookie("id", "42");
  cookie.domain("example.org").path("/a").max_age(std::chrono::hours(1)).secure().http_only();
  cookie.same_site(http::SameSite::strict);
  EXPECT_EQ(cookie.to_string(),
            "id=42; Domain=example.org; Path=/a; Max-Age=3600; Secure; HttpOnly; SameSite=Strict");
  EXPECT_EQ(SetCookie::removal("id").to_string(),
            "id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpCookie, RefusesWhatABrowserWouldMisread) {
  const SetCookie bad[] = {
      SetCookie("", "a"),
      SetCookie("a b", "c"),
      SetCookie("a", "b;c"),
      SetCookie("a", "b c"),
      SetCookie("a", "b\r\nSet-Cookie: x=y"),
      SetCookie("a", "\xc3\xa4"),
      SetCookie("a", std::string(5000, 'b')),
      SetCookie("a", "b").path("/;Secure"),
      SetCookie("a", "b").path("relative"),
      SetCookie("a", "b").domain("a;b"),
      SetCookie("a", "b").same_site(http::SameSite::none),
      SetCookie("__Secure-a", "b"),
      SetCookie("__Host-a", "b").secure(),
      SetCookie("__Host-a", "b").secure().path("/").domain("example.org"),
  };
  for (const SetCookie& cookie : bad) {
    EXPECT_THROW(static_cast<void>(cookie.to_string()), std::invalid_argument) << cookie.name();
  }
  EXPECT_NO_THROW(static_cast<void>(SetCookie("__Host-a", "b").secure().path("/").to_string()));
}

TEST(HttpCookie, IsParsedAsClientsDo) {
  const auto cookie = SetCookie::parse(
      "a = b ; domain=.Example.ORG; PATH=/x; expires=Sun, 06 Nov 1994 08:49:37 GMT; max-age=60; "
      "secure; httponly; SameSite=Lax; Unknown=1");
  ASSERT_TRUE(cookie);
  EXPECT_EQ(cookie->name(), "a");
  EXPECT_EQ(cookie->value(), "b");
  EXPECT_EQ(cookie->domain(), "example.org");
  EXPECT_EQ(cookie->path(), "/x");
  EXPECT_EQ(cookie->max_age(), std::chrono::seconds(60));
  EXPECT_EQ(cookie->expires(), HttpTime(std::chrono::seconds(784'111'777)));
  EXPECT_TRUE(cookie->is_secure());
  EXPECT_TRUE(cookie->is_http_only());
  EXPECT_EQ(cookie->same_site(), http::SameSite::lax);
  for (const std::string_view bad : {"", "a", "=b", "a\x01=b"}) {
    EXPECT_FALSE(SetCookie::parse(bad)) << bad;
  }
  EXPECT_FALSE(SetCookie::parse("a=" + std::string(5000, 'b')));
  EXPECT_FALSE(SetCookie::parse("a=b; max-age=x")->max_age());
  EXPECT_EQ(SetCookie::parse("a=b; max-age=-5")->max_age(), std::chrono::seconds(0));
}

TEST(HttpCookie, DatesInAnyForm) {
  const HttpTime time(std::chrono::seconds(784'111'777));
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 8:49:37 1994", "06-nov-1994 08:49:37", "1994 November 6 08:49:37"}) {
    EXPECT_EQ(http::parse_cookie_date(text), time) << text;
  }
  for (const std::string_view text :
       {"", "06 Nov 1994", "31 Feb 1994 08:49:37", "06 Nov 1500 08:49:37", "06 Nov 1994 24:00:00",
        "06 Nov 08:49:37"}) {
    EXPECT_FALSE(http::parse_cookie_date(text)) << text;
  }
}

void take(CookieJar& jar, std::string_view url, std::string_view cookie) {
  Headers headers;
  headers.add("Set-Cookie", cookie);
  jar.take_from(url, headers);
}

TEST(HttpCookieJar, SendsACookieWhereItBelongs) {
  struct Row {
    std::string_view from;
    std::string_view cookie;
    std::string_view to;
    bool sent;
  };
  const Row rows[] = {
      // The host alone, unless a domain is given.
      {"http://a.org/", "x=1", "http://a.org/", true},
      {"http://a.org/", "x=1", "http://b.a.org/", false},
      {"http://a.org/", "x=1", "http://A.ORG:8080/", true},
      {"http://b.a.org/", "x=1; Domain=a.org", "http://c.a.org/", true},
      {"http://b.a.org/", "x=1; Domain=.a.org", "http://a.org/", true},
      {"http://a.org/", "x=1; Domain=a.org", "http://xa.org/", false},
      // Domains that are refused.
      {"http://a.org/", "x=1; Domain=b.org", "http://b.org/", false},
      {"http://a.org/", "x=1; Domain=b.a.org", "http://b.a.org/", false},
      {"http://a.org/", "x=1; Domain=org", "http://b.org/", false},
      {"http://localhost/", "x=1; Domain=localhost", "http://localhost/", true},
      {"http://1.2.3.4/", "x=1; Domain=2.3.4", "http://1.2.3.4/", false},
      {"http://1.2.3.4/", "x=1; Domain=1.2.3.4", "http://1.2.3.4/", true},
      {"http://[::1]/", "x=1", "http://[::1]:1/", true},
      // Paths.
      {"http://a.org/", "x=1; Path=/p", "http://a.org/p", true},
      {"http://a.org/", "x=1; Path=/p", "http://a.org/p/q?r", true},
      {"http://a.org/", "x=1; Path=/p", "http://a.org/pq", false},
      {"http://a.org/p/q", "x=1", "http://a.org/p/r", true},
      {"http://a.org/p/q", "x=1", "http://a.org/r", false},
      {"http://a.org/p/q", "x=1; Path=relative", "http://a.org/p/r", true},
      // Secure.
      {"https://a.org/", "x=1; Secure", "https://a.org/", true},
      {"https://a.org/", "x=1; Secure", "http://a.org/", false},
      {"http://a.org/", "x=1; Secure", "https://a.org/", false},
      {"https://a.org/", "__Host-x=1; Secure; Path=/", "https://a.org/", true},
      {"https://a.org/", "__Host-x=1; Secure; Path=/; Domain=a.org", "https://a.org/", false},
      {"https://a.org/", "__Secure-x=1", "https://a.org/", false},
      // Time.
      {"http://a.org/", "x=1; Max-Age=60", "http://a.org/", true},
      {"http://a.org/", "x=1; Max-Age=0", "http://a.org/", false},
      {"http://a.org/", "x=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT", "http://a.org/", false},
      {"http://a.org/", "x=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=9", "http://a.org/",
       true},
  };
  for (const Row& row : rows) {
    CookieJar jar;
    take(jar, row.from, row.cookie);
    EXPECT_EQ(!jar.field_for(row.to).empty(), row.sent)
        << row.from << " sets " << row.cookie << " for " << row.to;
  }
}

TEST(HttpCookieJar, ReplacesRemovesAndOrders) {
  CookieJar jar;
  take(jar, "http://a.org/", "old=1; Path=/");
  take(jar, "http://a.org/", "deep=1; Path=/p");
  take(jar, "http://a.org/", "new=1; Path=/");
  take(jar, "http://a.org/", "old=2; Path=/");
  EXPECT_EQ(jar.field_for("http://a.org/p"), "deep=1; old=2; new=1");
  take(jar, "http://a.org/", "old=; Max-Age=0; Path=/");
  EXPECT_EQ(jar.field_for("http://a.org/p"), "deep=1; new=1");
  http::ClientRequest request(http::Method::get, "http://a.org/");
  request.headers.set("Cookie", "mine=1");
  jar.add_to(request);
  EXPECT_EQ(request.headers.find("Cookie"), "mine=1; new=1");
  EXPECT_EQ(jar.field_for("no url"), "");
  jar.clear();
  EXPECT_EQ(jar.all().size(), 0U);
}

TEST(HttpCookieJar, AnUnencryptedResponseReplacesNoSecureCookie) {
  CookieJar jar;
  take(jar, "https://a.org/", "x=1; Secure; Path=/");
  take(jar, "http://a.org/", "x=2; Path=/");
  take(jar, "http://a.org/", "x=; Max-Age=0; Path=/");
  EXPECT_EQ(jar.field_for("https://a.org/"), "x=1");
}

TEST(HttpCookieJar, HoldsAtMostItsLimits) {
  http::CookieJarOptions options;
  options.max_cookies = 6;
  options.max_per_domain = 4;
  CookieJar jar(options);
  for (int i = 0; i < 10; ++i) take(jar, "http://a.org/", "x" + std::to_string(i) + "=1");
  EXPECT_EQ(jar.field_for("http://a.org/"), "x6=1; x7=1; x8=1; x9=1");
  for (int i = 0; i < 10; ++i) {
    take(jar, "http://h" + std::to_string(i) + ".org/", "x=1");
  }
  EXPECT_EQ(jar.all().size(), 6U);
}

TEST(HttpCookieJar, CookiesCanBeKeptElsewhere) {
  CookieJar jar;
  take(jar, "http://b.a.org/", "x=1; Domain=a.org; Max-Age=60");
  CookieJar other;
  for (const http::StoredCookie& cookie : jar.all()) other.put(cookie);
  other.put(http::StoredCookie());
  EXPECT_EQ(other.field_for("http://c.a.org/"), "x=1");
}

TEST(HttpCookieJar, IsUsedBySeveralThreads) {
  CookieJar jar;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&jar, t] {
      const std::string url = "http://h" + std::to_string(t % 2) + ".org/";
      for (int i = 0; i < 200; ++i) {
        take(jar, url, "x" + std::to_string(i % 7) + "=" + std::to_string(i));
        EXPECT_FALSE(jar.field_for(url).empty());
      }
    });
  }
  threads.clear();
  EXPECT_EQ(jar.all().size(), 14U);
}

}  // namespace
}  // namespace weft::testing::http_cookie_test
