#include "tls/failure.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <weft/tls/error.hpp>

#include "tls/callbacks.hpp"
#include "tls/context_core.hpp"

namespace weft::inline v0_1::tls {
namespace {

/// The codes of SSL_R_… that mean something of their own.
std::error_code code_of_reason(int reason) noexcept {
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Errc::no_certificate;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return Errc::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
      return Errc::no_common_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_CIPHERS_AVAILABLE:
      return Errc::no_common_cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return Errc::no_common_protocol;
    case SSL_R_PROTOCOL_IS_SHUTDOWN:
      return std::make_error_code(std::errc::broken_pipe);
    default:
      return Errc::protocol_error;
  }
}

bool is_memory_error(unsigned long error) noexcept {
  return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

}  // namespace

Failure failure_of_beginning(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  constexpr auto first_type = std::byte{20};  // change_cipher_spec, alert, handshake …
  constexpr auto last_type = std::byte{24};
  const bool is_record = bytes[0] >= first_type && bytes[0] <= last_type &&
                         (bytes.size() < 2 || bytes[1] == std::byte{3});
  if (is_record) return {};
  const bool is_text = std::ranges::all_of(
      bytes, [](std::byte one) { return one >= std::byte{' '} && one < std::byte{127}; });
  std::string detail("it begins with ");
  if (is_text) {
    // SAFETY: char may alias anything.
    detail.append("'")
        .append(reinterpret_cast<const char*>(bytes.data()), bytes.size())
        .append("'");
  } else {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte one : bytes) {
      detail += digits[std::to_integer<std::size_t>(one >> 4)];
      detail += digits[std::to_integer<std::size_t>(one & std::byte{15})];
    }
  }
  return {Errc::not_tls, std::move(detail)};
}

Failure take_failure(SSL* ssl, std::span<const std::byte> beginning) {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (is_memory_error(error)) {
    ERR_clear_error();
    return {std::make_error_code(std::errc::not_enough_memory), {}};
  }
  std::string text = take_openssl_reason();
  if (const std::error_code refusal = ConnectionData::of(ssl).refusal) return {refusal, {}};
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return {Errc::protocol_error, std::move(text)};
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return {alert_code(static_cast<std::uint8_t>(reason - SSL_AD_REASON_OFFSET)), {}};
  }
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return {verification_code(SSL_get_verify_result(ssl)), ConnectionData::of(ssl).detail};
  }
  const std::error_code code = code_of_reason(reason);
  if (code == std::errc::broken_pipe) return {code, {}};
  if (SSL_is_init_finished(ssl) == 0) {
    Failure found = failure_of_beginning(beginning);
    if (found.code) return found;
  }
  return {code, std::move(text)};
}

Session session_of(const SSL* ssl) {
  Session session;
  session.version = SSL_version(ssl) == TLS1_2_VERSION ? Version::tls_1_2 : Version::tls_1_3;
  if (const char* const cipher = SSL_get_cipher_name(ssl)) session.cipher = cipher;
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  // SAFETY: char may alias anything.
  if (size != 0) session.alpn.assign(reinterpret_cast<const char*>(protocol), size);
  if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    session.server_name = name;
  }
  session.is_resumed = SSL_session_reused(ssl) == 1;
  if (const CertificateOwner peer{SSL_get1_peer_certificate(ssl)}) {
    session.certificate = certificate_of(peer.get());
    // A client's list begins with the peer's own certificate; a server's does not have it.
    if (SSL_is_server(ssl) == 1) session.chain.push_back(*session.certificate);
  }
  const STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; sent != nullptr && i < sk_X509_num(sent); ++i) {
    session.chain.push_back(certificate_of(sk_X509_value(sent, i)));
  }
  return session;
}

}  // namespace weft::inline v0_1::tls
