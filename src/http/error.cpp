#include <iterator>
#include <string>

#include <weft/http/error.hpp>

namespace weft::inline v0_1::http {
namespace {

struct Row {
  Errc error;
  int status;
  const char* message;
};

// In the order of the enumeration, so that a look-up is an index.
constexpr Row kRows[] = {
    {Errc::bad_request_line, 400, "malformed request line"},
    {Errc::bad_status_line, 400, "malformed status line"},
    {Errc::bad_line_ending, 400, "line without CR LF"},
    {Errc::bad_target, 400, "malformed request target"},
    {Errc::target_too_long, 414, "request target too long"},
    {Errc::unsupported_method, 501, "method not implemented"},
    {Errc::unsupported_version, 505, "HTTP version not supported"},
    {Errc::http2_preface, 400, "HTTP/2 on an HTTP/1.1 port"},
    {Errc::bad_header, 400, "malformed header"},
    {Errc::folded_header, 400, "header continues on the next line"},
    {Errc::too_many_headers, 431, "too many headers"},
    {Errc::headers_too_large, 431, "headers too large"},
    {Errc::bad_host, 400, "missing, repeated or malformed Host"},
    {Errc::bad_content_length, 400, "repeated or malformed Content-Length"},
    {Errc::conflicting_length, 400, "both Content-Length and Transfer-Encoding"},
    {Errc::bad_transfer_encoding, 400, "malformed Transfer-Encoding"},
    {Errc::unsupported_transfer_coding, 501, "transfer coding not implemented"},
    {Errc::unsupported_expectation, 417, "expectation not supported"},
    {Errc::bad_chunk, 400, "malformed chunk"},
    {Errc::chunk_extension_too_large, 400, "chunk extensions too large"},
    {Errc::forbidden_trailer, 400, "forbidden trailer"},
    {Errc::body_too_large, 413, "body too large"},
    {Errc::unexpected_end, 400, "connection closed in the middle of a message"},
    {Errc::closed_before_response, 400, "connection closed before a response"},
    {Errc::unexpected_status, 400, "unexpected change of protocol"},
    {Errc::bad_percent_encoding, 400, "malformed percent-encoding"},
    {Errc::bad_url, 400, "malformed URL"},
    {Errc::userinfo_in_url, 400, "user information in a URL is not supported"},
    {Errc::unsupported_scheme, 400, "URL scheme not supported (http and https are)"},
    {Errc::tls_not_configured, 400,
     "https needs ClientOptions::secure or a connector (see weft/tls/http.hpp)"},
    {Errc::too_many_redirects, 400, "too many redirects"},
    {Errc::unasked_response, 400, "bytes came before the request was sent"},
    {Errc::not_encrypted, 400, "https over a stream that is not encrypted"},
    {Errc::body_too_short, 400, "body shorter than announced"},
    {Errc::body_too_long, 400, "body longer than announced"},
    {Errc::body_gone, 400, "body read after its exchange has ended"},
    {Errc::redirect_refused, 400, "redirect not allowed"},
    {Errc::body_not_repeatable, 400, "streamed body cannot be sent again"},
    {Errc::proxy_refused, 400, "proxy refused the tunnel"},
    {Errc::timed_out_connecting, 400, "timed out while connecting"},
    {Errc::timed_out_sending, 400, "timed out while sending the request"},
    {Errc::timed_out_waiting, 400, "timed out while waiting for the first byte of the response"},
    {Errc::timed_out_receiving, 400, "timed out in the middle of the response"},
    {Errc::timed_out_queued, 400, "timed out while waiting for a connection of other requests"},
    {Errc::timed_out_resolving, 400, "timed out while looking up the name"},
    {Errc::timed_out_securing, 400, "timed out while securing the connection"},
};

const Row* find_row(int value) noexcept {
  if (value < 1 || value > static_cast<int>(std::size(kRows))) return nullptr;
  return &kRows[value - 1];
}

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<std::size_t>(kRows[i].error) != i + 1) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http"; }
  [[nodiscard]] std::string message(int value) const override {
    const Row* row = find_row(value);
    return row != nullptr ? row->message : "unknown HTTP error";
  }
  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    const auto error = static_cast<Errc>(value);
    const bool is_timeout =
        error >= Errc::timed_out_connecting && error <= Errc::timed_out_securing;
    if (is_timeout) return std::make_error_condition(std::errc::timed_out);
    if (error == Errc::closed_before_response) {
      return std::make_error_condition(std::errc::connection_reset);
    }
    return {value, *this};
  }
};

}  // namespace

const std::error_category& http_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc error) noexcept {
  return {static_cast<int>(error), http_category()};
}

int status_of(Errc error) noexcept {
  const Row* row = find_row(static_cast<int>(error));
  return row != nullptr ? row->status : 400;
}

}  // namespace weft::inline v0_1::http
