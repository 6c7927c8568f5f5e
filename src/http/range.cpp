#include <weft/http/range.hpp>

#include <algorithm>
#include <charconv>

#include "http/boundary.hpp"
#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

/// The whole text as a number; null if it is none, or too large.
[[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || stop != end) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::nullopt;
  return error == std::errc() ? std::optional(value) : std::nullopt;
}
/// The same, but a number that is too large counts as the largest: RFC 9110, 14.1.2 takes ranges
/// that end behind the body.
[[nodiscard]] std::optional<std::uint64_t> bound_in(std::string_view text) noexcept {
  const bool digits =
      !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return std::nullopt;
  return number_in(text).value_or(~std::uint64_t{0});
}

struct Spec {
  bool malformed = false;
  std::optional<ByteRange> range = {};  // null: the body has nothing of it
};

/// "0-99", "100-" or "-50".
[[nodiscard]] Spec parse_spec(std::string_view text, std::uint64_t size) noexcept {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {true};
  const std::string_view from = text.substr(0, dash);
  const std::string_view to = text.substr(dash + 1);
  if (from.empty()) {
    const auto suffix = bound_in(to);
    if (!suffix) return {true};
    if (*suffix == 0 || size == 0) return {};
    return {false, ByteRange{size - std::min(*suffix, size), size - 1}};
  }
  const auto first = bound_in(from);
  const auto last = to.empty() ? std::optional(~std::uint64_t{0}) : bound_in(to);
  if (!first || !last || *last < *first) return {true};
  if (*first >= size) return {};
  return {false, ByteRange{*first, std::min(*last, size - 1)}};
}

}  // namespace

RangeChoice parse_ranges(std::string_view field, std::uint64_t size, const RangeLimits& limits) {
  const std::size_t mark = field.find('=');
  if (mark == std::string_view::npos || !same_name(trim(field.substr(0, mark)), "bytes")) return {};
  std::string_view rest = field.substr(mark + 1);
  std::vector<ByteRange> ranges;
  std::size_t wanted = 0;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::string_view text = trim(rest.substr(0, comma));
    rest.remove_prefix(more ? comma + 1 : rest.size());
    if (text.empty()) continue;  // RFC 9110, 5.6.1: empty elements of a list
    if (++wanted > limits.max_ranges) return {};
    const Spec spec = parse_spec(text, size);
    if (spec.malformed) return {};
    if (!spec.range) continue;
    if (!limits.allow_overlap && !ranges.empty() && spec.range->first <= ranges.back().last)
      return {};
    ranges.push_back(*spec.range);
  }
  if (wanted == 0) return {};
  return RangeChoice(std::move(ranges));
}

RangeChoice choose_ranges(const Request& request, std::uint64_t size, const RangeLimits& limits) {
  if (request.method != Method::get) return {};
  const std::vector<std::string_view> fields = request.headers.find_all("Range");
  if (fields.size() != 1) return {};
  return parse_ranges(fields.front(), size, limits);
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  std::string text("bytes ");
  text.append(std::to_string(range.first)).append("-").append(std::to_string(range.last));
  return text.append("/").append(std::to_string(size));
}

Response answer_unsatisfiable(std::uint64_t size) {
  Response answer = Response::of(416);
  answer.headers.set("Content-Range", "bytes */" + std::to_string(size));
  return answer;
}

std::optional<ContentRange> ContentRange::parse(std::string_view field) {
  FieldCursor cursor(trim(field));
  if (!same_name(cursor.take_token(), "bytes") || !cursor.take(' ')) return std::nullopt;
  const std::string_view range = cursor.take_until('/');
  if (!cursor.take('/')) return std::nullopt;
  ContentRange parsed;
  if (cursor.rest() != "*") {
    parsed.size = number_in(cursor.rest());
    if (!parsed.size) return std::nullopt;
  }
  if (range == "*") return parsed.size ? std::optional(parsed) : std::nullopt;
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number_in(range.substr(0, dash));
  const auto last = number_in(range.substr(dash + 1));
  if (!first || !last || *last < *first || (parsed.size && *last >= *parsed.size)) {
    return std::nullopt;
  }
  parsed.range = ByteRange{*first, *last};
  return parsed;
}

MultipartRanges::MultipartRanges(std::vector<ByteRange> ranges, std::uint64_t size,
                                 std::string content_type)
    : ranges_(std::move(ranges)),
      size_(size),
      part_type_(std::move(content_type)),
      boundary_(random_boundary()) {}

std::string MultipartRanges::content_type() const {
  return "multipart/byteranges; boundary=" + boundary_;
}

std::string MultipartRanges::before(std::size_t index) const {
  std::string text(index == 0 ? "--" : "\r\n--");
  text.append(boundary_);
  if (!part_type_.empty()) text.append("\r\nContent-Type: ").append(part_type_);
  text.append("\r\nContent-Range: ").append(content_range(ranges_[index], size_));
  return text.append("\r\n\r\n");
}

std::string MultipartRanges::end() const { return "\r\n--" + boundary_ + "--\r\n"; }

std::uint64_t MultipartRanges::length() const {
  std::uint64_t length = end().size();
  for (std::size_t i = 0; i < ranges_.size(); ++i) length += before(i).size() + ranges_[i].size();
  return length;
}

}  // namespace weft::inline v0_1::http
