// The part of MessageParser that uses llhttp: its callbacks, its errors, and the checks of fields
// that determine the framing.
#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "http/authority.hpp"
#include "http/char_class.hpp"
#include "http/message_parser.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Fields that may not be trailers: framing, routing, authentication, request modifiers, controls.
constexpr std::array<std::string_view, 30> kForbiddenTrailers = {"age",
                                                                 "authorization",
                                                                 "cache-control",
                                                                 "connection",
                                                                 "content-encoding",
                                                                 "content-length",
                                                                 "content-range",
                                                                 "content-type",
                                                                 "cookie",
                                                                 "date",
                                                                 "expect",
                                                                 "expires",
                                                                 "host",
                                                                 "if-match",
                                                                 "if-modified-since",
                                                                 "if-none-match",
                                                                 "if-range",
                                                                 "if-unmodified-since",
                                                                 "keep-alive",
                                                                 "location",
                                                                 "max-forwards",
                                                                 "pragma",
                                                                 "proxy-connection",
                                                                 "range",
                                                                 "set-cookie",
                                                                 "te",
                                                                 "trailer",
                                                                 "upgrade",
                                                                 "transfer-encoding",
                                                                 "www-authenticate"};

}  // namespace

bool is_forbidden_trailer(std::string_view name) noexcept {
  for (const std::string_view forbidden : kForbiddenTrailers) {
    if (same_name(forbidden, name)) return true;
  }
  return false;
}

/// llhttp calls plain functions; a result of -1 stops it, with the reason in error_. No exception
/// may cross its C frames: a callback catches it, and execute() rethrows it.
struct MessageParser::Callbacks {
  template <class Body>
  static int guarded(llhttp_t* llhttp, Body body) noexcept {
    // SAFETY: the constructor stored `this`, and the llhttp_t is a member of it.
    MessageParser& parser = *static_cast<MessageParser*>(llhttp->data);
    try {
      return body(parser) ? 0 : -1;
    } catch (const std::bad_alloc&) {
      parser.out_of_memory_ = true;
      return -1;
    }
  }

  static int url(llhttp_t* llhttp, const char* at, std::size_t size) {
    return guarded(llhttp, [&](MessageParser& parser) {
      parser.request_->target.append(at, size);
      return true;
    });
  }
  static int field_name(llhttp_t* llhttp, const char* at, std::size_t size) {
    return guarded(llhttp, [&](MessageParser& parser) {
      parser.builder_.append_name({at, size});
      return true;
    });
  }
  static int field_value(llhttp_t* llhttp, const char* at, std::size_t size) {
    return guarded(llhttp, [&](MessageParser& parser) {
      parser.builder_.append_value({at, size});
      return true;
    });
  }
  static int field_name_end(llhttp_t* llhttp) {
    return guarded(llhttp, [](MessageParser& parser) { return parser.note_field_name(); });
  }
  static int field_value_end(llhttp_t* llhttp) {
    return guarded(llhttp, [](MessageParser& parser) {
      const std::string_view value = parser.builder_.end_value();
      if (parser.known_ == Known::other) return true;
      parser.note_field_value(value);
      parser.known_ = Known::other;
      return true;
    });
  }
  static int head_end(llhttp_t* llhttp) {
    // llhttp would stop here. The server decides whether what follows is HTTP.
    llhttp->upgrade = 0;
    bool skips_body = false;
    const int result = guarded(llhttp, [&](MessageParser& parser) {
      parser.head_done_ = true;
      const bool accepted = parser.check_head();
      skips_body = parser.no_body_;
      return accepted;
    });
    return result == 0 && skips_body ? 1 : result;
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t made;
      llhttp_settings_init(&made);
      made.on_url = url;
      made.on_header_field = field_name;
      made.on_header_field_complete = field_name_end;
      made.on_header_value = field_value;
      made.on_header_value_complete = field_value_end;
      made.on_headers_complete = head_end;
      return made;
    }();
    return table;
  }
};

MessageParser::MessageParser(bool is_request, const Limits& limits) noexcept : limits_(limits) {
  limits_.max_header_bytes = std::min(limits_.max_header_bytes, Limits::most_header_bytes);
  limits_.max_headers = std::min(limits_.max_headers, Limits::most_headers);
  llhttp_init(&llhttp_, is_request ? HTTP_REQUEST : HTTP_RESPONSE, &Callbacks::settings());
  llhttp_.data = this;
  // Any line that RequestLineGuard::take_whole() accepts leaves llhttp in this state, except for
  // the method. The method matters to llhttp only if it is CONNECT, which take_whole() does not
  // accept.
  constexpr std::string_view line = "GET / HTTP/1.1\r\n";
  llhttp_t plain;
  llhttp_settings_t no_callbacks;
  llhttp_settings_init(&no_callbacks);
  llhttp_init(&plain, HTTP_REQUEST, &no_callbacks);
  static_cast<void>(llhttp_execute(&plain, line.data(), line.size()));
  plain.settings = llhttp_.settings;
  plain.data = this;
  after_request_line_ = plain;
}

void MessageParser::execute(std::string_view bytes) {
  if (bytes.empty() || section_ == Section::failed) return;
  const llhttp_errno_t error = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
  if (error == HPE_OK) return;
  fail(translate(error));
  if (out_of_memory_) throw std::bad_alloc();
}

/// A tab is white space around the value of a field (RFC 9110, 5.6.3). llhttp takes it for a part
/// of a length or of a coding, and so gets a space for it there.
void MessageParser::execute_fields(std::string_view bytes) {
  while (section_ != Section::failed) {
    const std::size_t tab = bytes.find('\t');
    if (tab == std::string_view::npos) break;
    execute(bytes.substr(0, tab));
    const bool framing = known_ == Known::content_length || known_ == Known::transfer_encoding;
    execute(framing ? std::string_view(" ") : bytes.substr(tab, 1));
    bytes.remove_prefix(tab + 1);
  }
  execute(bytes);
}

Errc MessageParser::translate(llhttp_errno_t error) const noexcept {
  switch (error) {
    case HPE_INVALID_URL:
      return Errc::bad_target;
    case HPE_INVALID_VERSION:
      return Errc::unsupported_version;
    case HPE_INVALID_METHOD:
    case HPE_INVALID_CONSTANT:
      return request_ != nullptr ? Errc::bad_request_line : Errc::bad_status_line;
    case HPE_INVALID_STATUS:
      return Errc::bad_status_line;
    case HPE_INVALID_CONTENT_LENGTH:
      return Errc::bad_content_length;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return saw_transfer_encoding_ ? Errc::conflicting_length : Errc::bad_content_length;
    case HPE_INVALID_TRANSFER_ENCODING:
      return Errc::bad_transfer_encoding;
    case HPE_INVALID_CHUNK_SIZE:
    case HPE_STRICT:
      return Errc::bad_chunk;
    case HPE_LF_EXPECTED:
    case HPE_CR_EXPECTED:
      return Errc::bad_line_ending;
    default:
      return Errc::bad_header;
  }
}

bool MessageParser::note_field_name() {
  const std::string_view name = builder_.name();
  // llhttp accepts spaces within a name, and an empty name.
  if (name.empty() || name.find(' ') != std::string_view::npos) return fail(Errc::bad_header);
  if (headers_->size() >= limits_.max_headers) return fail(Errc::too_many_headers);
  known_ = Known::other;
  if (section_ == Section::trailers) {
    return !is_forbidden_trailer(name) || fail(Errc::forbidden_trailer);
  }
  switch (name.size()) {
    case 4:
      if (same_name(name, "host")) known_ = Known::host;
      break;
    case 6:
      if (same_name(name, "expect")) known_ = Known::expect;
      break;
    case 7:
      if (same_name(name, "upgrade")) saw_upgrade_ = true;
      break;
    case 10:
      if (same_name(name, "connection")) known_ = Known::connection;
      break;
    case 14:
      if (same_name(name, "content-length")) known_ = Known::content_length;
      if (known_ == Known::content_length && saw_content_length_ && tolerant_) {
        // llhttp refuses a second length: it reads this one as if it were the first.
        earlier_length_ = std::exchange(llhttp_.content_length, 0);
        llhttp_.flags = static_cast<decltype(llhttp_.flags)>(llhttp_.flags & ~F_CONTENT_LENGTH);
      }
      break;
    case 17:
      if (same_name(name, "transfer-encoding")) known_ = Known::transfer_encoding;
      break;
    default:
      break;
  }
  return true;
}

void MessageParser::note_field_value(std::string_view value) {
  switch (known_) {
    case Known::host:
      if (host_count_ < 2) ++host_count_;
      host_is_bad_ = host_is_bad_ || !is_host(value);
      break;
    case Known::connection:
      closes_ = closes_ || has_token(value, "close");
      stays_ = stays_ || has_token(value, "keep-alive");
      upgrades_ = upgrades_ || has_token(value, "upgrade");
      break;
    case Known::content_length:
      // An earlier one is there only if a tolerant reading has let this one pass.
      if (saw_content_length_ && llhttp_.content_length != earlier_length_) lengths_differ_ = true;
      saw_content_length_ = true;
      break;
    case Known::transfer_encoding:
      saw_transfer_encoding_ = true;
      break;
    default:
      expects_continue_ = same_name(value, "100-continue");
      expectation_is_bad_ = expectation_is_bad_ || !expects_continue_;
      break;
  }
}

bool MessageParser::check_head() {
  if (lengths_differ_) return fail(Errc::bad_content_length);
  if (saw_transfer_encoding_ && saw_content_length_) return fail(Errc::conflicting_length);
  const Version version = llhttp_.http_minor == 0 ? Version::http_1_0 : Version::http_1_1;
  if (response_ != nullptr) {
    response_->version = version;
    response_->status = llhttp_.status_code;
    const int code = response_->status.code();
    no_body_ = no_body_ || code < 200 || code == 204 || code == 304;
    // Whatever its fields say (RFC 9110, 9.3.6).
    no_body_ = no_body_ || (tunnels_ && response_->status.is_success());
  } else {
    request_->version = version;
    if (!check_request_head()) return false;
  }
  if (saw_transfer_encoding_) {
    if (version == Version::http_1_0) return fail(Errc::bad_transfer_encoding);
    // A response without a body ignores the coding.
    if (!no_body_ && !check_transfer_encoding()) return false;
  }
  if (saw_content_length_) content_length_ = llhttp_.content_length;
  // Depends on the fields alone; end_head() handles a body that ends with the connection.
  // llhttp's flags are not asked: they heed Proxy-Connection, and no token before a tab.
  const bool keep_alive = !closes_ && (version == Version::http_1_1 || stays_);
  (request_ != nullptr ? request_->keep_alive : response_->keep_alive) = keep_alive;
  return true;
}

bool MessageParser::check_request_head() {
  if (host_is_bad_ || host_count_ > 1) return fail(Errc::bad_host);
  if (host_count_ == 0 && request_->version == Version::http_1_1) return fail(Errc::bad_host);
  if (!(request_->method == Method::connect ? check_connect() : check_target())) return false;
  // An HTTP/1.0 client's expectation, and its wish for another protocol, are ignored (RFC 9110,
  // 10.1.1 and 7.8).
  if (request_->version == Version::http_1_0) {
    expects_continue_ = expectation_is_bad_ = upgrades_ = false;
  }
  return !expectation_is_bad_ || fail(Errc::unsupported_expectation);
}

bool MessageParser::check_target() {
  const std::string_view target = request_->target;
  const bool is_asterisk = target == "*" && request_->method == Method::options;
  if (target.front() == '*' && !is_asterisk) return fail(Errc::bad_target);
  return target.front() == '/' || is_asterisk || take_host_of_target();
}

/// The target is a host and a port (RFC 9112, 3.2.3). What follows the head belongs to the tunnel,
/// so a body is none (RFC 9110, 9.3.6).
bool MessageParser::check_connect() {
  const std::string_view target = request_->target;
  const std::size_t colon = target.rfind(':');
  if (colon == 0 || colon == target.npos || colon + 1 == target.size()) {
    return fail(Errc::bad_target);
  }
  if (target.back() == ']' || !is_host(target)) return fail(Errc::bad_target);
  if (target.find_first_not_of('0', colon + 1) == target.npos) return fail(Errc::bad_target);
  if (saw_transfer_encoding_) return fail(Errc::bad_transfer_encoding);
  if (saw_content_length_ && llhttp_.content_length != 0) return fail(Errc::bad_content_length);
  return true;
}

/// The host of an absolute target replaces that of the Host field (RFC 9112, 3.2.2).
bool MessageParser::take_host_of_target() {
  const std::optional<std::string_view> authority = authority_of(request_->target);
  if (!authority || authority->empty() || !is_host(*authority)) return fail(Errc::bad_target);
  headers_->set("Host", *authority);
  return true;
}

bool MessageParser::check_transfer_encoding() {
  bool has_chunked = false;
  bool has_other = false;
  bool is_list = false;
  for (const Headers::Field field : *headers_) {
    if (!same_name(field.name, "transfer-encoding")) continue;
    std::string_view rest = field.value;
    do {
      const std::string_view coding = trim(rest.substr(0, rest.find(',')));
      rest.remove_prefix(
          std::min(rest.size(), rest.find(',') == rest.npos ? rest.size() : rest.find(',') + 1));
      is_list = is_list || has_chunked || has_other;
      if (coding.empty() || has_chunked) return fail(Errc::bad_transfer_encoding);
      (same_name(coding, "chunked") ? has_chunked : has_other) = true;
    } while (!rest.empty());
  }
  if (has_other) return fail(Errc::unsupported_transfer_coding);
  // llhttp must have seen the same coding as this loop.
  return (!is_list && (llhttp_.flags & F_CHUNKED) != 0) || fail(Errc::bad_transfer_encoding);
}

}  // namespace weft::inline v0_1::http
