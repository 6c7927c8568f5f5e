// Makes an SSL_CTX as the options say.
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <weft/atomic.hpp>
#include <weft/result.hpp>
#include <weft/tls/error.hpp>

#include "tls/callbacks.hpp"
#include "tls/context_core.hpp"

namespace weft::inline v0_1::tls {
namespace {

int number_of(Version version) noexcept {
  return version == Version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

void check_option(bool ok, const char* operation, const std::string& value) {
  if (ok) return;
  const std::string reason = take_openssl_reason();
  throw IoError(Errc::bad_option, operation, value + " (" + reason + ")");
}

std::vector<unsigned char> wire_format(const std::vector<std::string>& protocols) {
  std::vector<unsigned char> list;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > 255) {
      throw IoError(Errc::bad_option, "set ALPN", "'" + name + "' (1 to 255 bytes)");
    }
    list.push_back(static_cast<unsigned char>(name.size()));
    list.insert(list.end(), name.begin(), name.end());
  }
  return list;
}

void add_authority(SSL_CTX* ssl, X509* certificate, bool to_be_told) {
  X509_STORE* const store = SSL_CTX_get_cert_store(ssl);
  if (X509_STORE_add_cert(store, certificate) != 1) throw std::bad_alloc();
  if (to_be_told && SSL_CTX_add_client_CA(ssl, certificate) != 1) throw std::bad_alloc();
}

void add_crls(SSL_CTX* ssl, const Trust& trust) {
  std::vector<PemText> texts;
  for (const std::string& file : trust.crl_files) {
    texts.push_back(read_pem(file, "load revocation list"));
  }
  if (!trust.crl_pem.empty()) texts.push_back(PemText{"crl_pem", trust.crl_pem});
  if (texts.empty()) return;
  for (const PemText& text : texts) {
    for (const CrlOwner& crl : crls_in(text)) {
      if (X509_STORE_add_crl(SSL_CTX_get_cert_store(ssl), crl.get()) != 1) throw std::bad_alloc();
    }
  }
  unsigned long flags = X509_V_FLAG_CRL_CHECK;
  if (trust.crl_for_whole_chain) flags |= X509_V_FLAG_CRL_CHECK_ALL;
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), flags);
}

void use_on_context(SSL_CTX* ssl, const LoadedIdentity& identity) {
  if (SSL_CTX_use_certificate(ssl, identity.certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(ssl, identity.key.get()) != 1) {
    const std::string reason = take_openssl_reason();
    throw IoError(Errc::unusable_certificate, "use certificate",
                  identity.name + " (" + reason + ")");
  }
  SSL_CTX_clear_chain_certs(ssl);
  for (const CertificateOwner& issuer : identity.issuers) {
    if (SSL_CTX_add1_chain_cert(ssl, issuer.get()) != 1) {
      const std::string reason = take_openssl_reason();
      throw IoError(Errc::unusable_certificate, "use certificate",
                    identity.name + " (" + reason + ")");
    }
  }
}

using LogFile = std::unique_ptr<std::FILE, FreedBy<&std::fclose>>;

}  // namespace

std::string_view to_string(Version version) noexcept {
  return version == Version::tls_1_2 ? "TLS 1.2" : "TLS 1.3";
}

void apply_common(SSL_CTX* ssl, const CommonOptions& options, std::vector<unsigned char>& alpn) {
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  check_option(options.min_version <= options.max_version, "set versions",
               std::string(to_string(options.min_version)) + " to " +
                   std::string(to_string(options.max_version)));
  SSL_CTX_set_min_proto_version(ssl, number_of(options.min_version));
  SSL_CTX_set_max_proto_version(ssl, number_of(options.max_version));
  if (!options.ciphers.empty()) {
    const bool ok = SSL_CTX_set_cipher_list(ssl, options.ciphers.c_str()) == 1;
    check_option(ok, "set ciphers", options.ciphers);
  }
  if (!options.cipher_suites.empty()) {
    const bool ok = SSL_CTX_set_ciphersuites(ssl, options.cipher_suites.c_str()) == 1;
    check_option(ok, "set cipher suites", options.cipher_suites);
  }
  if (!options.groups.empty()) {
    const bool ok = SSL_CTX_set1_groups_list(ssl, options.groups.c_str()) == 1;
    check_option(ok, "set groups", options.groups);
  }
  alpn = wire_format(options.alpn);
  if (options.key_log) SSL_CTX_set_keylog_callback(ssl, &log_key);
  SSL_CTX_set_cert_verify_callback(ssl, &check_chain, nullptr);
}

void apply_trust(SSL_CTX* ssl, const Trust& trust, bool to_be_told) {
  if (trust.system && SSL_CTX_set_default_verify_paths(ssl) != 1) throw std::bad_alloc();
  std::vector<PemText> texts;
  for (const std::string& file : trust.files) {
    texts.push_back(read_pem(file, "load authorities"));
  }
  if (!trust.pem.empty()) texts.push_back(PemText{"trust.pem", trust.pem});
  for (const PemText& text : texts) {
    for (const CertificateOwner& each : certificates_in(text)) {
      add_authority(ssl, each.get(), to_be_told);
    }
  }
  for (const std::string& folder : trust.folders) {
    std::error_code error;
    static_cast<void>(std::filesystem::directory_iterator(folder, error));
    if (error) throw IoError(error, "load authorities", folder);
    if (SSL_CTX_load_verify_dir(ssl, folder.c_str()) != 1) throw std::bad_alloc();
  }
  // What the program trusts is trusted, root or not.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
  add_crls(ssl, trust);
}

namespace {

/// Without authorities each client would be refused.
void check_has_authorities(const ServerOptions& options) {
  const Trust& trust = options.trust;
  const bool is_empty =
      !trust.system && trust.files.empty() && trust.folders.empty() && trust.pem.empty();
  if (!is_empty || options.verify) return;
  throw IoError(Errc::bad_option, "set client_auth",
                "no authority for clients' certificates: set ServerOptions::trust, or verify");
}

}  // namespace

void apply_identities(Loaded& loaded, const std::vector<Identity>& identities) {
  for (const Identity& each : identities) {
    loaded.identities.push_back(load_identity(each));
    std::string warning = warning_of(loaded.identities.back());
    if (!warning.empty()) loaded.warnings.push_back(std::move(warning));
  }
  // Backwards: of two with keys of one type the first one stays.
  for (auto each = loaded.identities.rbegin(); each != loaded.identities.rend(); ++each) {
    use_on_context(loaded.ssl.get(), *each);
  }
}

void apply_client(SSL_CTX* ssl, const ClientOptions& options, const Loaded& loaded) {
  SSL_CTX_set_verify(ssl, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (!loaded.alpn.empty() &&
      SSL_CTX_set_alpn_protos(ssl, loaded.alpn.data(), static_cast<unsigned>(loaded.alpn.size())) !=
          0) {
    throw std::bad_alloc();
  }
  const bool keeps = options.sessions_per_host != 0 && options.session_hosts != 0;
  SSL_CTX_set_session_cache_mode(
      ssl, keeps ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
  if (keeps) SSL_CTX_sess_set_new_cb(ssl, &keep_session);
}

void apply_server(SSL_CTX* ssl, const ServerOptions& options) {
  if (options.identities.empty()) {
    throw IoError(Errc::bad_option, "make server context", "without an identity");
  }
  int verify = SSL_VERIFY_NONE;
  if (options.client_auth != ClientAuth::none) {
    check_has_authorities(options);
    verify = SSL_VERIFY_PEER;
  }
  if (options.client_auth == ClientAuth::required) verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ssl, verify, nullptr);
  // Sessions are in tickets alone: the server keeps nothing for a client that has left.
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ssl, options.tickets);
  if (options.tickets == 0) SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
  constexpr unsigned char context[] = "weft";
  SSL_CTX_set_session_id_context(ssl, context, sizeof context - 1);
  SSL_CTX_set_tlsext_servername_callback(ssl, &check_server_name);
  if (options.identities.size() > 1) SSL_CTX_set_cert_cb(ssl, &choose_certificate, nullptr);
  if (!options.alpn.empty()) SSL_CTX_set_alpn_select_cb(ssl, &choose_protocol, nullptr);
}

std::function<void(std::string_view)> key_log_to(const std::string& file) {
  // The file is created for this user alone, whatever the umask: its lines decrypt connections.
  namespace fs = std::filesystem;
  LogFile opened(std::fopen(file.c_str(), "abe"));
  if (opened == nullptr) throw IoError(os_error(errno), "open key log", file);
  std::error_code error;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write, error);
  if (error) throw IoError(error, "open key log", file);
  struct Shared {
    LogFile file;
    ThreadMutex mutex;
  };
  auto shared = std::make_shared<Shared>();
  shared->file = std::move(opened);
  return [shared = std::move(shared)](std::string_view line) {
    const std::lock_guard lock(shared->mutex);
    std::fwrite(line.data(), 1, line.size(), shared->file.get());
    std::fputc('\n', shared->file.get());
    std::fflush(shared->file.get());
  };
}

}  // namespace weft::inline v0_1::tls
