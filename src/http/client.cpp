// The client's request, from the outside in: run_request() follows redirects under one deadline.
// perform() finds a connection, and a fresh one if a kept one was stale. exchange() does the rest.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <weft/http/client.hpp>
#include <weft/net.hpp>
#include <weft/timeout.hpp>

#include "http/exchange.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Whether `error` is how a kept connection fails that the server has closed meanwhile.
[[nodiscard]] bool looks_stale(std::error_code error) noexcept {
  return error == Errc::closed_before_response || error == std::errc::connection_reset ||
         error == std::errc::broken_pipe || error == std::errc::connection_aborted;
}

[[nodiscard]] bool lacks_handles(std::error_code error) noexcept {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system;
}

/// Opens a stream to the call's server: by the connector, or by TCP.
Task<Transport> open(const Call& call) {
  const Connector& connector = call.core.options.connector;
  if (connector) {
    const Origin origin(call.url.scheme, call.url.host, call.url.port);
    Transport given = co_await connector(origin);
    check_url(call, &given);
    co_return given;
  }
  StreamSocket stream =
      co_await StreamSocket::connect(call.url.host, call.url.port, call.core.connect_options);
  co_return Transport(std::move(stream));
}

Task<Transport> connect(const Call& call) {
  const Nanoseconds limit = call.core.options.connect_timeout;
  for (;;) {
    try {
      Transport transport = co_await timeout(open(call), limit);
      co_return transport;
    } catch (const IoError& error) {
      // Connections that only might be of use give their handles to one that is needed.
      if (lacks_handles(error.code()) && call.core.idle_pool->clear() > 0) continue;
      // A resolver that timed out says for which name, and the system for which address.
      if (error.code() != IoErrc::timed_out) throw;
    }
    throw IoError(make_error_code(Errc::timed_out_connecting), "connect", call.url.authority());
  }
}

/// Returns a connection that was made for the call. Errors: the peer has spoken first.
Task<Result<Transport>> connect_anew(Call& call) {
  call.connected = false;
  Transport transport = co_await connect(call);
  const bool spoke = co_await has_spoken(transport);
  if (spoke) co_return fail(make_error_code(Errc::unasked_response));
  co_return transport;
}

Task<Result<void>> perform(Call& call) {
  // A connection to the same host and port may be encrypted, or not.
  const bool is_clear = call.url.scheme == "http";
  const std::string key = is_clear ? call.url.authority() : call.url.origin();
  std::optional<Transport> transport = call.core.idle_pool->take(key);
  while (transport && !transport->tells_silence()) {
    const bool is_usable = co_await is_silent(*transport);
    if (is_usable) break;
    transport = call.core.idle_pool->take(key);
  }
  for (;;) {
    const bool was_kept = transport.has_value();
    call.sent = call.got_bytes = false;
    if (!was_kept) {
      Result<Transport> fresh = co_await connect_anew(call);
      if (!fresh) co_return fail(fresh.error());
      transport.emplace(std::move(*fresh));
    }
    call.connected = true;
    const Result<bool> reusable = co_await exchange(call, *transport);
    if (reusable) {
      call.response.keep_alive =
          *reusable && call.core.idle_pool->give_back(key, std::move(*transport));
      co_return Result<void>();
    }
    const bool again = was_kept && !call.got_bytes && is_idempotent(call.method);
    if (!again || !looks_stale(reusable.error())) co_return fail(reusable.error());
    transport.reset();
  }
}

/// Turns `call` into the request that its response redirects to. False: it does not redirect.
[[nodiscard]] bool follow(Call& call) {
  if (!is_followed(call.response)) return false;
  const std::string_view location = *call.response.headers.find("location");
  const Result<Url> next = call.url.resolve(location);
  if (!next) throw IoError(next.error(), "redirect to", location);
  const int code = call.response.status.code();
  const bool becomes_get =
      code == 303 ? call.method != Method::head : code <= 302 && call.method == Method::post;
  if (becomes_get) {
    call.method = Method::get;
    call.sends_body = false;
  }
  if (next->origin() != call.url.origin()) call.same_host = false;
  call.url = *next;
  return true;
}

void check(const Call& call) {
  if (!call.core.options.connector) check_url(call, nullptr);
  check_host(call);
}

/// Owns what it uses: the Client may be destroyed before it has ended, or begun.
Task<Response> run_request(std::shared_ptr<ClientCore> kept, ClientRequest request, BodySink sink) {
  ClientCore& core = *kept;
  Result<Url> url = Url::parse(request.url);
  if (!url) throw IoError(url.error(), to_string(request.method), request.url);
  Call call(core, request, sink ? &sink : nullptr);
  call.url = std::move(*url);
  const TimePoint deadline = deadline_after(core.options.timeout);
  for (unsigned redirects = 0;; ++redirects) {
    check(call);
    call.follows = core.options.follow_redirects > 0;
    const Result<void> done = co_await timeout_at(perform(call), deadline);
    if (!done) throw error_of(call, done.error());
    if (!call.follows || !follow(call)) co_return std::move(call.response);
    if (redirects == core.options.follow_redirects) {
      throw error_of(call, make_error_code(Errc::too_many_redirects));
    }
  }
}

}  // namespace

Client::Client(ClientOptions options) {
  Headers().add("User-Agent", options.user_agent);
  core_ = std::make_shared<ClientCore>(std::move(options));
}
Client::~Client() = default;

Task<Response> Client::request(ClientRequest request) {
  return run_request(core_, std::move(request), BodySink());
}
Task<Response> Client::get(std::string url) {
  return request(ClientRequest(Method::get, std::move(url)));
}
Task<Response> Client::request_to(ClientRequest request, BodySink sink) {
  return run_request(core_, std::move(request), std::move(sink));
}
Task<Response> Client::get_to(std::string url, BodySink sink) {
  return request_to(ClientRequest(Method::get, std::move(url)), std::move(sink));
}
std::size_t Client::idle_connections() const noexcept { return core_->idle_pool->size(); }
void Client::close_idle() noexcept { static_cast<void>(core_->idle_pool->clear()); }

}  // namespace weft::inline v0_1::http
