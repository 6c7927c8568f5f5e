#include <weft/tls/certificate.hpp>

#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <weft/endpoint.hpp>

#include "tls/openssl.hpp"

namespace weft::inline v0_1::tls {
namespace {

std::string text_of_name(const X509_NAME* name) {
  const BioOwner text(checked(BIO_new(BIO_s_mem())));
  X509_NAME_print_ex(text.get(), name, 0,
                     XN_FLAG_RFC2253 & ~static_cast<unsigned>(ASN1_STRFLGS_ESC_MSB));
  return text_of(text.get());
}

Certificate::Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

/// The subjectAltName's entries of one type.
template <class F>
void for_each_name(X509* certificate, int type, F take) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != type) continue;
    const ASN1_STRING* const text = type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(text));
    take(ASN1_STRING_get0_data(text), size);
  }
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 0xf];
  }
  return text;
}

}  // namespace

std::string Certificate::subject() const {
  return text_of_name(X509_get_subject_name(native_handle()));
}
std::string Certificate::issuer() const {
  return text_of_name(X509_get_issuer_name(native_handle()));
}

std::string Certificate::serial() const {
  const ASN1_INTEGER* const number = X509_get0_serialNumber(native_handle());
  const std::string text = hexadecimal(ASN1_STRING_get0_data(number),
                                       static_cast<std::size_t>(ASN1_STRING_length(number)));
  const std::size_t first = text.find_first_not_of('0');
  return first == std::string::npos ? "0" : text.substr(first);
}

Certificate::Time Certificate::not_before() const {
  return time_of(X509_get0_notBefore(native_handle()));
}
Certificate::Time Certificate::not_after() const {
  return time_of(X509_get0_notAfter(native_handle()));
}

std::vector<std::string> Certificate::dns_names() const {
  std::vector<std::string> names;
  for_each_name(native_handle(), GEN_DNS, [&](const unsigned char* text, std::size_t size) {
    // SAFETY: char may alias anything.
    names.emplace_back(reinterpret_cast<const char*>(text), size);
  });
  return names;
}

std::vector<std::string> Certificate::ip_addresses() const {
  std::vector<std::string> addresses;
  for_each_name(native_handle(), GEN_IPADD, [&](const unsigned char* bytes, std::size_t size) {
    Endpoint::Ipv4 four{};
    Endpoint::Ipv6 six{};
    if (size == four.size()) {
      std::copy_n(bytes, size, four.begin());
      const std::string text = Endpoint::ipv4(four, 0).to_string();
      addresses.push_back(text.substr(0, text.rfind(':')));
    } else if (size == six.size()) {
      std::copy_n(bytes, size, six.begin());
      const std::string text = Endpoint::ipv6(six, 0).to_string();  // "[::1]:0"
      addresses.push_back(text.substr(1, text.rfind(']') - 1));
    }
  });
  return addresses;
}

std::string Certificate::sha256() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(native_handle(), EVP_sha256(), digest.data(), &size) != 1) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
  return hexadecimal(digest.data(), size);
}

std::string Certificate::pem() const {
  const BioOwner text(checked(BIO_new(BIO_s_mem())));
  PEM_write_bio_X509(text.get(), native_handle());
  return text_of(text.get());
}

}  // namespace weft::inline v0_1::tls
