#include "delay_path.hpp"

#include <charconv>
#include <utility>
#include <weft/http/message.hpp>

namespace weft::tool {

std::expected<DelayRequest, std::string_view> parse_delay_path(std::string_view path) {
  const std::size_t slash = path.find('/', 1);
  if (!path.starts_with('/') || slash == path.npos) {
    return std::unexpected("expected /{milliseconds}/{text}");
  }
  unsigned milliseconds = 0;
  const char* const begin = path.data() + 1;
  const char* const end = path.data() + slash;
  const auto [stop, error] = std::from_chars(begin, end, milliseconds);
  if (begin == end || stop != end) {
    return std::unexpected("the first part of the path must be a number of milliseconds");
  }
  if (error != std::errc{} || milliseconds > longest_delay_ms) {
    return std::unexpected("the delay must be at most 3600000 milliseconds");
  }
  auto text = http::percent_decode(path.substr(slash + 1));
  if (!text) return std::unexpected("the text has a '%' without two hexadecimal digits");
  return DelayRequest{std::chrono::milliseconds(milliseconds), std::move(*text)};
}

}  // namespace weft::tool
