// The authority of a request: the value of Host, or the part of an absolute target that names the
// server. Any thread. Called by the request parser.
#pragma once

#include <optional>
#include <string_view>

namespace weft::inline v0_1::http {

/// Returns whether `text` is "host" or "host:port" (RFC 9110, 7.2). The host is a name, an IPv4
/// address, or an IPv6 address in brackets without a zone; the port is at most 65535, or empty. An
/// empty text is accepted, too: it says that the target has no authority. Throws std::bad_alloc.
[[nodiscard]] bool is_host(std::string_view text);

/// Returns the authority of "scheme://authority/path?query"; none if `target` has no such form.
[[nodiscard]] std::optional<std::string_view> authority_of(std::string_view target) noexcept;

}  // namespace weft::inline v0_1::http
