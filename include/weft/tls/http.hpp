// TLS for the HTTP client: tls::connector(), tls::secure(). For programs that use weft::http and
// weft::tls; not part of <weft/tls.hpp>.
//
//   weft::http::ClientOptions options;
//   options.connector = weft::tls::connector(weft::tls::ClientContext());
//   weft::http::Client client(options);
//   weft::http::Response page = co_await client.get("https://example.org/");
//
// A server needs none of this: http::Server::serve() takes a tls::Listener.
#pragma once

#include <weft/http/connector.hpp>
#include <weft/http/transport.hpp>
#include <weft/tls/connect.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace weft::inline v0_1::tls {

/// Whether a connector connects to http: URLs, too, without TLS.
enum class PlainHttp : bool { refused, allowed };

[[nodiscard]] inline Task<http::Transport> connect_to_origin(http::Origin to, ClientContext context,
                                                             PlainHttp plain,
                                                             ConnectOptions options) {
  if (to.scheme == "https") {
    TcpStream stream = co_await connect(to.host, to.port, context, options);
    co_return http::Transport(std::move(stream));
  }
  if (plain == PlainHttp::refused) {
    throw IoError(std::make_error_code(std::errc::operation_not_permitted), "connect without TLS",
                  to.host);
  }
  StreamSocket socket = co_await StreamSocket::connect(to.host, to.port, options);
  co_return http::Transport(std::move(socket));
}

/// Returns a connector that speaks TLS to https hosts, over TCP. `options`: how it connects. An
/// http URL is an error (errc::operation_not_permitted), unless it is allowed.
[[nodiscard]] inline http::Connector connector(ClientContext context,
                                               PlainHttp plain = PlainHttp::refused,
                                               ConnectOptions options = {}) {
  return [context = std::move(context), plain, options = std::move(options)](
             const http::Origin& to) { return connect_to_origin(to, context, plain, options); };
}

/// A Transport as the stream below TLS, whatever it runs over.
class TransportBytes {
 public:
  explicit TransportBytes(http::Transport transport) noexcept : transport_(std::move(transport)) {}

  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    return stream().read(buffer);
  }
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    // SAFETY: char may alias anything.
    return stream().write({reinterpret_cast<const char*>(data.data()), data.size()});
  }
  [[nodiscard]] Task<void> shutdown() { return stream().end_writing(); }

 private:
  [[nodiscard]] http::TransportStream& stream() noexcept {
    return transport_.over<http::TransportStream>();
  }
  http::Transport transport_;
};

/// Makes a connection to `to` a connection of TLS, and shakes hands: for a client that has reached
/// the host by a proxy, a tunnel, or a Unix socket. Throws as Stream::handshake().
[[nodiscard]] inline Task<http::Transport> secure_transport(http::Transport transport,
                                                            http::Origin to,
                                                            ClientContext context) {
  if (transport.is_socket()) {
    StreamSocket socket = std::move(transport.over<StreamSocket>());
    TcpStream stream(std::move(socket), context, to.host, to.port);
    co_await stream.handshake();
    co_return http::Transport(std::move(stream));
  }
  Stream<TransportBytes> stream(TransportBytes(std::move(transport)), context, to.host, to.port);
  co_await stream.handshake();
  co_return http::Transport(std::move(stream));
}
/// The same as a callable of a transport and an origin.
[[nodiscard]] inline auto secure(ClientContext context) {
  return [context = std::move(context)](http::Transport transport, const http::Origin& to) {
    return secure_transport(std::move(transport), to, context);
  };
}

}  // namespace weft::inline v0_1::tls
