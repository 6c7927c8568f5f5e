// The client's request, from the outside in: run_request() follows redirects under one deadline.
// perform() finds a connection, and a fresh one if a kept one was stale. exchange() sends the
// request; if the peer does not take all of it at once, a second task sends the rest, beside the
// one that reads. read_answer() waits for the first byte. receive() does the rest. Only receive()
// leases a ClientSlot, so ten thousand waiting requests use little memory.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <weft/http/client.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include "http/char_class.hpp"
#include "http/client_pool.hpp"
#include "http/pool.hpp"
#include "http/receiver.hpp"
#include "http/serialize.hpp"

namespace weft::inline v0_1::http {

class ClientCore {
 public:
  explicit ClientCore(ClientOptions client_options)
      : options(std::move(client_options)),
        idle_pool(std::make_shared<IdlePool>(options)),
        slots(options.limits) {
    connect_options.resolver = options.resolve.empty()
                                   ? options.resolver
                                   : resolver_with(options.resolve, options.resolver);
  }
  ~ClientCore() { static_cast<void>(idle_pool->clear()); }
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  const ClientOptions options;
  const std::shared_ptr<IdlePool> idle_pool;
  Pool<ClientSlot> slots;
  ConnectOptions connect_options;
};

namespace {

/// Size of the first read of a response: most heads fit, and a waiting request holds no larger
/// buffer.
constexpr std::size_t kFirstOfAnswer = 512;
/// Bodies up to this size are copied behind their head.
constexpr std::size_t kCopiedRequestBody = 16 * 1024;

/// One request to one URL.
struct Call {
  Call(ClientCore& its_core, const ClientRequest& its_request, BodySink* its_sink) noexcept
      : core(its_core), request(its_request), sink(its_sink), method(its_request.method) {}

  [[nodiscard]] std::string_view body() const noexcept {
    return sends_body ? std::string_view(request.body) : std::string_view();
  }

  ClientCore& core;
  const ClientRequest& request;
  BodySink* sink;
  Method method;
  Url url;
  bool sends_body = true;
  bool same_host = true;  // as in the request's URL: its credentials and its Host are sent
  bool follows = false;
  // How far it is on the present connection. `sent` is written by the task that sends, got_bytes
  // by the one that reads; both are read when both have ended.
  bool connected = false;
  bool sent = false;
  bool got_bytes = false;
  Response response;
};

/// What a call waits for, as the error of a timeout.
[[nodiscard]] Errc timeout_of(const Call& call) noexcept {
  if (!call.connected) return Errc::timed_out_connecting;
  if (call.got_bytes) return Errc::timed_out_receiving;
  return call.sent ? Errc::timed_out_waiting : Errc::timed_out_sending;
}

[[nodiscard]] IoError error_of(const Call& call, std::error_code code) {
  if (code == std::errc::timed_out) code = make_error_code(timeout_of(call));
  return IoError(code, to_string(call.method), call.url.to_string());
}

/// A request as it is sent: the head, with a small body behind it, and a larger body.
struct Outgoing {
  explicit Outgoing(const Call& call) {
    const std::string_view body = call.body();
    Headers headers = call.request.headers;
    if (!call.same_host) {
      for (const std::string_view name :
           {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) {
        headers.remove(name);
      }
    }
    const std::string_view expected = headers.find("expect").value_or(std::string_view());
    awaits_continue = same_name(expected, "100-continue");
    if (awaits_continue && body.empty()) {  // there is nothing to wait with (RFC 9110, 10.1.1)
      headers.remove("expect");
      awaits_continue = false;
    }
    const std::string host = call.url.host_field();
    RequestLines lines;
    lines.method = call.method;
    lines.target = call.url.target;
    lines.host = host;
    lines.body = body;
    lines.user_agent = call.core.options.user_agent;
    lines.keep_alive = call.core.options.max_idle_per_host > 0 && call.core.options.max_idle > 0;
    append_request_head(text, lines, headers);
    if (awaits_continue || body.size() > kCopiedRequestBody) {
      large_body = body;
    } else {
      text.append(body);
    }
    rest = text;
  }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  /// Takes away the first `size` bytes.
  void advance(std::size_t size) noexcept {
    const std::size_t of_text = std::min(size, rest.size());
    rest.remove_prefix(of_text);
    large_body.remove_prefix(size - of_text);
  }
  [[nodiscard]] bool empty() const noexcept { return rest.empty() && large_body.empty(); }

  std::string text;
  std::string_view rest;  // of the text
  std::string_view large_body;
  bool awaits_continue = false;
  ManualResetEvent may_continue;
  std::error_code error;  // of the task that sends; read when it has ended
};

/// Whether `error` is how a kept connection fails that the server has closed meanwhile.
[[nodiscard]] bool looks_stale(std::error_code error) noexcept {
  return error == Errc::closed_before_response || error == std::errc::connection_reset ||
         error == std::errc::broken_pipe || error == std::errc::connection_aborted;
}

/// Receives the response. True: the connection can be reused.
Task<Result<bool>> receive(Call& call, StreamSocket& stream, std::span<const std::byte> first,
                           ManualResetEvent* may_continue) {
  Lease<ClientSlot> slot(call.core.slots);
  Receiver receiver((*slot).parser, call.response, call.method, call.sink, call.core.options);
  if (call.follows) receiver.follow_redirects();
  Receiver::State state = receiver.take(first);
  while (state == Receiver::State::more) {
    if (receiver.continues() && may_continue != nullptr) may_continue->set();
    const Result<std::size_t> got = co_await attempt(stream.read((*slot).input));
    if (!got) co_return fail(got.error());
    state = *got == 0 ? receiver.take_end()
                      : receiver.take(std::span<const std::byte>((*slot).input).first(*got));
  }
  if (state == Receiver::State::failed) co_return fail(receiver.error());
  co_return receiver.reusable();
}

/// Waits for the response and receives it. `may_continue` is set when the server asks for the body.
Task<Result<bool>> read_answer(Call& call, StreamSocket& stream, ManualResetEvent* may_continue) {
  std::array<std::byte, kFirstOfAnswer> first;
  const Result<std::size_t> got = co_await attempt(stream.read(first));
  if (!got) co_return fail(got.error());
  if (*got == 0) co_return fail(make_error_code(Errc::closed_before_response));
  call.got_bytes = true;
  co_return co_await receive(call, stream, std::span(first).first(*got), may_continue);
}

/// After a failed write, whose error need not have ended the connection (no_buffer_space): the peer
/// would wait for the rest, and this side for an answer. What has arrived can still be read.
void end_after_failed_write(StreamSocket& stream) noexcept {
  // A failure means that the connection has ended.
  static_cast<void>(stream.shutdown(Shutdown::both));
}

/// Sends what exchange() could not send at once.
Task<void> send_rest(Call& call, StreamSocket& stream, Outgoing& out) {
  Result<void> written = co_await attempt(stream.write_all(out.rest));
  if (written && out.awaits_continue) {
    const Nanoseconds limit = call.core.options.continue_timeout;
    co_await select(out.may_continue.wait(), sleep_for(limit));
  }
  if (written) written = co_await attempt(stream.write_all(out.large_body));
  call.sent = written.has_value();
  if (written) co_return;
  out.error = written.error();
  end_after_failed_write(stream);
}

/// Reads the response while send_rest() runs, and ends it when the response is complete.
Task<Result<bool>> exchange_beside(Call& call, StreamSocket& stream, Outgoing& out) {
  Result<bool> reusable = false;
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn(send_rest(call, stream, out)).detach();
    reusable = co_await read_answer(call, stream, &out.may_continue);
    children.cancel_children();
  });
  co_return reusable;
}

/// Sends as much as the system takes at once.
Task<Result<void>> begin_sending(StreamSocket& stream, Outgoing& out) {
  Result<std::size_t> taken = std::size_t{0};
  if (out.large_body.empty() || out.awaits_continue) {
    taken = co_await attempt(stream.write(out.rest));
  } else {
    const std::array<IoSlice, 2> slices{slice_of(bytes_of(out.rest)),
                                        slice_of(bytes_of(out.large_body))};
    taken = co_await attempt(stream.write_vectored(slices));
  }
  if (!taken) co_return fail(taken.error());
  out.advance(*taken);
  co_return Result<void>();
}

/// Sends the request and receives its response. True: the connection can be reused.
Task<Result<bool>> exchange(Call& call, StreamSocket& stream) {
  auto out = std::make_unique<Outgoing>(call);
  const Result<void> begun = co_await begin_sending(stream, *out);
  std::error_code error = begun ? std::error_code() : begun.error();
  call.sent = begun && out->empty();
  Result<bool> reusable = false;
  if (begun && !call.sent) {
    reusable = co_await exchange_beside(call, stream, *out);
    error = out->error;
  } else {
    if (!begun) end_after_failed_write(stream);
    out.reset();  // a waiting request uses little memory
    // Reads also after a failed write: the server may have refused the request before it had
    // received all of it.
    reusable = co_await read_answer(call, stream, nullptr);
  }
  if (!reusable && error && !call.got_bytes) co_return fail(error);
  if (reusable && !call.sent) co_return false;
  co_return reusable;
}

[[nodiscard]] bool lacks_handles(std::error_code error) noexcept {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system;
}

Task<StreamSocket> connect(const Call& call) {
  const Nanoseconds limit = call.core.options.connect_timeout;
  for (;;) {
    try {
      auto connecting =
          StreamSocket::connect(call.url.host, call.url.port, call.core.connect_options);
      StreamSocket stream = co_await timeout(std::move(connecting), limit);
      co_return stream;
    } catch (const IoError& error) {
      // Connections that only might be of use give their handles to one that is needed.
      if (lacks_handles(error.code()) && call.core.idle_pool->clear() > 0) continue;
      // A resolver that timed out says for which name.
      const bool is_plain = error.code().category() == std::generic_category();
      if (error.code() != std::errc::timed_out || !is_plain) throw;
    }
    throw IoError(make_error_code(Errc::timed_out_connecting), "connect", call.url.authority());
  }
}

/// Returns a connection that was made for the call. Errors: the peer has spoken first.
Task<Result<StreamSocket>> connect_anew(Call& call) {
  call.connected = false;
  StreamSocket stream = co_await connect(call);
  std::byte one{};
  const Result<std::size_t> got = stream.try_read(std::span(&one, 1));
  // If the peer has closed the connection, exchange() meets it.
  if (got && *got > 0) co_return fail(make_error_code(Errc::unasked_response));
  co_return stream;
}

Task<Result<void>> perform(Call& call) {
  const std::string key = call.url.authority();
  std::optional<StreamSocket> stream = call.core.idle_pool->take(key);
  for (;;) {
    const bool was_kept = stream.has_value();
    call.sent = call.got_bytes = false;
    if (!was_kept) {
      Result<StreamSocket> fresh = co_await connect_anew(call);
      if (!fresh) co_return fail(fresh.error());
      stream.emplace(std::move(*fresh));
    }
    call.connected = true;
    const Result<bool> reusable = co_await exchange(call, *stream);
    if (reusable) {
      call.response.keep_alive =
          *reusable && call.core.idle_pool->give_back(key, std::move(*stream));
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
  if (next->authority() != call.url.authority()) call.same_host = false;
  call.url = *next;
  return true;
}

void check(const Call& call) {
  if (call.url.scheme != "http") throw error_of(call, make_error_code(Errc::tls_not_built_in));
  const std::string_view host = call.request.headers.find("host").value_or(std::string_view());
  if (!all(kHost, host)) throw error_of(call, make_error_code(Errc::bad_host));
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
