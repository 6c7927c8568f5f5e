// The HTTP client of `weft fetch`, and what its failures are called.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <weft/http/client_options.hpp>

#include "commands.hpp"

namespace weft::tool {

/// Of the pauses before another try.
inline constexpr std::chrono::milliseconds first_pause{200};
inline constexpr std::chrono::seconds longest_pause{10};

/// A failure that is not the client's, with the exit code of the process.
class FetchError : public std::runtime_error {
 public:
  FetchError(int code, const std::string& text) : std::runtime_error(text), exit_code(code) {}
  int exit_code;
};

/// What the options say of all requests, but for the limits of time. Throws IoError for a proxy in
/// the environment that is none, FetchError for bad files of TLS.
[[nodiscard]] http::ClientOptions client_options(const FetchOptions& options);

/// Returns the exit code for what a transfer has thrown.
[[nodiscard]] int exit_code_of(const std::exception& error) noexcept;

}  // namespace weft::tool
