// http::Client: HTTP/1.1 requests over pooled connections. Part of <weft/http.hpp>.
//
//   weft::http::Client client;
//   weft::http::Response response = co_await client.get("http://127.0.0.1:8080/100/hello");
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <weft/http/client_options.hpp>
#include <weft/http/client_request.hpp>
#include <weft/http/incoming_response.hpp>
#include <weft/http/message.hpp>
#include <weft/scope.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

/// Sends requests over pooled connections. Any number of tasks on any threads may use it. It may be
/// destroyed before its requests have ended, which keep what they use.
///
/// Each request returns a Response, whatever its status, or throws IoError. Its text names the
/// operation and the address or URL on one line. Its code is the system's (connection_refused,
/// connection_reset …), the resolver's (a bad name), or http::Errc (a malformed or oversized
/// response, a bad URL, tls_not_configured …), or that of what a connector throws. The code of a
/// timeout equals std::errc::timed_out, and says what the wait was for (timed_out_connecting …). If
/// an idle connection turns out to be closed before the first byte of the response, a request with
/// an idempotent method is sent once more on a new connection. Bytes that came before a request was
/// sent are never its response: the connection is closed.
///
/// The response is read while the body is sent, so a server may refuse a body, or answer it, before
/// it has all of it. What is not sent by the end of the response is not sent any more.
/// Cancel: closes the connection and abandons the request.
///
/// https needs ClientOptions::secure, as the component of TLS gives it, or a connector.
class Client {
 public:
  /// Throws std::invalid_argument if options.user_agent has a control character.
  explicit Client(ClientOptions options);
  /// The same, with the default options.
  Client() : Client(ClientOptions()) {}
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Throws std::invalid_argument for a request whose connection is to leave HTTP: see start().
  [[nodiscard]] Task<Response> request(ClientRequest request);
  [[nodiscard]] Task<Response> get(std::string url);
  /// Sends a request, and returns when the head of the response has come: the body is read by the
  /// caller, as fast as it likes. The bodies of redirects that are followed are dropped. After an
  /// upgrade (ClientRequest::upgrade_to()), and with a tunnel (ClientRequest::tunnel()), it has the
  /// connection.
  ///
  /// What is left of the request's body is sent by a task of the runtime while the response is read
  /// (see IncomingResponse). If the response, or this call, is given up, the task is cancelled and
  /// not waited for: so a producer owns what it uses, or refers to what outlives the runtime.
  [[nodiscard]] Task<IncomingResponse> start(ClientRequest request);
  /// The same, with that task as a child of `owner`, which waits for it: a producer may refer to
  /// what outlives the scope. Its failure does not fail the scope. `owner` must outlive the
  /// response's body.
  [[nodiscard]] Task<IncomingResponse> start(ClientRequest request, Scope& owner);
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
