// RequestDecoder and ResponseDecoder: the parser of HTTP/1.1 messages that server and client use,
// for programs that read the bytes themselves. Part of <weft/http.hpp>. They do no I/O and need no
// runtime: bytes are fed in pieces of any size, and come back as events. The outcome does not
// depend on how the bytes were cut. One thread at a time uses a decoder.
//
//   weft::http::RequestDecoder decoder;
//   std::string_view input = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
//   std::string body;
//   for (;;) {
//     const weft::http::ParseStep step = decoder.feed(input);
//     input.remove_prefix(step.consumed);
//     if (step.event == weft::http::ParseEvent::body) body += step.body;
//     if (step.event == weft::http::ParseEvent::failed) throw std::system_error(decoder.error());
//     if (step.event == weft::http::ParseEvent::need_more) break;  // read more, and feed it
//     if (step.event == weft::http::ParseEvent::complete) break;   // input: what comes behind
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>

#include <weft/http/error.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/message.hpp>

namespace weft::inline v0_1::http {

/// What feed() has come to.
enum class ParseEvent : std::uint8_t {
  need_more,  ///< all bytes were consumed
  head,       ///< the head is complete, and a body may follow
  body,       ///< ParseStep::body holds bytes of the body
  complete,   ///< the message is complete; the bytes after `consumed` do not belong to it
  failed,     ///< error() says why; where a next message would begin is not known
};

/// The result of feed().
struct ParseStep {
  std::size_t consumed;  ///< so many bytes of the input are done with
  ParseEvent event;
  std::string_view body;  ///< part of the input
};

/// How a response is read that is malformed in ways that do not make its end doubtful: folded
/// fields, lines of the head that end with LF alone, equal lengths. Requests are read strictly
/// always.
enum class Reading : bool { strict, tolerant };

/// Reads requests, one after the other. See the top of this header.
class RequestDecoder {
 public:
  /// Begins the first request. What a message holds in memory is bounded by `limits`; the body is
  /// not kept, and counts for Limits::max_body.
  explicit RequestDecoder(const Limits& limits = {});
  RequestDecoder(RequestDecoder&&) noexcept;
  RequestDecoder& operator=(RequestDecoder&&) noexcept;
  ~RequestDecoder();

  /// Consumes input up to the next event. Each request gives `head`, any number of `body`, and
  /// `complete`, or `failed`. After any event but need_more, call it again with the rest of the
  /// input, also if that is empty. After `complete` and `failed` it consumes nothing and gives the
  /// same again, until begin(). Throws std::bad_alloc: then only begin() may follow. Where `bytes`
  /// are freed before the events are used, copy ParseStep::body.
  [[nodiscard]] ParseStep feed(std::string_view bytes);
  /// Says that the peer has ended its stream. Returns true between two requests; otherwise error()
  /// is Errc::unexpected_end, or what feed() had failed with.
  [[nodiscard]] bool finish() noexcept;
  /// Begins the next request, and keeps the memory of the last one for it. Only after `complete` is
  /// the rest of the input known to begin with a request.
  void begin() noexcept;

  /// Returns method, target and fields, complete from `head` on; the caller may move them out
  /// before begin(). Request::body stays empty.
  [[nodiscard]] Request& request() noexcept;
  /// Returns the fields behind a chunked body; complete with `complete`.
  [[nodiscard]] const Headers& trailers() const noexcept;
  /// Returns the reason for `failed`, an Errc. status_of() gives the status to answer with. Empty
  /// before.
  [[nodiscard]] std::error_code error() const noexcept;
  /// Returns whether a byte of the request was consumed, other than empty lines before it.
  [[nodiscard]] bool started() const noexcept;
  /// Returns the value of Content-Length, 0 without one. From `head` on, as all below.
  [[nodiscard]] std::uint64_t content_length() const noexcept;
  /// Returns whether the body is chunked.
  [[nodiscard]] bool is_chunked() const noexcept;
  /// Returns whether the client waits for 100 (Continue) before it sends the body.
  [[nodiscard]] bool expects_continue() const noexcept;
  /// Returns whether the client asks for another protocol behind this request (RFC 9110, 7.8):
  /// after the response 101, what follows `complete` belongs to it.
  [[nodiscard]] bool asks_upgrade() const noexcept;
  /// Replaces Limits::max_body, for later requests as well.
  void limit_body(std::uint64_t bytes) noexcept;
  /// Takes CONNECT for a method, for later requests as well; otherwise it fails with
  /// Errc::unsupported_method. It has no body: what follows `complete` belongs to the tunnel.
  void accept_connect(bool accepts) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads responses, one after the other. See the top of this header.
class ResponseDecoder {
 public:
  /// Begins the first response, as begin() does.
  explicit ResponseDecoder(Method request_method = Method::get, const Limits& limits = {},
                           Reading reading = Reading::strict);
  ResponseDecoder(ResponseDecoder&&) noexcept;
  ResponseDecoder& operator=(ResponseDecoder&&) noexcept;
  ~ResponseDecoder();

  /// As RequestDecoder::feed(). An interim response (1xx) is a message of its own: call begin()
  /// with the same method after it. A body without a length ends by finish().
  [[nodiscard]] ParseStep feed(std::string_view bytes);
  /// Says that the peer has ended its stream. Returns whether the response is complete, and feed()
  /// gives `complete` then; otherwise error() is Errc::unexpected_end,
  /// Errc::closed_before_response, or what feed() had failed with.
  [[nodiscard]] bool finish() noexcept;
  /// Begins the response to a request with that method: one to HEAD has no body, nor has 1xx, 204,
  /// 304, and 2xx to CONNECT. Keeps the memory of the last one.
  void begin(Method request_method) noexcept;

  /// Returns status and fields, complete from `head` on; the caller may move them out before
  /// begin(). Response::body stays empty.
  [[nodiscard]] Response& response() noexcept;
  /// As those of RequestDecoder.
  [[nodiscard]] const Headers& trailers() const noexcept;
  [[nodiscard]] std::error_code error() const noexcept;
  [[nodiscard]] bool started() const noexcept;
  [[nodiscard]] std::uint64_t content_length() const noexcept;
  [[nodiscard]] bool is_chunked() const noexcept;
  void limit_body(std::uint64_t bytes) noexcept;
  /// Returns whether what follows `complete` is not HTTP: after 101, and 2xx to CONNECT.
  [[nodiscard]] bool leaves_http() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weft::inline v0_1::http
