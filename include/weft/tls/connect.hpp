// tls::connect() and tls::Listener: TLS over TCP in one call. Part of <weft/tls.hpp>.
//
//   weft::tls::ClientContext context;                             // trusts what the system trusts
//   weft::tls::TcpStream stream = co_await weft::tls::connect("example.org", 443, context);
//
//   weft::SocketListener tcp = weft::SocketListener::bind("127.0.0.1:8443");
//   weft::tls::Listener listener(tcp, server_context);
//   auto accepted = co_await listener.accept();       // its first operation makes the handshake
#pragma once

#include <weft/net.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>
#include <weft/tls/context.hpp>
#include <weft/tls/peers.hpp>
#include <weft/tls/stream.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::tls {

/// TLS over a socket.
using TcpStream = Stream<StreamSocket>;

/// Connects to one of the host's addresses and shakes hands. The server must prove to be `host`, a
/// name or an address. Throws IoError: as StreamSocket::connect() and Stream::handshake(). Cancel:
/// abandons both.
[[nodiscard]] Task<TcpStream> connect(std::string host, std::uint16_t port, ClientContext context,
                                      ConnectOptions options = {});

/// Accepts connections of a listener of any type whose accept() gives a stream: SocketListener,
/// UnixListener, a type of your own. An lvalue is borrowed and must outlive it. Used as that
/// listener is: with http::Server::serve(), for one.
///
/// accept() does not shake hands. That is done by the first operation of the stream, in the task of
/// the connection, so a slow client keeps no other one waiting. Clients that connect and say
/// nothing end by handshake_timeout, and count among the connections of the server until then.
template <class L>
class Listener {
 public:
  using Inner = std::remove_reference_t<L>;
  using Accepted = std::remove_cvref_t<AwaitResult<decltype(std::declval<Inner&>().accept())>>;

  Listener(L&& listener, ServerContext context)
      : inner_(std::forward<L>(listener)),
        context_(std::move(context)),
        peers_(std::make_shared<Peers>()) {}

  /// Waits for a connection. Errors: those of the listener; errc::not_enough_memory. Cancel: no
  /// connection is lost.
  [[nodiscard]] Task<Stream<Accepted>> accept() {
    Accepted accepted = co_await inner().accept();
    co_return wrap(std::move(accepted));
  }
  void close() noexcept
    requires(requires(Inner& inner) { inner.close(); })
  {
    inner().close();
  }
  [[nodiscard]] const Endpoint& local_endpoint() const noexcept
    requires(requires(const Inner& inner) {
      { inner.local_endpoint() } -> std::same_as<const Endpoint&>;
    })
  {
    return inner_.get().local_endpoint();
  }
  /// Returns what was agreed with the client whose connection's peer_endpoint() is the object
  /// `peer`, as http::Request::peer is; nothing if there is none. So a handler finds the client's
  /// certificate. Any thread, while the connection lives. Throws std::bad_alloc.
  [[nodiscard]] std::optional<Session> session(const Endpoint* peer) const {
    return peers_->session(peer);
  }

  [[nodiscard]] const ServerContext& context() const noexcept { return context_; }
  [[nodiscard]] Inner& inner() noexcept { return inner_.get(); }

 private:
  [[nodiscard]] Stream<Accepted> wrap(Accepted&& accepted) try {
    return Stream<Accepted>(std::move(accepted), context_, peers_);
  } catch (const std::bad_alloc&) {
    // This connection fails; the next one may not.
    throw IoError(std::make_error_code(std::errc::not_enough_memory), "accept",
                  detail::subject_of_stream(accepted));
  }

  detail::Held<L> inner_;
  ServerContext context_;
  std::shared_ptr<Peers> peers_;
};

template <class L>
Listener(L&&, ServerContext) -> Listener<L>;

}  // namespace weft::inline v0_1::tls
