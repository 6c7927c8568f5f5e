#include "http/client_policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <system_error>

namespace weft::inline v0_1::http {
namespace {

/// Of a redirect, what does not depend on the next URL. Throws.
void check_redirect(const Call& call, const Url& next, unsigned redirects) {
  const ClientOptions& options = call.core.options;
  if (redirects >= options.follow_redirects) {
    throw error_of(call, make_error_code(Errc::too_many_redirects));
  }
  const bool leaves_host = next.host != call.url.host || next.port != call.url.port;
  const bool gets_insecure = call.url.scheme == "https" && next.scheme == "http";
  // From http to https of the same host, the default port changes, too.
  const bool only_secures = next.host == call.url.host && call.url.scheme == "http" &&
                            call.url.port == 80 && next.scheme == "https" && next.port == 443;
  const bool is_refused =
      (options.redirect_same_host_only && leaves_host && !only_secures) ||
      (gets_insecure && !options.allow_insecure_redirect) ||
      (options.on_redirect && !options.on_redirect(Redirect(call.url, next, call.response)));
  if (is_refused) {
    throw IoError(make_error_code(Errc::redirect_refused), to_string(call.method),
                  call.url.to_string() + " to " + next.to_string());
  }
}

[[nodiscard]] bool becomes_get(const Call& call) noexcept {
  const int code = call.response.status.code();
  if (code == 303) return call.method != Method::head;
  return code <= 302 && call.method == Method::post;
}

template <class N>
[[nodiscard]] bool read_number(std::string_view text, N& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// The seconds since 1970 of an IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::optional<std::int64_t> fixdate(std::string_view text) noexcept {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return {};
  const std::size_t month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return {};
  std::array<int, 5> numbers{};  // day, year, hour, minute, second
  constexpr std::array<std::array<std::size_t, 2>, 5> places{
      {{5, 2}, {12, 4}, {17, 2}, {20, 2}, {23, 2}}};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string_view digits = text.substr(places[i][0], places[i][1]);
    if (digits.front() == '-' || !read_number(digits, numbers[i])) return {};
  }
  const std::chrono::year_month_day date{std::chrono::year(numbers[1]),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(numbers[0]))};
  if (!date.ok()) return {};
  const std::chrono::sys_seconds time =
      std::chrono::sys_days(date) + std::chrono::hours(numbers[2]) +
      std::chrono::minutes(numbers[3]) + std::chrono::seconds(numbers[4]);
  return time.time_since_epoch().count();
}

[[nodiscard]] bool is_retried_status(Status status) noexcept {
  const int code = status.code();
  return code == 429 || code == 502 || code == 503 || code == 504;
}

}  // namespace

bool is_followed(const Response& response) noexcept {
  const int code = response.status.code();
  const bool is_kind = code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
  return is_kind && response.headers.contains("location");
}

void follow(Call& call, unsigned redirects) {
  const std::string_view location = *call.response.headers.find("location");
  const Result<Url> next = call.url.resolve(location);
  if (!next) throw IoError(next.error(), "redirect to", location);
  check_redirect(call, *next, redirects);
  if (becomes_get(call)) {
    call.method = Method::get;
    call.sends_body = false;
  }
  if (!call.can_repeat()) throw error_of(call, make_error_code(Errc::body_not_repeatable));
  if (next->origin() != call.url.origin()) call.same_host = false;
  call.url = *next;
}

std::optional<std::chrono::seconds> retry_after(const Headers& headers,
                                                std::int64_t now_seconds) noexcept {
  const std::optional<std::string_view> value = headers.find("retry-after");
  if (!value) return std::nullopt;
  std::uint32_t seconds = 0;
  if (read_number(*value, seconds)) return std::chrono::seconds(seconds);
  const std::optional<std::int64_t> date = fixdate(*value);
  if (!date) return std::nullopt;
  constexpr std::int64_t longest = 1'000'000'000;  // still a number of nanoseconds
  return std::chrono::seconds(std::clamp<std::int64_t>(*date - now_seconds, 0, longest));
}

Retries::Retries(const ClientOptions& options, TimePoint deadline)
    : options_(options), deadline_(deadline) {
  if (options.retry) state_.emplace(*options.retry);
}

std::optional<Nanoseconds> Retries::within_deadline(std::optional<Nanoseconds> pause) const {
  if (pause && deadline_after(*pause) >= deadline_) return std::nullopt;
  return pause;
}

std::optional<Nanoseconds> Retries::after_error(const Call& call, const std::exception_ptr& error) {
  const bool was_seen = call.connected && !is_idempotent(call.method);
  if (was_seen || call.got_bytes || !call.can_repeat() || now() >= deadline_) return std::nullopt;
  return state_->failed(error);
}

std::optional<Nanoseconds> Retries::after_response(const Call& call) {
  if (!is_retried_status(call.response.status)) return std::nullopt;
  if (!is_idempotent(call.method) || !call.can_repeat()) return std::nullopt;
  const auto asked = retry_after(call.response.headers, std::time(nullptr));
  if (asked && *asked > options_.max_retry_after) return std::nullopt;
  const std::string status = std::to_string(call.response.status.code());
  const IoError error(std::make_error_code(std::errc::resource_unavailable_try_again),
                      to_string(call.method), call.url.to_string() + " (status " + status + ")");
  const auto pause = state_->failed(std::make_exception_ptr(error));
  if (pause && asked) return std::max<Nanoseconds>(*pause, *asked);
  return pause;
}

}  // namespace weft::inline v0_1::http
