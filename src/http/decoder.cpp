// RequestDecoder and ResponseDecoder: the parsers of server and client, each with the message that
// it writes to. What they add: a head is told always, the end stays until begin(), and a call too
// many is harmless.
#include <weft/http/decoder.hpp>

#include <optional>

#include "http/parsers.hpp"

namespace weft::inline v0_1::http {
namespace {

/// What has been told of a message, and is to be told next.
struct Told {
  bool head = false;
  std::optional<ParseEvent> end;  ///< what feed() gives from now on
};

template <class Parser>
[[nodiscard]] ParseStep feed_to(Parser& parser, Told& told, std::string_view bytes) {
  if (told.end) return {0, *told.end, {}};
  ParseStep step = parser.feed(bytes);
  if (step.event == ParseEvent::head) told.head = true;
  if (step.event == ParseEvent::complete || step.event == ParseEvent::failed) {
    told.end = step.event;
  }
  if (step.event == ParseEvent::complete && !told.head) {
    told.head = true;
    step.event = ParseEvent::head;
  }
  return step;
}

template <class Parser>
[[nodiscard]] std::error_code failure_of(const Parser& parser, const Told& told) noexcept {
  if (told.end != ParseEvent::failed) return {};
  return make_error_code(parser.error());
}

[[nodiscard]] const Headers& trailers_of(const MessageParser& parser) noexcept {
  static const Headers none;
  const Headers* const trailers = parser.trailers();
  return trailers != nullptr ? *trailers : none;
}

}  // namespace

struct RequestDecoder::State {
  explicit State(const Limits& limits) noexcept : parser(limits) { parser.begin(request); }

  RequestParser parser;
  Request request;
  Told told;
  bool cut = false;  // finish() came in the middle of a request
};

RequestDecoder::RequestDecoder(const Limits& limits) : state_(std::make_unique<State>(limits)) {}
RequestDecoder::RequestDecoder(RequestDecoder&&) noexcept = default;
RequestDecoder& RequestDecoder::operator=(RequestDecoder&&) noexcept = default;
RequestDecoder::~RequestDecoder() = default;

ParseStep RequestDecoder::feed(std::string_view bytes) {
  return feed_to(state_->parser, state_->told, bytes);
}

bool RequestDecoder::finish() noexcept {
  State& state = *state_;
  // The body may have ended with the bytes that were fed last.
  static_cast<void>(feed_to(state.parser, state.told, {}));
  if (state.told.end) return state.told.end == ParseEvent::complete;
  if (!state.parser.started()) return true;
  state.told.end = ParseEvent::failed;
  state.cut = true;
  return false;
}

void RequestDecoder::begin() noexcept {
  state_->told = {};
  state_->cut = false;
  state_->parser.begin(state_->request);
}

Request& RequestDecoder::request() noexcept { return state_->request; }
const Headers& RequestDecoder::trailers() const noexcept { return trailers_of(state_->parser); }

std::error_code RequestDecoder::error() const noexcept {
  if (state_->cut) return make_error_code(Errc::unexpected_end);
  return failure_of(state_->parser, state_->told);
}

bool RequestDecoder::started() const noexcept { return state_->parser.started(); }
std::uint64_t RequestDecoder::content_length() const noexcept {
  return state_->parser.content_length();
}
bool RequestDecoder::is_chunked() const noexcept { return state_->parser.is_chunked(); }
bool RequestDecoder::expects_continue() const noexcept { return state_->parser.expects_continue(); }
bool RequestDecoder::asks_upgrade() const noexcept { return state_->parser.asks_upgrade(); }
void RequestDecoder::limit_body(std::uint64_t bytes) noexcept { state_->parser.limit_body(bytes); }
void RequestDecoder::accept_connect(bool accepts) noexcept {
  state_->parser.accept_connect(accepts);
}

struct ResponseDecoder::State {
  State(Method request_method, const Limits& limits, Reading how) noexcept
      : parser(limits), reading(how), method(request_method) {
    parser.begin(response, method, reading);
  }

  ResponseParser parser;
  Response response;
  Told told;
  Reading reading;
  Method method;
};

ResponseDecoder::ResponseDecoder(Method request_method, const Limits& limits, Reading reading)
    : state_(std::make_unique<State>(request_method, limits, reading)) {}
ResponseDecoder::ResponseDecoder(ResponseDecoder&&) noexcept = default;
ResponseDecoder& ResponseDecoder::operator=(ResponseDecoder&&) noexcept = default;
ResponseDecoder::~ResponseDecoder() = default;

ParseStep ResponseDecoder::feed(std::string_view bytes) {
  return feed_to(state_->parser, state_->told, bytes);
}

bool ResponseDecoder::finish() noexcept {
  State& state = *state_;
  static_cast<void>(feed_to(state.parser, state.told, {}));
  if (!state.told.end) {
    state.told.end = state.parser.finish() ? ParseEvent::complete : ParseEvent::failed;
  }
  return state.told.end == ParseEvent::complete;
}

void ResponseDecoder::begin(Method request_method) noexcept {
  State& state = *state_;
  state.told = {};
  state.method = request_method;
  state.parser.begin(state.response, request_method, state.reading);
}

Response& ResponseDecoder::response() noexcept { return state_->response; }
const Headers& ResponseDecoder::trailers() const noexcept { return trailers_of(state_->parser); }
std::error_code ResponseDecoder::error() const noexcept {
  return failure_of(state_->parser, state_->told);
}
bool ResponseDecoder::started() const noexcept { return state_->parser.started(); }
std::uint64_t ResponseDecoder::content_length() const noexcept {
  return state_->parser.content_length();
}
bool ResponseDecoder::is_chunked() const noexcept { return state_->parser.is_chunked(); }
void ResponseDecoder::limit_body(std::uint64_t bytes) noexcept { state_->parser.limit_body(bytes); }

bool ResponseDecoder::leaves_http() const noexcept {
  const Status status = state_->response.status;
  if (!state_->told.head) return false;
  return status.code() == 101 || (state_->method == Method::connect && status.is_success());
}

}  // namespace weft::inline v0_1::http
