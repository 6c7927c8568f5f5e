// The errors of TLS, as std::error_code. Part of <weft/tls.hpp>.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace weft::inline v0_1::tls {

/// Why a handshake, a connection or a context failed. The IoError that has such a code names the
/// peer or the file, and, in brackets, the certificate or what OpenSSL has found.
enum class Errc {
  // The peer's certificate.
  certificate_expired = 1,    ///< a certificate of the chain has expired
  certificate_not_yet_valid,  ///< a certificate of the chain is not valid yet
  wrong_host,                 ///< the certificate is for other names or addresses
  self_signed,                ///< it has signed itself, and is not trusted
  unknown_authority,          ///< no trusted authority has issued it
  certificate_revoked,        ///< a revocation list (CRL) has it
  no_revocation_list,         ///< no current revocation list of its issuer is there
  certificate_refused,        ///< CommonOptions::verify has refused it
  bad_certificate,            ///< another fault of the chain
  no_certificate,             ///< the peer has none, and one is required

  // The handshake.
  not_tls,              ///< what the peer sends is not TLS
  no_common_version,    ///< the two sides allow no version in common
  no_common_cipher,     ///< … no cipher or group
  no_common_protocol,   ///< … no protocol of ALPN
  unknown_name,         ///< the server has no certificate for the name, see refuse_unknown_names
  closed_in_handshake,  ///< the peer has closed the connection before the handshake's end
  handshake_timed_out,  ///< CommonOptions::handshake_timeout (equals errc::timed_out)

  // The connection.
  truncated,       ///< the stream has ended without close_notify: bytes may be missing
  protocol_error,  ///< the peer, or what is between, breaks the protocol

  // Contexts.
  bad_pem,               ///< the file has no certificate, key or list that can be read
  key_mismatch,          ///< the key is not the certificate's
  passphrase_missing,    ///< the key is encrypted
  wrong_passphrase,      ///< the key cannot be decrypted with the passphrase
  unusable_certificate,  ///< the certificate or key is not allowed: too weak, above all
  bad_option,            ///< a cipher, group, protocol or the like that does not exist

  /// The peer has sent an alert: this plus its number (RFC 8446, 6). See alert_of().
  alert = 256,
};

/// The category of Errc; its name is "weft.tls".
[[nodiscard]] const std::error_category& tls_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc error) noexcept {
  return {static_cast<int>(error), tls_category()};
}

/// Returns the number of the alert that the peer has sent, if `code` says so: 42 for
/// "bad certificate".
[[nodiscard]] std::optional<std::uint8_t> alert_of(std::error_code code) noexcept;
/// Returns the code of that alert, to compare with.
[[nodiscard]] inline std::error_code alert_code(std::uint8_t number) noexcept {
  return {static_cast<int>(Errc::alert) + number, tls_category()};
}
/// Returns its name in RFC 8446, with spaces: "unknown ca". "unknown" for a number without a name.
[[nodiscard]] std::string_view alert_name(std::uint8_t number) noexcept;

}  // namespace weft::inline v0_1::tls

template <>
struct std::is_error_code_enum<weft::tls::Errc> : std::true_type {};
