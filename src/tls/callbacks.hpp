// What OpenSSL calls during a handshake. Each finds its connection by ConnectionData::of(). None
// lets an exception out.
#pragma once

#include <system_error>

#include "tls/openssl.hpp"

namespace weft::inline v0_1::tls {

/// Checks the peer's chain, and asks CommonOptions::verify.
int check_chain(X509_STORE_CTX* store, void* unused);
/// The error for a result of a check (X509_V_ERR_…).
[[nodiscard]] std::error_code verification_code(long result) noexcept;

/// Of a server: takes the certificate for the name that the client asks for.
int choose_certificate(SSL* ssl, void* unused);
/// Of a server: refuses a name without a certificate, if it is to.
int check_server_name(SSL* ssl, int* alert, void* unused);
/// Of a server: agrees on a protocol.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* unused);

/// Of a client: keeps a session.
int keep_session(SSL* ssl, SSL_SESSION* session);
/// Passes a line of secrets on.
void log_key(const SSL* ssl, const char* line);

}  // namespace weft::inline v0_1::tls
