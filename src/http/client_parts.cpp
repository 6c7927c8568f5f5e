#include "http/client_parts.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "http/text_of.hpp"

namespace weft::inline v0_1::http {

Started StreamedCall::result() {
  Started started;
  started.head = std::move(call.response);
  started.url = call.url.to_string();
  started.upgraded = streaming.source->take_upgraded();
  started.source = std::move(streaming.source);
  return started;
}

IncomingResponse incoming(Started started) {
  IncomingResponse response;
  response.status = started.head.status;
  response.version = started.head.version;
  response.headers = std::move(started.head.headers);
  response.url = std::move(started.url);
  response.body = BodyReader(std::move(started.source));
  response.upgraded = std::move(started.upgraded);
  return response;
}

Task<void> IncomingResponse::discard(std::uint64_t limit) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t size = co_await body.read(buffer);
    if (size == 0) co_return;
    if (size > limit) break;
    limit -= size;
  }
  body = BodyReader();
}

/// Receives the body of a streamed call as exchange() does.
Task<Response> receive_all(const ClientCore& core, Started started, BodySink& sink) {
  Response& response = started.head;
  const std::uint64_t most = core.options.limits.max_body;
  const auto too_large = [&started] {
    return IoError(make_error_code(Errc::body_too_large), "receive", started.url);
  };
  if (!sink && started.source->length().value_or(0) > most) throw too_large();
  std::array<std::byte, 8192> buffer;
  for (;;) {
    const std::size_t size = co_await started.source->read(buffer);
    if (size == 0) break;
    const std::span<const std::byte> bytes(buffer.data(), size);
    if (sink) {
      sink(response, bytes);
      continue;
    }
    if (size > most - response.body.size()) throw too_large();
    response.body.append(text_of(bytes.first(size)));
  }
  response.keep_alive = started.source->is_kept();
  co_return std::move(response);
}

/// Whether the request needs what exchange() does not do.
[[nodiscard]] bool goes_in_parts(const ClientOptions& options, const ClientRequest& request,
                                 const BodySink& sink) noexcept {
  constexpr Nanoseconds none = Nanoseconds::max();
  const bool has_limits = options.send_timeout != none || options.first_byte_timeout != none ||
                          options.silence_timeout != none;
  return has_limits || request.streamed || request.on_sent || request.on_received ||
         request.on_interim || (sink && options.retry);
}

}  // namespace weft::inline v0_1::http
