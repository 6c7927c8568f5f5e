#include "tls/pem.hpp"

#include <openssl/pem.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <weft/result.hpp>
#include <weft/tls/error.hpp>

namespace weft::inline v0_1::tls {
namespace {

constexpr const char* kLoadCertificate = "load certificate";
constexpr const char* kLoadKey = "load key";
constexpr const char* kLoadCrl = "load revocation list";

using File = std::unique_ptr<std::FILE, FreedBy<&std::fclose>>;

std::string read_whole(const std::string& name, const char* operation) {
  const File file(std::fopen(name.c_str(), "rbe"));
  if (file == nullptr) throw IoError(os_error(errno), operation, name);
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    errno = 0;
    const std::size_t size = std::fread(piece.data(), 1, piece.size(), file.get());
    text.append(piece.data(), size);
    if (size == piece.size()) continue;
    if (std::ferror(file.get()) != 0) throw IoError(os_error(errno), operation, name);
    return text;
  }
}

/// Whether the reader of PEM stopped since there is no further block.
bool is_at_end() noexcept {
  const unsigned long error = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (ended) ERR_clear_error();
  return ended;
}

/// Reads blocks with `read` until there is none.
template <class Owner, class Read>
std::vector<Owner> blocks_in(const PemText& pem, const char* operation, Read read) {
  const BioOwner bio = bio_of(pem.text);
  std::vector<Owner> found;
  ERR_clear_error();
  while (Owner block{read(bio.get())}) found.push_back(std::move(block));
  if (!is_at_end()) {
    throw IoError(Errc::bad_pem, operation, pem.name + " (" + take_openssl_reason() + ")");
  }
  if (found.empty()) throw IoError(Errc::bad_pem, operation, pem.name);
  return found;
}

struct Passphrase {
  const std::string& text;
  bool was_asked = false;
};

/// Without it OpenSSL would ask at the terminal.
int give_passphrase(char* buffer, int size, int /*writes*/, void* argument) {
  auto& passphrase = *static_cast<Passphrase*>(argument);
  passphrase.was_asked = true;
  const std::size_t length = passphrase.text.size();
  if (length == 0 || length > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, passphrase.text.data(), length);
  return static_cast<int>(length);
}

KeyOwner key_in(const PemText& pem, const std::string& text) {
  const BioOwner bio = bio_of(pem.text);
  Passphrase passphrase{text};
  ERR_clear_error();
  KeyOwner key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_passphrase, &passphrase));
  if (key != nullptr) return key;
  const std::string reason = take_openssl_reason();
  if (passphrase.was_asked) {
    throw IoError(text.empty() ? Errc::passphrase_missing : Errc::wrong_passphrase, kLoadKey,
                  pem.name);
  }
  throw IoError(Errc::bad_pem, kLoadKey, pem.name + " (" + reason + ")");
}

std::string date_of(const ASN1_TIME* time) {
  const BioOwner text(checked(BIO_new(BIO_s_mem())));
  ASN1_TIME_print(text.get(), time);
  return text_of(text.get());
}

}  // namespace

PemText read_pem(const std::string& file, const char* operation) {
  PemText pem;
  pem.text = read_whole(file, operation);
  pem.name = file;
  return pem;
}

std::vector<CertificateOwner> certificates_in(const PemText& pem) {
  return blocks_in<CertificateOwner>(pem, kLoadCertificate, [](BIO* bio) {
    return PEM_read_bio_X509_AUX(bio, nullptr, nullptr, nullptr);
  });
}

std::vector<CrlOwner> crls_in(const PemText& pem) {
  return blocks_in<CrlOwner>(pem, kLoadCrl, [](BIO* bio) {
    return PEM_read_bio_X509_CRL(bio, nullptr, nullptr, nullptr);
  });
}

LoadedIdentity load_identity(const Identity& identity) {
  PemText certificate{"certificate_pem", identity.certificate_pem};
  if (!identity.certificate_file.empty()) {
    certificate = read_pem(identity.certificate_file, kLoadCertificate);
  }
  PemText key{"key_pem", identity.key_pem};
  if (!identity.key_file.empty()) {
    key = read_pem(identity.key_file, kLoadKey);
  } else if (identity.key_pem.empty()) {
    key = certificate;
  }
  LoadedIdentity loaded;
  loaded.name = certificate.name;
  loaded.issuers = certificates_in(certificate);
  loaded.certificate = std::move(loaded.issuers.front());
  loaded.issuers.erase(loaded.issuers.begin());
  loaded.key = key_in(key, identity.passphrase);
  if (X509_check_private_key(loaded.certificate.get(), loaded.key.get()) != 1) {
    ERR_clear_error();
    throw IoError(Errc::key_mismatch, kLoadKey, key.name + " (for " + certificate.name + ")");
  }
  return loaded;
}

std::string warning_of(const LoadedIdentity& identity) {
  const ASN1_TIME* const start = X509_get0_notBefore(identity.certificate.get());
  const ASN1_TIME* const end = X509_get0_notAfter(identity.certificate.get());
  if (X509_cmp_current_time(end) < 0) {
    return identity.name + ": the certificate has expired on " + date_of(end);
  }
  if (X509_cmp_current_time(start) > 0) {
    return identity.name + ": the certificate is not valid before " + date_of(start);
  }
  return {};
}

}  // namespace weft::inline v0_1::tls
