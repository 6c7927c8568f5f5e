// TLS 1.2 and 1.3 over any stream: contexts (<weft/tls/context.hpp>), streams
// (<weft/tls/stream.hpp>), and both over TCP (<weft/tls/connect.hpp>). A component of its own, on
// OpenSSL 3: find_package(weft COMPONENTS tls), weft::tls. For weft::http: <weft/tls/http.hpp>.
#pragma once

#include <weft/tls/certificate.hpp>
#include <weft/tls/connect.hpp>
#include <weft/tls/context.hpp>
#include <weft/tls/engine.hpp>
#include <weft/tls/error.hpp>
#include <weft/tls/options.hpp>
#include <weft/tls/peers.hpp>
#include <weft/tls/stream.hpp>
