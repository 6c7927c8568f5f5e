// http::Client: HTTP/1.1 requests over pooled connections. Part of <weft/http.hpp>.
//
//   weft::http::Client client;
//   weft::http::Response response = co_await client.get("http://127.0.0.1:8080/100/hello");
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weft/http/connector.hpp>
#include <weft/http/message.hpp>
#include <weft/http/url.hpp>
#include <weft/resolve.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

struct ClientOptions {
  ClientOptions() { limits.max_body = 64 * 1024 * 1024; }

  /// Limits of a response. max_body bounds bodies that are collected, not bodies passed to a sink.
  /// The interim (1xx) responses before it may have max_header_bytes in all.
  Limits limits = {};
  /// Refuses responses with faults that most clients tolerate: a field that continues on the next
  /// line (RFC 9112, 5.2: such a line is otherwise joined by a space), lines of the head that end
  /// with LF alone, and a Content-Length that is repeated with the same value.
  bool strict = false;
  /// For resolving the name and connecting.
  Nanoseconds connect_timeout = std::chrono::seconds(10);
  /// For a whole request: resolving, connecting, redirects, up to the last byte of the body.
  /// Nanoseconds::max(): no limit.
  Nanoseconds timeout = std::chrono::seconds(30);
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
  /// Maximum number of redirects that are followed. 0: a redirect is returned like any response.
  unsigned follow_redirects = 0;
  /// The User-Agent field; none if empty.
  std::string user_agent = "weft";
  /// Makes the connections, instead of a TCP connection to the host: over Unix sockets, proxies, or
  /// in memory. The connections are kept by scheme, host and port.
  Connector connector = {};
  /// What looks up the names of hosts. Null: the system's resolver.
  std::shared_ptr<Resolver> resolver = {};
  /// Addresses of some hosts, for which `resolver` is not asked; see resolver_with(). As with
  /// curl's --resolve the request stays as it is: its field Host names the host of the URL.
  std::vector<HostAddresses> resolve = {};
};

/// A request. The client writes Content-Length and Connection, and Host from the URL unless there
/// is a field Host in `headers` (of which it uses the first): so a virtual host can be asked at an
/// address. With "Expect: 100-continue" it sends the body only when the server asks for it or after
/// continue_timeout; a final response that comes before saves the body.
struct ClientRequest {
  ClientRequest(Method what, std::string where) : method(what), url(std::move(where)) {}

  Method method;
  std::string url;
  Headers headers;
  std::string body;
};

/// Receives a response's body piece by piece, in order; `head` is the response without the body. An
/// exception that it throws ends the request and reaches the caller.
using BodySink =
    std::move_only_function<void(const Response& head, std::span<const std::byte> bytes)>;

/// Sends requests over pooled connections. Any number of tasks on any threads may use it. It may be
/// destroyed before its requests have ended, which keep what they use.
///
/// Each request returns a Response, whatever its status, or throws IoError. Its text names the
/// operation and the address or URL on one line. Its code is the system's (connection_refused,
/// connection_reset …), the resolver's (a bad name), or http::Errc (a malformed or oversized
/// response, a bad URL, tls_not_built_in …), or that of what a connector throws. That of a timeout
/// equals std::errc::timed_out, and says what was being waited for (timed_out_connecting …). If an
/// idle connection turns out to be closed before the first byte of the response, a request with an
/// idempotent method is sent once more on a new connection. Bytes that came before a request was
/// sent are never its response: the connection is closed.
///
/// The response is read while the body is sent, so a server may refuse a body, or answer it, before
/// it has all of it. What is not sent by the end of the response is not sent any more.
/// Cancel: closes the connection and abandons the request.
class Client {
 public:
  /// Throws std::invalid_argument if options.user_agent has a control character.
  explicit Client(ClientOptions options);
  /// The same, with the default options.
  Client() : Client(ClientOptions()) {}
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Task<Response> request(ClientRequest request);
  [[nodiscard]] Task<Response> get(std::string url);
  /// Sends a request like request(), but passes the body to `sink`; the body of the Response is
  /// empty. The bodies of redirects that are followed are not passed to `sink`.
  [[nodiscard]] Task<Response> request_to(ClientRequest request, BodySink sink);
  [[nodiscard]] Task<Response> get_to(std::string url, BodySink sink);

  /// Returns the number of idle connections.
  [[nodiscard]] std::size_t idle_connections() const noexcept;
  /// Closes the idle connections.
  void close_idle() noexcept;

 private:
  std::shared_ptr<class ClientCore> core_;
};

}  // namespace weft::inline v0_1::http
