#include <weft/http/conditional.hpp>

#include <chrono>
#include <stdexcept>

#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

/// RFC 9110, 8.8.3: etagc.
[[nodiscard]] bool is_tag_char(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != '"' && byte != 0x7f;
}

std::optional<EntityTag> take_tag(FieldCursor& cursor) {
  const bool weak = cursor.rest().starts_with("W/");
  if (weak) cursor.take_first(2);
  if (!cursor.take('"')) return std::nullopt;
  const std::string_view opaque = cursor.take_until('"');
  if (!cursor.take('"')) return std::nullopt;
  for (const char c : opaque) {
    if (!is_tag_char(c)) return std::nullopt;
  }
  return EntityTag(opaque, weak);
}

/// Returns whether one of the tags in all fields of that name is the present one; "*" is if there
/// is a version.
[[nodiscard]] bool names_present(const Request& request, std::string_view name,
                                 const Validators& present, bool strongly) {
  for (const std::string_view value : request.headers.find_all(name)) {
    if (trim(value) == "*") {
      if (present.exists) return true;
      continue;
    }
    FieldCursor cursor(value);
    while (!cursor.at_end()) {
      cursor.skip_space();
      if (cursor.take(',')) continue;
      const std::optional<EntityTag> tag = take_tag(cursor);
      if (!tag) break;
      if (!present.tag || !present.exists) continue;
      if (strongly ? tag->matches_strongly(*present.tag) : tag->matches_weakly(*present.tag)) {
        return true;
      }
      cursor.skip_space();
    }
  }
  return false;
}

/// The date of a field that comes once; null if it is malformed.
[[nodiscard]] std::optional<HttpTime> date_in(const Request& request, std::string_view name) {
  const std::optional<std::string_view> value = request.headers.find(name);
  return value ? parse_http_date(*value) : std::nullopt;
}

[[nodiscard]] bool reads(const Request& request) noexcept {
  return request.method == Method::get || request.method == Method::head;
}

}  // namespace

EntityTag::EntityTag(std::string_view opaque, bool weak) : opaque_(opaque), weak_(weak) {
  for (const char c : opaque) {
    if (!is_tag_char(c)) {
      throw std::invalid_argument("weft::http::EntityTag: a quote, space or control character");
    }
  }
}

std::optional<EntityTag> EntityTag::parse(std::string_view field) {
  FieldCursor cursor(trim(field));
  std::optional<EntityTag> tag = take_tag(cursor);
  if (!cursor.at_end()) return std::nullopt;
  return tag;
}

EntityTag EntityTag::weakened() const { return EntityTag(opaque_, true); }

std::string EntityTag::to_string() const {
  std::string text(weak_ ? "W/\"" : "\"");
  return text.append(opaque_).append("\"");
}

void Validators::add_to(Headers& headers) const {
  if (tag) headers.set("ETag", tag->to_string());
  if (modified) headers.set("Last-Modified", to_http_date(*modified));
}

Condition evaluate(const Request& request, const Validators& present) {
  if (request.headers.contains("If-Match")) {
    if (!names_present(request, "If-Match", present, true)) return Condition::failed;
  } else if (const auto date = date_in(request, "If-Unmodified-Since"); date && present.modified) {
    if (*present.modified > *date) return Condition::failed;
  }
  if (request.headers.contains("If-None-Match")) {
    if (names_present(request, "If-None-Match", present, false)) {
      return reads(request) ? Condition::not_modified : Condition::failed;
    }
  } else if (const auto date = date_in(request, "If-Modified-Since");
             date && present.modified && reads(request)) {
    if (*present.modified <= *date) return Condition::not_modified;
  }
  return Condition::holds;
}

std::optional<Response> answer_conditions(const Request& request, const Validators& present) {
  const Condition found = evaluate(request, present);
  if (found == Condition::holds) return std::nullopt;
  if (found == Condition::failed) return Response::of(412);
  Response unchanged(304);
  present.add_to(unchanged.headers);
  return unchanged;
}

bool if_range_holds(const Request& request, const Validators& present) {
  const std::optional<std::string_view> field = request.headers.find("If-Range");
  if (!field) return true;
  if (const auto tag = EntityTag::parse(*field)) {
    return present.tag && tag->matches_strongly(*present.tag);
  }
  const auto date = parse_http_date(*field);
  if (!date || !present.modified || *date != *present.modified) return false;
  // RFC 9110, 8.8.2.2: within the same second there may have been another version.
  return std::chrono::system_clock::now() - *present.modified >= std::chrono::seconds(1);
}

}  // namespace weft::inline v0_1::http
