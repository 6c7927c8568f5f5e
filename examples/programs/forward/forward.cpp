#include "forward.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../silence.hpp"

namespace forward {

namespace {

namespace http = weft::http;

constexpr std::string_view via = "1.1 weft-forward";

http::ClientRequest onward(http::Request& request, http::BodyReader& body) {
  http::ClientRequest made(request.method, request.target);
  made.headers = request.headers;
  remove_connection_fields(made.headers);
  made.headers.remove("Host");  // the client's, from the target
  made.headers.add("Via", via);
  // The reader moves into the request: the task that sends it owns it.
  const std::optional<std::uint64_t> length = body.length();
  if (length != 0) made.stream(std::move(body), length);
  return made;
}

http::Response backward(http::IncomingResponse answer, http::Method method) {
  http::Response made(answer.status);
  made.headers = std::move(answer.headers);
  remove_connection_fields(made.headers);
  made.headers.add("Via", via);
  // In answer to HEAD, Content-Length stays as it is, without a body.
  const std::optional<std::uint64_t> length = answer.body.length();
  const bool has_body = method != http::Method::head && length != 0;
  if (has_body) made.streamed = http::StreamedBody(std::move(answer.body), length);
  return made;
}

bool came_through_here(const http::Request& request) {
  for (const std::string_view hops : request.headers.find_all("Via")) {
    if (hops.find(via) != std::string_view::npos) return true;
  }
  return false;
}

http::Response failure(const std::system_error& error) {
  const int status = error.code() == std::errc::timed_out ? 504 : 502;
  return http::Response::text(std::string(error.what()) + "\n", status);
}

}  // namespace

void remove_connection_fields(http::Headers& fields) {
  std::vector<std::string> names{
      "Connection",          "Keep-Alive", "Proxy-Connection",  "Proxy-Authenticate",
      "Proxy-Authorization", "TE",         "Transfer-Encoding", "Upgrade"};
  for (const std::string_view listed : fields.find_all("Connection")) {
    for (std::size_t at = 0; at < listed.size();) {
      const std::size_t begin = std::min(listed.find_first_not_of(" \t,", at), listed.size());
      at = std::min(listed.find_first_of(" \t,", begin), listed.size());
      if (begin < at) names.emplace_back(listed.substr(begin, at - begin));
    }
  }
  for (const std::string& name : names) fields.remove(name);
}

weft::Task<http::Response> pass_on(http::Client& client, http::Request& request,
                                   http::BodyReader& body) {
  if (!request.target.starts_with("http://")) co_return http::Response::of(400);
  if (came_through_here(request)) co_return http::Response::of(508);
  const http::Method method = request.method;
  try {
    http::IncomingResponse answer = co_await client.start(onward(request, body));
    co_return backward(std::move(answer), method);
  } catch (const std::system_error& error) {
    co_return failure(error);
  }
}

weft::Task<http::Response> open_tunnel(http::Request& request, const TunnelLimits& limits) {
  const std::string server = request.target;  // HOST:PORT, as the library has checked
  const std::string port = server.substr(server.rfind(':') + 1);
  if (limits.port != 0 && port != std::to_string(limits.port)) co_return http::Response::of(403);
  auto connecting =
      weft::timeout(weft::StreamSocket::connect(server), limits.connect, "connect to " + server);
  auto stream = co_await weft::attempt(std::move(connecting));
  if (!stream) co_return failure(stream.error());
  auto join = [to = std::move(*stream),
               silence = limits.silence](http::UpgradedStream& client) mutable -> weft::Task<void> {
    co_await programs::join_within(client, to, silence);
  };
  co_return http::Response::tunnel(std::move(join));
}

}  // namespace forward
