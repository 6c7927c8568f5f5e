// The path of a request to `weft delay`: "/{milliseconds}/{text}".
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace weft::tool {

inline constexpr unsigned longest_delay_ms = 3'600'000;

struct DelayRequest {
  std::chrono::milliseconds delay{0};
  std::string text;  ///< decoded
};

/// Reads a raw path. The error is one line for the client.
[[nodiscard]] std::expected<DelayRequest, std::string_view> parse_delay_path(std::string_view path);

}  // namespace weft::tool
