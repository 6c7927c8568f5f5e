// SRV, TXT and PTR records; messages that are malformed; the order of addresses.
#include <map>
#include <random>

#include "dns/dns_support.hpp"
#include "dns/message.hpp"
#include "dns/order.hpp"
#include "dns/resolver_core.hpp"

namespace weft::test::dns_records_test {
namespace {

class DnsRecords : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(DnsRecords);

Endpoint address(const std::string& text) { return Endpoint::parse(text).value(); }

TEST_P(DnsRecords, OfAllTypes) {
  run([]() -> Task<void> {
    NameServer server([](const Query& query) {
      Script script;
      if (query.type == 33) {
        script.answers = {srv_record(query.name, {2, 0, 30}, "c.test"),
                          srv_record(query.name, {1, 0, 10}, "a.test"),
                          srv_record(query.name, {1, 9, 20}, "B.test"),
                          srv_record(query.name, {3, 0, 40}, "")};
      } else if (query.type == 16) {
        script.answers = {txt_record(query.name, {"v=spf1 ", "", std::string("-\0all", 5)})};
      } else {
        script.answers = {ptr_record(query.name, "Host.test"),
                          ptr_record(query.name, "bad name.test")};
      }
      return script;
    });
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const auto services = co_await resolver.srv("_ldap._tcp.example.org");
      EXPECT_EQ(services.size(), 3U);  // no service is at "."
      EXPECT_EQ(services.at(2).target, "c.test");
      EXPECT_EQ(services.at(2).port, 30);
      EXPECT_EQ(services.at(2).ttl, std::chrono::seconds(300));
      const auto texts = co_await resolver.txt("example.org");
      EXPECT_EQ(texts.size(), 1U);
      EXPECT_EQ(texts.at(0).text, std::string("v=spf1 -\0all", 12));
      EXPECT_EQ(texts.at(0).parts.size(), 3U);
      const auto names = co_await resolver.names_of(address("192.0.2.5:80"));
      EXPECT_EQ(names, std::vector<std::string>{"host.test"});
      EXPECT_EQ(server.asked().back(), "5.2.0.192.in-addr.arpa PTR");
      const auto of_ipv6 = co_await resolver.names_of(address("[2001:db8::1]:80"));
      EXPECT_EQ(of_ipv6.size(), 1U);
      EXPECT_EQ(server.asked().back(),
                "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR");
    });
  });
}

TEST_P(DnsRecords, ErrorsNameTheType) {
  run([]() -> Task<void> {
    NameServer server(no_such_name);
    co_await beside(server, [&]() -> Task<void> {
      Resolver resolver(only({&server}));
      const LookupError srv = co_await failure_of(resolver.srv("_x._tcp.test"));
      EXPECT_EQ(srv.text, "resolve _x._tcp.test (SRV): no such name (NXDOMAIN)");
      const LookupError txt = co_await failure_of(resolver.txt("a..b"));
      EXPECT_EQ(txt.text, "resolve a..b (TXT): not a valid name");
      const LookupError ptr = co_await failure_of(resolver.names_of(Endpoint::loopback(1)));
      EXPECT_EQ(ptr.text, "resolve 1.0.0.127.in-addr.arpa (PTR): no such name (NXDOMAIN)");
      const LookupError none = co_await failure_of(resolver.names_of(Endpoint()));
      EXPECT_EQ(none.code, std::errc::invalid_argument);
    });
  });
}

TEST(DnsServices, AreChosenByPriorityAndWeight) {
  std::minstd_rand random(7);
  const auto up_to = [&random](std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(random);
  };
  std::map<std::string, int> first;
  for (int i = 0; i < 10'000; ++i) {
    std::vector<dns::SrvRecord> services(4);
    services[0].target = "later";
    services[0].priority = 5;
    services[0].weight = 60'000;
    services[1].target = "often";
    services[1].weight = 75;
    services[2].target = "seldom";
    services[2].weight = 25;
    services[3].target = "hardly";
    dns::order_services(services, up_to);
    ++first[services[0].target];
    EXPECT_EQ(services[3].target, "later");
  }
  EXPECT_NEAR(first["often"], 7'450, 300);
  EXPECT_NEAR(first["seldom"], 2'450, 300);
  EXPECT_GT(first["hardly"], 0);
  EXPECT_LT(first["hardly"], 300);
}

/// A response with an alias and two records, in which names point into the message.
std::string compressed_message() {
  std::string text("\x12\x34\x81\x80\0\1\0\3\0\0\0\0", 12);
  text += encoded_name("www.example.org") + std::string("\0\1\0\1", 4);
  // The alias: "www.example.org" by a pointer to 12, its target "a" before "example.org" at 16.
  text += std::string("\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1a\xc0\x10", 16);
  const std::string record("\xc0\x2d\0\1\0\1\0\0\0\x1e\0\4\x7f\0\0", 15);
  return text + record + '\1' + record + '\2';
}

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(DnsMessage, CompressedNamesAndTheShortestTimeToLive) {
  const std::string text = compressed_message();
  const dns::Answer answer = dns::read_message(bytes(text), "www.example.org", RecordType::a);
  EXPECT_FALSE(answer.error) << answer.error.message();
  EXPECT_EQ(text_of(answer.addresses), "127.0.0.1:0 127.0.0.2:0");
  EXPECT_EQ(answer.ttl, std::chrono::seconds(30));
}

TEST(DnsMessage, EachCutIsMalformed) {
  const std::string text = compressed_message();
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string cut = text.substr(0, size);
    const dns::Answer answer = dns::read_message(bytes(cut), "www.example.org", RecordType::a);
    EXPECT_EQ(answer.error, Errc::bad_response) << size;
  }
}

TEST(DnsMessage, APointerToItselfEnds) {
  std::string text("\x12\x34\x81\x80\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18);
  const dns::Answer answer = dns::read_message(bytes(text), "a", RecordType::a);
  EXPECT_EQ(answer.error, Errc::bad_response);
}

TEST(DnsMessage, AnyBytesAreRead) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = compressed_message();
    for (int i = 0; i < 4; ++i) text[random() % text.size()] = static_cast<char>(random());
    for (const RecordType type : {RecordType::a, RecordType::srv, RecordType::txt}) {
      const dns::Answer answer = dns::read_message(bytes(text), "www.example.org", type);
      EXPECT_TRUE(answer.error || answer.ttl >= Nanoseconds::zero());
    }
  }
}

TEST(DnsOrder, FollowsTheRules) {
  // The system's source addresses: a global one of IPv6, one of IPv4, and a link-local one.
  const dns::SourceOf sources = [](const Endpoint& to) -> std::optional<Endpoint> {
    if (to.is_ipv4()) return address("198.51.100.9:0");
    if (to == address("[2001:db8:dead::1]:0")) return std::nullopt;
    if (to.ip_bytes()[0] == 0xfe) return address("[fe80::9]:0");
    return address("[2001:db8:1::9]:0");
  };
  std::vector<Endpoint> addresses{
      address("[2001:db8:dead::1]:0"), address("192.0.2.1:0"), address("[2001:db8:2::1]:0"),
      address("[2001:db8:1::1]:0"),    address("[2002::1]:0"), address("[fe80::1]:0"),
  };
  dns::order_addresses(addresses, sources);
  EXPECT_EQ(text_of(addresses),
            "[fe80::1]:0 [2001:db8:1::1]:0 [2001:db8:2::1]:0 192.0.2.1:0 [2002::1]:0 "
            "[2001:db8:dead::1]:0");
}

TEST(DnsOrder, AddressesOfIpv4AloneStayAsTheyAre) {
  std::vector<Endpoint> addresses{address("192.0.2.9:0"), address("127.0.0.1:0")};
  const std::vector<Endpoint> before = addresses;
  dns::order_addresses(addresses, dns::system_source_of);
  EXPECT_EQ(addresses, before);
}

}  // namespace
}  // namespace weft::test::dns_records_test
