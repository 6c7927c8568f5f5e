#include "tls/callbacks.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <weft/tls/error.hpp>
#include <weft/tls/options.hpp>

#include "tls/context_core.hpp"

namespace weft::inline v0_1::tls {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text.empty() ? "no name" : text;
}

/// Which certificate failed, and why.
std::string detail_of(X509_STORE_CTX* store, const std::string& host) {
  const int result = X509_STORE_CTX_get_error(store);
  std::string text(X509_verify_cert_error_string(result));
  X509* const failed = X509_STORE_CTX_get_current_cert(store);
  if (failed == nullptr) return text;
  const Certificate certificate = certificate_of(failed);
  text.append("; certificate of '").append(certificate.subject()).append("'");
  if (verification_code(result) == Errc::wrong_host) {
    std::vector<std::string> names = certificate.dns_names();
    const std::vector<std::string> addresses = certificate.ip_addresses();
    names.insert(names.end(), addresses.begin(), addresses.end());
    text.append(", which is for ").append(joined(names)).append(" and not for ").append(host);
  }
  return text;
}

Verification outcome_of(X509_STORE_CTX* store, const std::string& host) {
  Verification outcome;
  const int result = X509_STORE_CTX_get_error(store);
  if (result != X509_V_OK) {
    outcome.error = verification_code(result);
    outcome.detail = X509_verify_cert_error_string(result);
    outcome.depth = static_cast<std::size_t>(X509_STORE_CTX_get_error_depth(store));
  }
  outcome.host = host;
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(store);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    outcome.chain.push_back(certificate_of(sk_X509_value(chain, i)));
  }
  return outcome;
}

bool is_for(const LoadedIdentity& identity, const char* name) noexcept {
  const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return X509_check_host(identity.certificate.get(), name, 0, flags, nullptr) == 1;
}

bool has_identity_for(const Loaded& loaded, const char* name) noexcept {
  return std::ranges::any_of(loaded.identities,
                             [name](const LoadedIdentity& each) { return is_for(each, name); });
}

bool use_identity(SSL* ssl, const LoadedIdentity& identity) {
  const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })>
      issuers(checked(sk_X509_new_null()));
  for (const CertificateOwner& each : identity.issuers) {
    if (sk_X509_push(issuers.get(), each.get()) == 0) return false;
  }
  return SSL_use_cert_and_key(ssl, identity.certificate.get(), identity.key.get(), issuers.get(),
                              1) == 1;
}

}  // namespace

std::error_code verification_code(long result) noexcept {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Errc::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Errc::certificate_not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Errc::wrong_host;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return Errc::self_signed;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return Errc::unknown_authority;
    case X509_V_ERR_CERT_REVOKED:
      return Errc::certificate_revoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return Errc::no_revocation_list;
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return Errc::certificate_refused;
    default:
      return Errc::bad_certificate;
  }
}

int check_chain(X509_STORE_CTX* store, void* /*unused*/) try {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  ConnectionData& connection = ConnectionData::of(ssl);
  const ClientOptions* const client = connection.core->client();
  if (client != nullptr && client->insecure) return 1;
  const bool is_good = X509_verify_cert(store) == 1;
  if (!is_good) connection.detail = detail_of(store, connection.host);
  const auto& verify = connection.core->options().verify;
  if (!verify) return is_good ? 1 : 0;
  bool is_accepted = false;
  try {
    is_accepted = verify(outcome_of(store, connection.host));
  } catch (const std::exception& error) {
    connection.detail = error.what();
  } catch (...) {
    connection.detail = "an exception";
  }
  if (is_accepted) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
  } else if (is_good) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  }
  return is_accepted ? 1 : 0;
} catch (...) {
  X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
  return 0;
}

int choose_certificate(SSL* ssl, void* /*unused*/) try {
  const Loaded& loaded = *ConnectionData::of(ssl).loaded;
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_certs_clear(ssl);
  if (name == nullptr || !has_identity_for(loaded, name)) {
    return use_identity(ssl, loaded.identities.front()) ? 1 : 0;
  }
  // Backwards: of several with keys of one type the first one stays, and a client that takes other
  // types of keys gets the other one.
  for (auto each = loaded.identities.rbegin(); each != loaded.identities.rend(); ++each) {
    if (is_for(*each, name) && !use_identity(ssl, *each)) return 0;
  }
  return 1;
} catch (...) {
  return 0;
}

int check_server_name(SSL* ssl, int* alert, void* /*unused*/) {
  ConnectionData& connection = ConnectionData::of(ssl);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const bool refuses = connection.core->server()->refuse_unknown_names;
  if (!refuses || name == nullptr || has_identity_for(*connection.loaded, name)) {
    return SSL_TLSEXT_ERR_OK;
  }
  connection.refusal = Errc::unknown_name;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* /*unused*/) {
  const std::vector<unsigned char>& ours = ConnectionData::of(ssl).loaded->alpn;
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(
      &found, chosen_size, ours.data(), static_cast<unsigned>(ours.size()), offered, offered_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  ConnectionData& connection = ConnectionData::of(ssl);
  SessionOwner owned(session);
  try {
    connection.core->sessions().keep(connection.session_key, std::move(owned));
  } catch (...) {
    // The next connection makes a full handshake. `owned` has freed the session, or the cache has.
  }
  return 1;  // the reference is ours
}

void log_key(const SSL* ssl, const char* line) {
  try {
    ConnectionData::of(ssl).core->options().key_log(line);
  } catch (...) {
    // A log for debugging does not end connections.
  }
}

}  // namespace weft::inline v0_1::tls
