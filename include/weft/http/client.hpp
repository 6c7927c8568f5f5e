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

#include <weft/http/message.hpp>
#include <weft/http/url.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::http {

struct ClientOptions {
  ClientOptions() { limits.max_body = 64 * 1024 * 1024; }

  /// What a response may be. max_body bounds bodies that are collected, not those given to a sink.
  Limits limits;
  /// For a name's look-up and the connection.
  Nanoseconds connect_timeout = std::chrono::seconds(10);
  /// For a whole request: look-up, connection, redirects, the last byte of the body.
  /// Nanoseconds::max(): none.
  Nanoseconds timeout = std::chrono::seconds(30);
  /// Connections kept open between requests, of one host and port. 0: none.
  std::size_t max_idle_per_host = 64;
  /// How long a kept connection may be used again.
  Nanoseconds idle_timeout = std::chrono::seconds(60);
  /// Redirects that are followed. 0: a redirect is given to the caller as any response.
  unsigned follow_redirects = 0;
  /// The User-Agent field; none when empty.
  std::string user_agent = "weft";
};

/// What to ask for. Host, Content-Length and Connection are written by the client.
struct ClientRequest {
  ClientRequest(Method what, std::string where) : method(what), url(std::move(where)) {}

  Method method;
  std::string url;
  Headers headers;
  std::string body;
};

/// Takes a response's body as it comes, in order; `head` is the response without the body. What it
/// throws ends the request and reaches its caller.
using BodySink =
    std::move_only_function<void(const Response& head, std::span<const std::byte> bytes)>;

/// A client for any number of tasks at a time, on any threads. Must outlive its requests, not the
/// runtime.
///
/// Each request gives a Response, whatever its status, or throws IoError, whose text names the
/// operation and the address or URL on one line and whose code says what happened: the system's
/// (connection_refused, connection_reset, timed_out …), the resolver's (a bad name), or http::Errc
/// (a malformed or oversized response, a bad URL, tls_not_built_in …). A kept connection that turns
/// out to be closed before the first byte of a response is replaced once, for idempotent methods.
/// Cancel: the connection is closed and the request given up.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Task<Response> request(ClientRequest request);
  [[nodiscard]] Task<Response> get(std::string url);
  /// As request(), but the body goes to `sink` and the Response has none. The bodies of redirects
  /// that are followed are not given to it.
  [[nodiscard]] Task<Response> request_to(ClientRequest request, BodySink sink);
  [[nodiscard]] Task<Response> get_to(std::string url, BodySink sink);

  /// Connections that are kept and not in use.
  [[nodiscard]] std::size_t idle_connections() const noexcept;
  /// Closes them.
  void close_idle() noexcept;

 private:
  std::unique_ptr<class ClientCore> core_;
};

}  // namespace weft::http
