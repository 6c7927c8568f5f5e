// What contexts are made of: ClientOptions, ServerOptions, Identity, Trust. Part of <weft/tls.hpp>.
//
// Files are PEM. They are read when the context is made, and again by its reload().
#pragma once

#include <weft/time.hpp>
#include <weft/tls/certificate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace weft::inline v0_1::tls {

enum class Version : std::uint8_t { tls_1_2, tls_1_3 };
/// Returns "TLS 1.2" or "TLS 1.3".
[[nodiscard]] std::string_view to_string(Version version) noexcept;

/// A certificate with its chain and its key: each from a file or from text.
struct Identity {
  Identity() noexcept {}
  Identity(std::string its_certificate_file, std::string its_key_file) noexcept
      : certificate_file(std::move(its_certificate_file)), key_file(std::move(its_key_file)) {}

  std::string certificate_file;  ///< the certificate, then those of its issuers, the root left out
  std::string key_file;          ///< empty: the key is in certificate_file
  std::string certificate_pem;   ///< instead of certificate_file
  std::string key_pem;           ///< instead of key_file
  std::string passphrase;        ///< of an encrypted key
};

/// What certificates of the peer are checked against.
struct Trust {
  Trust() noexcept {}

  bool system = true;                  ///< the authorities that the system trusts
  std::vector<std::string> files;      ///< further authorities, or certificates of single peers
  std::vector<std::string> folders;    ///< the same, named as by `openssl rehash`
  std::string pem;                     ///< the same as text
  std::vector<std::string> crl_files;  ///< revocation lists
  std::string crl_pem;                 ///< the same as text
  /// With revocation lists: each certificate of the chain needs one, of its issuer. False: the
  /// peer's own alone.
  bool crl_for_whole_chain = true;
};

/// The outcome of the check of a peer's chain, for CommonOptions::verify.
struct Verification {
  Verification() noexcept {}

  std::error_code error;           ///< an Errc; none if the chain is good
  std::string detail;              ///< what OpenSSL says of an error
  std::size_t depth = 0;           ///< the certificate that the error is of: 0 is the peer's own
  std::vector<Certificate> chain;  ///< the peer's own first; as far as it could be built
  std::string host;                ///< of a client: the name or address that it has asked for
};

/// What both sides have in common.
struct CommonOptions {
  /// Has a constructor: decision 002.
  CommonOptions() noexcept {}

  Version min_version = Version::tls_1_2;
  Version max_version = Version::tls_1_3;
  /// Of TLS 1.2, as openssl-ciphers(1) has it; of TLS 1.3; groups for the key exchange, as
  /// "X25519:P-256". Empty: the system's.
  std::string ciphers;
  std::string cipher_suites;
  std::string groups;
  /// Application protocols, in order of preference: {"h2", "http/1.1"}. A server that has none of
  /// those a client offers ends the handshake with Errc::no_common_protocol.
  std::vector<std::string> alpn;
  Trust trust;
  /// From the first operation to the end of the handshake.
  Nanoseconds handshake_timeout = std::chrono::seconds(10);
  /// Takes an end without close_notify for an end, if it comes between two records. For peers that
  /// never send it: where the protocol within tells its own ends, as HTTP does with lengths.
  bool allow_missing_close_notify = false;
  /// Called with the outcome of each check of a chain, good or bad, and decides: false refuses it
  /// (Errc::certificate_refused, if it was good), true takes it in spite of its error. For pinning,
  /// and for logs. Called during a handshake, on any thread, and must not wait. What it throws is a
  /// refusal. A resumed session is not checked again.
  std::function<bool(const Verification&)> verify;
  /// Called with each line of the secrets of a connection, in the format of NSS (without the line's
  /// end), with which Wireshark decrypts a recording. For debugging alone. Any thread. See
  /// key_log_to().
  std::function<void(std::string_view)> key_log;

 protected:
  ~CommonOptions() = default;
  CommonOptions(const CommonOptions&) = default;
  CommonOptions(CommonOptions&&) noexcept = default;
  CommonOptions& operator=(const CommonOptions&) = default;
  CommonOptions& operator=(CommonOptions&&) noexcept = default;
};

struct ClientOptions : CommonOptions {
  ClientOptions() noexcept {}

  /// Skips all checks of the server's certificate: its chain, its dates and its name. The
  /// connection is then safe from listeners, not from a peer in the middle.
  bool insecure = false;
  /// For servers that ask for one.
  std::vector<Identity> identities;
  /// Sessions kept for resumption: of a host (name and port), and of how many hosts. Zero: none.
  std::size_t sessions_per_host = 4;
  std::size_t session_hosts = 256;
};

enum class ClientAuth : std::uint8_t {
  none,      ///< no certificate is asked for
  optional,  ///< one that is sent must be good
  required,  ///< without one the handshake fails
};

struct ServerOptions : CommonOptions {
  /// Clients' certificates are checked against `trust`, without the system's authorities.
  ServerOptions() noexcept { trust.system = false; }

  /// The certificate for a connection is the first one for the name that the client asks for (SNI);
  /// without a name, or if none fits, the first one.
  std::vector<Identity> identities;
  /// Refuses a client that asks for a name for which there is no certificate.
  bool refuse_unknown_names = false;
  /// Anything but none needs authorities in `trust`, or `verify`: otherwise making the context
  /// throws Errc::bad_option.
  ClientAuth client_auth = ClientAuth::none;
  /// Tickets for resumption that a client gets with each full handshake of TLS 1.3. Zero: no
  /// resumption. The key of the tickets is the context's, and changes with reload().
  std::size_t tickets = 2;
};

/// Returns a CommonOptions::key_log that appends to a file, for which only this user gets rights.
/// Throws IoError. Each line is written at once; errors of that are ignored.
[[nodiscard]] std::function<void(std::string_view)> key_log_to(const std::string& file);

}  // namespace weft::inline v0_1::tls
