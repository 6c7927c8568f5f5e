// The files: hosts, resolv.conf and nsswitch.conf, and what becomes of their changes.
#include <weft/file.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dns/config.hpp"
#include "dns/dns_support.hpp"
#include "dns/hosts.hpp"
#include "dns/names.hpp"
#include "support/held_names.hpp"

namespace weft::test::dns_files_test {
namespace {

using namespace std::chrono_literals;
using dns::Source;

/// A folder for the files of a test.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "weft-dns-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Replaces the file at once, as programs do that write resolv.conf.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path fresh = path_ / (name + ".new");
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, path_ / name);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

class DnsFiles : public RuntimeTest {
 protected:
  Folder folder_;
};
WEFT_ON_ALL_RUNTIMES(DnsFiles);

std::string nameserver(const NameServer& server) {
  return "nameserver " + server.at().to_string() + "\n";
}

/// Options that read these files alone, at each look-up.
ResolverOptions of_files(std::string resolv_conf, std::string hosts = "") {
  ResolverOptions options;
  options.resolv_conf_path = std::move(resolv_conf);
  options.hosts_path = std::move(hosts);
  options.environment = false;
  options.check_interval = 0s;
  return options;
}

TEST_P(DnsFiles, HostsComeFirst) {
  run([this]() -> Task<void> {
    NameServer server(ipv4_alone);
    const std::string hosts = folder_.write("hosts",
                                            "# a comment\n127.0.0.9\tMine.test  alias # more\n"
                                            "fe80::7%lo scoped.test\n::9 mine.test\nbad line\n"
                                            "192.0.2.1 localhost\n");
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = only({&server});
      options.hosts_path = hosts;
      Resolver resolver(options);
      std::vector<Endpoint> found = co_await resolver.resolve("MINE.test.", 80);
      std::ranges::sort(found);
      EXPECT_EQ(text_of(found), "127.0.0.9:80 [::9]:80");
      found = co_await resolver.resolve("alias", 80);
      EXPECT_EQ(text_of(found), "127.0.0.9:80");
      found = co_await resolver.resolve("scoped.test", 80);
      EXPECT_EQ(text_of(found), "[fe80::7%1]:80");
      found = co_await resolver.resolve("localhost", 80);
      EXPECT_EQ(text_of(found), "192.0.2.1:80");
      const auto names = co_await resolver.names_of(Endpoint::parse("127.0.0.9:1").value());
      EXPECT_EQ(names, (std::vector<std::string>{"mine.test", "alias"}));
      EXPECT_EQ(server.times_asked(), 0U);
      options.sources = {Source::name_servers, Source::hosts_file};
      Resolver servers_first(options);
      found = co_await servers_first.resolve("mine.test", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
    });
  });
}

TEST_P(DnsFiles, AChangedHostsFileIsReadAgain) {
  run([this]() -> Task<void> {
    NameServer server(ipv4_alone);
    ResolverOptions options = only({&server});
    options.hosts_path = folder_.write("hosts", "127.0.0.2 a.test\n");
    options.check_interval = 0s;
    Resolver resolver(options);
    const std::vector<Endpoint> before = co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(text_of(before), "127.0.0.2:80");
    folder_.write("hosts", "127.0.0.3 a.test\n");
    const std::vector<Endpoint> after = co_await resolver.resolve("a.test", 80);
    EXPECT_EQ(text_of(after), "127.0.0.3:80");
  });
}

TEST_P(DnsFiles, ResolvConfMayBeReplacedDuringALookUp) {
  run([this]() -> Task<void> {
    ManualResetEvent hold;
    NameServer first([&hold](const Query& query) {
      Script script = ipv4_alone(query);
      script.hold = &hold;
      return script;
    });
    NameServer second([](const Query& query) {
      Script script;
      if (query.type == 1) script.answers.push_back(a_record(query.name, "127.0.0.2"));
      return script;
    });
    const std::string path = folder_.write("resolv.conf", nameserver(first) + "search .\n");
    co_await beside(first, second, [&]() -> Task<void> {
      Resolver resolver(of_files(path));
      co_await scope([&](Scope& lookups) -> Task<void> {
        auto early = [&resolver]() -> Task<void> {
          const std::vector<Endpoint> found = co_await resolver.resolve("a.test", 80);
          EXPECT_EQ(text_of(found), "127.0.0.1:80");  // what held when it began
        };
        lookups.spawn(early).detach();
        co_await until([&first] { return first.times_asked() == 2; });
        folder_.write("resolv.conf", nameserver(second) + "search .\n");
        const std::vector<Endpoint> late = co_await resolver.resolve("a.test", 80);
        EXPECT_EQ(text_of(late), "127.0.0.2:80");
        hold.set();
      });
      // The answer of the first server went to a cache that is not used any more.
      const std::vector<Endpoint> again = co_await resolver.resolve("a.test", 80);
      EXPECT_EQ(text_of(again), "127.0.0.2:80");
    });
  });
}

TEST_P(DnsFiles, TheSearchListOfResolvConf) {
  run([this]() -> Task<void> {
    NameServer server([](const Query& query) {
      if (query.name.ends_with(".b.test")) return ipv4_alone(query);
      return no_such_name(query);
    });
    const std::string path = folder_.write(
        "resolv.conf", nameserver(server) + "search a.test b.test.\noptions ndots:2\n");
    co_await beside(server, [&]() -> Task<void> {
      ResolverOptions options = of_files(path);
      options.families = dns::Families::ipv4;
      Resolver resolver(options);
      const std::vector<Endpoint> found = co_await resolver.resolve("www.x", 80);
      EXPECT_EQ(found.size(), 1U);
      const std::vector<std::string> searched{"www.x.a.test A", "www.x.b.test A"};
      EXPECT_EQ(server.asked(), searched);
      const LookupError absolute = co_await failure_of(resolver.resolve("www.", 80));
      EXPECT_EQ(absolute.text, "resolve www. (A): no such name (NXDOMAIN)");
      EXPECT_EQ(server.asked().back(), "www A");
      const std::vector<Endpoint> dotted = co_await resolver.resolve("a.b.c", 80);
      EXPECT_EQ(dotted.size(), 1U);
      EXPECT_EQ(server.asked().at(3), "a.b.c A");  // as it is first
    });
  });
}

TEST_P(DnsFiles, SystemOrDnsDoesWhatNsswitchSays) {
  HeldNames names;
  names.release();
  run([this]() -> Task<void> {
    NameServer server(ipv4_alone);
    ResolverOptions options = only({&server});
    options.check_interval = 0s;
    options.hosts_path = folder_.write("hosts", "127.0.0.9 mine.held\n");
    options.nsswitch_path = folder_.write("nsswitch.conf", "hosts: files dns # both\n");
    co_await beside(server, [&]() -> Task<void> {
      const std::shared_ptr<weft::Resolver> resolver = dns::system_or_dns(options);
      std::vector<Endpoint> found = co_await resolver->resolve("mine.held", 80);
      EXPECT_EQ(text_of(found), "127.0.0.9:80");
      folder_.write("nsswitch.conf", "passwd: files\nhosts:\tdns files\n");
      found = co_await resolver->resolve("mine.held", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
      // The system's resolver: that of the tests knows no name that ends so.
      folder_.write("nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n");
      const LookupError system = co_await failure_of(resolver->resolve("mine.held", 80));
      EXPECT_EQ(system.code.category(), resolve_category());
      found = co_await resolver->resolve("127.1", 80);
      EXPECT_EQ(text_of(found), "127.0.0.1:80");
      folder_.write("nsswitch.conf", "hosts: files\n");
      const LookupError foreign = co_await failure_of(resolver->resolve("\xc3\xbc.held", 80));
      EXPECT_EQ(foreign.code.category(), resolve_category());
      const LookupError none = co_await failure_of(resolver->resolve("other.test", 80));
      EXPECT_EQ(none.code, Errc::no_such_name);
    });
  });
}

TEST(DnsConfig, OfResolvConf) {
  const dns::ParsedResolvConf parsed = dns::parse_resolv_conf(
      "; comment\n# comment\nnameserver 192.0.2.1\nnameserver fe80::1%lo\nnameserver what\n"
      "nameserver [2001:db8::1]:5353\ndomain first.test\nsearch a.test  b.test. ..\n"
      "options ndots:99 timeout:0 attempts:9 rotate use-vc unknown ndots:x\n");
  EXPECT_EQ(text_of(parsed.config.servers), "192.0.2.1:53 [fe80::1%1]:53 [2001:db8::1]:5353");
  EXPECT_EQ(parsed.config.search, (std::vector<std::string>{"a.test", "b.test"}));
  EXPECT_EQ(parsed.config.ndots, 15U);
  EXPECT_EQ(parsed.config.timeout, 1s);
  EXPECT_EQ(parsed.config.tries, 5U);
  EXPECT_TRUE(parsed.config.rotate);
  EXPECT_TRUE(parsed.config.tcp);
}

TEST(DnsConfig, TheEnvironmentAndTheOptionsPrevail) {
  dns::ParsedResolvConf parsed = dns::parse_resolv_conf("search a.test\noptions ndots:3\n");
  dns::apply_environment(parsed, "b.test c.test", "ndots:4 timeout:7");
  EXPECT_EQ(parsed.config.search, (std::vector<std::string>{"b.test", "c.test"}));
  EXPECT_EQ(parsed.config.ndots, 4U);
  EXPECT_EQ(parsed.config.timeout, 7s);
  ResolverOptions options;
  options.environment = false;
  const dns::Config defaults = dns::config_of("", options);
  EXPECT_EQ(text_of(defaults.servers), "127.0.0.1:53");
  EXPECT_EQ(defaults.timeout, 5s);
  EXPECT_EQ(defaults.tries, 2U);
  EXPECT_EQ(defaults.ndots, 1U);
  options.search.emplace();
  options.ndots = 0;
  options.servers = {Endpoint::loopback(0), Endpoint::loopback(5353)};
  const dns::Config chosen = dns::config_of("nameserver 192.0.2.1\nsearch a.test\n", options);
  EXPECT_EQ(text_of(chosen.servers), "127.0.0.1:53 127.0.0.1:5353");
  EXPECT_TRUE(chosen.search.empty());
  EXPECT_EQ(chosen.ndots, 0U);
}

TEST(DnsConfig, SourcesOfNsswitch) {
  const std::vector<Source> both{Source::hosts_file, Source::name_servers};
  EXPECT_EQ(dns::sources_of(""), both);
  EXPECT_EQ(dns::sources_of("passwd: ldap\n  hosts:   files  dns\n"), both);
  EXPECT_EQ(dns::sources_of("hosts: dns"), std::vector{Source::name_servers});
  for (const char* const text :
       {"hosts: files mdns dns\n", "hosts: files resolve [!UNAVAIL=return] dns",
        "hosts: files dns myhostname", "hosts: dns [NOTFOUND=return] files"}) {
    EXPECT_EQ(dns::sources_of(text), std::nullopt) << text;
  }
}

TEST(DnsNames, Candidates) {
  const std::vector<std::string> search{"A.test", std::string(250, 'b')};
  const std::vector<std::string> behind{"www.a.test", "www"};
  EXPECT_EQ(dns::candidates_of("WWW", 1, search), behind);
  const std::vector<std::string> before{"www.x", "www.x.a.test"};
  EXPECT_EQ(dns::candidates_of("www.x", 1, search), before);
  EXPECT_EQ(dns::candidates_of("www.", 1, search), std::vector<std::string>{"www"});
}

}  // namespace
}  // namespace weft::test::dns_files_test
