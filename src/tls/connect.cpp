#include <weft/tls/connect.hpp>

#include <utility>

namespace weft::inline v0_1::tls {

Task<TcpStream> connect(std::string host, std::uint16_t port, ClientContext context,
                        ConnectOptions options) {
  StreamSocket socket = co_await StreamSocket::connect(host, port, std::move(options));
  TcpStream stream(std::move(socket), context, host, port);
  co_await stream.handshake();
  co_return stream;
}

}  // namespace weft::inline v0_1::tls
