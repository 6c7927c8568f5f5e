// The Date field (RFC 9110, 5.6.7) without locale or time zone; formatted once a second in each
// thread.
#include <chrono>
#include <cstring>
#include <ctime>

#include "http/serialize.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kDateSize = 29;

struct CachedDate {
  std::int64_t second = -1;
  char text[kDateSize + 1] = {};
};

/// Never inlined: the caller may be a coroutine that resumes on another thread, and a compiler may
/// keep the address of a thread_local over a suspension.
[[gnu::noinline]] CachedDate& cached_date() noexcept {
  static thread_local CachedDate cached;
  return cached;
}

void write_two(char* out, unsigned value) noexcept {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

void write_http_date(std::int64_t seconds, char* out) noexcept {
  using std::chrono::days;
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const unsigned weekday = std::chrono::weekday{day}.c_encoding();
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));

  std::memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", kDateSize);
  std::memcpy(out, &"SunMonTueWedThuFriSat"[std::size_t{weekday} * 3], 3);
  write_two(out + 5, static_cast<unsigned>(date.day()));
  const std::size_t month = static_cast<unsigned>(date.month()) - 1;
  std::memcpy(out + 8, &"JanFebMarAprMayJunJulAugSepOctNovDec"[month * 3], 3);
  write_two(out + 12, year / 100 % 100);
  write_two(out + 14, year % 100);
  write_two(out + 17, static_cast<unsigned>(clock.hours().count()));
  write_two(out + 20, static_cast<unsigned>(clock.minutes().count()));
  write_two(out + 23, static_cast<unsigned>(clock.seconds().count()));
}

std::string_view http_date_now() noexcept {
  CachedDate& cached = cached_date();
  const std::int64_t now = std::time(nullptr);
  if (cached.second != now) {
    write_http_date(now, cached.text);
    cached.second = now;
  }
  return {cached.text, kDateSize};
}

}  // namespace weft::inline v0_1::http
