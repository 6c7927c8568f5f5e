// Reads PEM files and texts: certificates, keys, revocation lists. Errors are IoErrors that name
// the file and the reason.
#pragma once

#include <weft/tls/options.hpp>

#include <string>
#include <vector>

#include "tls/openssl.hpp"

namespace weft::inline v0_1::tls {

/// PEM text, and what errors call it: a file's name, or the option that has it.
struct PemText {
  std::string name;
  std::string text;
};

/// Reads the file. Throws IoError: "load certificate a.pem: no such file or directory".
[[nodiscard]] PemText read_pem(const std::string& file, const char* operation);

/// All certificates in the text, in order. Errc::bad_pem if there is none.
[[nodiscard]] std::vector<CertificateOwner> certificates_in(const PemText& pem);
[[nodiscard]] std::vector<CrlOwner> crls_in(const PemText& pem);

/// A certificate of this side, with its chain and key.
struct LoadedIdentity {
  std::string name;  // of the certificate's file
  CertificateOwner certificate;
  std::vector<CertificateOwner> issuers;
  KeyOwner key;
};
/// Loads and checks it: Errc::bad_pem, key_mismatch, passphrase_missing, wrong_passphrase.
[[nodiscard]] LoadedIdentity load_identity(const Identity& identity);
/// Returns what is odd about the certificate's dates; empty if nothing is.
[[nodiscard]] std::string warning_of(const LoadedIdentity& identity);

}  // namespace weft::inline v0_1::tls
