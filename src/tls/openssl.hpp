// OpenSSL's objects with owners, and what it says of its errors.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <new>
#include <string>
#include <weft/tls/certificate.hpp>

namespace weft::inline v0_1::tls {

template <auto Free>
struct FreedBy {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using BioOwner = std::unique_ptr<BIO, FreedBy<&BIO_free>>;
using CertificateOwner = std::unique_ptr<X509, FreedBy<&X509_free>>;
using CrlOwner = std::unique_ptr<X509_CRL, FreedBy<&X509_CRL_free>>;
using KeyOwner = std::unique_ptr<EVP_PKEY, FreedBy<&EVP_PKEY_free>>;
using SslOwner = std::unique_ptr<SSL, FreedBy<&SSL_free>>;
using SslContextOwner = std::unique_ptr<SSL_CTX, FreedBy<&SSL_CTX_free>>;
using SessionOwner = std::unique_ptr<SSL_SESSION, FreedBy<&SSL_SESSION_free>>;
using MethodOwner = std::unique_ptr<BIO_METHOD, FreedBy<&BIO_meth_free>>;

/// Returns `object`. Throws std::bad_alloc if it is null: for calls of OpenSSL that fail for want
/// of memory alone.
template <class T>
T* checked(T* object) {
  if (object == nullptr) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
  return object;
}

/// Returns a Certificate of an object that goes on living elsewhere.
[[nodiscard]] Certificate certificate_of(X509* certificate);

/// Takes this thread's oldest error of OpenSSL off its queue, and clears that; "no reason given" if
/// there is none.
[[nodiscard]] std::string take_openssl_reason();

/// A BIO over text that must stay alive.
[[nodiscard]] BioOwner bio_of(const std::string& text);
/// What was written to a memory BIO.
[[nodiscard]] std::string text_of(BIO* memory);

}  // namespace weft::inline v0_1::tls
