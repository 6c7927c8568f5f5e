// Authority: an authority for certificates, made when a test needs one. No file, no fixed date.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace weft::test {

/// A certificate and its key, in PEM.
struct Issued {
  std::string certificate;
  std::string key;
  std::string serial;  // hexadecimal
  /// Both in one text.
  [[nodiscard]] std::string both() const { return certificate + key; }
};

struct IssueOptions {
  IssueOptions() = default;
  std::string name = "leaf";
  std::string alternatives = "DNS:localhost,IP:127.0.0.1,IP:::1";  ///< empty: none
  int from_days = -1;
  int to_days = 30;
  bool self_signed = false;
  bool is_rsa = false;
  std::string passphrase = {};  ///< encrypts the key
};

class Authority {
 public:
  /// A root, or what `issuer` has certified.
  explicit Authority(const std::string& name, const Authority* issuer = nullptr);

  [[nodiscard]] Issued issue(const IssueOptions& options = {}) const;
  [[nodiscard]] Issued issue_for(const std::string& name) const;
  /// A revocation list, valid for some days from `from_days` on.
  [[nodiscard]] std::string crl(const std::vector<Issued>& revoked, int from_days = -1,
                                int to_days = 30) const;
  [[nodiscard]] const std::string& pem() const noexcept { return pem_; }

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::string pem_;
};

}  // namespace weft::test
