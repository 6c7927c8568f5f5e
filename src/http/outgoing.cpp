#include "http/outgoing.hpp"

#include <algorithm>
#include <vector>

#include "http/exchange.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Bodies up to this size are copied behind their head.
constexpr std::size_t kCopiedRequestBody = 16 * 1024;

/// Fields that are for the first host alone.
void remove_credentials(Headers& headers) {
  for (const std::string_view name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) {
    headers.remove(name);
  }
}

/// Fields that describe a body that is not sent any more (RFC 9110, 15.4).
void remove_content_fields(Headers& headers) {
  std::vector<std::string> names{"Expect", "Digest", "Repr-Digest", "Trailer"};
  for (const Headers::Field field : headers) {
    if (field.name.size() >= 8 && same_name(field.name.substr(0, 8), "content-")) {
      names.emplace_back(field.name);
    }
  }
  for (const std::string& name : names) headers.remove(name);
}

[[nodiscard]] Headers headers_of(const Call& call) {
  Headers headers = call.request.headers;
  if (!call.same_host) remove_credentials(headers);
  if (!call.sends_body) remove_content_fields(headers);
  const ClientOptions& options = call.core.options;
  if (options.before_request) options.before_request(call.url, call.method, headers);
  if (!call.request.upgrade.empty()) headers.set("Upgrade", call.request.upgrade);
  if (call.asks_proxy() && !call.proxy->authorization.empty()) {
    headers.set("Proxy-Authorization", call.proxy->authorization);
  }
  return headers;
}

}  // namespace

void Outgoing::decide_expectation(Headers& headers, bool has_body) {
  const std::string_view expected = headers.find("expect").value_or(std::string_view());
  awaits_continue = same_name(expected, "100-continue");
  if (awaits_continue && !has_body) {  // there is nothing to wait with (RFC 9110, 10.1.1)
    headers.remove("expect");
    awaits_continue = false;
  }
}

Outgoing::Outgoing(const Call& call) {
  const std::string_view body = call.body();
  const bool is_streamed = call.streams_body();
  body_size = body.size();
  Headers headers = headers_of(call);
  decide_expectation(headers, is_streamed || !body.empty());
  const bool is_tunnel = call.method == Method::connect;
  const std::string host = is_tunnel ? call.request.tunnel_to : call.url.host_field();
  std::string whole_target;
  if (call.asks_proxy()) whole_target = call.url.scheme + "://" + host + call.url.target;
  RequestLines lines;
  lines.method = call.method;
  lines.target = call.asks_proxy() ? std::string_view(whole_target) : call.url.target;
  if (is_tunnel) lines.target = host;
  lines.host = host;
  lines.body = body;
  if (is_streamed) {
    lines.length = call.request.streamed.length();
    lines.is_chunked = !lines.length.has_value();
  }
  lines.user_agent = call.core.options.user_agent;
  lines.keep_alive = call.core.options.max_idle_per_host > 0 && call.core.options.max_idle > 0;
  lines.keep_alive = lines.keep_alive || call.request.leaves_http();
  lines.asks_upgrade = !call.request.upgrade.empty();
  append_request_head(text, lines, headers);
  if (awaits_continue || body.size() > kCopiedRequestBody) {
    large_body = body;
  } else {
    text.append(body);
  }
  rest = text;
}

void Outgoing::advance(std::size_t size) noexcept {
  const std::size_t of_text = std::min(size, rest.size());
  rest.remove_prefix(of_text);
  large_body.remove_prefix(size - of_text);
}

}  // namespace weft::inline v0_1::http
