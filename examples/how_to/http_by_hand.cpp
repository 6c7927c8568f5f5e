// HTTP without the server and the client: bytes are read and written here, and the library's parser
// and serializer say what they mean.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;

// [answer]
/// Adds the answer to a request that is complete, or the refusal of one that is malformed.
bool add_answer(std::string& out, http::RequestDecoder& decoder, const std::string& body) {
  http::Answered answered;
  http::Response response;
  if (decoder.error()) {
    response = http::Response::text(decoder.error().message() + "\n", 400);
    answered.keep_alive = false;
  } else {
    const http::Request& request = decoder.request();
    answered = {request.method, request.version, request.keep_alive};
    response = http::Response::text("you sent " + std::to_string(body.size()) + " bytes to " +
                                    request.target + "\n");
  }
  return http::serialize_response(out, response, answered).keep_alive;
}
// [/answer]

// [serve]
/// Answers requests until the peer has sent its last one.
weft::Task<void> serve_by_hand(weft::DuplexEnd stream) {
  http::RequestDecoder decoder;
  std::array<std::byte, 4096> buffer;
  std::string body;
  bool goes_on = true;
  while (goes_on) {
    const std::size_t size = co_await stream.read(buffer);
    if (size == 0) break;
    std::string_view input(reinterpret_cast<const char*>(buffer.data()), size);
    std::string out;  // the answers to all requests of this input
    while (goes_on) {
      const http::ParseStep step = decoder.feed(input);
      input.remove_prefix(step.consumed);
      if (step.event == http::ParseEvent::need_more) break;
      body += step.body;
      if (step.event == http::ParseEvent::head || step.event == http::ParseEvent::body) continue;
      goes_on = add_answer(out, decoder, body);
      body.clear();
      if (goes_on) decoder.begin();
    }
    co_await stream.write_all(out);
  }
}
// [/serve]

// [ask]
/// Reads one response; `input` keeps what comes behind it.
weft::Task<std::string> read_response(weft::DuplexEnd& stream, http::Method method,
                                      std::string& input) {
  http::ResponseDecoder decoder(method);
  std::array<std::byte, 4096> buffer;
  std::string body;
  for (;;) {
    const http::ParseStep step = decoder.feed(input);
    body += step.body;
    input.erase(0, step.consumed);
    if (step.event == http::ParseEvent::failed) throw std::system_error(decoder.error());
    if (step.event == http::ParseEvent::complete) {
      co_return std::to_string(decoder.response().status.code()) + " " + body;
    }
    if (step.event != http::ParseEvent::need_more) continue;
    const std::size_t size = co_await stream.read(buffer);
    if (size == 0) static_cast<void>(decoder.finish());
    input.assign(reinterpret_cast<const char*>(buffer.data()), size);
  }
}

/// Sends three requests at once: with a body of known size, in chunks, and a malformed one.
weft::Task<void> ask_by_hand(weft::DuplexEnd stream) {
  http::Request request;
  request.method = http::Method::put;
  request.target = "/a";
  request.headers.add("Host", "localhost");
  request.body = "hello";
  std::string out;
  http::serialize_request(out, request);
  http::serialize_request_head(out, request, {http::BodyFraming::End::chunked, 0});
  http::serialize_chunk(out, "hello ");
  http::serialize_chunk(out, "again");
  http::serialize_last_chunk(out);
  out += "GET /a HTTP/1.1\r\n\r\n";
  co_await stream.write_all(out);
  std::string input;
  for (int i = 0; i < 3; ++i) {
    const std::string answer = co_await read_response(stream, request.method, input);
    std::printf("%s", answer.c_str());
  }
}
// [/ask]

weft::Task<void> program() {
  weft::Duplex ends = weft::duplex(4096);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn(serve_by_hand(std::move(ends.a)));
    co_await ask_by_hand(std::move(ends.b));
  };
  co_await weft::scope(body);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
