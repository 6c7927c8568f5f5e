// Proxy and Proxies: texts, the environment, and the hosts that need none. Retry-After.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <weft/http/proxy.hpp>
#include <weft/result.hpp>

#include "http/client_policy.hpp"

namespace weft::http::proxy_test {
namespace {

TEST(Proxy, IsParsed) {
  struct Row {
    std::string text;
    std::string expected;
    std::string authorization;
  };
  const std::vector<Row> rows{
      {"http://proxy:3128", "http://proxy:3128", ""},
      {"proxy:3128", "http://proxy:3128", ""},
      {"proxy", "http://proxy:80", ""},
      {"https://proxy/path?query", "https://proxy:443", ""},
      {"http://[::1]:8080/", "http://[::1]:8080", ""},
      {"http://user:pass@proxy", "http://proxy:80", "Basic dXNlcjpwYXNz"},
      {"user@proxy:1", "http://proxy:1", "Basic dXNlcjo="},
      {"http://Aladdin:open%20sesame@proxy", "http://proxy:80",
       "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
      {"http://a:p%40ss%3A@proxy", "http://proxy:80", "Basic YTpwQHNzOg=="},
      {"http://a:p@ss@proxy", "http://proxy:80", "Basic YTpwQHNz"},
  };
  for (const Row& row : rows) {
    const Result<Proxy> proxy = Proxy::parse(row.text);
    ASSERT_TRUE(proxy) << row.text << ": " << proxy.error().message();
    EXPECT_EQ(proxy->to_string(), row.expected) << row.text;
    EXPECT_EQ(proxy->authorization, row.authorization) << row.text;
  }
}

TEST(Proxy, OfABadTextIsAnError) {
  struct Row {
    std::string text;
    Errc error;
  };
  const std::vector<Row> rows{
      {"", Errc::bad_url},
      {"socks5://proxy:1080", Errc::unsupported_scheme},
      {"http://", Errc::bad_url},
      {"http://proxy:99999", Errc::bad_url},
      {"http://user:%zz@proxy", Errc::bad_percent_encoding},
      {"http://us%3Aer:p@proxy", Errc::bad_url},
      {"http://a b", Errc::bad_url},
  };
  for (const Row& row : rows) {
    const Result<Proxy> proxy = Proxy::parse(row.text);
    ASSERT_FALSE(proxy) << row.text;
    EXPECT_EQ(proxy.error(), row.error) << row.text;
  }
}

TEST(Proxies, ExceptTheHostsThatFit) {
  struct Row {
    std::string except;
    std::string host;
    std::uint16_t port;
    bool fits;
  };
  const std::vector<Row> rows{
      {"", "example.org", 80, false},
      {"*", "example.org", 80, true},
      {"example.org", "example.org", 80, true},
      {"example.org", "EXAMPLE.org", 80, true},
      {"example.org", "www.example.org", 80, true},
      {".example.org", "www.example.org", 80, true},
      {".example.org", "example.org", 80, true},
      {"*.example.org", "www.example.org", 80, true},
      {"example.org", "badexample.org", 80, false},
      {"example.org", "example.org.evil", 80, false},
      {"example.org", "example.org.", 80, true},
      {"example.org:81", "example.org", 80, false},
      {"example.org:81", "example.org", 81, true},
      {"a, b  c,,d", "c", 80, true},
      {"a, b  c,,d", "e", 80, false},
      {"10.0.0.7", "10.0.0.7", 80, true},
      {"10.0.0.7", "10.0.0.77", 80, false},
      {"10.0.0.0/8", "10.200.3.4", 80, true},
      {"10.0.0.0/8", "11.0.0.1", 80, false},
      {"10.0.0.0/8:81", "10.0.0.1", 80, false},
      {"192.168.4.0/22", "192.168.7.255", 80, true},
      {"192.168.4.0/22", "192.168.8.0", 80, false},
      {"0.0.0.0/0", "1.2.3.4", 80, true},
      {"0.0.0.0/0", "::1", 80, false},
      {"10.0.0.0/33", "10.0.0.1", 80, false},
      {"10.0.0.0/x", "10.0.0.1", 80, false},
      {"example.org/8", "example.org", 80, false},
      {"::1", "::1", 80, true},
      {"[::1]", "::1", 80, true},
      {"[::1]:81", "::1", 80, false},
      {"fc00::/7", "fd12::1", 80, true},
      {"fc00::/7", "fe80::1%eth0", 80, false},
      {"fe80::/10", "fe80::1%eth0", 80, true},
      {"[::1", "::1", 80, false},
      {"a:b", "a", 80, false},
  };
  for (const Row& row : rows) {
    Proxies proxies;
    proxies.for_all(Proxy::parse("proxy").value()).except(row.except);
    const Proxy* const found = proxies.find(Origin("http", row.host, row.port));
    EXPECT_EQ(found == nullptr, row.fits) << row.except << " " << row.host << ":" << row.port;
  }
}

/// Variables of the environment for a test; all others of proxies are unset meanwhile.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    for (const char* const name : kNames) {
      if (const char* const before = std::getenv(name)) before_.emplace(name, before);
      ::unsetenv(name);
    }
    for (const auto& [name, value] : values) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const char* const name : kNames) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static constexpr const char* kNames[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                           "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                           "no_proxy",    "NO_PROXY",   "REQUEST_METHOD"};
  std::map<std::string, std::string> before_;
};

TEST(Proxies, ComeFromTheEnvironment) {
  struct Row {
    std::map<std::string, std::string> variables;
    std::string for_http;
    std::string for_https;
  };
  const std::vector<Row> rows{
      {{}, "", ""},
      {{{"http_proxy", "a"}}, "http://a:80", ""},
      {{{"HTTP_PROXY", "a"}}, "http://a:80", ""},
      {{{"http_proxy", "a"}, {"HTTP_PROXY", "b"}}, "http://a:80", ""},
      {{{"HTTPS_PROXY", "a:1"}}, "", "http://a:1"},
      {{{"all_proxy", "a"}}, "http://a:80", "http://a:80"},
      {{{"ALL_PROXY", "a"}, {"https_proxy", "b"}}, "http://a:80", "http://b:80"},
      {{{"all_proxy", "a"}, {"http_proxy", ""}}, "", "http://a:80"},
      {{{"http_proxy", "a"}, {"no_proxy", "x,host"}}, "", ""},
      {{{"http_proxy", "a"}, {"NO_PROXY", "*"}}, "", ""},
      // In a CGI program a client of the server has made this one, by a field "Proxy".
      {{{"HTTP_PROXY", "evil"}, {"REQUEST_METHOD", "GET"}}, "", ""},
      {{{"http_proxy", "a"}, {"REQUEST_METHOD", "GET"}}, "http://a:80", ""},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Environment environment(rows[i].variables);
    const Proxies proxies = Proxies::from_environment();
    for (const bool is_https : {false, true}) {
      const Proxy* const proxy = proxies.find(Origin(is_https ? "https" : "http", "host", 80));
      const std::string found = proxy == nullptr ? "" : proxy->to_string();
      EXPECT_EQ(found, is_https ? rows[i].for_https : rows[i].for_http) << i;
    }
  }
}

TEST(Proxies, ABadVariableIsNamedWithoutItsPassword) {
  const std::map<std::string, std::string> variables{{"https_proxy", "ftp://user:secret@proxy"}};
  const Environment environment(variables);
  try {
    static_cast<void>(Proxies::from_environment());
    FAIL() << "no error";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), Errc::unsupported_scheme);
    const std::string text = error.what();
    EXPECT_NE(text.find("https_proxy"), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  }
}

TEST(RetryAfter, IsSecondsOrADate) {
  struct Row {
    std::string value;
    std::optional<int> seconds;
  };
  constexpr std::int64_t now = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
  const std::vector<Row> rows{
      {"0", 0},
      {"120", 120},
      {"Sun, 06 Nov 1994 08:49:47 GMT", 10},
      {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
      {"Sat, 05 Nov 1994 08:49:37 GMT", 0},
      {"Mon, 07 Nov 1994 08:49:37 GMT", 86400},
      {"Fri, 31 Dec 9999 23:59:59 GMT", 1'000'000'000},
      {"-1", std::nullopt},
      {"1.5", std::nullopt},
      {"99999999999", std::nullopt},
      {"soon", std::nullopt},
      {"Sun, 06 Nov 1994 08:49:37 CET", std::nullopt},
      {"Sun, 31 Feb 1994 08:49:37 GMT", std::nullopt},
      {"Sun, 06 ovJ 1994 08:49:37 GMT", std::nullopt},
      {"Sun, -6 Nov 1994 08:49:37 GMT", std::nullopt},
  };
  for (const Row& row : rows) {
    Headers headers;
    headers.add("Retry-After", row.value);
    const auto asked = retry_after(headers, now);
    EXPECT_EQ(asked.has_value(), row.seconds.has_value()) << row.value;
    if (asked && row.seconds) {
      EXPECT_EQ(asked->count(), *row.seconds) << row.value;
    }
  }
  EXPECT_FALSE(retry_after(Headers(), now));
}

}  // namespace
}  // namespace weft::http::proxy_test
