// tls::Certificate: an X.509 certificate that a peer has sent. Part of <weft/tls.hpp>.
//
// A value of one pointer; copies share it. Immutable, so any thread may use it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// OpenSSL's X509.
struct x509_st;

namespace weft::inline v0_1::tls {

/// A certificate. Its functions throw std::bad_alloc.
class Certificate {
 public:
  using Time = std::chrono::system_clock::time_point;

  explicit Certificate(std::shared_ptr<x509_st> handle) noexcept : handle_(std::move(handle)) {}

  /// Returns the names of subject and issuer as RFC 2253 writes them: "CN=example.org,O=Example".
  [[nodiscard]] std::string subject() const;
  [[nodiscard]] std::string issuer() const;
  /// Returns the serial number in hexadecimal, without leading zeros.
  [[nodiscard]] std::string serial() const;
  [[nodiscard]] Time not_before() const;
  [[nodiscard]] Time not_after() const;
  /// Returns the names, and the addresses in text form, that it is for (subjectAltName).
  [[nodiscard]] std::vector<std::string> dns_names() const;
  [[nodiscard]] std::vector<std::string> ip_addresses() const;
  /// Returns the SHA-256 of its DER form, in hexadecimal, to pin it: 64 lower-case digits.
  [[nodiscard]] std::string sha256() const;
  [[nodiscard]] std::string pem() const;

  /// Returns OpenSSL's object, which lives as long as this one, for what is missing here.
  [[nodiscard]] x509_st* native_handle() const noexcept { return handle_.get(); }

 private:
  std::shared_ptr<x509_st> handle_;
};

}  // namespace weft::inline v0_1::tls
