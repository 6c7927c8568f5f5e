#include "tls/authority.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdlib>

namespace weft::test {
namespace {

/// OpenSSL does not fail here.
template <class T>
T must(T result) {
  if (!result) std::abort();
  return result;
}

std::string text_of(const std::shared_ptr<BIO>& bio) {
  char* start = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &start);
  return {start, static_cast<std::size_t>(size)};
}
std::shared_ptr<BIO> memory() { return {must(BIO_new(BIO_s_mem())), &BIO_free}; }

std::string pem_of(X509* certificate) {
  const auto bio = memory();
  must(PEM_write_bio_X509(bio.get(), certificate));
  return text_of(bio);
}
std::string pem_of(EVP_PKEY* key, const std::string& passphrase) {
  const auto bio = memory();
  const EVP_CIPHER* const cipher = passphrase.empty() ? nullptr : EVP_aes_128_cbc();
  must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, passphrase.data(),
                                     static_cast<int>(passphrase.size()), nullptr, nullptr));
  return text_of(bio);
}

std::shared_ptr<EVP_PKEY> make_key(bool is_rsa) {
  return {must(is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")), &EVP_PKEY_free};
}

void set_time(ASN1_TIME* time, int days) { must(X509_time_adj_ex(time, days, 0, nullptr)); }

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      must(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(const std::string& name, EVP_PKEY* key, int from, int to) {
  static std::atomic<long> serials = 1000;
  std::shared_ptr<X509> made(must(X509_new()), &X509_free);
  must(X509_set_version(made.get(), X509_VERSION_3));
  must(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serials));
  set_time(X509_getm_notBefore(made.get()), from);
  set_time(X509_getm_notAfter(made.get()), to);
  // SAFETY: unsigned char may alias anything.
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(name.data()),
                                  static_cast<int>(name.size()), -1, 0));
  must(X509_set_pubkey(made.get(), key));
  return made;
}

std::string serial_of(X509* certificate) {
  BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
  char* const text = BN_bn2hex(number);
  std::string serial(text);
  OPENSSL_free(text);
  BN_free(number);
  return serial;
}

}  // namespace

Authority::Authority(const std::string& name, const Authority* issuer) : key_(make_key(false)) {
  certificate_ = make_certificate(name, key_.get(), -2, 60);
  X509* const by = issuer != nullptr ? issuer->certificate_.get() : certificate_.get();
  EVP_PKEY* const with = issuer != nullptr ? issuer->key_.get() : key_.get();
  must(X509_set_issuer_name(certificate_.get(), X509_get_subject_name(by)));
  add_extension(certificate_.get(), by, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_.get(), by, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate_.get(), by, NID_subject_key_identifier, "hash");
  must(X509_sign(certificate_.get(), with, EVP_sha256()));
  pem_ = pem_of(certificate_.get());
}

Issued Authority::issue(const IssueOptions& options) const {
  const auto key = make_key(options.is_rsa);
  const auto made = make_certificate(options.name, key.get(), options.from_days, options.to_days);
  X509* const by = options.self_signed ? made.get() : certificate_.get();
  must(X509_set_issuer_name(made.get(), X509_get_subject_name(by)));
  add_extension(made.get(), by, NID_basic_constraints, "CA:FALSE");
  if (!options.alternatives.empty()) {
    add_extension(made.get(), by, NID_subject_alt_name, options.alternatives);
  }
  must(X509_sign(made.get(), options.self_signed ? key.get() : key_.get(), EVP_sha256()));
  Issued issued;
  issued.certificate = pem_of(made.get());
  issued.key = pem_of(key.get(), options.passphrase);
  issued.serial = serial_of(made.get());
  return issued;
}

Issued Authority::issue_for(const std::string& name) const {
  IssueOptions options;
  options.name = name;
  options.alternatives = "DNS:" + name;
  return issue(options);
}

std::string Authority::crl(const std::vector<Issued>& revoked, int from_days, int to_days) const {
  const std::shared_ptr<X509_CRL> list(must(X509_CRL_new()), &X509_CRL_free);
  must(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2));
  must(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get())));
  ASN1_TIME* const time = must(ASN1_TIME_new());
  set_time(time, from_days);
  must(X509_CRL_set1_lastUpdate(list.get(), time));
  for (const Issued& each : revoked) {
    BIGNUM* number = nullptr;
    must(BN_hex2bn(&number, each.serial.c_str()));
    ASN1_INTEGER* const serial = must(BN_to_ASN1_INTEGER(number, nullptr));
    X509_REVOKED* const entry = must(X509_REVOKED_new());
    must(X509_REVOKED_set_serialNumber(entry, serial));
    must(X509_REVOKED_set_revocationDate(entry, time));
    must(X509_CRL_add0_revoked(list.get(), entry));
    ASN1_INTEGER_free(serial);
    BN_free(number);
  }
  set_time(time, to_days);
  must(X509_CRL_set1_nextUpdate(list.get(), time));
  ASN1_TIME_free(time);
  must(X509_CRL_sort(list.get()));
  must(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()));
  const auto bio = memory();
  must(PEM_write_bio_X509_CRL(bio.get(), list.get()));
  return text_of(bio);
}

}  // namespace weft::test
