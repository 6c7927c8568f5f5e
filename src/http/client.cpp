// The client's request, from the outside in: run_request() follows redirects under one deadline.
// perform() finds a connection, and a fresh one if a kept one was stale. exchange() sends the
// request and waits for the first byte. receive() does the rest. Only receive() leases a
// ClientSlot, so ten thousand waiting requests use little memory.
#include <array>
#include <memory>
#include <utility>

#include <weft/http/client.hpp>
#include <weft/net.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include "http/client_pool.hpp"
#include "http/pool.hpp"
#include "http/receiver.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {

class ClientCore {
 public:
  explicit ClientCore(ClientOptions client_options)
      : options(std::move(client_options)),
        idle(options.max_idle_per_host, options.idle_timeout),
        slots(options.limits) {}

  const ClientOptions options;
  IdlePool idle;
  Pool<ClientSlot> slots;
};

namespace {

/// Size of the first read of a response: most heads fit, and a waiting request holds no larger
/// buffer.
constexpr std::size_t kFirstOfAnswer = 512;

/// One request to one URL.
struct Call {
  Call(ClientCore& its_core, const ClientRequest& its_request, BodySink* its_sink) noexcept
      : core(its_core), request(its_request), sink(its_sink), method(its_request.method) {}

  ClientCore& core;
  const ClientRequest& request;
  BodySink* sink;
  Method method;
  Url url;
  bool sends_body = true;
  bool sends_credentials = true;
  bool follows = false;
  bool got_bytes = false;
  Response response;
};

[[nodiscard]] IoError error_of(const Call& call, std::error_code code) {
  return IoError(code, to_string(call.method), call.url.to_string());
}

[[nodiscard]] std::string serialize(const Call& call) {
  Headers headers = call.request.headers;
  if (!call.sends_credentials) {
    for (const std::string_view name : {"Authorization", "Cookie", "Proxy-Authorization"}) {
      headers.remove(name);
    }
  }
  const std::string host = call.url.authority();
  RequestLines lines;
  lines.method = call.method;
  lines.target = call.url.target;
  lines.host = host;
  if (call.sends_body) lines.body = call.request.body;
  lines.user_agent = call.core.options.user_agent;
  lines.keep_alive = call.core.options.max_idle_per_host > 0;
  std::string out;
  append_request(out, lines, headers);
  return out;
}

/// Whether `error` is how a kept connection fails that the server has closed meanwhile.
[[nodiscard]] bool looks_stale(std::error_code error) noexcept {
  return error == Errc::closed_before_response || error == std::errc::connection_reset ||
         error == std::errc::broken_pipe || error == std::errc::connection_aborted;
}

/// Receives the response. True: the connection can be reused.
Task<Result<bool>> receive(Call& call, StreamSocket& stream, std::span<const std::byte> first) {
  Lease<ClientSlot> slot(call.core.slots);
  Receiver receiver((*slot).parser, call.response, call.method, call.sink,
                    call.core.options.limits.max_body);
  if (call.follows) receiver.follow_redirects();
  Receiver::State state = receiver.take(first);
  while (state == Receiver::State::more) {
    const Result<std::size_t> got = co_await attempt(stream.read((*slot).input));
    if (!got) co_return fail(got.error());
    state = *got == 0 ? receiver.take_end()
                      : receiver.take(std::span<const std::byte>((*slot).input).first(*got));
  }
  if (state == Receiver::State::failed) co_return fail(receiver.error());
  co_return receiver.reusable();
}

Task<Result<bool>> exchange(Call& call, StreamSocket& stream) {
  std::string out = serialize(call);
  const Result<void> written = co_await attempt(stream.write_all(out));
  out = std::string();
  // Reads also after a failed write: the server may have refused the request before it had received
  // all of it.
  std::array<std::byte, kFirstOfAnswer> first;
  const Result<std::size_t> got = co_await attempt(stream.read(first));
  if (!got || *got == 0) {
    if (!written) co_return fail(written.error());
    if (!got) co_return fail(got.error());
    co_return fail(make_error_code(Errc::closed_before_response));
  }
  call.got_bytes = true;
  Result<bool> reusable = co_await receive(call, stream, std::span(first).first(*got));
  if (reusable && !written) reusable = false;
  co_return reusable;
}

Task<StreamSocket> connect(const Call& call) {
  const Nanoseconds limit = call.core.options.connect_timeout;
  try {
    StreamSocket stream =
        co_await timeout(StreamSocket::connect(call.url.host, call.url.port), limit);
    co_return stream;
  } catch (const IoError& error) {
    if (error.code() != std::errc::timed_out) throw;
  }
  throw IoError(std::make_error_code(std::errc::timed_out), "connect", call.url.authority());
}

/// Whether the server has closed the connection or sent bytes without a request.
Task<bool> is_stale(StreamSocket& stream) {
  auto first = co_await select(stream.readable(), yield_now());
  co_return first.index() == 0;
}

/// Returns a kept connection to the call's host, if there is a usable one.
Task<std::optional<StreamSocket>> take_kept(const Call& call, const std::string& key) {
  std::optional<StreamSocket> kept = call.core.idle.take(key);
  // A non-idempotent request must not be tried on a connection that may be closed.
  if (kept && !is_idempotent(call.method)) {
    const bool stale = co_await is_stale(*kept);
    if (stale) kept.reset();
  }
  co_return kept;
}

Task<Result<void>> perform(Call& call) {
  const std::string key = call.url.authority();
  std::optional<StreamSocket> stream = co_await take_kept(call, key);
  for (;;) {
    const bool was_kept = stream.has_value();
    if (!was_kept) {
      StreamSocket fresh = co_await connect(call);
      stream.emplace(std::move(fresh));
    }
    const Result<bool> reusable = co_await exchange(call, *stream);
    if (reusable) {
      if (*reusable) call.core.idle.give_back(key, std::move(*stream));
      co_return Result<void>();
    }
    const bool again = was_kept && !call.got_bytes && is_idempotent(call.method);
    if (!again || !looks_stale(reusable.error())) co_return fail(reusable.error());
    stream.reset();
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
  if (next->authority() != call.url.authority()) call.sends_credentials = false;
  call.url = *next;
  call.got_bytes = false;
  return true;
}

void check_scheme(const Call& call) {
  if (call.url.scheme != "http") throw error_of(call, make_error_code(Errc::tls_not_built_in));
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
    check_scheme(call);
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

Client::Client(ClientOptions options) : core_(std::make_shared<ClientCore>(std::move(options))) {}
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
std::size_t Client::idle_connections() const noexcept { return core_->idle.size(); }
void Client::close_idle() noexcept { core_->idle.clear(); }

}  // namespace weft::inline v0_1::http
