// http::ClientRequest: what a client sends. Part of <weft/http.hpp>. A value type; moves into the
// call that sends it.
//
//   weft::http::ClientRequest request(weft::http::Method::put, url);
//   weft::File backup = co_await weft::File::open("backup.tar");
//   request.stream(std::move(backup));
//   weft::http::Response response = co_await client.request(std::move(request));
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <weft/http/body.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/message.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

/// How much of a body was transferred: `bytes`, of `total` if that is known. Called by one task at
/// a time; must not throw.
using Progress = std::function<void(std::uint64_t bytes, std::optional<std::uint64_t> total)>;

/// A request. The client writes Content-Length or Transfer-Encoding, and Connection, and Host from
/// the URL unless there is a field Host in `headers` (of which it uses the first): so a virtual
/// host can be asked at an address. With "Expect: 100-continue" it sends the body only when the
/// server asks for it or after continue_timeout; a final response that comes before saves the body.
struct ClientRequest {
  ClientRequest(Method what, std::string where) : method(what), url(std::move(where)) {}

  Method method;
  std::string url;
  Headers headers;
  std::string body;  ///< not used if there is a streamed one
  /// Replaces ClientOptions::timeout.
  std::optional<Nanoseconds> timeout = {};
  /// Called as the server takes bytes of the body, and as bytes of the final response's body are
  /// read. A request that is sent again counts from 0 again.
  Progress on_sent = {};
  Progress on_received = {};
  /// Called with the head of each interim response (1xx but 101, RFC 9110, 15.2), as 103 Early
  /// Hints. What it throws ends the request. Without it they are ignored.
  std::function<void(const Response& head)> on_interim = {};

  /// Gives it a body that is made while it is sent, by what <weft/http/body.hpp> calls a producer,
  /// instead of `body`. `length`: its size, for Content-Length; the producer must make exactly as
  /// many bytes. Without it the body is chunked, and its writer may add trailers.
  ///
  /// The producer runs in a task beside the one that receives the response, and is cancelled when
  /// the response is complete, or given up. What it throws ends the request, before the response
  /// or in the middle of it. With Client::request() it may refer to all that outlives the call; see
  /// Client::start() for what it may refer to there.
  template <class P>
    requires BodyProducible<std::remove_cvref_t<P>>
  ClientRequest& stream(P&& producer, std::optional<std::uint64_t> length = std::nullopt) {
    streamed = StreamedBody(std::forward<P>(producer), length);
    return *this;
  }
  /// Says that the producer, a callable, makes the same body each time it is called: for redirects
  /// and retries.
  ClientRequest& repeatable() noexcept {
    can_repeat = true;
    return *this;
  }

  /// Asks the server to go on with another protocol on the connection (RFC 9110, 7.8): a name, as
  /// "websocket", or several in the order of preference, "a/2, b". The client writes the fields
  /// Upgrade and Connection. Replaces what was asked for before. For Client::start(): see
  /// IncomingResponse::upgraded. A proxy for http is asked for a tunnel.
  ClientRequest& upgrade_to(std::string protocols) {
    upgrade = std::move(protocols);
    return *this;
  }
  /// Returns a request to the proxy at the URL `proxy` for a tunnel to `to`, a host and a port
  /// (CONNECT, RFC 9110, 9.3.6). For Client::start(): see IncomingResponse::upgraded. It has no
  /// body, redirects are not followed, and Errc::bad_target is thrown if `to` has another form.
  [[nodiscard]] static ClientRequest tunnel(std::string proxy, std::string to) {
    ClientRequest request(Method::connect, std::move(proxy));
    request.tunnel_to = std::move(to);
    return request;
  }
  /// Returns whether the connection is to leave HTTP.
  [[nodiscard]] bool leaves_http() const noexcept {
    return method == Method::connect || !upgrade.empty();
  }

  std::string upgrade;      ///< see upgrade_to()
  std::string tunnel_to;    ///< see tunnel()
  StreamedBody streamed;    ///< see stream()
  bool can_repeat = false;  ///< see repeatable()
};

/// Receives a response's body piece by piece, in order; `head` is the response without the body. An
/// exception that it throws ends the request and reaches the caller.
using BodySink =
    std::move_only_function<void(const Response& head, std::span<const std::byte> bytes)>;

}  // namespace weft::inline v0_1::http
