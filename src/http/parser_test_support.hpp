// Shared by the parser tests: parse an input that is cut into pieces, and describe the outcome as
// text, so that two outcomes can be compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "http/parsers.hpp"
#include "http/request_buffers.hpp"

namespace weft::http::test {

inline std::string describe_fields(const Headers& headers) {
  std::string text;
  for (const Headers::Field field : headers) {
    text.append("|").append(field.name).append("=").append(field.value);
  }
  return text;
}

inline std::string describe(const Request& request) {
  std::string text(to_string(request.method));
  text.append(" ").append(request.target);
  text.append(request.version == Version::http_1_1 ? " 1.1" : " 1.0");
  text.append(request.keep_alive ? " keep" : " close");
  return text + describe_fields(request.headers) + "|body=" + request.body;
}

inline std::string describe(const Response& response) {
  std::string text = std::to_string(response.status.code());
  text.append(response.version == Version::http_1_1 ? " 1.1" : " 1.0");
  text.append(response.keep_alive ? " keep" : " close");
  return text + describe_fields(response.headers) + "|body=" + response.body;
}

/// The outcome of an input: complete messages, and the end.
struct Outcome {
  std::vector<std::string> messages;
  std::string end;  ///< "more", "failed: reason" or "idle" (nothing of a next message)
  Errc error{};
  std::vector<std::size_t> consumed{};  ///< up to the end of each message, and of the input
  friend bool operator==(const Outcome&, const Outcome&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    for (const std::string& message : outcome.messages) out << '{' << message << "} ";
    out << outcome.end << " (" << static_cast<int>(outcome.error) << ')';
    for (const std::size_t count : outcome.consumed) out << ' ' << count;
    return out;
  }
};

inline Outcome failed(Errc error, Outcome outcome) {
  outcome.error = error;
  outcome.end = "failed: " + make_error_code(error).message();
  return outcome;
}

/// Feeds `pieces` to `parser`, one message after the other. `restart` begins the next message.
template <class Parser, class Message>
Outcome parse_pieces(const std::vector<std::string_view>& pieces, Parser& parser, Message& message,
                     const std::function<void()>& restart) {
  Outcome outcome;
  std::size_t consumed = 0;
  restart();
  for (std::string_view piece : pieces) {
    // A copy of exact size, so that AddressSanitizer finds a read beyond the piece.
    const std::vector<char> exact(piece.begin(), piece.end());
    std::string_view rest(exact.data(), exact.size());
    while (true) {
      const ParseStep step = parser.feed(rest);
      rest.remove_prefix(step.consumed);
      consumed += step.consumed;
      if (step.event == ParseEvent::failed) return failed(parser.error(), outcome);
      if (step.event == ParseEvent::body) message.body.append(step.body);
      if (step.event == ParseEvent::need_more) break;
      if (step.event != ParseEvent::complete) continue;
      outcome.messages.push_back(describe(message));
      outcome.consumed.push_back(consumed);
      restart();
      if (rest.empty()) break;
    }
  }
  outcome.end = parser.started() ? "more" : "idle";
  outcome.consumed.push_back(consumed);
  return outcome;
}

inline std::vector<std::string_view> cut_everywhere(std::string_view input) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return pieces;
}

inline Outcome parse_requests(const std::vector<std::string_view>& pieces,
                              const Limits& limits = {}) {
  RequestParser parser(limits);
  Request request;
  return parse_pieces(pieces, parser, request, [&] { parser.begin(request); });
}

/// The same as a server does it that gives its buffers away after each piece that leaves it between
/// two requests.
inline Outcome parse_requests_and_forget(const std::vector<std::string_view>& pieces,
                                         const Limits& limits = {}) {
  Outcome outcome;
  std::size_t consumed = 0;
  std::uint8_t empty_line_bytes = 0;
  auto slot = std::make_unique<RequestBuffers>(limits);
  for (const std::string_view piece : pieces) {
    std::string_view rest = piece;
    if (!slot->in_request()) {
      slot = std::make_unique<RequestBuffers>(limits);
      slot->go_on_after(empty_line_bytes);
    }
    for (slot->begin_if_needed();;) {
      const ParseStep step = slot->parser.feed(rest);
      rest.remove_prefix(step.consumed);
      consumed += step.consumed;
      if (step.event == ParseEvent::failed) return failed(slot->parser.error(), outcome);
      if (step.event == ParseEvent::body) slot->request.body.append(step.body);
      if (step.event == ParseEvent::need_more) break;
      if (step.event != ParseEvent::complete) continue;
      outcome.messages.push_back(describe(slot->request));
      outcome.consumed.push_back(consumed);
      slot->end_request();
      if (rest.empty()) break;
      slot->begin_if_needed();
    }
    empty_line_bytes = slot->empty_line_bytes();
  }
  outcome.end = slot->in_request() ? "more" : "idle";
  outcome.consumed.push_back(consumed);
  return outcome;
}

inline Outcome parse_responses(const std::vector<std::string_view>& pieces,
                               Method method = Method::get, const Limits& limits = {},
                               Reading reading = Reading::strict) {
  ResponseParser parser(limits);
  Response response;
  return parse_pieces(pieces, parser, response, [&] { parser.begin(response, method, reading); });
}

/// The same, up to the end of the connection.
inline Outcome parse_responses_to_the_end(const std::vector<std::string_view>& pieces,
                                          Method method, const Limits& limits, Reading reading) {
  ResponseParser parser(limits);
  Response response;
  Outcome outcome =
      parse_pieces(pieces, parser, response, [&] { parser.begin(response, method, reading); });
  if (outcome.error != Errc{}) return outcome;
  if (!parser.finish()) return failed(parser.error(), outcome);
  outcome.messages.push_back(describe(response));
  outcome.end = "closed";
  return outcome;
}

}  // namespace weft::http::test
