// The client's request, from the outside in: run() follows redirects and retries under one
// deadline, for a response that is collected and for one that is read by its caller. perform()
// finds a connection, and a fresh one if a kept one was stale. exchange() and begin_response() do
// the rest.
#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <weft/http/client.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include "http/client_connect.hpp"
#include "http/client_parts.hpp"
#include "http/client_policy.hpp"
#include "http/exchange.hpp"
#include "http/response_source.hpp"

namespace weft::inline v0_1::http {
namespace {

/// The bytes of a redirect's body that are read so that its connection can be kept.
constexpr std::uint64_t kMostDropped = std::uint64_t{64} * 1024;

/// Whether `error` is how a kept connection fails that the server has closed meanwhile.
[[nodiscard]] bool looks_stale(std::error_code error) noexcept {
  return error == Errc::closed_before_response || error == std::errc::connection_reset ||
         error == std::errc::broken_pipe || error == std::errc::connection_aborted;
}

/// The pool, and the turn of the connection in use.
class PoolHome final : public ConnectionHome {
 public:
  PoolHome(std::shared_ptr<IdlePool> pool, std::string key, ConnectionTurns::Turn turn) noexcept
      : pool_(std::move(pool)), key_(std::move(key)), turn_(std::move(turn)) {}
  bool keep(Transport transport) noexcept override {
    const bool is_kept = pool_->give_back(key_, std::move(transport));
    turn_ = ConnectionTurns::Turn();
    return is_kept;
  }

 private:
  const std::shared_ptr<IdlePool> pool_;
  const std::string key_;
  ConnectionTurns::Turn turn_;
};

/// After exchange(): keeps the connection if it can be reused.
[[nodiscard]] Result<void> settle(Call& call, const std::string& key, Transport& transport,
                                  const Result<bool>& reusable) {
  if (!reusable) return fail(reusable.error());
  call.response.keep_alive = *reusable && call.core.idle_pool->give_back(key, std::move(transport));
  return {};
}

Task<Result<void>> perform(Call& call) {
  call.connected = call.sent = call.got_bytes = false;
  const std::string key = connection_key(call);
  ConnectionTurns::Turn turn;
  if (call.core.turns != nullptr) {
    call.queued = true;
    ConnectionTurns::Turn taken = co_await call.core.turns->take(key);
    turn = std::move(taken);
    call.queued = false;
  }
  std::shared_ptr<ConnectionHome> home;
  if (call.streaming != nullptr) {
    home = std::make_shared<PoolHome>(call.core.idle_pool, key, std::move(turn));
  }
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
    Result<void> done;
    if (home != nullptr) {
      done = co_await begin_response(call, home, std::move(*transport));
    } else {
      const Result<bool> reusable = co_await exchange(call, *transport);
      done = settle(call, key, *transport, reusable);
    }
    if (done) co_return done;
    const bool again =
        was_kept && !call.got_bytes && is_idempotent(call.method) && call.can_repeat();
    if (!again || !looks_stale(done.error())) co_return done;
    transport.reset();
  }
}

/// Before each request of a call: chooses the proxy, and checks what can be checked by now.
void prepare(Call& call) {
  const ClientOptions& options = call.core.options;
  if (!options.proxies.empty() && options.unix_socket.empty()) {
    call.proxy = options.proxies.find(Origin(call.url.scheme, call.url.host, call.url.port));
  }
  if (!options.connector && !options.secure) check_url(call, nullptr);
  check_host(call);
  call.follows = options.follow_redirects > 0 && call.method != Method::connect;
}

/// What a call is made of. Made in place.
struct PlainCall {
  PlainCall(const std::shared_ptr<ClientCore>& core, const ClientRequest& request, BodySink& sink)
      : call(*core, request, sink ? &sink : nullptr) {}
  [[nodiscard]] Response result() { return std::move(call.response); }
  Call call;
};

/// The response is not the last of its call: drops its body.
Task<void> drop_response(Call& call) {
  Streaming* const streaming = call.streaming;
  if (streaming == nullptr || streaming->source == nullptr) co_return;
  co_await streaming->source->drop(kMostDropped);
  if (streaming->source->has_begun_body()) call.body_begun = true;
  streaming->source.reset();
}

/// Performs a call with all its redirects and retries. Owns what it uses: the Client may be
/// destroyed before it has ended, or begun.
template <class Result, class Made, class Request, class Extra>
Task<Result> run(std::shared_ptr<ClientCore> core, Request given, Extra extra) {
  Made made(core, given, extra);
  Call& call = made.call;
  const ClientOptions& options = core->options;
  call.url = url_of(call.request);
  const TimePoint deadline = deadline_after(call.request.timeout.value_or(options.timeout));
  Retries retries(options, deadline);
  for (unsigned redirects = 0;;) {
    std::exception_ptr error;
    try {
      prepare(call);
      const weft::Result<void> done = co_await timeout_at(perform(call), deadline);
      if (!done) throw error_of(call, done.error());
      if (options.after_response) options.after_response(call.url, call.response);
    } catch (...) {
      if (!options.retry) throw;
      error = std::current_exception();
    }
    if (call.streaming != nullptr && error == nullptr) call.streaming->source->limit(deadline);
    if (const std::optional<Nanoseconds> pause = retries.after(call, error)) {
      co_await drop_response(call);
      co_await sleep_for(*pause);
      continue;
    }
    if (error != nullptr) std::rethrow_exception(error);
    if (!call.follows || !is_followed(call.response)) co_return made.result();
    co_await drop_response(call);
    follow(call, redirects++);
  }
}

Task<Started> run_start(std::shared_ptr<ClientCore> core, SharedRequest request, Scope* owner) {
  return run<Started, StreamedCall>(std::move(core), std::move(request), owner);
}

Task<IncomingResponse> start_incoming(std::shared_ptr<ClientCore> core, ClientRequest request,
                                      Scope* owner) {
  SharedRequest shared = std::make_shared<const ClientRequest>(std::move(request));
  Started started = co_await run_start(std::move(core), std::move(shared), owner);
  co_return incoming(std::move(started));
}

/// A request whose response is collected, by way of a source. The scope waits for the sender, also
/// if this is cancelled.
Task<Response> run_request_in_parts(std::shared_ptr<ClientCore> kept, ClientRequest request,
                                    BodySink sink) {
  const SharedRequest shared = std::make_shared<const ClientRequest>(std::move(request));
  auto body = [&](Scope& owner) -> Task<Response> {
    Started started = co_await run_start(kept, shared, &owner);
    Response response = co_await receive_all(*kept, std::move(started), sink);
    co_return response;
  };
  co_return co_await scope(body);
}

}  // namespace

Client::Client(ClientOptions options) {
  Headers().add("User-Agent", options.user_agent);
  core_ = std::make_shared<ClientCore>(std::move(options));
}
Client::~Client() = default;

Task<Response> Client::request(ClientRequest request) {
  return request_to(std::move(request), BodySink());
}
Task<Response> Client::get(std::string url) {
  return request(ClientRequest(Method::get, std::move(url)));
}
Task<Response> Client::request_to(ClientRequest request, BodySink sink) {
  check_stays_http(request);
  if (goes_in_parts(core_->options, request, sink)) {
    return run_request_in_parts(core_, std::move(request), std::move(sink));
  }
  return run<Response, PlainCall>(core_, std::move(request), std::move(sink));
}
Task<Response> Client::get_to(std::string url, BodySink sink) {
  return request_to(ClientRequest(Method::get, std::move(url)), std::move(sink));
}
Task<IncomingResponse> Client::start(ClientRequest request) {
  return start_incoming(core_, std::move(request), nullptr);
}
Task<IncomingResponse> Client::start(ClientRequest request, Scope& owner) {
  return start_incoming(core_, std::move(request), &owner);
}
std::size_t Client::idle_connections() const noexcept { return core_->idle_pool->size(); }
void Client::close_idle() noexcept { static_cast<void>(core_->idle_pool->clear()); }

}  // namespace weft::inline v0_1::http
