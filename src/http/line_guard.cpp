#include "http/line_guard.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Longer words are not methods; the response does not name them.
constexpr std::size_t kMaxMethod = 64;

[[nodiscard]] Errc line_error(char c, Errc otherwise) noexcept {
  return c == '\n' ? Errc::bad_line_ending : otherwise;
}

}  // namespace

std::size_t RequestLineGuard::take_whole(std::string_view bytes, std::size_t max_target) noexcept {
  constexpr std::string_view kEnd = " HTTP/1.1\r\n";
  if (phase_ != Phase::method || size_ != 0) return 0;
  const std::size_t space = bytes.substr(0, name_.size() + 1).find(' ');
  if (space == std::string_view::npos) return 0;
  const std::optional<Method> method = method_from(bytes.substr(0, space));
  if (!method || *method == Method::connect) return 0;
  std::size_t end = space + 1;
  while (end < bytes.size() && is(kTarget, bytes[end])) ++end;
  const std::string_view target = bytes.substr(space + 1, end - space - 1);
  if (!target.starts_with('/') || target.size() > max_target ||
      !bytes.substr(end).starts_with(kEnd)) {
    return 0;
  }
  whole_target_ = target;
  method_ = *method;
  phase_ = Phase::done;
  return end + kEnd.size();
}

Verdict RequestLineGuard::step(char c, std::size_t max_target) noexcept {
  if (phase_ == Phase::target) return step_target(c, max_target);
  if (phase_ == Phase::version) return step_version(c);
  if (c == ' ') return end_method();
  if (!is(kToken, c)) return line_error(c, Errc::bad_request_line);
  if (size_ < name_.size()) name_[size_] = c;
  if (++size_ > kMaxMethod) return Errc::bad_request_line;
  return std::nullopt;
}

Verdict RequestLineGuard::end_method() noexcept {
  if (size_ == 0) return Errc::bad_request_line;
  const std::string_view name(name_.data(), std::min(size_, name_.size()));
  // The table is searched only for names that fit; longer ones are unknown methods.
  const std::optional<Method> method =
      size_ <= name_.size() ? method_from(name) : std::optional<Method>();
  if (!method) return name == "PRI" ? Errc::http2_preface : Errc::unsupported_method;
  method_ = *method;
  size_ = 0;
  phase_ = Phase::target;
  return std::nullopt;
}

Verdict RequestLineGuard::step_target(char c, std::size_t max_target) noexcept {
  if (is(kTarget, c)) {
    if (++size_ > max_target) return Errc::target_too_long;
    return std::nullopt;
  }
  if (c != ' ') {
    return line_error(c, c == '\r' ? Errc::bad_request_line : Errc::bad_target);
  }
  if (size_ == 0) return Errc::bad_request_line;
  phase_ = Phase::version;
  return std::nullopt;
}

Verdict RequestLineGuard::step_version(char c) noexcept {
  constexpr std::string_view kPattern = "HTTP/1.1\r\n";
  const char expected = kPattern[version_size_];
  const bool is_digit = c >= '0' && c <= '9';
  const bool in_number = version_size_ == 5 || version_size_ == 7;
  if (in_number && is_digit) {
    if (c != expected && !(version_size_ == 7 && c == '0')) old_version_ = true;
  } else if (c != expected) {
    return line_error(c, version_size_ == 9 ? Errc::bad_line_ending : Errc::bad_request_line);
  }
  // Whether a well-formed version is unsupported is known only at the end of the line.
  if (++version_size_ < kPattern.size()) return std::nullopt;
  if (old_version_) return Errc::unsupported_version;
  phase_ = Phase::done;
  return std::nullopt;
}

Verdict StatusLineGuard::step(char c, std::size_t max_size, bool tolerant) noexcept {
  constexpr std::string_view kPattern = "HTTP/1.1 200";
  const std::size_t at = size_++;
  if (size_ > max_size) return Errc::headers_too_large;
  if (saw_cr_) {
    if (c != '\n') return Errc::bad_line_ending;
    done_ = true;
    return std::nullopt;
  }
  if (c == '\n') {
    done_ = tolerant && at >= kPattern.size();
    return done_ ? Verdict() : Errc::bad_line_ending;
  }
  if (at < kPattern.size()) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool fits = at == 7   ? c == '0' || c == '1'
                      : at == 9 ? is_digit && c != '0'
                      : at > 9  ? is_digit
                                : c == kPattern[at];
    if (fits) return std::nullopt;
    return at == 7 && is_digit ? Errc::unsupported_version : Errc::bad_status_line;
  }
  saw_cr_ = c == '\r';
  if (saw_cr_) return std::nullopt;
  const bool fits = at == kPattern.size() ? c == ' ' : is(kFieldText, c);
  return fits ? Verdict() : Errc::bad_status_line;
}

Verdict ChunkLineGuard::step(char c, std::size_t& extension_left) noexcept {
  if (phase_ == Phase::size) return step_size(c);
  if (phase_ == Phase::line_feed) {
    if (c != '\n') return Errc::bad_line_ending;
    phase_ = Phase::done;
    return std::nullopt;
  }
  if (extension_left == 0) return Errc::chunk_extension_too_large;
  --extension_left;
  return step_extension(c);
}

Verdict ChunkLineGuard::step_size(char c) noexcept {
  if (is(kHexDigit, c)) {
    // Sixteen digits hold every 64-bit size; more would be unlimited leading zeros.
    if (size_ == digits_.size()) return Errc::bad_chunk;
    digits_[size_++] = c;
    return std::nullopt;
  }
  if (size_ == 0 || (c != ';' && c != '\r')) return line_error(c, Errc::bad_chunk);
  phase_ = c == ';' ? Phase::name_start : Phase::line_feed;
  return std::nullopt;
}

bool ChunkLineGuard::end_extension(char c) noexcept {
  if (c != ';' && c != '\r') return false;
  phase_ = c == ';' ? Phase::name_start : Phase::line_feed;
  return true;
}

Verdict ChunkLineGuard::step_extension(char c) noexcept {
  bool fits = true;
  switch (phase_) {
    case Phase::name_start:
      fits = is(kToken, c);
      phase_ = Phase::name;
      break;
    case Phase::name:
      if (c == '=') {
        phase_ = Phase::value_start;
      } else {
        fits = is(kToken, c) || end_extension(c);
      }
      break;
    case Phase::value_start:
      fits = c == '"' || is(kToken, c);
      phase_ = c == '"' ? Phase::quoted : Phase::value;
      break;
    case Phase::value:
      fits = is(kToken, c) || end_extension(c);
      break;
    case Phase::quoted:
      fits = is(kFieldText, c);
      if (c == '"') phase_ = Phase::quoted_end;
      if (c == '\\') phase_ = Phase::escaped;
      break;
    case Phase::escaped:
      fits = is(kFieldText, c);
      phase_ = Phase::quoted;
      break;
    default:  // quoted_end
      fits = end_extension(c);
      break;
  }
  return fits ? Verdict() : line_error(c, Errc::bad_chunk);
}

FieldLinesGuard::Scan FieldLinesGuard::scan(std::string_view bytes,
                                            std::size_t& bytes_left) noexcept {
  std::size_t at = 0;
  bool blank_end = false;
  const std::size_t within = std::min(bytes.size(), bytes_left);
  while (at < within) {
    const char* const from = bytes.data() + at;
    if (!saw_cr_ && line_size_ == 0 && (*from == ' ' || *from == '\t')) {
      return {at, Errc::folded_header, false};
    }
    // Scans to the first CR, which LF must follow. An LF before it is a bare one.
    const std::size_t rest = within - at;
    const auto* const cr = static_cast<const char*>(std::memchr(from, '\r', rest));
    const std::size_t plain = saw_cr_         ? 0
                              : cr != nullptr ? static_cast<std::size_t>(cr - from)
                                              : rest;
    if (const void* lf = std::memchr(from, '\n', plain); lf != nullptr) {
      at += static_cast<std::size_t>(static_cast<const char*>(lf) - from);
      return {at, Errc::bad_line_ending, false};
    }
    if (!saw_cr_) {
      line_size_ += plain;
      at += plain;
      if (cr == nullptr) break;
      if (plain != 0 && static_cast<unsigned char>(cr[-1]) <= ' ') blank_end = true;
      saw_cr_ = true;
      ++at;
      continue;
    }
    if (*from != '\n') return {at, Errc::bad_line_ending, false};
    ++at;
    saw_cr_ = false;
    const bool empty_line = line_size_ == 0;
    line_size_ = 0;
    if (empty_line) {
      bytes_left -= at;
      return {at, std::nullopt, true, blank_end};
    }
  }
  bytes_left -= at;
  if (at < bytes.size()) return {at, Errc::headers_too_large, false};
  return {at, std::nullopt, false};
}

TolerantFieldLines::Step TolerantFieldLines::end_head() noexcept {
  constexpr std::string_view ends = "\r\n\r\n";
  phase_ = Phase::start;  // of the trailers
  return {1, ends.substr(std::exchange(has_line_, false) ? 0 : 2), std::nullopt, true};
}

/// `c` is the first byte of a line.
TolerantFieldLines::Step TolerantFieldLines::begin_line(char c) noexcept {
  if (c == '\n') return end_head();
  if (c == '\r') {
    phase_ = Phase::last_feed;
    return {1, {}, std::nullopt, false};
  }
  if (c == ' ' || c == '\t') {
    if (!has_line_) return {0, {}, Errc::folded_header, false};
    phase_ = Phase::fold;
    return {1, " ", std::nullopt, false};
  }
  // The end of the line before was kept back until it was known that the field ends there.
  phase_ = Phase::text;
  return {0, std::exchange(has_line_, true) ? "\r\n" : "", std::nullopt, false};
}

TolerantFieldLines::Step TolerantFieldLines::step(std::string_view bytes) noexcept {
  const char c = bytes.front();
  switch (phase_) {
    case Phase::start:
    case Phase::line_ended:
      return begin_line(c);
    case Phase::line_feed:
      if (c != '\n') return {0, {}, Errc::bad_line_ending, false};
      phase_ = Phase::line_ended;
      return {1, {}, std::nullopt, false};
    case Phase::last_feed:
      if (c != '\n') return {0, {}, Errc::bad_line_ending, false};
      return end_head();
    case Phase::fold:
      if (c == ' ' || c == '\t') return {1, {}, std::nullopt, false};
      phase_ = Phase::text;
      return {0, {}, std::nullopt, false};
    default:  // text
      break;
  }
  const std::size_t size = std::min(bytes.find_first_of("\r\n"), bytes.size());
  if (size > 0) return {size, bytes.substr(0, size), std::nullopt, false};
  phase_ = c == '\r' ? Phase::line_feed : Phase::line_ended;
  return {1, {}, std::nullopt, false};
}

}  // namespace weft::inline v0_1::http
