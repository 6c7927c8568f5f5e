// Contexts: what is loaded, what is refused and how that is told, reload, key log.
#include <filesystem>
#include <fstream>
#include <type_traits>
#include <vector>

#include "http/fuzz_support.hpp"
#include "tls/files.hpp"
#include "tls/tls_support.hpp"

namespace weft::test::tls_context_test {
namespace {

class TlsContexts : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(TlsContexts);

template <class Options>
HowItEnded loading(const Options& options) {
  using Context =
      std::conditional_t<std::is_same_v<Options, ServerOptions>, ServerContext, ClientContext>;
  HowItEnded ended;
  try {
    const Context context(options);
  } catch (const IoError& error) {
    ended.code = error.code();
    ended.text = error.what();
  }
  return ended;
}

TEST(TlsContext, ErrorsNameTheFileAndTheReason) {
  const Files files;
  IssueOptions locked;
  locked.passphrase = "open sesame";
  const Issued secret = authority().issue(locked);
  const std::string certificate = files.put("a.pem", localhost().certificate);
  const std::string key = files.put("a.key", localhost().key);
  const std::string other = files.put("other.key", authority().issue().key);
  const std::string secret_certificate = files.put("s.pem", secret.certificate);
  const std::string secret_key = files.put("s.key", secret.key);
  const std::string both = files.put("both.pem", localhost().both());
  const std::string garbage = files.put("garbage.pem", "hello\n");
  const std::string broken =
      files.put("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  struct Case {
    std::string certificate;
    std::string key;
    std::string passphrase;
    std::error_code code;
    std::string in_text;
  };
  const std::vector<Case> cases{
      {certificate, key, "", {}, ""},
      {both, "", "", {}, ""},
      {secret_certificate, secret_key, "open sesame", {}, ""},
      {files.at("none.pem"), key, "", std::make_error_code(std::errc::no_such_file_or_directory),
       "load certificate " + files.at("none.pem")},
      {certificate, files.at("none.key"), "",
       std::make_error_code(std::errc::no_such_file_or_directory), "load key"},
      {files.at(""), key, "", std::make_error_code(std::errc::is_a_directory), ""},
      {garbage, key, "", Errc::bad_pem, garbage},
      {broken, key, "", Errc::bad_pem, broken},
      {certificate, garbage, "", Errc::bad_pem, garbage},
      {certificate, other, "", Errc::key_mismatch, other},
      {secret_certificate, secret_key, "", Errc::passphrase_missing, secret_key},
      {secret_certificate, secret_key, "wrong", Errc::wrong_passphrase, secret_key},
  };
  for (const Case& each : cases) {
    ServerOptions options;
    options.identities.emplace_back(each.certificate, each.key);
    options.identities.back().passphrase = each.passphrase;
    const HowItEnded ended = loading(options);
    EXPECT_EQ(ended.code, each.code) << ended.text << " for " << each.in_text;
    EXPECT_NE(ended.text.find(each.in_text), std::string::npos) << ended.text;
  }
}

/// Whatever the texts hold: a context, or an error that names what was loaded.
TEST(TlsContext, MutatedPemIsRefusedOrLoaded) {
  const std::string_view words[] = {"-----BEGIN CERTIFICATE-----\n",
                                    "-----END CERTIFICATE-----\n",
                                    "-----BEGIN EC PRIVATE KEY-----\n",
                                    "-----END X509 CRL-----\n",
                                    "Proc-Type: 4,ENCRYPTED\n",
                                    "-----",
                                    "\n",
                                    "\r\n",
                                    "=",
                                    "AAAA",
                                    "\xff"};
  const std::string list = authority().crl({localhost()});
  http::test::for_each_seed(fewer_if_sanitized(500U), [&](unsigned seed) {
    http::test::Random random(seed);
    ServerOptions options = presenting();
    options.client_auth = tls::ClientAuth::required;
    options.trust.pem = authority().pem();
    options.trust.crl_pem = list;
    std::string* const texts[] = {&options.identities[0].certificate_pem,
                                  &options.identities[0].key_pem, &options.trust.pem,
                                  &options.trust.crl_pem};
    std::string& text = *texts[http::test::pick(random, std::size(texts))];
    for (std::size_t left = 1 + http::test::pick(random, 3); left > 0; --left) {
      http::test::mutate_once(text, words, random);
    }
    const HowItEnded ended = loading(options);
    if (!ended.code) return;
    EXPECT_TRUE(ended.code.category() == tls::tls_category())
        << "WEFT_SEED=" << seed << ": " << ended.text;
    const bool names_it = ended.text.find("pem") != std::string::npos ||
                          ended.text.find("certificate") != std::string::npos ||
                          ended.text.find("key") != std::string::npos;
    EXPECT_TRUE(names_it) << "WEFT_SEED=" << seed << ": " << ended.text;
  });
}

TEST(TlsContext, OptionsThatDoNotExistAreRefused) {
  const Files files;
  const auto refused = [](auto change, const std::string& in_text) {
    ClientOptions options = trusting();
    change(options);
    const HowItEnded ended = loading(options);
    EXPECT_TRUE(ended.code) << in_text;
    EXPECT_NE(ended.text.find(in_text), std::string::npos) << ended.text;
  };
  refused([](ClientOptions& o) { o.ciphers = "NO-SUCH"; }, "set ciphers NO-SUCH");
  refused([](ClientOptions& o) { o.cipher_suites = "NO-SUCH"; }, "set cipher suites NO-SUCH");
  refused([](ClientOptions& o) { o.groups = "NO-SUCH"; }, "set groups NO-SUCH");
  refused([](ClientOptions& o) { o.alpn = {""}; }, "set ALPN");
  refused([](ClientOptions& o) { o.alpn = {std::string(256, 'x')}; }, "set ALPN");
  refused(
      [](ClientOptions& o) {
        o.max_version = tls::Version::tls_1_2;
        o.min_version = tls::Version::tls_1_3;
      },
      "set versions");
  refused([&](ClientOptions& o) { o.trust.files = {files.at("none")}; }, files.at("none"));
  refused([&](ClientOptions& o) { o.trust.folders = {files.at("none")}; }, files.at("none"));
  refused([&](ClientOptions& o) { o.trust.crl_files = {files.at("none")}; }, files.at("none"));
  refused([](ClientOptions& o) { o.trust.pem = "nothing"; }, "trust.pem");
  refused([](ClientOptions& o) { o.trust.crl_pem = localhost().certificate; }, "crl_pem");
  EXPECT_EQ(loading(ServerOptions()).code, Errc::bad_option);
  ServerOptions trusts_none = presenting();
  trusts_none.client_auth = tls::ClientAuth::optional;
  const HowItEnded ended = loading(trusts_none);
  EXPECT_EQ(ended.code, Errc::bad_option);
  EXPECT_NE(ended.text.find("ServerOptions::trust"), std::string::npos) << ended.text;
  trusts_none.verify = [](const tls::Verification&) { return true; };
  EXPECT_FALSE(loading(trusts_none).code);
}

TEST(TlsContext, DatesOfOwnCertificatesAreWarnings) {
  IssueOptions options;
  options.from_days = -3;
  options.to_days = -1;
  const ServerContext context(presenting(authority().issue(options)));
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_NE(context.warnings()[0].find("has expired on"), std::string::npos);
  EXPECT_TRUE(ServerContext(presenting()).warnings().empty());
}

TEST_P(TlsContexts, AuthoritiesComeFromFilesAndFolders) {
  run([]() -> Task<void> {
    const Files files;
    const std::string file = files.put("ca.pem", authority().pem());
    const ServerContext server(presenting());
    ClientOptions by_file = trusting();
    by_file.trust.pem.clear();
    TlsPair refused = memory_pair(ClientContext(by_file), server);
    const BothEnded ended = co_await shake_both(refused.client, refused.server);
    EXPECT_EQ(ended.client.code, Errc::unknown_authority);
    by_file.trust.files = {file};
    TlsPair good = memory_pair(ClientContext(by_file), server);
    co_await shake(good);
    // The certificate itself, without its authority.
    ClientOptions pinned = trusting();
    pinned.trust.pem = localhost().certificate;
    TlsPair single = memory_pair(ClientContext(pinned), server);
    co_await shake(single);
  });
}

TEST_P(TlsContexts, AReloadTakesNewFilesOrLeavesAllAsItWas) {
  run([]() -> Task<void> {
    const Files files;
    const Issued first = authority().issue();
    const Issued second = authority().issue();
    ServerOptions options;
    options.identities.emplace_back(files.put("a.pem", first.certificate),
                                    files.put("a.key", first.key));
    const ServerContext server(options);
    const ClientContext client(trusting());
    TlsPair before = memory_pair(client, server);
    co_await shake(before);
    files.put("a.pem", second.certificate);
    EXPECT_THROW(server.reload(), IoError);  // the key is still the first one's
    TlsPair between = memory_pair(client, server);
    co_await shake(between);
    EXPECT_EQ(between.client.peer_certificate()->pem(), first.certificate);
    files.put("a.key", second.key);
    server.reload();
    client.drop_sessions();
    TlsPair after = memory_pair(client, server);
    co_await shake(after);
    EXPECT_EQ(after.client.peer_certificate()->pem(), second.certificate);
    co_await exchange(before.client, before.server, pattern(10'000));
  });
}

TEST_P(TlsContexts, AReloadTakesNewRevocationLists) {
  run([]() -> Task<void> {
    const Files files;
    ClientOptions options = trusting();
    options.trust.crl_files = {files.put("crl.pem", authority().crl({}))};
    const ClientContext client(options);
    const ServerContext server(presenting());
    TlsPair before = memory_pair(client, server);
    co_await exchange(before.client, before.server, "x");
    EXPECT_NE(client.sessions(), 0U);
    files.put("crl.pem", authority().crl({localhost()}));
    client.reload();
    // No session of before gets around the list.
    TlsPair after = memory_pair(client, server);
    const BothEnded ended = co_await shake_both(after.client, after.server);
    EXPECT_EQ(ended.client.code, Errc::certificate_revoked) << ended.client.text;
  });
}

TEST_P(TlsContexts, SecretsAreLoggedOnDemand) {
  run([]() -> Task<void> {
    const Files files;
    ClientOptions options = trusting();
    options.key_log = tls::key_log_to(files.at("keys"));
    TlsPair pair = memory_pair(ClientContext(options), ServerContext(presenting()));
    co_await shake(pair);
    std::ifstream log(files.at("keys"));
    std::string line;
    int secrets = 0;
    while (std::getline(log, line)) secrets += line.find("TRAFFIC_SECRET") != std::string::npos;
    EXPECT_GE(secrets, 4);
    const auto rights = std::filesystem::status(files.at("keys")).permissions();
    EXPECT_EQ(rights & std::filesystem::perms::others_all, std::filesystem::perms::none);
    EXPECT_THROW(static_cast<void>(tls::key_log_to(files.at("no/such"))), IoError);
  });
}

TEST(TlsContext, AlertsHaveNames) {
  const std::error_code code = tls::alert_code(48);
  EXPECT_EQ(code.message(), "the peer sent the alert 'unknown ca' (48)");
  EXPECT_EQ(tls::alert_of(code), 48);
  EXPECT_FALSE(tls::alert_of(Errc::truncated).has_value());
  EXPECT_EQ(tls::alert_code(250).message(), "the peer sent the alert 'unknown' (250)");
  for (int value = 1; value <= static_cast<int>(Errc::bad_option); ++value) {
    EXPECT_NE(make_error_code(static_cast<Errc>(value)).message(), "unknown error of TLS") << value;
  }
}

}  // namespace
}  // namespace weft::test::tls_context_test
