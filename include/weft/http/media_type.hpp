// Media types and negotiation (RFC 9110, 8.3 and 12): Content-Type, Accept, Accept-Encoding. Part
// of <weft/http.hpp>. Values; any thread.
//
//   auto type = http::MediaType::parse(request.headers.find("Content-Type").value_or(""));
//   if (!type || !type->is("application/json")) return http::Response::of(415);
//
//   const std::string_view offered[] = {"text/html", "application/json"};
//   auto best = http::negotiate_type(request, offered);       // an index, or null: 406
#pragma once

#include <weft/http/message.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http {

/// "text/html; charset=utf-8".
struct MediaType {
  MediaType() = default;

  std::string type;     ///< in lower case: "text"
  std::string subtype;  ///< in lower case: "html"
  /// Names in lower case, values without quotes, in order.
  std::vector<std::pair<std::string, std::string>> parameters;

  /// Parses it. Null: malformed; a parameter that comes twice is.
  [[nodiscard]] static std::optional<MediaType> parse(std::string_view field);
  /// Returns "type/subtype".
  [[nodiscard]] std::string essence() const { return type + "/" + subtype; }
  /// Returns whether it is that type, such as "text/html", in any case.
  [[nodiscard]] bool is(std::string_view essence) const noexcept;
  /// Returns the value of a parameter; `name` in lower case.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
  /// Returns it as a field has it. Values that are no tokens are quoted.
  [[nodiscard]] std::string to_string() const;
};

/// Returns `text` as a token, or in quotes where it is none. Control characters become spaces.
[[nodiscard]] std::string quote(std::string_view text);

/// Returns the type of a file by the ending of its name, "text/html; charset=utf-8" for "a.html";
/// "application/octet-stream" if the ending is not known.
[[nodiscard]] std::string_view media_type_of(std::string_view file_name) noexcept;

/// Returns the index of that offered type which the request's Accept likes best; the first of those
/// that it likes equally. A range of more detail decides: "text/*;q=0.5" does not reduce
/// "text/html". Null: it accepts none. Without Accept the first. Offered parameters count as those
/// of RFC 9110, 12.5.1.
[[nodiscard]] std::optional<std::size_t> negotiate_type(const Request& request,
                                                        std::span<const std::string_view> offered);

/// Does the same for content codings ("gzip", "br", "identity") and Accept-Encoding. "identity" is
/// acceptable unless it is refused by "identity;q=0" or "*;q=0"; null: nothing offered is. Without
/// the field only "identity" is chosen. Of codings that are liked equally the first one offered.
[[nodiscard]] std::optional<std::size_t> negotiate_coding(
    const Request& request, std::span<const std::string_view> offered);

}  // namespace weft::inline v0_1::http
