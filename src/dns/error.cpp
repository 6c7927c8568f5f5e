#include <weft/dns/error.hpp>

#include <string>

namespace weft::inline v0_1::dns {
namespace {

const char* message_of(Errc error) noexcept {
  switch (error) {
    case Errc::no_such_name:
      return "no such name (NXDOMAIN)";
    case Errc::no_data:
      return "the name has no such records";
    case Errc::format_error:
      return "the server did not understand the query (FORMERR)";
    case Errc::server_failure:
      return "the server could not answer (SERVFAIL)";
    case Errc::not_implemented:
      return "the server does not support such queries (NOTIMP)";
    case Errc::refused:
      return "the server refuses to answer (REFUSED)";
    case Errc::bad_response:
      return "the answer cannot be read";
    case Errc::timed_out:
      return "no answer in time";
    case Errc::unreachable:
      return "no name server can be reached";
    case Errc::bad_name:
      return "not a valid name";
  }
  return "unknown error of names";
}

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "weft.dns"; }
  [[nodiscard]] std::string message(int value) const override {
    return message_of(static_cast<Errc>(value));
  }
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    const auto error = static_cast<Errc>(value);
    if (error == Errc::timed_out) return std::make_error_condition(std::errc::timed_out);
    if (error == Errc::unreachable) return std::make_error_condition(std::errc::host_unreachable);
    return {value, *this};
  }
};

}  // namespace

const std::error_category& dns_category() noexcept {
  static const Category category;
  return category;
}

}  // namespace weft::inline v0_1::dns
