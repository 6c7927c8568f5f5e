#include <weft/http/event_stream.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.find_first_of("\r\n") != std::string_view::npos) {
    throw std::invalid_argument("weft::http::ServerEvent: a line end in its " + std::string(name));
  }
  out.append(name).append(": ").append(value).append("\n");
}

/// Cuts a line off, at "\n", "\r" or "\r\n".
[[nodiscard]] std::string_view take_line_of(std::string_view& text) noexcept {
  const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  const std::size_t more = text.substr(end, 2) == "\r\n" ? 2 : 1;
  text.remove_prefix(std::min(end + more, text.size()));
  return line;
}

}  // namespace

std::string to_text(const ServerEvent& event) {
  std::string text;
  if (event.id.find('\0') != std::string::npos) {
    throw std::invalid_argument("weft::http::ServerEvent: a NUL in its id");
  }
  if (!event.id.empty()) append_field(text, "id", event.id);
  if (!event.type.empty()) append_field(text, "event", event.type);
  if (event.retry) append_field(text, "retry", std::to_string(event.retry->count()));
  std::string_view rest = event.data;
  const bool ends_with_line = rest.ends_with('\n') || rest.ends_with('\r');
  do {
    append_field(text, "data", take_line_of(rest));
  } while (!rest.empty());
  if (ends_with_line) append_field(text, "data", "");
  return text.append("\n");
}

Task<void> EventWriter::write(std::string text) {
  co_await out_->write_all(std::string_view(text));
  co_await out_->flush();
}

Task<void> EventWriter::send(ServerEvent event) {
  std::string text = to_text(event);
  co_await write(std::move(text));
}

Task<void> EventWriter::comment(std::string text) {
  for (char& c : text) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  text.insert(0, text.empty() ? ":" : ": ").append("\n\n");
  return write(std::move(text));
}

void set_event_stream_fields(Headers& headers) {
  headers.set("Content-Type", "text/event-stream");
  headers.set("Cache-Control", "no-store, no-transform");
  headers.set("X-Accel-Buffering", "no");  // of nginx, as a proxy in front
}

void EventParser::check(std::size_t size) const {
  if (size > limit_) throw IoError(IoErrc::limit_exceeded, "read event");
}

void EventParser::push(std::span<const std::byte> bytes) { push(text_of(bytes)); }

void EventParser::push(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  while (!begun_ && !text.empty()) {
    begun_ = text.front() != byte_order_mark[mark_];
    if (begun_) {
      line_.append(byte_order_mark.substr(0, mark_));  // its beginning was none
    } else {
      text.remove_prefix(1);
      begun_ = ++mark_ == byte_order_mark.size();
    }
  }
  while (!text.empty()) {
    if (std::exchange(after_return_, false) && text.front() == '\n') {
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view part = text.substr(0, end);
    check(line_.size() + part.size());
    line_.append(part);
    if (end == std::string_view::npos) return;
    after_return_ = text[end] == '\r';
    text.remove_prefix(end + 1);
    take_line();
    line_.clear();
  }
}

void EventParser::take_line() {
  if (line_.empty()) {
    if (has_data_) {
      open_.data.pop_back();  // the last line end
      open_.id = last_id_;
      complete_.push_back(std::move(open_));
    }
    // An event without data is dropped, and its type with it.
    const auto retry = has_data_ ? std::nullopt : open_.retry;
    open_ = ServerEvent();
    open_.retry = retry;
    has_data_ = false;
    return;
  }
  const std::string_view line = line_;
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
}

void EventParser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    check(open_.data.size() + value.size() + 1);
    open_.data.append(value).push_back('\n');
    has_data_ = true;
  } else if (name == "event") {
    open_.type = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool digits = !value.empty() && value.front() != '-' &&
                        parsed.ptr == value.data() + value.size() && parsed.ec == std::errc();
    if (digits) open_.retry = retry_ = std::chrono::milliseconds(number);
  }
}

std::optional<ServerEvent> EventParser::next() {
  if (complete_.empty()) return std::nullopt;
  std::optional<ServerEvent> event(std::move(complete_.front()));
  complete_.pop_front();
  return event;
}

}  // namespace weft::inline v0_1::http
