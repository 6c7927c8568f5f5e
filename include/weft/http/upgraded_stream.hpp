// http::UpgradedStream: a connection that has left HTTP, by an upgrade (RFC 9110, 7.8) or as a
// tunnel (RFC 9110, 9.3.6). Part of <weft/http.hpp>. At a server, what a response's function gets:
//
//   auto proxy = [](weft::http::Request& request) -> weft::Task<weft::http::Response> {
//     weft::StreamSocket upstream = co_await weft::StreamSocket::connect(request.target);
//     auto forward = [to = std::move(upstream)](weft::http::UpgradedStream& client) mutable
//         -> weft::Task<void> { co_await weft::copy_bidirectional(client, to); };
//     co_return weft::http::Response::tunnel(std::move(forward));
//   };
//
// At a client, IncomingResponse::upgraded, which owns its connection.
//
// It is a ByteStream (<weft/io.hpp>), whose first bytes are those that came with the request, or
// the response. The limits of HTTP do not hold for it: what takes it over has its own.
//
// At a server, it counts as a connection of the server. drain() lets it go on for drain_timeout,
// and cancels it then; see draining(). When what has taken it over has ended, the connection ends
// as gracefully as after a last response; if it throws, ServerOptions::on_handler_error gets the
// exception, and the connection is closed.
//
// One task may read while another one writes. Cancel, and errors: as of the stream below.
#pragma once

#include <weft/bytes.hpp>
#include <weft/endpoint.hpp>
#include <weft/http/transport.hpp>
#include <weft/io.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1::http {

/// See the top of this header. At a server, it lives until what has taken it over has ended.
class UpgradedStream {
 public:
  /// For connections, and for tests. `received`: was read before. `draining`: set when the server
  /// drains; null: it never does. What these refer to must outlive it.
  explicit UpgradedStream(Transport& transport, std::string received = {},
                          ManualResetEvent* draining = nullptr) noexcept
      : transport_(transport), received_(std::move(received)), draining_(draining) {}
  /// For clients: keeps the connection until it is destroyed.
  UpgradedStream(std::shared_ptr<Transport> transport, std::string received) noexcept
      : owned_(std::move(transport)), transport_(*owned_), received_(std::move(received)) {}
  UpgradedStream(const UpgradedStream&) = delete;
  UpgradedStream& operator=(const UpgradedStream&) = delete;

  /// Waits for bytes, and returns their number; 0: the peer has ended its side. What was received
  /// with the request, or the response, comes first.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer);
  /// Waits until read() would not wait; returns at once over a stream that cannot tell.
  [[nodiscard]] Task<void> readable();
  /// Waits until some of `data` was taken, and returns the number of bytes.
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data);
  [[nodiscard]] Task<std::size_t> write(std::string_view text) { return write(bytes_of(text)); }
  [[nodiscard]] Task<void> write_all(std::span<const std::byte> data);
  [[nodiscard]] Task<void> write_all(std::string_view text) { return write_all(bytes_of(text)); }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <weft::detail::OwningTemporary B>
  [[nodiscard]] Task<void> write_all(B&& data) {
    return weft::detail::write_owned<UpgradedStream, B>(*this, std::move(data));
  }
  /// Ends the writing direction.
  [[nodiscard]] Task<void> shutdown();

  /// Waits until the server drains: the time to say goodbye; never ends at a client. Cancel: stops
  /// waiting.
  [[nodiscard]] Task<void> draining();

  /// Takes what was received with the request or response, and not read yet.
  [[nodiscard]] std::string take_received() noexcept;
  /// Returns the socket below; null if there is none. What was received before is missing there:
  /// see take_received(). Between two sockets, copies go through splice(2).
  [[nodiscard]] StreamSocket* socket() noexcept;
  /// Returns the peer's address; null if there is none.
  [[nodiscard]] const Endpoint* peer() noexcept { return transport_.peer_endpoint(); }
  [[nodiscard]] bool is_encrypted() const noexcept { return transport_.is_encrypted(); }
  /// Returns what errors call it.
  [[nodiscard]] std::string subject() const;

 private:
  [[nodiscard]] std::size_t take(std::span<std::byte> buffer) noexcept;

  const std::shared_ptr<Transport> owned_;  // null: of a server
  Transport& transport_;
  std::string received_;
  std::size_t taken_ = 0;  // of received_
  ManualResetEvent* draining_ = nullptr;
};

}  // namespace weft::inline v0_1::http
