#include "http/receiver.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "http/client_policy.hpp"
#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

/// The most memory reserved because of a peer's Content-Length alone.
constexpr std::uint64_t kMostReserved = 256 * 1024;

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Receiver::Receiver(ResponseParser& parser, Response& response, Method method, BodySink* sink,
                   const ClientOptions& options) noexcept
    : parser_(parser), response_(response), sink_(sink), options_(options), method_(method) {
  begin();
}

void Receiver::begin() noexcept {
  parser_.limit_body(no_limit);
  parser_.begin(response_, method_, options_.strict ? Reading::strict : Reading::tolerant);
}

Receiver::State Receiver::fail_with(Errc error) noexcept {
  error_ = make_error_code(error);
  return State::failed;
}

bool Receiver::drops_body() const noexcept { return follows_redirects_ && is_followed(response_); }

void Receiver::take_body(std::string_view body) {
  if (drops_body()) return;
  if (sink_ != nullptr) {
    (*sink_)(response_, std::as_bytes(std::span(body)));
  } else {
    response_.body.append(body);
  }
}

Receiver::State Receiver::take(std::span<const std::byte> bytes) {
  std::string_view input = text_of(bytes);
  for (;;) {
    const ParseStep step = parser_.feed(input);
    input.remove_prefix(step.consumed);
    message_bytes_ += step.consumed;
    switch (step.event) {
      case ParseEvent::need_more:
        return State::more;
      case ParseEvent::failed:
        return fail_with(parser_.error());
      case ParseEvent::head:
        if (sink_ != nullptr && !drops_body()) break;
        if (parser_.content_length() > options_.limits.max_body)
          return fail_with(Errc::body_too_large);
        parser_.limit_body(options_.limits.max_body);
        if (drops_body()) break;
        response_.body.reserve(
            static_cast<std::size_t>(std::min(parser_.content_length(), kMostReserved)));
        break;
      case ParseEvent::body:
        take_body(step.body);
        break;
      case ParseEvent::complete: {
        const State state = end_message(!input.empty());
        if (state != State::more || input.empty()) return state;
        break;
      }
    }
  }
}

Receiver::State Receiver::end_message(bool bytes_are_left) noexcept {
  if (!response_.status.is_informational()) {
    reusable_ = response_.keep_alive && !bytes_are_left;
    return State::done;
  }
  // Another protocol, which a request whose response is collected never asks for.
  if (response_.status.code() == 101) return fail_with(Errc::unexpected_status);
  if (response_.status.code() == 100) continues_ = true;
  // Any number of them may come, for as long as the request may take; each costs only its bytes.
  interim_bytes_ += std::exchange(message_bytes_, 0);
  if (interim_bytes_ > options_.limits.max_header_bytes) return fail_with(Errc::headers_too_large);
  begin();
  return State::more;
}

Receiver::State Receiver::take_end() noexcept {
  if (parser_.finish()) return State::done;
  return fail_with(parser_.error());
}

}  // namespace weft::inline v0_1::http
