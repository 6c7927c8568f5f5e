// http::IncomingResponse: a response whose body has yet to be read: what Client::start() gives.
// Part of <weft/http.hpp>.
//
//   weft::http::IncomingResponse response = co_await client.start(std::move(request));
//   if (response.status.is_success()) co_await weft::copy(response.body, file);
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <weft/http/body_reader.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/message.hpp>
#include <weft/http/upgraded_stream.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

/// The head of a response, and a reader of its body. Move-only; used by one task at a time. The
/// connection belongs to the body: it is kept for other requests when the body was read to its end,
/// and otherwise closed with it. So does the task that sends the rest of the request: it has ended
/// when a read has given 0 or an error, and it is cancelled when the body is destroyed before that.
///
/// `body` may be moved out, into a server's response for example. Its reads are subject to
/// ClientOptions::timeout and silence_timeout; nothing is read from the server unless asked for,
/// but for one buffer of 32 KiB. Errors of read(): as of Client, with the URL: the connection's,
/// Errc::unexpected_end if it ends in the middle of the body, what the producer of the request's
/// body throws.
struct IncomingResponse {
  IncomingResponse() noexcept {}

  Status status;
  Version version = Version::http_1_1;
  Headers headers;
  std::string url;  ///< where it came from, after redirects
  BodyReader body;
  /// The connection, if it has left HTTP: after 101 to a request that asked for an upgrade, and
  /// after 2xx to CONNECT; otherwise null, and the response is one like any other. A 101 must say
  /// "Connection: upgrade", and name protocols that were asked for (Errc::unexpected_status).
  ///
  /// It begins with what came behind the response, whose body is empty. No limit of the client's
  /// holds for it any more. It is closed when it is destroyed; until then it counts as one of the
  /// client's connections (ClientOptions::max_connections). It may outlive the client.
  std::unique_ptr<UpgradedStream> upgraded;

  /// Reads the rest of the body and drops it, so that the connection can be kept. Gives up, and
  /// closes it, after `limit` bytes. Errors and cancel: as read().
  [[nodiscard]] Task<void> discard(std::uint64_t limit = std::uint64_t{64} * 1024);
};

}  // namespace weft::inline v0_1::http
