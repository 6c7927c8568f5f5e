#include "tls/openssl.hpp"

#include <limits>
#include <stdexcept>

namespace weft::inline v0_1::tls {

Certificate certificate_of(X509* certificate) {
  X509_up_ref(certificate);
  return Certificate(std::shared_ptr<X509>(certificate, &X509_free));
}

std::string take_openssl_reason() {
  const unsigned long error = ERR_get_error();
  const char* const reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

BioOwner bio_of(const std::string& text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::length_error("weft::tls: a PEM file of 2 GiB or more");
  }
  return BioOwner(checked(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

std::string text_of(BIO* memory) {
  char* start = nullptr;
  const long size = BIO_get_mem_data(memory, &start);
  return size > 0 ? std::string(start, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace weft::inline v0_1::tls
