#include "http/message_parser.hpp"

#include <algorithm>

#include "http/parsers.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Empty lines accepted before a request (RFC 9112, 2.2), in bytes.
constexpr std::uint8_t kMaxEmptyLineBytes = 8;

}  // namespace

void MessageParser::begin_message(Headers& headers) noexcept {
  if (response_ != nullptr) llhttp_reset(&llhttp_);  // for requests, feed() does it if needed
  request_line_ = {};
  status_line_ = {};
  field_lines_ = {};
  tolerant_lines_ = {};
  headers_ = &headers;
  builder_.write_to(headers);
  header_bytes_left_ = limits_.max_header_bytes;
  extension_left_ = limits_.max_chunk_extension;
  content_length_ = remaining_ = body_size_ = 0;
  error_.reset();
  empty_line_bytes_ = host_count_ = 0;
  started_ = head_done_ = saw_content_length_ = saw_transfer_encoding_ = false;
  chunk_cr_ = host_is_bad_ = expectation_is_bad_ = expects_continue_ = no_body_ = false;
  closes_ = stays_ = upgrades_ = saw_upgrade_ = out_of_memory_ = lengths_differ_ = false;
  known_ = Known::other;
}

void RequestParser::begin(Request& request, std::uint8_t empty_line_bytes) noexcept {
  request.clear();
  request_ = &request;
  begin_message(request.headers);
  section_ = Section::empty_lines;
  empty_line_bytes_ = empty_line_bytes;
  if (empty_line_bytes != 0) reset_llhttp();  // as feed() does it before the first byte
}

void ResponseParser::begin(Response& response, Method request_method, Reading reading) noexcept {
  response.clear();
  response_ = &response;
  tolerant_ = reading == Reading::tolerant;
  begin_message(response.headers);
  no_body_ = request_method == Method::head;
  tunnels_ = request_method == Method::connect;
  section_ = Section::first_line;
}

ParseStep MessageParser::feed(std::string_view bytes) {
  ParseStep step{0, ParseEvent::need_more, {}};
  if (section_ == Section::empty_lines && empty_line_bytes_ == 0) {
    step.consumed = read_whole_head(bytes, step);
    if (step.consumed == 0) llhttp_reset(&llhttp_);
  }
  note_end(step);
  while (step.event == ParseEvent::need_more && step.consumed < bytes.size()) {
    step.consumed += advance(bytes.substr(step.consumed), step);
    note_end(step);
  }
  return step;
}

void MessageParser::note_end(ParseStep& step) const noexcept {
  if (section_ == Section::failed) step.event = ParseEvent::failed;
  if (section_ == Section::complete && step.event == ParseEvent::need_more) {
    step.event = ParseEvent::complete;
  }
}

/// The fast path of the usual case: a request head that is complete in `bytes` and that no guard
/// would refuse. In any other case returns 0, and advance() must read it.
std::size_t MessageParser::read_whole_head(std::string_view bytes, ParseStep& step) {
  RequestLineGuard line;
  const std::size_t line_size = line.take_whole(bytes, limits_.max_target);
  if (line_size == 0) return 0;
  std::size_t bytes_left = header_bytes_left_;
  FieldLinesGuard lines;
  const FieldLinesGuard::Scan scan = lines.scan(bytes.substr(line_size), bytes_left);
  if (!scan.done || scan.blank_end) return 0;
  const std::string_view fields = bytes.substr(line_size, scan.clean);
  request_->method = line.method();
  request_->target.assign(line.whole_target());
  builder_.write_to(*headers_, fields);
  started_ = true;
  section_ = Section::fields;
  llhttp_ = after_request_line_;
  execute(fields);
  if (section_ != Section::failed && !head_done_) fail(Errc::bad_header);
  end_head(step);
  builder_.write_to(*headers_);
  return line_size + scan.clean;
}

std::size_t MessageParser::advance(std::string_view bytes, ParseStep& step) {
  std::size_t used = 0;
  switch (section_) {
    case Section::empty_lines:
      return read_empty_lines(bytes);
    case Section::first_line:
      return read_first_line(bytes);
    case Section::fields:
      used = read_fields(bytes);
      if (head_done_) end_head(step);
      return used;
    case Section::identity:
    case Section::until_close:
      return read_identity(bytes, step);
    case Section::chunk_line:
      return read_chunk_line(bytes);
    case Section::chunk_data:
      return read_chunk_data(bytes, step);
    case Section::chunk_end:
      return read_chunk_end(bytes);
    case Section::trailers:
      return read_fields(bytes);
    default:
      return 0;
  }
}

std::size_t MessageParser::read_empty_lines(std::string_view bytes) {
  std::size_t used = 0;
  for (; used < bytes.size(); ++used) {
    const bool in_line = empty_line_bytes_ % 2 == 1;
    if (bytes[used] != (in_line ? '\n' : '\r')) {
      if (in_line || bytes[used] == '\n') fail(Errc::bad_line_ending);
      break;
    }
    if (++empty_line_bytes_ > kMaxEmptyLineBytes) {
      fail(Errc::bad_request_line);
      break;
    }
  }
  if (used < bytes.size() && section_ != Section::failed) {
    started_ = true;
    section_ = Section::first_line;
  }
  return used;
}

std::size_t MessageParser::read_first_line(std::string_view bytes) {
  started_ = true;
  Verdict verdict;
  std::size_t used = 0;
  if (request_ != nullptr) {
    used = read_request_line(bytes, verdict);
  } else {
    used = read_status_line(bytes, verdict);
  }
  if (verdict) fail(*verdict);
  if (section_ == Section::failed) return used;
  if (request_line_.done() || status_line_.done()) section_ = Section::fields;
  return used;
}

std::size_t MessageParser::read_request_line(std::string_view bytes, Verdict& verdict) {
  std::size_t used = 0;
  std::size_t begin = 0;  // of what llhttp gets: the method only when it is complete
  while (used < bytes.size() && !request_line_.done()) {
    const bool had_method = request_line_.has_method();
    verdict = request_line_.step(bytes[used], limits_.max_target);
    if (verdict) break;
    const bool ends_method = !had_method && request_line_.has_method();
    if (ends_method && request_line_.method() == Method::connect && !accepts_connect_) {
      verdict = Errc::unsupported_method;
      return used;  // nothing goes to llhttp
    }
    ++used;
    if (!ends_method) continue;
    request_->method = request_line_.method();
    execute(to_string(request_->method));
    begin = used - 1;  // the space
  }
  if (request_line_.has_method()) execute(bytes.substr(begin, used - begin));
  return used;
}

std::size_t MessageParser::read_status_line(std::string_view bytes, Verdict& verdict) {
  std::size_t used = 0;
  while (used < bytes.size() && !status_line_.done()) {
    verdict = status_line_.step(bytes[used], limits_.max_header_bytes, tolerant_);
    if (verdict) break;
    ++used;
  }
  const bool ends_with_lf = status_line_.done() && status_line_.lf_alone();
  execute(bytes.substr(0, ends_with_lf ? used - 1 : used));
  if (ends_with_lf) execute("\r\n");
  return used;
}

/// Passes field lines on to llhttp, which gets a well-formed form of them.
FieldLinesGuard::Scan MessageParser::pass_fields(std::string_view bytes) {
  if (!tolerant_) {
    const FieldLinesGuard::Scan scan = field_lines_.scan(bytes, header_bytes_left_);
    execute_fields(bytes.substr(0, scan.clean));
    return scan;
  }
  FieldLinesGuard::Scan scan{0, std::nullopt, false};
  while (scan.clean < bytes.size() && !scan.done && section_ != Section::failed) {
    const std::string_view rest = bytes.substr(scan.clean);
    if (header_bytes_left_ == 0) return {scan.clean, Errc::headers_too_large, false};
    const TolerantFieldLines::Step step = tolerant_lines_.step(rest.substr(0, header_bytes_left_));
    if (step.verdict) return {scan.clean, step.verdict, false};
    execute_fields(step.passed);
    header_bytes_left_ -= step.used;
    scan.clean += step.used;
    scan.done = step.done;
  }
  return scan;
}

std::size_t MessageParser::read_fields(std::string_view bytes) {
  const FieldLinesGuard::Scan scan = pass_fields(bytes);
  if (scan.verdict) fail(*scan.verdict);
  if (section_ == Section::failed || !scan.done) return scan.clean;
  if (section_ == Section::trailers) {
    section_ = Section::complete;
  } else if (!head_done_) {
    fail(Errc::bad_header);  // the guard saw the end of the head and llhttp did not
  }
  return scan.clean;
}

void MessageParser::end_head(ParseStep& step) {
  if (section_ == Section::failed) return;
  step.event = ParseEvent::head;
  if (no_body_) {
    section_ = Section::complete;
    step.event = ParseEvent::complete;
  } else if (saw_transfer_encoding_) {
    section_ = Section::chunk_line;
    chunk_line_ = {};
  } else if (content_length_ > limits_.max_body) {
    fail(Errc::body_too_large);
  } else if (content_length_ > 0) {
    section_ = Section::identity;
    remaining_ = content_length_;
  } else if (response_ != nullptr && !saw_content_length_) {
    section_ = Section::until_close;
    response_->keep_alive = false;
  } else {
    section_ = Section::complete;
    step.event = ParseEvent::complete;
  }
}

std::size_t MessageParser::read_identity(std::string_view bytes, ParseStep& step) {
  std::size_t used = bytes.size();
  if (section_ == Section::identity) {
    used = static_cast<std::size_t>(std::min<std::uint64_t>(used, remaining_));
    remaining_ -= used;
    if (remaining_ == 0) section_ = Section::complete;
  } else if (used > limits_.max_body - body_size_) {
    fail(Errc::body_too_large);
    return 0;
  }
  body_size_ += used;
  step.body = bytes.substr(0, used);
  step.event = ParseEvent::body;
  return used;
}

std::size_t MessageParser::read_chunk_line(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !chunk_line_.done()) {
    if (const Verdict verdict = chunk_line_.step(bytes[used], extension_left_); verdict) {
      fail(*verdict);
      return used;
    }
    ++used;
  }
  if (!chunk_line_.done()) return used;
  execute(chunk_line_.digits());
  execute("\r\n");
  if (section_ == Section::failed) return used;
  remaining_ = llhttp_.content_length;
  if (remaining_ > limits_.max_body - body_size_) {
    fail(Errc::body_too_large);
  } else if (remaining_ > 0) {
    section_ = Section::chunk_data;
  } else {
    section_ = Section::trailers;
    trailers_.clear();
    builder_.write_to(trailers_);
    headers_ = &trailers_;
    header_bytes_left_ = limits_.max_header_bytes;
  }
  return used;
}

std::size_t MessageParser::read_chunk_data(std::string_view bytes, ParseStep& step) {
  const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), remaining_));
  execute(bytes.substr(0, used));
  if (section_ == Section::failed) return used;
  remaining_ -= used;
  body_size_ += used;
  if (remaining_ == 0) section_ = Section::chunk_end;
  step.body = bytes.substr(0, used);
  step.event = ParseEvent::body;
  return used;
}

std::size_t MessageParser::read_chunk_end(std::string_view bytes) {
  if (bytes.front() != (chunk_cr_ ? '\n' : '\r')) {
    fail(Errc::bad_chunk);
    return 0;
  }
  execute(bytes.substr(0, 1));
  if (section_ == Section::failed) return 1;
  if (chunk_cr_) {
    section_ = Section::chunk_line;
    chunk_line_ = {};
  }
  chunk_cr_ = !chunk_cr_;
  return 1;
}

bool MessageParser::fail(Errc error) noexcept {
  // The first error stays: it is that of the earliest byte.
  if (!error_) error_ = error;
  section_ = Section::failed;
  return false;
}

bool ResponseParser::finish() noexcept {
  if (section_ == Section::until_close) {
    section_ = Section::complete;
    return true;
  }
  fail(started() ? Errc::unexpected_end : Errc::closed_before_response);
  return false;
}

}  // namespace weft::inline v0_1::http
