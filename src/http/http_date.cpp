// The three forms of a date (RFC 9110, 5.6.7).
#include <weft/http/date.hpp>

#include <algorithm>
#include <array>

#include "http/char_class.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

/// Compares a text with a pattern in which '0' stands for a digit, '_' for a digit or a space, and
/// 'a' for a letter.
[[nodiscard]] bool has_form(std::string_view text, std::string_view pattern) noexcept {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool letter = to_lower(text[i]) >= 'a' && to_lower(text[i]) <= 'z';
    switch (pattern[i]) {
      case '0':
        if (!digit) return false;
        break;
      case '_':
        if (!digit && text[i] != ' ') return false;
        break;
      case 'a':
        if (!letter) return false;
        break;
      default:
        if (text[i] != pattern[i]) return false;
    }
  }
  return true;
}

[[nodiscard]] int number(std::string_view digits) noexcept {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c == ' ' ? 0 : c - '0');
  return value;
}

[[nodiscard]] bool is_short_day(std::string_view name) noexcept {
  return std::ranges::any_of(kDays, [name](std::string_view day) { return day.starts_with(name); });
}

struct Parts {
  int year;
  std::string_view month;
  int day;
  std::string_view clock;  // "08:49:37"
};

[[nodiscard]] std::optional<HttpTime> time_of(const Parts& parts) noexcept {
  const std::size_t at = kMonths.find(parts.month);
  if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(parts.year),
                                         std::chrono::month(static_cast<unsigned>(at / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(parts.day))};
  const int hour = number(parts.clock.substr(0, 2));
  const int minute = number(parts.clock.substr(3, 2));
  const int second = number(parts.clock.substr(6, 2));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;  // a leap second
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

[[nodiscard]] int this_year() noexcept {
  const auto now = std::chrono::system_clock::now();
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  return static_cast<int>(today.year());
}

/// "Sunday, 06-Nov-94 08:49:37 GMT".
[[nodiscard]] std::optional<HttpTime> parse_rfc850(std::string_view text) noexcept {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos ||
      std::ranges::find(kDays, text.substr(0, comma)) == kDays.end()) {
    return std::nullopt;
  }
  const std::string_view rest = text.substr(comma);
  if (!has_form(rest, ", 00-aaa-00 00:00:00 GMT")) return std::nullopt;
  const int present = this_year();
  int year = present / 100 * 100 + number(rest.substr(9, 2));
  if (year > present + 50) year -= 100;
  return time_of({year, rest.substr(5, 3), number(rest.substr(2, 2)), rest.substr(12, 8)});
}

}  // namespace

std::string to_http_date(HttpTime time) {
  constexpr std::int64_t first = -62'167'219'200;  // the year 0
  constexpr std::int64_t last = 253'402'300'799;   // the end of the year 9999
  std::string text(29, ' ');
  write_http_date(std::clamp<std::int64_t>(time.time_since_epoch().count(), first, last),
                  text.data());
  return text;
}

std::optional<HttpTime> parse_http_date(std::string_view text) {
  if (has_form(text, "aaa, 00 aaa 0000 00:00:00 GMT") && is_short_day(text.substr(0, 3))) {
    return time_of({number(text.substr(12, 4)), text.substr(8, 3), number(text.substr(5, 2)),
                    text.substr(17, 8)});
  }
  if (has_form(text, "aaa aaa _0 00:00:00 0000") && is_short_day(text.substr(0, 3))) {
    return time_of({number(text.substr(20, 4)), text.substr(4, 3), number(text.substr(8, 2)),
                    text.substr(11, 8)});
  }
  return parse_rfc850(text);
}

}  // namespace weft::inline v0_1::http
