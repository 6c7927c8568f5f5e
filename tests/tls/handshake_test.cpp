// Handshakes: which are accepted, and how each refusal is told, on both sides.
#include <functional>
#include <vector>

#include "tls/tls_support.hpp"

namespace weft::test::tls_handshake_test {
namespace {

class TlsHandshake : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TlsHandshake);

constexpr std::uint8_t kExpired = 45;
constexpr std::uint8_t kUnknownCa = 48;
constexpr std::uint8_t kBadCertificate = 42;
constexpr std::uint8_t kRevoked = 44;
constexpr std::uint8_t kProtocolVersion = 70;

/// A row: how one handshake over memory ends.
struct Row {
  const char* name;
  ClientOptions client = trusting();
  ServerOptions server = presenting();
  std::string host = "localhost";
  std::error_code expected_client;
  std::error_code expected_server;
  std::string_view in_text = "";
};

Row row(const char* name, const Issued& leaf, std::error_code client, std::error_code server,
        std::string_view in_text = "") {
  Row made;
  made.name = name;
  made.server = presenting(leaf);
  made.expected_client = client;
  made.expected_server = server;
  made.in_text = in_text;
  return made;
}

Task<void> check(Row& each) {
  const ClientContext client(each.client);
  const ServerContext server(each.server);
  TlsPair pair = memory_pair(client, server, 4096, each.host);
  const BothEnded ended = co_await shake_both(pair.client, pair.server);
  EXPECT_EQ(ended.client.code, each.expected_client) << each.name << ": " << ended.client.text;
  EXPECT_EQ(ended.server.code, each.expected_server) << each.name << ": " << ended.server.text;
  EXPECT_NE(ended.client.text.find(each.in_text), std::string::npos) << ended.client.text;
  if (each.expected_client) {
    EXPECT_NE(ended.client.text.find(each.host), std::string::npos) << ended.client.text;
    // It stays so.
    const HowItEnded again = co_await how_it_ended(pair.client.write_all("x"));
    EXPECT_EQ(again.code, each.expected_client);
  }
}

std::vector<Row> certificates() {
  IssueOptions expired;
  expired.to_days = 0;
  expired.from_days = -2;
  expired.to_days = -1;
  IssueOptions early;
  early.from_days = 1;
  IssueOptions lone;
  lone.self_signed = true;
  IssueOptions nameless;
  nameless.name = "localhost";
  nameless.alternatives = "";
  static const Authority stranger("stranger");
  std::vector<Row> rows;
  rows.push_back(row("good", localhost(), {}, {}));
  rows.push_back(row("expired", authority().issue(expired), Errc::certificate_expired,
                     tls::alert_code(kExpired), "CN=leaf"));
  rows.push_back(row("not yet valid", authority().issue(early), Errc::certificate_not_yet_valid,
                     tls::alert_code(kBadCertificate)));
  rows.push_back(
      row("self-signed", authority().issue(lone), Errc::self_signed, tls::alert_code(kUnknownCa)));
  rows.push_back(row("unknown authority", stranger.issue(), Errc::unknown_authority,
                     tls::alert_code(kUnknownCa)));
  rows.push_back(row("wrong host", authority().issue_for("other.example"), Errc::wrong_host,
                     tls::alert_code(kBadCertificate), "other.example and not for localhost"));
  // A common name is no name.
  rows.push_back(row("no alternative name", authority().issue(nameless), Errc::wrong_host,
                     tls::alert_code(kBadCertificate)));
  rows.push_back(row("insecure", stranger.issue_for("other.example"), {}, {}));
  rows.back().client.insecure = true;
  return rows;
}

TEST_P(TlsHandshake, EachFaultOfACertificateHasItsError) {
  run([]() -> Task<void> {
    std::vector<Row> rows = certificates();
    for (Row& each : rows) co_await check(each);
  });
}

TEST_P(TlsHandshake, HostsAreNamesOrAddresses) {
  run([]() -> Task<void> {
    struct Host {
      const char* alternatives;
      const char* host;
      bool is_good;
    };
    const std::vector<Host> hosts{
        {"DNS:a.example", "a.example", true},
        {"DNS:a.example", "A.Example.", true},
        {"DNS:a.example", "b.example", false},
        {"DNS:*.example.org", "a.example.org", true},
        {"DNS:*.example.org", "a.b.example.org", false},
        {"IP:127.0.0.1", "127.0.0.1", true},
        {"IP:127.0.0.1", "127.0.0.2", false},
        {"IP:::1", "::1", true},
        {"IP:::1", "[::1]", true},
        {"DNS:127.0.0.1", "127.0.0.1", false},
    };
    for (const Host& each : hosts) {
      IssueOptions options;
      options.alternatives = each.alternatives;
      const std::error_code none;
      Row one = row(each.alternatives, authority().issue(options), none, none);
      one.host = each.host;
      if (!each.is_good) {
        one.expected_client = Errc::wrong_host;
        one.expected_server = tls::alert_code(kBadCertificate);
        one.host = each.host;
      }
      co_await check(one);
    }
    for (const std::string_view bad : {std::string_view(), std::string_view("a\0b", 3)}) {
      Duplex ends = duplex(64);
      const ClientContext context(trusting());
      EXPECT_THROW(MemoryStream(std::move(ends.a), context, bad), IoError);
    }
  });
}

TEST_P(TlsHandshake, RevocationListsAreAsked) {
  run([]() -> Task<void> {
    static const Authority between("between", &authority());
    Issued leaf = between.issue();
    leaf.certificate += between.pem();
    const std::string of_root = authority().crl({});
    const std::string clean = between.crl({});
    const std::string revoked = between.crl({leaf});
    const std::string old = between.crl({}, -3, -1);
    std::vector<Row> rows;
    rows.push_back(row("clean", leaf, {}, {}));
    rows.back().client.trust.crl_pem = of_root + clean;
    rows.push_back(row("revoked", leaf, Errc::certificate_revoked, tls::alert_code(kRevoked)));
    rows.back().client.trust.crl_pem = of_root + revoked;
    rows.push_back(
        row("no list of the issuer", leaf, Errc::no_revocation_list, tls::alert_code(kUnknownCa)));
    rows.back().client.trust.crl_pem = of_root;
    rows.push_back(
        row("no list of the root", leaf, Errc::no_revocation_list, tls::alert_code(kUnknownCa)));
    rows.back().client.trust.crl_pem = clean;
    rows.push_back(row("the peer's own alone", leaf, {}, {}));
    rows.back().client.trust.crl_pem = clean;
    rows.back().client.trust.crl_for_whole_chain = false;
    rows.push_back(row("an old list", leaf, Errc::no_revocation_list, {}));
    rows.back().client.trust.crl_pem = of_root + old;
    for (Row& each : rows) {
      const bool knows_alert = static_cast<bool>(each.expected_server) || !each.expected_client;
      if (knows_alert && each.expected_client != Errc::no_revocation_list) {
        co_await check(each);
        continue;
      }
      // Which alert OpenSSL sends is its own affair.
      const ClientContext client(each.client);
      const ServerContext server(each.server);
      TlsPair pair = memory_pair(client, server);
      const BothEnded ended = co_await shake_both(pair.client, pair.server);
      EXPECT_EQ(ended.client.code, each.expected_client) << each.name << ended.client.text;
      EXPECT_TRUE(tls::alert_of(ended.server.code).has_value()) << ended.server.text;
    }
  });
}

TEST_P(TlsHandshake, VersionsAndCiphersAreLimited) {
  run([]() -> Task<void> {
    for (const tls::Version version : {tls::Version::tls_1_2, tls::Version::tls_1_3}) {
      ClientOptions client = trusting();
      client.min_version = client.max_version = version;
      const ClientContext context(client);
      TlsPair pair = memory_pair(context, ServerContext(presenting()));
      co_await shake(pair);
      EXPECT_EQ(pair.client.version(), version);
      EXPECT_EQ(pair.server.version(), version);
      EXPECT_EQ(pair.client.cipher(), pair.server.cipher());
      co_await exchange(pair.client, pair.server, pattern(20'000));
    }
    std::vector<Row> rows;
    rows.push_back(row("no common version", localhost(), tls::alert_code(kProtocolVersion),
                       Errc::no_common_version));
    rows.back().client.max_version = tls::Version::tls_1_2;
    rows.back().server.min_version = tls::Version::tls_1_3;
    rows.push_back(
        row("no common cipher", localhost(), tls::alert_code(40), Errc::no_common_cipher));
    rows.back().client.cipher_suites = "TLS_AES_128_GCM_SHA256";
    rows.back().server.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
    rows.back().client.min_version = rows.back().server.min_version = tls::Version::tls_1_3;
    rows.push_back(
        row("no common group", localhost(), tls::alert_code(40), Errc::no_common_cipher));
    rows.back().client.groups = "X25519";
    rows.back().server.groups = "P-256";
    rows.back().client.min_version = rows.back().server.min_version = tls::Version::tls_1_3;
    for (Row& each : rows) co_await check(each);
  });
}

TEST_P(TlsHandshake, ProtocolsAreAgreedUpon) {
  run([]() -> Task<void> {
    ClientOptions client = trusting();
    client.alpn = {"http/1.1", "h2"};
    ServerOptions server = presenting();
    server.alpn = {"h2", "http/1.1"};
    TlsPair both = memory_pair(ClientContext(client), ServerContext(server));
    co_await shake(both);
    EXPECT_EQ(both.client.alpn(), "h2") << "the server's order";
    EXPECT_EQ(both.server.alpn(), "h2");
    TlsPair one = memory_pair(ClientContext(client), ServerContext(presenting()));
    co_await shake(one);
    EXPECT_EQ(one.client.alpn(), "");
    Row none = row("none in common", localhost(), tls::alert_code(120), Errc::no_common_protocol);
    none.client.alpn = {"h2"};
    none.server.alpn = {"http/1.1"};
    co_await check(none);
  });
}

TEST_P(TlsHandshake, TheServerChoosesACertificateByName) {
  run([]() -> Task<void> {
    IssueOptions rsa;
    rsa.name = "rsa";
    rsa.is_rsa = true;
    rsa.alternatives = "DNS:b.example,DNS:*.b.example";
    ServerOptions options = presenting(authority().issue_for("a.example"));
    options.identities.push_back(identity_of(authority().issue(rsa)));
    options.identities.push_back(identity_of(authority().issue_for("c.example")));
    const ServerContext server(options);
    for (const char* const host : {"a.example", "b.example", "x.b.example", "c.example"}) {
      const ClientContext context(trusting());
      TlsPair pair = memory_pair(context, server, 4096, host);
      co_await shake(pair);
      EXPECT_EQ(pair.server.server_name(), host);
    }
    Row unknown = row("the first one for others", localhost(), Errc::wrong_host,
                      tls::alert_code(kBadCertificate), "a.example");
    unknown.server = options;
    unknown.host = "d.example";
    co_await check(unknown);
    Row refused = row("refused", localhost(), tls::alert_code(112), Errc::unknown_name);
    refused.server = options;
    refused.server.refuse_unknown_names = true;
    refused.host = "d.example";
    co_await check(refused);
    refused.host = "c.example";
    refused.expected_client = refused.expected_server = std::error_code();
    co_await check(refused);
  });
}

TEST_P(TlsHandshake, ClientsShowCertificates) {
  run([]() -> Task<void> {
    const Issued alice = authority().issue_for("alice");
    ServerOptions server = presenting();
    server.trust.pem = authority().pem();
    server.client_auth = tls::ClientAuth::required;
    ClientOptions with = trusting();
    with.identities.push_back(identity_of(alice));
    TlsPair good = memory_pair(ClientContext(with), ServerContext(server));
    co_await shake(good);
    co_await exchange(good.client, good.server, "x");
    const auto certificate = good.server.peer_certificate();
    EXPECT_TRUE(certificate.has_value());
    if (certificate) {
      EXPECT_EQ(certificate->subject(), "CN=alice");
      EXPECT_EQ(certificate->issuer(), "CN=test authority");
      EXPECT_EQ(certificate->dns_names(), std::vector<std::string>{"alice"});
      EXPECT_EQ(certificate->pem(), alice.certificate);
      EXPECT_EQ(certificate->sha256().size(), 64U);
      EXPECT_LT(certificate->not_before(), certificate->not_after());
    }
    // With TLS 1.3 the client hears of a refusal when it reads.
    TlsPair without = memory_pair(ClientContext(trusting()), ServerContext(server));
    auto client = [&]() -> Task<HowItEnded> {
      std::array<std::byte, 1> one;
      HowItEnded ended = co_await how_it_ended(without.client.read(one));
      co_return ended;
    };
    auto both = co_await when_all(client(), how_it_ended(without.server.handshake()));
    EXPECT_EQ(std::get<1>(both).code, Errc::no_certificate) << std::get<1>(both).text;
    EXPECT_EQ(tls::alert_of(std::get<0>(both).code), 116) << std::get<0>(both).text;
    server.client_auth = tls::ClientAuth::optional;
    TlsPair unasked = memory_pair(ClientContext(trusting()), ServerContext(server));
    co_await shake(unasked);
    EXPECT_FALSE(unasked.server.peer_certificate().has_value());
  });
}

TEST_P(TlsHandshake, TheProgramSeesEachCheckAndDecides) {
  run([]() -> Task<void> {
    std::vector<std::string> seen;
    ClientOptions pins = trusting();
    pins.verify = [&](const tls::Verification& one) {
      seen.push_back(one.host + " " + one.chain.at(0).subject());
      return !one.error && one.chain.at(0).pem() == localhost().certificate;
    };
    TlsPair good = memory_pair(ClientContext(pins), ServerContext(presenting()));
    co_await shake(good);
    EXPECT_EQ(seen, std::vector<std::string>{"localhost CN=leaf"});
    Row other = row("another certificate", authority().issue(), Errc::certificate_refused, {});
    other.client.verify = pins.verify;
    const ClientContext context(other.client);
    TlsPair refused = memory_pair(context, ServerContext(other.server));
    const BothEnded ended = co_await shake_both(refused.client, refused.server);
    EXPECT_EQ(ended.client.code, Errc::certificate_refused) << ended.client.text;
    Row lenient = row("taken in spite of its error", authority().issue_for("other"), {}, {});
    lenient.client.verify = [](const tls::Verification& one) {
      EXPECT_EQ(one.error, Errc::wrong_host);
      return true;
    };
    co_await check(lenient);
    Row throws = row("throws", localhost(), Errc::certificate_refused, {});
    throws.client.verify = [](const tls::Verification&) -> bool {
      throw std::runtime_error("boom");
    };
    TlsPair thrown = memory_pair(ClientContext(throws.client), ServerContext(throws.server));
    const BothEnded how = co_await shake_both(thrown.client, thrown.server);
    EXPECT_EQ(how.client.code, Errc::certificate_refused);
    EXPECT_NE(how.client.text.find("boom"), std::string::npos) << how.client.text;
  });
}

TEST_P(TlsHandshake, SessionsAreResumed) {
  run([]() -> Task<void> {
    for (const tls::Version version : {tls::Version::tls_1_2, tls::Version::tls_1_3}) {
      ClientOptions options = trusting();
      options.max_version = version;
      const ClientContext client(options);
      const ServerContext server(presenting());
      for (const bool resumed : {false, true, true}) {
        TlsPair pair = memory_pair(client, server);
        co_await shake(pair);
        co_await exchange(pair.client, pair.server, "x");  // tickets come behind the handshake
        EXPECT_EQ(pair.client.is_resumed(), resumed) << to_string(version);
        EXPECT_EQ(pair.server.is_resumed(), resumed);
        EXPECT_TRUE(pair.client.peer_certificate().has_value());
      }
      EXPECT_NE(client.sessions(), 0U);
      TlsPair elsewhere = memory_pair(client, server, 4096, "127.0.0.1");
      co_await shake(elsewhere);
      EXPECT_FALSE(elsewhere.client.is_resumed()) << "of another host";
      server.reload();
      TlsPair after = memory_pair(client, server);
      co_await shake(after);
      EXPECT_FALSE(after.client.is_resumed()) << "of before a reload";
      client.drop_sessions();
      EXPECT_EQ(client.sessions(), 0U);
    }
    ServerOptions none = presenting();
    none.tickets = 0;
    const ServerContext server(none);
    const ClientContext client(trusting());
    for (int i = 0; i < 2; ++i) {
      TlsPair pair = memory_pair(client, server);
      co_await exchange(pair.client, pair.server, "x");
      EXPECT_FALSE(pair.client.is_resumed());
    }
  });
}

TEST_P(TlsHandshake, KeptSessionsAreBounded) {
  run([]() -> Task<void> {
    ClientOptions options = trusting();
    options.sessions_per_host = 1;
    options.session_hosts = 2;
    const ClientContext client(options);
    IssueOptions any;
    any.alternatives = "DNS:*.test.example";
    const ServerContext server(presenting(authority().issue(any)));
    for (const char* const host :
         {"a.test.example", "b.test.example", "c.test.example", "c.test.example"}) {
      TlsPair pair = memory_pair(client, server, 4096, host);
      co_await exchange(pair.client, pair.server, "x");
      EXPECT_LE(client.sessions(), 2U);
    }
    EXPECT_EQ(client.sessions(), 2U);
  });
}

}  // namespace
}  // namespace weft::test::tls_handshake_test
