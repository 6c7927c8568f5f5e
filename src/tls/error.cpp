#include <weft/tls/error.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

namespace weft::inline v0_1::tls {
namespace {

constexpr int kAlert = static_cast<int>(Errc::alert);

const char* message_of(Errc error) noexcept {
  switch (error) {
    case Errc::certificate_expired:
      return "the certificate has expired";
    case Errc::certificate_not_yet_valid:
      return "the certificate is not valid yet";
    case Errc::wrong_host:
      return "the certificate is for another host";
    case Errc::self_signed:
      return "the certificate is self-signed and not trusted";
    case Errc::unknown_authority:
      return "the certificate is of no trusted authority";
    case Errc::certificate_revoked:
      return "the certificate is revoked";
    case Errc::no_revocation_list:
      return "there is no current revocation list for the certificate";
    case Errc::certificate_refused:
      return "the program refuses the certificate";
    case Errc::bad_certificate:
      return "the certificate is not acceptable";
    case Errc::no_certificate:
      return "the peer has no certificate";
    case Errc::not_tls:
      return "this is not TLS; is the peer speaking plain HTTP?";
    case Errc::no_common_version:
      return "no version of TLS in common";
    case Errc::no_common_cipher:
      return "no cipher in common";
    case Errc::no_common_protocol:
      return "no application protocol (ALPN) in common";
    case Errc::unknown_name:
      return "no certificate for this name";
    case Errc::closed_in_handshake:
      return "the peer closed the connection during the handshake";
    case Errc::handshake_timed_out:
      return "the handshake took too long";
    case Errc::truncated:
      return "the stream ended without close_notify, bytes may be missing";
    case Errc::protocol_error:
      return "the peer breaks the protocol";
    case Errc::bad_pem:
      return "no such PEM block that can be read";
    case Errc::key_mismatch:
      return "the key does not match the certificate";
    case Errc::passphrase_missing:
      return "the key is encrypted, and there is no passphrase";
    case Errc::wrong_passphrase:
      return "the passphrase is wrong";
    case Errc::unusable_certificate:
      return "certificate and key cannot be used";
    case Errc::bad_option:
      return "unknown or unsupported value";
    case Errc::alert:
      break;
  }
  return "unknown error of TLS";
}

constexpr auto kAlerts = std::to_array<std::pair<std::uint8_t, std::string_view>>({
    {0, "close notify"},
    {10, "unexpected message"},
    {20, "bad record mac"},
    {21, "decryption failed"},
    {22, "record overflow"},
    {40, "handshake failure"},
    {42, "bad certificate"},
    {43, "unsupported certificate"},
    {44, "certificate revoked"},
    {45, "certificate expired"},
    {46, "certificate unknown"},
    {47, "illegal parameter"},
    {48, "unknown ca"},
    {49, "access denied"},
    {50, "decode error"},
    {51, "decrypt error"},
    {70, "protocol version"},
    {71, "insufficient security"},
    {80, "internal error"},
    {86, "inappropriate fallback"},
    {90, "user canceled"},
    {100, "no renegotiation"},
    {109, "missing extension"},
    {110, "unsupported extension"},
    {112, "unrecognized name"},
    {113, "bad certificate status response"},
    {115, "unknown psk identity"},
    {116, "certificate required"},
    {120, "no application protocol"},
});

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "weft.tls"; }
  [[nodiscard]] std::string message(int value) const override {
    if (value < kAlert) return message_of(static_cast<Errc>(value));
    const int number = value - kAlert;
    std::string text("the peer sent the alert '");
    return text.append(alert_name(static_cast<std::uint8_t>(number)))
        .append("' (")
        .append(std::to_string(number))
        .append(")");
  }
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    if (static_cast<Errc>(value) == Errc::handshake_timed_out) {
      return std::make_error_condition(std::errc::timed_out);
    }
    return {value, *this};
  }
};

}  // namespace

const std::error_category& tls_category() noexcept {
  static const Category category;
  return category;
}

std::optional<std::uint8_t> alert_of(std::error_code code) noexcept {
  if (code.category() != tls_category() || code.value() < kAlert) return std::nullopt;
  return static_cast<std::uint8_t>(code.value() - kAlert);
}

std::string_view alert_name(std::uint8_t number) noexcept {
  const auto* const found =
      std::ranges::find(kAlerts, number, &decltype(kAlerts)::value_type::first);
  return found != std::end(kAlerts) ? found->second : std::string_view("unknown");
}

}  // namespace weft::inline v0_1::tls
