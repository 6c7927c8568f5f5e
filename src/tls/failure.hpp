// What OpenSSL says of a connection: why it failed, and what was agreed.
#pragma once

#include <weft/tls/engine.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <system_error>

#include "tls/openssl.hpp"

namespace weft::inline v0_1::tls {

struct Failure {
  std::error_code code;
  std::string detail;
};

/// Whether these first bytes from the peer are none of TLS. No code: they may be.
[[nodiscard]] Failure failure_of_beginning(std::span<const std::byte> bytes);
/// Why a call failed, by this thread's queue of errors, which is then empty.
[[nodiscard]] Failure take_failure(SSL* ssl, std::span<const std::byte> beginning);
[[nodiscard]] Session session_of(const SSL* ssl);

}  // namespace weft::inline v0_1::tls
