#include <weft/endpoint.hpp>

#include <gtest/gtest.h>

#include <set>
#include <unordered_set>

#include "net/native_address.hpp"

namespace weft::endpoint_test {
namespace {

using namespace std::string_literals;

TEST(Endpoint, WritesWhatItReads) {
  for (const std::string text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80",
                                 "[::]:0", "[2001:db8::ff00:42:8329]:443", "[fe80::1%3]:8080",
                                 "unix:/run/weft.sock", "unix:relative", "unix:@abstract"}) {
    const Result<Endpoint> endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
  EXPECT_EQ(Endpoint::parse("[2001:0DB8:0::1]:1")->to_string(), "[2001:db8::1]:1");
  EXPECT_EQ(Endpoint::parse("[::ffff:1.2.3.4]:1")->to_string(), "[::ffff:1.2.3.4]:1");
}

TEST(Endpoint, ScopesByName) {
  const Result<Endpoint> lo = Endpoint::parse("[fe80::1%lo]:80");
  ASSERT_TRUE(lo.has_value());
  EXPECT_NE(lo->scope(), 0U);
  EXPECT_EQ(Endpoint::parse(lo->to_string()), *lo);
}

TEST(Endpoint, KnowsItsParts) {
  const Endpoint ip = *Endpoint::parse("10.1.2.3:99");
  EXPECT_TRUE(ip.is_ipv4() && ip.is_ip() && !ip.is_ipv6() && !ip.is_unix());
  EXPECT_EQ(ip.port(), 99);
  EXPECT_EQ(ip.with_port(7).to_string(), "10.1.2.3:7");
  EXPECT_EQ(ip.ip_bytes()[3], 3);
  const Endpoint path = *Endpoint::parse("unix:/a");
  EXPECT_TRUE(path.is_unix() && !path.is_ip());
  EXPECT_EQ(path.path(), "/a");
  EXPECT_EQ(path.port(), 0);
  EXPECT_EQ(path.with_port(5), path);
  EXPECT_EQ(Endpoint().to_string(), "-");
  EXPECT_EQ(Endpoint::loopback(1).to_string(), "127.0.0.1:1");
  EXPECT_EQ(Endpoint::any(1).to_string(), "0.0.0.0:1");
}

struct Bad {
  std::string text;
  EndpointErrc why;
};

TEST(Endpoint, SaysWhyATextIsNoEndpoint) {
  const Bad table[] = {
      {"", EndpointErrc::empty},
      {"127.0.0.1", EndpointErrc::no_port},
      {"[::1]", EndpointErrc::no_port},
      {"[::1]80", EndpointErrc::no_port},
      {"127.0.0.1:", EndpointErrc::bad_port},
      {"127.0.0.1:99999", EndpointErrc::bad_port},
      {"127.0.0.1:-1", EndpointErrc::bad_port},
      {"127.0.0.1:+1", EndpointErrc::bad_port},
      {"127.0.0.1: 1", EndpointErrc::bad_port},
      {"127.0.0.1:1 ", EndpointErrc::bad_port},
      {"127.0.0.1:0x5", EndpointErrc::bad_port},
      {"localhost:80", EndpointErrc::bad_host},
      {":80", EndpointErrc::bad_host},
      {"127.1:80", EndpointErrc::bad_host},
      {"0177.0.0.01:80", EndpointErrc::bad_host},
      {"256.0.0.1:80", EndpointErrc::bad_host},
      {"127.0.0.1\0:80"s, EndpointErrc::bad_host},
      {"[::1\0]:80"s, EndpointErrc::bad_host},
      {"[127.0.0.1]:80", EndpointErrc::bad_host},
      {"[]:80", EndpointErrc::bad_host},
      {"[" + std::string(5000, ':') + "]:80", EndpointErrc::bad_host},
      {"::1:80", EndpointErrc::bare_ipv6},
      {"[::1:80", EndpointErrc::bad_brackets},
      {"[fe80::1%no-such-if]:80", EndpointErrc::bad_scope},
      {"[fe80::1%]:80", EndpointErrc::bad_scope},
      {"[fe80::1%0]:80", EndpointErrc::bad_scope},
      {"unix:", EndpointErrc::empty_path},
      {"unix:@", EndpointErrc::empty_path},
      {"unix:" + std::string(108, 'x'), EndpointErrc::path_too_long},
      {"unix:/a\0b"s, EndpointErrc::nul_in_path},
      {"unix:@" + std::string(108, 'x'), EndpointErrc::path_too_long},
  };
  for (const Bad& bad : table) {
    const Result<Endpoint> endpoint = Endpoint::parse(bad.text);
    ASSERT_FALSE(endpoint.has_value()) << bad.text;
    EXPECT_EQ(endpoint.error(), make_error_code(bad.why)) << bad.text << endpoint.error().message();
  }
}

TEST(Endpoint, ExplainsOnOneLine) {
  EXPECT_EQ(Endpoint::explain("127.0.0.1:99999", EndpointErrc::bad_port),
            "'127.0.0.1:99999' is not an address: the port must be 0..65535");
  EXPECT_EQ(Endpoint::explain("a\nb\x1b", EndpointErrc::no_port),
            "'a?b?' is not an address: the port is missing");
}

TEST(Endpoint, CopiesMovesComparesAndHashes) {
  const Endpoint path = *Endpoint::parse("unix:/a");
  Endpoint copy = path;
  EXPECT_EQ(copy, path);
  const Endpoint moved = std::move(copy);
  EXPECT_EQ(moved, path);
  copy = moved;
  EXPECT_EQ(copy.to_string(), "unix:/a");

  const std::set<Endpoint> ordered{path, Endpoint::loopback(2), Endpoint::loopback(1),
                                   *Endpoint::parse("[::1]:1"), Endpoint::loopback(1)};
  EXPECT_EQ(ordered.size(), 4U);
  EXPECT_EQ(ordered.begin()->port(), 1);
  std::unordered_set<Endpoint> hashed;
  for (unsigned port = 0; port < 65536; ++port) {
    hashed.insert(Endpoint::loopback(static_cast<std::uint16_t>(port)));
  }
  EXPECT_EQ(hashed.size(), 65536U);
  EXPECT_TRUE(hashed.contains(Endpoint::loopback(77)));
}

TEST(Endpoint, NativeAndBack) {
  for (const std::string text : {"1.2.3.4:5", "[fe80::1%3]:65535", "unix:/run/weft.sock",
                                 "unix:@name", "unix:@with spaces"}) {
    const Endpoint endpoint = *Endpoint::parse(text);
    const detail::NativeAddress native(endpoint);
    EXPECT_EQ(detail::endpoint_from_native(&native.storage, native.size), endpoint) << text;
  }
  const std::string longest = "unix:/" + std::string(Endpoint::longest_path - 1, 'x');
  const detail::NativeAddress native(*Endpoint::parse(longest));
  EXPECT_EQ(detail::endpoint_from_native(&native.storage, native.size).to_string(), longest);
}

TEST(Endpoint, NativeSizesThatMakeNoSenseGiveTheEmptyEndpoint) {
  const detail::NativeAddress native(Endpoint::loopback(1));
  for (socklen_t size = 0; size < native.size; ++size) {
    EXPECT_EQ(detail::endpoint_from_native(&native.storage, size), Endpoint()) << size;
  }
  const detail::NativeAddress path(*Endpoint::parse("unix:/a"));
  const Endpoint unnamed = detail::endpoint_from_native(&path.storage, sizeof(sa_family_t));
  EXPECT_TRUE(unnamed.is_unix());
  EXPECT_EQ(unnamed.to_string(), "unix:");
}

TEST(Endpoint, AMappedIpv4AddressCanBeHadAsIpv4) {
  const std::pair<const char*, const char*> cases[] = {
      {"[::ffff:127.0.0.1]:80", "127.0.0.1:80"},
      {"[::ffff:c000:201]:0", "192.0.2.1:0"},
      {"[::1]:80", "[::1]:80"},
      {"[::fffe:127.0.0.1]:80", nullptr},
      {"[1::ffff:127.0.0.1]:80", nullptr},
      {"[::127.0.0.1]:80", nullptr},
      {"127.0.0.1:80", "127.0.0.1:80"},
      {"unix:/a", "unix:/a"},
  };
  for (const auto& [text, expected] : cases) {
    const Endpoint endpoint = Endpoint::parse(text).value();
    const Endpoint same = expected == nullptr ? endpoint : Endpoint::parse(expected).value();
    EXPECT_EQ(endpoint.unmapped(), same) << text;
  }
  EXPECT_EQ(Endpoint().unmapped(), Endpoint());
}

TEST(HostPort, ReadsNamesAndAddresses) {
  EXPECT_EQ(parse_host_port("example.org:80")->host, "example.org");
  EXPECT_EQ(parse_host_port("example.org:80")->port, 80);
  EXPECT_EQ(parse_host_port("[::1]:8080")->host, "::1");
  EXPECT_EQ(parse_host_port("example.org").error(), make_error_code(EndpointErrc::no_port));
  EXPECT_EQ(parse_host_port(":80").error(), make_error_code(EndpointErrc::bad_host));
  EXPECT_EQ(parse_host_port("a:b:80").error(), make_error_code(EndpointErrc::bare_ipv6));
}

}  // namespace
}  // namespace weft::endpoint_test
