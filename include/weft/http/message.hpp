// The types of HTTP messages: Method, Status, Version, Request, Response, Limits. Part of
// <weft/http.hpp>. Value types without I/O; one task at a time uses an object.
//
//   auto response = weft::http::Response::text("hello\n");
//   response.headers.add("Cache-Control", "no-store");
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/endpoint.hpp>
#include <weft/http/body.hpp>
#include <weft/http/error.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/path_parameters.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

class UpgradedStream;

/// The methods of RFC 9110 and RFC 5789. A server answers any other with 501, and CONNECT as well
/// unless ServerOptions::accept_connect is set.
enum class Method : std::uint8_t { get, head, post, put, del, connect, options, trace, patch };

/// Returns "GET", "HEAD" ….
[[nodiscard]] std::string_view to_string(Method method) noexcept;
/// Returns the method of that name; names are case-sensitive.
[[nodiscard]] std::optional<Method> method_from(std::string_view name) noexcept;
/// Returns whether sending a request twice has the effect of sending it once (RFC 9110, 9.2.2).
[[nodiscard]] bool is_idempotent(Method method) noexcept;

enum class Version : std::uint8_t { http_1_0, http_1_1 };

/// A status code, 100 to 999, with the reason phrase of the codes that have one.
class Status {
 public:
  /// `code` is a three-digit number; any other becomes 500.
  constexpr explicit(false) Status(int code = 200) noexcept
      : code_(static_cast<std::uint16_t>(code >= 100 && code <= 999 ? code : 500)) {}
  [[nodiscard]] constexpr int code() const noexcept { return code_; }
  [[nodiscard]] constexpr bool is_informational() const noexcept { return code_ < 200; }
  [[nodiscard]] constexpr bool is_success() const noexcept { return code_ / 100 == 2; }
  [[nodiscard]] constexpr bool is_redirect() const noexcept { return code_ / 100 == 3; }
  [[nodiscard]] constexpr bool is_error() const noexcept { return code_ >= 400; }
  /// Returns "Not Found" for 404; empty for a code without a registered phrase.
  [[nodiscard]] std::string_view reason() const noexcept;
  friend constexpr bool operator==(Status, Status) noexcept = default;

 private:
  std::uint16_t code_;
};

/// Replaces each %XX by its byte. Errors: Errc::bad_percent_encoding. '+' stays '+'.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);
/// Returns `text` with each byte that is not unreserved (letters, digits, "-._~") as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// What sends interim responses to the client of a request: the server that has received it, or a
/// test's double.
class Informer {
 public:
  Informer() = default;
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;
  virtual ~Informer() = default;
  /// See Request::inform(), which has checked `status`.
  [[nodiscard]] virtual Task<bool> inform(Status status, const Headers& headers) = 0;
};

/// A request as a server's handler gets it: framing, Host and limits have been checked, and the
/// body is complete. If the target is absolute, Host is the target's. The handler may change it:
/// how the response is framed depends on the request that was received.
struct Request {
  Method method = Method::get;
  Version version = Version::http_1_1;
  bool keep_alive = true;  ///< the peer allows another request on this connection
  std::string target;      ///< as sent: "/a%20b?c=d", "http://host/a", "*"; CONNECT: "host:443"
  Headers headers;
  std::string body;
  /// The client's address, as StreamSocket::peer_endpoint() gives it; null if no server has
  /// received the request, or if it came over a stream without an address. Valid until the handler
  /// has ended.
  const Endpoint* peer = nullptr;
  /// What inform() uses; null if the client takes no interim responses, or no server has received
  /// the request. Valid until the handler has ended.
  Informer* informer = nullptr;
  /// What a Router has captured of the path.
  PathParameters path_parameters;

  Request() = default;

  /// Returns the raw path of the target, without the query: "/a%20b". "/" if an absolute target has
  /// none.
  [[nodiscard]] std::string_view path() const noexcept;
  /// Returns the raw part of the target after the first '?'; empty if there is none.
  [[nodiscard]] std::string_view query() const noexcept;
  /// Returns the decoded value of the first `name=value` of the query, where '+' means a space.
  /// Empty if the name is absent or the value cannot be decoded.
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  /// Sends an interim response (RFC 9110, 15.2) before the handler's own: 103 (Early Hints), 102
  /// (Processing). Waits until the client has taken it. Returns false, and sends nothing, if the
  /// client speaks HTTP/1.0, or no server has received the request. Of `headers`, those that a
  /// server writes itself are left out, as in a Response. Any number of them may be sent, one at a
  /// time, until the handler has ended. Throws std::invalid_argument, when awaited, for a status
  /// that is no interim one, and for 101; IoErrors of the connection, which a handler may let
  /// through: they end the connection, and are not its failure. Limit of time:
  /// ServerOptions::write_timeout. Cancel: what was not sent yet goes out before the response.
  ///
  ///   weft::http::Headers hints;
  ///   hints.add("Link", "</style.css>; rel=preload; as=style");
  ///   co_await request.inform(103, std::move(hints));
  [[nodiscard]] Task<bool> inform(Status status, Headers headers = {});
  /// Returns whether the client asks to go on with that protocol, named without regard to case, on
  /// this connection: by Upgrade and "Connection: upgrade" (RFC 9110, 7.8). False for HTTP/1.0.
  [[nodiscard]] bool asks_upgrade_to(std::string_view protocol) const noexcept;
  /// Clears all fields and keeps the memory for the next message.
  void clear() noexcept;
};

/// What goes on with a connection that has left HTTP: a callable that takes an UpgradedStream& (see
/// <weft/http/upgraded_stream.hpp>), and gives something to await. Copies share it.
class Takeover {
 public:
  Takeover() noexcept = default;
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Takeover> &&
             std::invocable<std::decay_t<F>&, UpgradedStream&>)
  explicit Takeover(F&& take)
      : base_(std::make_shared<Of<std::decay_t<F>>>(std::forward<F>(take))) {}

  /// Returns whether there is one.
  [[nodiscard]] explicit operator bool() const noexcept { return base_ != nullptr; }
  /// Calls it. Precondition: there is one, which stays until this has ended.
  [[nodiscard]] Task<void> run(UpgradedStream& stream) const { return base_->run(stream); }
  void reset() noexcept { base_.reset(); }

 private:
  struct Base {
    Base() = default;
    Base(const Base&) = delete;
    Base& operator=(const Base&) = delete;
    virtual ~Base() = default;
    [[nodiscard]] virtual Task<void> run(UpgradedStream& stream) = 0;
  };
  template <class F>
  struct Of final : Base {
    explicit Of(F f) : take(std::move(f)) {}
    [[nodiscard]] Task<void> run(UpgradedStream& stream) override {
      static_assert(Awaitable<std::invoke_result_t<F&, UpgradedStream&>>,
                    "weft: what takes a connection over returns something to await: "
                    "[](weft::http::UpgradedStream& stream) -> weft::Task<void> { … }");
      return as_task(take(stream));
    }
    F take;
  };

  std::shared_ptr<Base> base_;
};

/// A response. The server writes Content-Length and Connection, whatever is set here, and Date
/// unless the response has a valid one: a gateway passes the origin's on. A field
/// "Connection: close" makes the server close the connection after this response. The body is not
/// sent with 204, 205 and 304, nor in answer to HEAD. A server's handler gives a final status: one
/// below 200 counts as its failure: see Request::inform().
struct Response {
  Status status;
  Version version = Version::http_1_1;
  bool keep_alive = true;  ///< set by the client: it keeps the connection for another request
  Headers headers;
  std::string body;
  /// If it is not empty, the server sends this body instead. Its head has the Content-Length of the
  /// body's length(), or says that the body is chunked. A producer is not called if the body is not
  /// sent.
  StreamedBody streamed;
  /// If it is not empty, the connection leaves HTTP behind this response, which has no body: see
  /// upgrade() and tunnel().
  Takeover takeover;

  Response() = default;
  explicit Response(Status code) noexcept : status(code) {}
  /// Returns a response with a text/plain body.
  [[nodiscard]] static Response text(std::string body, Status code = 200);
  /// Returns a response whose body is the code and its reason, in text/plain.
  [[nodiscard]] static Response of(Status code);
  /// Returns a response whose body is made while it is sent: by a callable, a stream of chunks, or
  /// a reader; see <weft/http/body.hpp>. With a `length` it must have exactly as many bytes.
  ///
  ///   auto hello = [](weft::http::BodyWriter& out) -> weft::Task<void> {
  ///     co_await out.write_all("hello");
  ///   };
  ///   return weft::http::Response::stream(hello);
  template <class P>
    requires BodyProducible<std::decay_t<P>>
  [[nodiscard]] static Response stream(P&& producer,
                                       std::optional<std::uint64_t> length = std::nullopt,
                                       Status code = 200) {
    Response made(code);
    made.streamed = StreamedBody(std::forward<P>(producer), length);
    return made;
  }
  /// Returns a response after which the connection speaks `protocol`: 101 (Switching Protocols).
  /// `take` is called with the connection, and what was read behind the request; a body is read to
  /// its end before, up to ServerOptions::max_unread_body. Only for a request for which
  /// Request::asks_upgrade_to(protocol) holds: otherwise it counts as the handler's failure.
  ///
  ///   auto echo = [](weft::http::UpgradedStream& peer) -> weft::Task<void> {
  ///     co_await weft::copy(peer, peer);
  ///   };
  ///   if (request.asks_upgrade_to("echo")) return weft::http::Response::upgrade("echo", echo);
  template <class F>
    requires std::invocable<std::decay_t<F>&, UpgradedStream&>
  [[nodiscard]] static Response upgrade(std::string_view protocol, F&& take) {
    Response made(101);
    made.headers.add("Upgrade", protocol);
    made.takeover = Takeover(std::forward<F>(take));
    return made;
  }
  /// Returns the response to CONNECT that begins a tunnel: 200, without a body. Only for CONNECT,
  /// whose other responses are not from 200 to 299.
  template <class F>
    requires std::invocable<std::decay_t<F>&, UpgradedStream&>
  [[nodiscard]] static Response tunnel(F&& take) {
    Response made(200);
    made.takeover = Takeover(std::forward<F>(take));
    return made;
  }
  /// Returns a response with that body, such as StreamedBody::file(std::move(file), 0, size).
  [[nodiscard]] static Response stream(StreamedBody body, Status code = 200) {
    Response made(code);
    made.streamed = std::move(body);
    return made;
  }
  /// Clears all fields and keeps the memory for the next message.
  void clear() noexcept;
};

/// How much a peer can make this side hold in memory. Beyond: 414, 431, 413 or 400 and a close.
struct Limits {
  /// Larger values of max_header_bytes and max_headers are reduced to these.
  static constexpr std::size_t most_header_bytes = 256 * 1024 * 1024;
  static constexpr std::size_t most_headers = 1'000'000;

  std::size_t max_target = 8 * 1024;  ///< bytes of the request target
  std::size_t max_header_bytes =
      16 * 1024;                  ///< bytes of all field lines; the same again for all trailers
  std::size_t max_headers = 100;  ///< fields of a head; the same again for the trailers
  std::uint64_t max_body = 1024 * 1024;    ///< bytes of body
  std::size_t max_chunk_extension = 4096;  ///< bytes of chunk extensions of one message
};

}  // namespace weft::inline v0_1::http
