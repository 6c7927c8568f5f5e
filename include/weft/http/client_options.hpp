// http::ClientOptions: what an http::Client does, and what it does not wait for. Part of
// <weft/http.hpp>. A value type; copied into the client.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weft/http/connector.hpp>
#include <weft/http/message.hpp>
#include <weft/http/proxy.hpp>
#include <weft/http/transport.hpp>
#include <weft/http/url.hpp>
#include <weft/resolve.hpp>
#include <weft/retry.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

/// A redirect that is about to be followed: see ClientOptions::on_redirect. Valid during the call.
struct Redirect {
  Redirect(const Url& its_from, const Url& its_to, const Response& its_response) noexcept
      : from(its_from), to(its_to), response(its_response) {}
  const Url& from;
  const Url& to;
  const Response& response;  ///< its head
};

/// Turns a stream that is connected to a server, or tunnelled to it, into an encrypted one, whose
/// is_encrypted() is true. `to` names the server whose certificate is to be verified. Called by
/// several tasks at the same time. Errors: what it throws ends the request; an IoError keeps its
/// code. Cancel: gives the stream up.
using Securer = std::function<Task<Transport>(Transport over, Origin to)>;

struct ClientOptions {
  ClientOptions() { limits.max_body = 64 * 1024 * 1024; }

  /// Limits of a response. max_body bounds bodies that are collected, not bodies passed to a sink.
  /// The interim (1xx) responses before it may have max_header_bytes in all.
  Limits limits = {};
  /// Refuses responses with faults that most clients tolerate: a field that continues on the next
  /// line (RFC 9112, 5.2: such a line is otherwise joined by a space), lines of the head that end
  /// with LF alone, and a Content-Length that is repeated with the same value.
  bool strict = false;

  // Limits of time. Nanoseconds::max(): no limit. The error of each equals std::errc::timed_out and
  // says what was waited for.

  /// For a whole request: the turn, the name, connecting, redirects, retries and their pauses, up
  /// to the last byte of the body. ClientRequest::timeout replaces it.
  Nanoseconds timeout = std::chrono::seconds(30);
  /// For making a connection: the name, the address, the proxy's tunnel, TLS.
  Nanoseconds connect_timeout = std::chrono::seconds(10);
  /// Of that, for looking up the name (Errc::timed_out_resolving).
  Nanoseconds resolve_timeout = Nanoseconds::max();
  /// Of that, for what `secure` does (Errc::timed_out_securing).
  Nanoseconds secure_timeout = Nanoseconds::max();
  /// While a request is sent: between two moments at which the server takes bytes of it
  /// (Errc::timed_out_sending). The time in which a producer makes bytes does not count.
  Nanoseconds send_timeout = Nanoseconds::max();
  /// From the end of the request to the first byte of the response (Errc::timed_out_waiting).
  Nanoseconds first_byte_timeout = Nanoseconds::max();
  /// Between two pieces of the response (Errc::timed_out_receiving).
  Nanoseconds silence_timeout = Nanoseconds::max();
  /// How long a request with a body and "Expect: 100-continue" waits for the server's word before
  /// it sends the body all the same.
  Nanoseconds continue_timeout = std::chrono::seconds(1);
  /// Maximum number of idle connections kept open per host and port. 0: none.
  std::size_t max_idle_per_host = 64;
  /// The same for all hosts together. Beyond that the one that has been idle for longest is closed.
  std::size_t max_idle = 256;
  /// How long an idle connection may be reused. Within a second after that, or after the peer has
  /// closed it, it is closed (if the runtime runs). Zero: none is kept.
  Nanoseconds idle_timeout = std::chrono::seconds(60);

  /// Maximum number of connections per host and port (and proxy), kept ones included. A request
  /// beyond that waits until another one has ended, first come, first served; its limits of time
  /// count the wait (Errc::timed_out_queued). 0: no bound.
  std::size_t max_connections_per_host = 0;
  /// The same for all hosts together; kept connections of other hosts are closed for a new one.
  std::size_t max_connections = 0;

  /// Maximum number of redirects that are followed. 0: a redirect is returned like any response.
  /// As RFC 9110, 15.4, says: after 303, and after POST with 301 and 302, the next request is a GET
  /// without a body and without the fields that describe it. Authorization, Cookie and Host are
  /// sent to the first scheme, host and port only. A streamed body is sent again only if
  /// ClientRequest::repeatable() was said (Errc::body_not_repeatable).
  unsigned follow_redirects = 0;
  /// A redirect to another host or port is an error: Errc::redirect_refused.
  bool redirect_same_host_only = false;
  /// A redirect from https to http is followed; otherwise it is an error: Errc::redirect_refused.
  bool allow_insecure_redirect = false;
  /// Called before a redirect is followed; false: Errc::redirect_refused. What it throws ends the
  /// request. Any task, also several at the same time.
  std::function<bool(const Redirect&)> on_redirect = {};

  /// Sends a request again that has failed in a way that may pass, as the policy says. Null: never,
  /// but see Client about kept connections. Sent again is what is safe: a request with an
  /// idempotent method, or one that no server has seen; nothing of a response must have come, and
  /// its body must be a text, repeatable(), or not begun. Responses 429, 502, 503 and 504 count as
  /// failures, with errc::resource_unavailable_try_again: after the last attempt they are returned.
  std::optional<RetryPolicy> retry = {};
  /// A response's Retry-After lengthens the pause before the next attempt. If it asks for more than
  /// this, the response is returned at once.
  Nanoseconds max_retry_after = std::chrono::seconds(30);

  /// The User-Agent field; none if empty.
  std::string user_agent = "weft";

  /// Makes the connections, instead of a TCP connection to the host: in memory, through tunnels.
  /// The connections are kept by scheme, host and port. If a proxy is used, it is called for the
  /// proxy's origin.
  Connector connector = {};
  /// Connects to this Unix socket whatever the host ("/run/x.sock", "@abstract"); `connector` and
  /// `proxies` are then not used. Empty: none.
  std::string unix_socket = {};
  /// The proxies, for http and for https: Proxies::from_environment() for example.
  Proxies proxies = {};
  /// Makes a stream encrypted, for https, directly and through a proxy's tunnel: what TLS is.
  /// Without it, https needs a connector whose streams are encrypted.
  Securer secure = {};
  /// What looks up the names of hosts. Null: the system's resolver.
  std::shared_ptr<Resolver> resolver = {};
  /// Addresses of some hosts, for which `resolver` is not asked; see resolver_with(). As with
  /// curl's --resolve the request stays as it is: its field Host names the host of the URL.
  std::vector<HostAddresses> resolve = {};

  /// Called with each request before it is sent, on redirects and retries again, and may change its
  /// fields: for cookies, signatures. What it throws ends the request. Any task, also several at
  /// the same time.
  std::function<void(const Url& url, Method method, Headers& fields)> before_request = {};
  /// Called with the head of each final response, also of a redirect that is followed.
  std::function<void(const Url& url, const Response& head)> after_response = {};
};

}  // namespace weft::inline v0_1::http
