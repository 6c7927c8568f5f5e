// Reads multipart/form-data (RFC 7578, RFC 2046 5.1). The buffer holds at most what may still
// become a boundary, or the head of a part, besides what the last read gave.
#include <weft/http/multipart.hpp>

#include <algorithm>
#include <cstring>

#include <weft/http/media_type.hpp>

#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kReadSize = std::size_t{16} * 1024;
constexpr std::size_t kMostPadding = 64;  // spaces behind a boundary

/// RFC 2046, 5.1.1: bchars.
[[nodiscard]] bool is_boundary(std::string_view text) noexcept {
  static constexpr std::string_view more = "'()+_,-./:=? ";
  if (text.empty() || text.size() > 70 || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) {
    return (is(kUnreserved, c) && c != '~') || more.find(c) != std::string_view::npos;
  });
}

/// What browsers escape in names (the HTML standard, 4.10.21.8).
[[nodiscard]] std::string unescaped(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::string_view three = text.substr(0, 3);
    const char c = three == "%22" ? '"' : three == "%0D" ? '\r' : three == "%0A" ? '\n' : '\0';
    plain.push_back(c != '\0' ? c : text.front());
    text.remove_prefix(c != '\0' ? 3 : 1);
  }
  return plain;
}

[[nodiscard]] std::string without_directories(const std::string& name) {
  const std::size_t slash = name.find_last_of("/\\");
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

/// A quoted string as browsers write it: a backslash stands for itself unless a quote or another
/// backslash follows it.
[[nodiscard]] std::optional<std::string> take_browser_word(FieldCursor& cursor) {
  if (cursor.next() != '"') return cursor.take_word();
  cursor.take('"');
  std::string said;
  while (!cursor.at_end()) {
    const char c = cursor.take_first(1).front();
    if (c == '"') return said;
    const bool escapes = c == '\\' && (cursor.next() == '"' || cursor.next() == '\\');
    said.push_back(escapes ? cursor.take_first(1).front() : c);
  }
  return std::nullopt;
}

/// `form-data; name="…"; filename="…"`.
[[nodiscard]] bool take_disposition(std::string_view field, FormPart& part) {
  FieldCursor cursor(field);
  bool named = false;
  if (!same_name(cursor.take_token(), "form-data")) return false;
  for (;;) {
    cursor.skip_space();
    if (!cursor.take(';')) return named && cursor.at_end();
    cursor.skip_space();
    if (cursor.at_end()) return named;
    const std::string_view name = cursor.take_token();
    if (name.empty() || !cursor.take('=')) return false;
    const std::optional<std::string> value = take_browser_word(cursor);
    if (!value) return false;
    if (same_name(name, "name")) {
      if (named) return false;
      named = true;
      part.name = unescaped(*value);
    } else if (same_name(name, "filename")) {
      part.file_name = without_directories(unescaped(*value));
    }
  }
}

}  // namespace

MultipartReader::MultipartReader(std::string boundary, MultipartLimits limits,
                                 std::unique_ptr<Source> source)
    : delimiter_("\r\n--" + boundary),
      limits_(limits),
      source_(std::move(source)),
      buffer_("\r\n") {}  // so that the first boundary is like the others

void MultipartReader::refuse(FormErrc why) { throw IoError(make_error_code(why), "read form"); }

std::string MultipartReader::boundary_of(const Headers& headers) {
  const auto type = MediaType::parse(headers.find("Content-Type").value_or(""));
  const auto boundary = type ? type->parameter("boundary") : std::nullopt;
  if (!boundary || !type->is("multipart/form-data")) refuse(FormErrc::not_multipart);
  if (!is_boundary(*boundary)) refuse(FormErrc::bad_boundary);
  return std::string(*boundary);
}

MultipartReader::Found MultipartReader::look() const noexcept {
  const std::string_view text = unread();
  for (std::size_t at = text.find(delimiter_); at != std::string_view::npos;
       at = text.find(delimiter_, at + 1)) {
    std::size_t end = at + delimiter_.size();
    if (text.substr(end, 2) == "--") return {at, end + 2 - at, true};
    const std::size_t most = std::min(text.size(), end + kMostPadding);
    while (end < most && (text[end] == ' ' || text[end] == '\t')) ++end;
    const std::string_view rest = text.substr(end, 2);
    if (rest == "\r\n") return {at, end + 2 - at, false};
    // Only a part of what follows the boundary has come.
    const bool open =
        rest.empty() || rest == "\r" || (rest == "-" && end == at + delimiter_.size());
    if (open && end + rest.size() == text.size()) return {at, 0, false};
  }
  // The end of the buffer may be the beginning of a boundary.
  std::size_t kept = std::min(text.size(), delimiter_.size() - 1);
  while (!delimiter_.starts_with(text.substr(text.size() - kept))) --kept;
  return {text.size() - kept, 0, false};
}

const MultipartReader::Found& MultipartReader::found() noexcept {
  if (!looked_) {
    found_ = look();
    looked_ = true;
  }
  return found_;
}

Task<void> MultipartReader::fill() {
  buffer_.erase(0, std::exchange(begin_, 0));
  looked_ = false;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kReadSize);
  // The only wait: what a cancelled or failed read leaves is as it was.
  struct Trim {
    Trim(std::string& text, std::size_t size) noexcept : buffer(text), kept(size) {}
    Trim(const Trim&) = delete;
    Trim& operator=(const Trim&) = delete;
    ~Trim() { buffer.resize(kept); }
    std::string& buffer;
    std::size_t kept;
  } trim_at(buffer_, before);
  const auto room = std::as_writable_bytes(std::span(buffer_)).subspan(before);
  const std::size_t size = co_await source_->read(room);
  if (size == 0) refuse(FormErrc::unexpected_end);
  trim_at.kept = before + size;
}

/// Takes content that was found, as bytes of the part or of what precedes the first one.
void MultipartReader::take_content(std::size_t size) {
  begin_ += size;
  found_.content -= size;
  part_size_ += size;
  const bool preamble = state_ == State::preamble;
  if (preamble && part_size_ > limits_.max_header_bytes) refuse(FormErrc::no_first_boundary);
  if (!preamble && part_size_ > limits_.max_part_size) refuse(FormErrc::field_too_large);
}

/// Goes behind the boundary that was found. Precondition: its content was taken.
void MultipartReader::pass_boundary() {
  begin_ += found_.boundary;
  looked_ = false;
  state_ = found_.last ? State::end : State::head;
}

Task<void> MultipartReader::skip_to_boundary() {
  while (state_ == State::preamble || state_ == State::body) {
    take_content(found().content);
    if (found().boundary != 0) {
      pass_boundary();
    } else {
      co_await fill();
    }
  }
}

/// Takes the head of a part from the buffer; null if it is not there to its end.
std::optional<FormPart> MultipartReader::take_head() {
  const std::string_view text = unread();
  const bool empty = text.starts_with("\r\n");
  const std::size_t end = empty ? 0 : text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() > limits_.max_header_bytes) refuse(FormErrc::part_header_too_large);
    return std::nullopt;
  }
  if (end > limits_.max_header_bytes) refuse(FormErrc::part_header_too_large);
  FormPart part;
  std::string_view lines = text.substr(0, end);
  while (!lines.empty()) {
    const std::size_t size = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, size);
    lines.remove_prefix(std::min(size + 2, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || !all(kToken, line.substr(0, colon)) ||
        !all(kFieldText, line.substr(colon + 1))) {
      refuse(FormErrc::bad_part_header);
    }
    if (part.headers.size() == limits_.max_headers) refuse(FormErrc::part_header_too_large);
    part.headers.add(line.substr(0, colon), line.substr(colon + 1));
  }
  const auto disposition = part.headers.find("Content-Disposition");
  if (!disposition || !take_disposition(*disposition, part)) refuse(FormErrc::no_part_name);
  part.content_type = part.headers.find("Content-Type").value_or("");
  begin_ += end + (empty ? 2 : 4);
  return part;
}

Task<std::optional<FormPart>> MultipartReader::next_part() {
  co_await skip_to_boundary();
  while (state_ == State::head) {
    std::optional<FormPart> part = take_head();
    if (!part) {
      co_await fill();
      continue;
    }
    if (++parts_ > limits_.max_parts) refuse(FormErrc::too_many_fields);
    part_size_ = 0;
    state_ = State::body;
    co_return part;
  }
  co_return std::nullopt;
}

Task<std::size_t> MultipartReader::read(std::span<std::byte> buffer) {
  while (state_ == State::body && !buffer.empty()) {
    if (found().content != 0) {
      const std::size_t size = std::min(found_.content, buffer.size());
      std::memcpy(buffer.data(), unread().data(), size);
      take_content(size);
      co_return size;
    }
    if (found_.boundary != 0) {
      pass_boundary();
    } else {
      co_await fill();
    }
  }
  co_return 0;
}

Task<std::string> MultipartReader::read_all(std::size_t limit) {
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + std::size_t{4096});
    const auto room = std::as_writable_bytes(std::span(text)).subspan(before);
    const std::size_t size = co_await read(room);
    text.resize(before + size);
    if (text.size() > limit) refuse(FormErrc::field_too_large);
    if (size == 0) co_return text;
  }
}

}  // namespace weft::inline v0_1::http
