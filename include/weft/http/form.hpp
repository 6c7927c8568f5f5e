// Forms: application/x-www-form-urlencoded (the URL standard, 5). Part of <weft/http.hpp>. Forms
// with files are in <weft/http/multipart.hpp>. Values; any thread.
//
//   auto form = http::Form::parse(request.body);
//   if (!form) return http::Response::of(400);
//   use(form->find("name").value_or(""));
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http {

/// Why a form was rejected.
enum class FormErrc : std::uint8_t {
  too_many_fields = 1,    ///< more fields or parts than the limit
  field_too_large,        ///< a field or part with more bytes than the limit
  bad_percent_encoding,   ///< a '%' without two hexadecimal digits
  not_multipart,          ///< Content-Type is not multipart/form-data with a boundary
  bad_boundary,           ///< a boundary that RFC 2046 does not allow
  no_first_boundary,      ///< the body does not begin with a boundary, within the limit
  bad_part_header,        ///< a malformed field of a part
  no_part_name,           ///< a part without `Content-Disposition: form-data; name=…`
  part_header_too_large,  ///< more fields, or bytes of these, than the limit
  unexpected_end,         ///< the body ends before the last boundary
};
/// The category of FormErrc; its name is "http form".
[[nodiscard]] const std::error_category& form_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(FormErrc code) noexcept {
  return {static_cast<int>(code), form_category()};
}

struct FormLimits {
  std::size_t max_fields = 1000;
  std::size_t max_field_size =
      std::size_t{1024} * 1024;  ///< bytes of a name and its value, decoded
};

/// The fields of a form, in order. Names may repeat.
class Form {
 public:
  using Field = std::pair<std::string, std::string>;

  Form() = default;
  /// Parses a body, or the query of a URL: "name=value&…", where '+' means a space. A field without
  /// '=' has an empty value. Errors: FormErrc.
  [[nodiscard]] static Result<Form> parse(std::string_view text, const FormLimits& limits = {});
  /// Returns "name=value&…", with everything encoded but letters, digits and "*-._".
  [[nodiscard]] std::string to_string() const;

  Form& add(std::string name, std::string value);
  /// Returns the value of the first field of that name. Valid until the form changes.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<std::string_view> find_all(std::string_view name) const;
  [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }

 private:
  std::vector<Field> fields_;
};

}  // namespace weft::inline v0_1::http

template <>
struct std::is_error_code_enum<weft::http::FormErrc> : std::true_type {};
