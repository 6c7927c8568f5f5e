#include <weft/http/form.hpp>

#include <weft/http/message.hpp>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

class FormCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http form"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<FormErrc>(code)) {
      case FormErrc::too_many_fields:
        return "too many fields";
      case FormErrc::field_too_large:
        return "a field is too large";
      case FormErrc::bad_percent_encoding:
        return "a '%' without two hexadecimal digits";
      case FormErrc::not_multipart:
        return "not a multipart/form-data body with a boundary";
      case FormErrc::bad_boundary:
        return "malformed boundary";
      case FormErrc::no_first_boundary:
        return "the body does not begin with its boundary";
      case FormErrc::bad_part_header:
        return "malformed header of a part";
      case FormErrc::no_part_name:
        return "a part without a name";
      case FormErrc::part_header_too_large:
        return "the header of a part is too large";
      case FormErrc::unexpected_end:
        return "the body ends before its last boundary";
    }
    return "unknown error";
  }
  [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
    return {code, *this};
  }
};

[[nodiscard]] Result<std::string> decode(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  Result<std::string> decoded = percent_decode(spaced);
  if (!decoded) return fail(make_error_code(FormErrc::bad_percent_encoding));
  return decoded;
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((is(kUnreserved, c) && c != '~') || c == '*') {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
}

}  // namespace

const std::error_category& form_category() noexcept {
  static const FormCategory category;
  return category;
}

Result<Form> Form::parse(std::string_view text, const FormLimits& limits) {
  Form form;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (form.fields_.size() == limits.max_fields) {
      return fail(make_error_code(FormErrc::too_many_fields));
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    Result<std::string> name = decode(pair.substr(0, equals));
    if (!name) return fail(name.error());
    Result<std::string> value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return fail(value.error());
    if (name->size() + value->size() > limits.max_field_size) {
      return fail(make_error_code(FormErrc::field_too_large));
    }
    form.fields_.emplace_back(std::move(*name), std::move(*value));
  }
  return form;
}

std::string Form::to_string() const {
  std::string text;
  for (const auto& [name, value] : fields_) {
    if (!text.empty()) text.push_back('&');
    append_encoded(text, name);
    text.push_back('=');
    append_encoded(text, value);
  }
  return text;
}

Form& Form::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
  return *this;
}

std::optional<std::string_view> Form::find(std::string_view name) const noexcept {
  for (const auto& [its_name, value] : fields_) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Form::find_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [its_name, value] : fields_) {
    if (its_name == name) values.push_back(value);
  }
  return values;
}

}  // namespace weft::inline v0_1::http
