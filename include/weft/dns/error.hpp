// Why a name has no answer, as std::error_code. Part of <weft/dns/resolver.hpp>.
#pragma once

#include <system_error>

namespace weft::inline v0_1::dns {

/// The messages name what a server has answered, in brackets by its name in the DNS (RFC 1035,
/// 4.1.1).
enum class Errc {
  no_such_name = 1,  ///< the name does not exist: NXDOMAIN
  no_data,           ///< the name exists, but has no records of that type
  format_error,      ///< the server did not understand the query: FORMERR
  server_failure,    ///< the servers could not answer it: SERVFAIL
  not_implemented,   ///< the servers do not support such queries: NOTIMP
  refused,           ///< the servers refuse to answer it: REFUSED
  bad_response,      ///< an answer that cannot be read, or with another response code
  timed_out,         ///< no server has answered in time (equals errc::timed_out)
  unreachable,       ///< no server could be reached (equals errc::host_unreachable)
  bad_name,          ///< it is no name: an empty or long label, too long, a forbidden character
};

/// The category of Errc; its name is "weft.dns".
[[nodiscard]] const std::error_category& dns_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc error) noexcept {
  return {static_cast<int>(error), dns_category()};
}

}  // namespace weft::inline v0_1::dns

template <>
struct std::is_error_code_enum<weft::dns::Errc> : std::true_type {};
