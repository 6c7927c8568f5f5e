// Contexts of the examples of weft::tls.
#include <weft/tls.hpp>
#include <weft/tls/http.hpp>

#include <array>
#include <string>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace given::of_tls_context {
void run() {
  // example: weft/tls/context.hpp
}
}  // namespace given::of_tls_context

namespace given::of_tls_connect {
extern weft::tls::ServerContext server_context;
weft::Task<void> run() {
  // example: weft/tls/connect.hpp
}
}  // namespace given::of_tls_connect

namespace given::of_tls_http {
weft::Task<void> run() {
  // example: weft/tls/http.hpp
}
}  // namespace given::of_tls_http

namespace given::of_tls_stream {
extern weft::tls::ServerContext server_context;
extern weft::tls::ClientContext context;
extern weft::StreamSocket socket;
weft::Task<void> run() {
  std::array<std::byte, 100> buffer;
  // example: weft/tls/stream.hpp
}
}  // namespace given::of_tls_stream
