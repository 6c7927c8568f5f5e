// The date of a cookie (RFC 6265, 5.1.1): its parts in any order, between any delimiters.
#include <weft/http/cookie.hpp>

#include <array>

#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

struct Found {
  std::optional<std::array<int, 3>> clock = {};
  std::optional<int> day = {};
  std::optional<int> month = {};
  std::optional<int> year = {};
};

[[nodiscard]] bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes `least` to `most` digits; null if others come next. What follows them is left.
[[nodiscard]] std::optional<int> take_digits(std::string_view& text, std::size_t least,
                                             std::size_t most) noexcept {
  std::size_t size = 0;
  int value = 0;
  while (size < text.size() && is_digit(text[size])) {
    if (size == most) return std::nullopt;
    value = value * 10 + (text[size++] - '0');
  }
  if (size < least) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

[[nodiscard]] std::optional<std::array<int, 3>> clock_in(std::string_view token) noexcept {
  std::array<int, 3> clock;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto value = take_digits(token, 1, 2);
    if (!value) return std::nullopt;
    clock[i] = *value;
    if (i < 2) {
      if (!token.starts_with(':')) return std::nullopt;
      token.remove_prefix(1);
    }
  }
  return clock;
}

[[nodiscard]] std::optional<int> number_in(std::string_view token, std::size_t least,
                                           std::size_t most) noexcept {
  return take_digits(token, least, most);
}

[[nodiscard]] std::optional<int> month_in(std::string_view token) noexcept {
  constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (token.size() < 3) return std::nullopt;
  for (int i = 0; i < 12; ++i) {
    if (same_name(token.substr(0, 3), months.substr(static_cast<std::size_t>(i) * 3, 3)))
      return i + 1;
  }
  return std::nullopt;
}

void take_token(Found& found, std::string_view token) noexcept {
  if (!found.clock && (found.clock = clock_in(token))) return;
  if (!found.day && (found.day = number_in(token, 1, 2))) return;
  if (!found.month && (found.month = month_in(token))) return;
  if (!found.year) found.year = number_in(token, 2, 4);
}

/// What stands between tokens: neither digits, letters nor ':'.
[[nodiscard]] bool is_delimiter(char c) noexcept {
  const char lower = to_lower(c);
  return !is_digit(c) && c != ':' && !(lower >= 'a' && lower <= 'z') &&
         static_cast<unsigned char>(c) < 0x7f;
}

}  // namespace

std::optional<HttpTime> parse_cookie_date(std::string_view text) {
  Found found;
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && !is_delimiter(text[size])) ++size;
    if (size != 0) take_token(found, text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  if (!found.clock || !found.day || !found.month || !found.year) return std::nullopt;
  int year = *found.year;
  if (year >= 70 && year <= 99) year += 1900;
  if (year >= 0 && year <= 69) year += 2000;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(*found.month)),
                                         std::chrono::day(static_cast<unsigned>(*found.day))};
  const auto [hour, minute, second] = *found.clock;
  if (!date.ok() || year < 1601 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace weft::inline v0_1::http
