#include "http/receiver.hpp"

#include <algorithm>
#include <string_view>

namespace weft::inline v0_1::http {
namespace {

/// The most 1xx responses before the final one; more are treated as an attack.
constexpr std::uint8_t kMostInformational = 16;
/// The most memory reserved because of a peer's Content-Length alone.
constexpr std::uint64_t kMostReserved = 256 * 1024;

}  // namespace

bool is_followed(const Response& response) noexcept {
  const int code = response.status.code();
  const bool is_kind = code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
  return is_kind && response.headers.contains("location");
}

Receiver::Receiver(ResponseParser& parser, Response& response, Method method, BodySink* sink,
                   std::uint64_t max_body) noexcept
    : parser_(parser), response_(response), sink_(sink), max_body_(max_body), method_(method) {
  parser_.begin(response_, method_);
}

Receiver::State Receiver::fail_with(Errc error) noexcept {
  error_ = make_error_code(error);
  return State::failed;
}

bool Receiver::take_body(std::string_view body) {
  if (follows_redirects_ && is_followed(response_)) return true;
  if (sink_ != nullptr) {
    (*sink_)(response_, std::as_bytes(std::span(body)));
    return true;
  }
  if (body.size() > max_body_ - response_.body.size()) return false;
  response_.body.append(body);
  return true;
}

Receiver::State Receiver::take(std::span<const std::byte> bytes) {
  // SAFETY: char may alias anything.
  std::string_view input(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (;;) {
    const ParseStep step = parser_.feed(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case ParseEvent::need_more:
        return State::more;
      case ParseEvent::failed:
        return fail_with(parser_.error());
      case ParseEvent::head:
        if (sink_ != nullptr) break;
        if (parser_.content_length() > max_body_) return fail_with(Errc::body_too_large);
        response_.body.reserve(
            static_cast<std::size_t>(std::min(parser_.content_length(), kMostReserved)));
        break;
      case ParseEvent::body:
        if (!take_body(step.body)) return fail_with(Errc::body_too_large);
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
  // 101 would change the protocol, which the client never requests.
  if (response_.status.code() == 101 || ++informational_ > kMostInformational) {
    return fail_with(Errc::unexpected_status);
  }
  parser_.begin(response_, method_);
  return State::more;
}

Receiver::State Receiver::take_end() noexcept {
  if (parser_.finish()) return State::done;
  return fail_with(parser_.error());
}

}  // namespace weft::inline v0_1::http
