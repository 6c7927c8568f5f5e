// http::ClientConnection: HTTP/1.1 requests over one given stream. Part of <weft/http.hpp>.
//
//   weft::http::ClientConnection connection(std::move(stream));
//   weft::http::Response response = co_await connection.get("http://example.org/");
#pragma once

#include <weft/http/client.hpp>
#include <weft/http/transport.hpp>
#include <weft/task.hpp>

#include <memory>
#include <string>
#include <utility>

namespace weft::inline v0_1::http {

/// Sends requests over one stream that is connected already: an in-memory one in a test, one end of
/// a tunnel, a socket that was handed over. Any number of tasks on any threads may use it; their
/// requests are sent one after the other, first come, first served. It may be destroyed before its
/// requests have ended, which keep what they use.
///
/// Requests, responses and errors are those of Client, with these differences. The URL names the
/// server for the field Host alone; https needs a stream that is encrypted (Errc::not_encrypted).
/// A redirect is a response like any other. No request is sent twice. ClientOptions::timeout also
/// counts the wait for earlier requests (Errc::timed_out_connecting). The options about connecting,
/// proxies, idle connections, redirects and retries have no effect.
///
/// The stream is closed after a response that ends the connection, after an error, and if a request
/// is cancelled once it has begun. Later requests end with errc::not_connected; also after an
/// upgrade and with a tunnel, where the stream is IncomingResponse's. Cancel of a request that
/// waits for its turn: it is not sent.
class ClientConnection {
 public:
  /// Takes the stream, or borrows an lvalue: see <weft/http/transport.hpp>. Throws
  /// std::invalid_argument as Client().
  explicit ClientConnection(Transport stream)
      : ClientConnection(std::move(stream), ClientOptions()) {}
  ClientConnection(Transport stream, ClientOptions options);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  [[nodiscard]] Task<Response> request(ClientRequest request);
  [[nodiscard]] Task<Response> get(std::string url);
  /// Passes the body to `sink`: see Client::request_to().
  [[nodiscard]] Task<Response> request_to(ClientRequest request, BodySink sink);
  [[nodiscard]] Task<Response> get_to(std::string url, BodySink sink);
  /// Returns when the head of the response has come: see Client::start(). The next request has its
  /// turn when the body was read to its end; a body that is destroyed before closes the stream.
  [[nodiscard]] Task<IncomingResponse> start(ClientRequest request);
  [[nodiscard]] Task<IncomingResponse> start(ClientRequest request, Scope& owner);

  /// Returns whether another request can be sent, as far as is known: false after the end of the
  /// connection, true while a request is under way.
  [[nodiscard]] bool is_open() const noexcept;
  /// Closes the stream; at once if no request is under way, else at the end of that request.
  /// Requests that wait for their turn end with errc::not_connected. Any thread.
  void close() noexcept;

 private:
  std::shared_ptr<class SoleConnection> sole_;
};

}  // namespace weft::inline v0_1::http
