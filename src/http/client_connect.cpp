// From the inside out: open_raw() makes a stream, make_tunnel() has a proxy pass it on, secured()
// encrypts it, open() does what the call needs of that, connect_anew() does it within its limit.
#include "http/client_connect.hpp"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include <weft/net.hpp>
#include <weft/timeout.hpp>
#include <weft/unix.hpp>

#include "http/parsers.hpp"
#include "http/receiver.hpp"
#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

[[nodiscard]] bool lacks_handles(std::error_code error) noexcept {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system;
}

/// How errors name the operation.
[[nodiscard]] std::string connecting_by(const Call& call) {
  if (call.proxy == nullptr) return "connect";
  return "connect by proxy " + call.proxy->to_string() + " to";
}

/// Opens a stream to `to`, the server or its proxy, as the options say.
Task<Transport> open_raw(const Call& call, const Origin& to) {
  const ClientOptions& options = call.core.options;
  if (!options.unix_socket.empty()) {
    UnixStream stream = co_await UnixStream::connect(options.unix_socket);
    co_return Transport(std::move(stream));
  }
  if (options.connector) {
    Transport given = co_await options.connector(to);
    co_return given;
  }
  StreamSocket stream = co_await StreamSocket::connect(to.host, to.port, call.core.connect_options);
  co_return Transport(std::move(stream));
}

/// `over` as ClientOptions::secure encrypts it.
Task<Transport> secured(const Call& call, Transport over, const Origin& to) {
  const ClientOptions& options = call.core.options;
  try {
    Task<Transport> securing = options.secure(std::move(over), to);
    Transport made = co_await timeout(std::move(securing), options.secure_timeout);
    co_return made;
  } catch (const IoError& error) {
    if (error.code() != IoErrc::timed_out) throw;
  }
  throw IoError(make_error_code(Errc::timed_out_securing), connecting_by(call), call.url.origin());
}

/// The request for a tunnel (RFC 9110, 9.3.6).
[[nodiscard]] std::string tunnel_request(const Call& call) {
  std::string host = call.url.host_field();
  if (host.find(':', host.rfind(']') + 1) == std::string::npos) {
    host.append(call.url.scheme == "https" ? ":443" : ":80");
  }
  std::string text = "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n";
  const ClientOptions& options = call.core.options;
  if (!options.user_agent.empty()) text.append("User-Agent: ").append(options.user_agent + "\r\n");
  const std::string& authorization = call.proxy->authorization;
  if (!authorization.empty()) text.append("Proxy-Authorization: ").append(authorization + "\r\n");
  return text.append("\r\n");
}

/// Asks the proxy at the end of `stream` for a tunnel, and reads its answer.
template <class S>
Task<void> make_tunnel(const Call& call, S& stream) {
  const std::string request = tunnel_request(call);
  co_await stream.write_all(std::string_view(request));
  Lease<ClientSlot> slot(call.core.slots);
  ResponseParser& parser = (*slot).parser;
  Response answer;
  // The answer ends with its head, whatever its fields say, as one to HEAD does.
  const Reading reading = call.core.options.strict ? Reading::strict : Reading::tolerant;
  std::string_view input;
  do {
    parser.begin(answer, Method::head, reading);
    for (;;) {
      const ParseStep step = parser.feed(input);
      input.remove_prefix(step.consumed);
      if (step.event == ParseEvent::complete) break;
      if (step.event == ParseEvent::failed) {
        throw IoError(make_error_code(parser.error()), connecting_by(call), call.url.origin());
      }
      const std::size_t size = co_await stream.read((*slot).input);
      if (size == 0) {
        throw IoError(make_error_code(Errc::unexpected_end), connecting_by(call),
                      call.url.origin());
      }
      input = text_of(std::span((*slot).input).first(size));
    }
  } while (answer.status.is_informational());
  if (!answer.status.is_success()) {
    const std::string subject =
        call.url.origin() + " (status " + std::to_string(answer.status.code()) + ")";
    throw IoError(make_error_code(Errc::proxy_refused), connecting_by(call), subject);
  }
  // What comes behind the head is not the server's: the client speaks first.
  if (!input.empty()) {
    throw IoError(make_error_code(Errc::unasked_response), connecting_by(call), call.url.origin());
  }
}

/// Opens a stream to the call's proxy, or through it to the server.
Task<Transport> open_by_proxy(const Call& call) {
  const Origin proxy(call.proxy->scheme, call.proxy->host, call.proxy->port);
  Result<Transport> transport = fail(make_error_code(Errc::tls_not_configured));
  try {
    Transport raw = co_await open_raw(call, proxy);
    transport = std::move(raw);
    const bool is_clear = proxy.scheme == "https" && !transport->is_encrypted();
    if (is_clear && !call.core.options.secure) {
      transport = fail(make_error_code(Errc::tls_not_configured));
    } else if (is_clear) {
      Transport encrypted = co_await secured(call, std::move(*transport), proxy);
      transport = std::move(encrypted);
    }
  } catch (const IoError& error) {
    transport = fail(error.code());
  }
  if (!transport) throw IoError(transport.error(), connecting_by(call), call.url.origin());
  if (!call.asks_proxy()) {
    if (transport->is_socket()) {
      co_await make_tunnel(call, transport->over<StreamSocket>());
    } else {
      co_await make_tunnel(call, transport->over<TransportStream>());
    }
  }
  co_return std::move(*transport);
}

/// Opens a stream on which the request can be sent.
Task<Transport> open(const Call& call) {
  const Origin origin(call.url.scheme, call.url.host, call.url.port);
  std::optional<Transport> transport;
  if (call.proxy != nullptr) {
    Transport given = co_await open_by_proxy(call);
    transport.emplace(std::move(given));
  } else {
    Transport given = co_await open_raw(call, origin);
    transport.emplace(std::move(given));
  }
  // A stream from a proxy that is reached by https is encrypted as far as the proxy.
  const bool is_end_to_end = call.proxy == nullptr && transport->is_encrypted();
  if (origin.scheme == "https" && !is_end_to_end) {
    if (!call.core.options.secure) throw error_of(call, make_error_code(Errc::not_encrypted));
    Transport encrypted = co_await secured(call, std::move(*transport), origin);
    transport.emplace(std::move(encrypted));
  }
  check_url(call, &*transport);
  co_return std::move(*transport);
}

Task<Transport> connect(const Call& call) {
  const Nanoseconds limit = call.core.options.connect_timeout;
  for (;;) {
    try {
      Transport transport = co_await timeout(open(call), limit);
      co_return transport;
    } catch (const IoError& error) {
      // Connections that only might be of use give their handles to one that is needed.
      if (lacks_handles(error.code()) && call.core.idle_pool->clear() > 0) continue;
      // A resolver that timed out says for which name, and the system for which address.
      if (error.code() != IoErrc::timed_out) throw;
    }
    throw IoError(make_error_code(Errc::timed_out_connecting), connecting_by(call),
                  call.url.authority());
  }
}

}  // namespace

std::string connection_key(const Call& call) {
  // A connection to the same host and port may be encrypted, or not.
  const bool is_clear = call.url.scheme == "http";
  if (call.proxy == nullptr) return is_clear ? call.url.authority() : call.url.origin();
  const std::string proxy = "proxy " + call.proxy->to_string();
  return call.asks_proxy() ? proxy : proxy + " to " + call.url.origin();
}

Task<Result<Transport>> connect_anew(Call& call) {
  call.connected = false;
  if (call.core.turns != nullptr) {
    const std::optional<std::size_t> room = call.core.turns->room_for_idle();
    if (room) call.core.idle_pool->keep_at_most(*room);
  }
  Transport transport = co_await connect(call);
  const bool spoke = co_await has_spoken(transport);
  if (spoke) co_return fail(make_error_code(Errc::unasked_response));
  co_return transport;
}

}  // namespace weft::inline v0_1::http
