// From the outside in: exchange() sends the request; if the peer does not take all of it at once, a
// second task sends the rest, beside the one that reads. read_answer() waits for the first byte.
// receive() does the rest. Only receive() leases a ClientSlot, so ten thousand waiting requests use
// little memory. S is StreamSocket, or TransportStream for every other stream (decision 043).
#include "http/exchange.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <span>
#include <stdexcept>

#include <weft/manual_reset_event.hpp>
#include <weft/net.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include "http/authority.hpp"
#include "http/char_class.hpp"
#include "http/outgoing.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Size of the first read of a response: most heads fit, and a waiting request holds no larger
/// buffer.
constexpr std::size_t kFirstOfAnswer = 512;
/// How long an answer is waited for after a failed write, of a stream whose reads do not end then.
constexpr Nanoseconds kAfterFailedWrite = std::chrono::milliseconds(100);

/// What a call waits for, as the error of a timeout.
[[nodiscard]] Errc timeout_of(const Call& call) noexcept {
  if (call.queued) return Errc::timed_out_queued;
  if (!call.connected) return Errc::timed_out_connecting;
  if (call.got_bytes) return Errc::timed_out_receiving;
  return call.sent ? Errc::timed_out_waiting : Errc::timed_out_sending;
}

/// Receives the response. True: the connection can be reused.
template <class S>
Task<Result<bool>> receive(Call& call, S& stream, std::span<const std::byte> first,
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
template <class S>
Task<Result<bool>> read_answer(Call& call, S& stream, ManualResetEvent* may_continue) {
  std::array<std::byte, kFirstOfAnswer> first;
  const Result<std::size_t> got = co_await attempt(stream.read(first));
  if (!got) co_return fail(got.error());
  if (*got == 0) co_return fail(make_error_code(Errc::closed_before_response));
  call.got_bytes = true;
  co_return co_await receive(call, stream, std::span(first).first(*got), may_continue);
}

Task<void> wait_after(ManualResetEvent& failed) {
  co_await failed.wait();
  co_await sleep_for(kAfterFailedWrite);
}

Task<Result<bool>> read_until_failure(Call& call, TransportStream& stream, ManualResetEvent& failed,
                                      ManualResetEvent* may_continue) {
  auto first = co_await select(read_answer(call, stream, may_continue), wait_after(failed));
  if (first.has<0>()) co_return first.take<0>();
  co_return fail(make_error_code(Errc::closed_before_response));
}

/// After a failed write, whose error need not have ended the connection (no_buffer_space): the peer
/// would wait for the rest, and this side for an answer. What has arrived can still be read.
template <class S>
Task<void> end_after_failed_write(S& stream) {
  // A failure means that the connection has ended.
  if constexpr (std::same_as<S, StreamSocket>) {
    static_cast<void>(stream.shutdown(Shutdown::both));
  } else {
    static_cast<void>(co_await attempt(stream.end_writing()));
  }
  co_return;
}

/// Reads the answer until `failed` is set, and then what has arrived. A socket's reads end by
/// themselves: see end_after_failed_write().
template <class S>
Task<Result<bool>> read_answer_unless(Call& call, S& stream, ManualResetEvent& failed,
                                      ManualResetEvent* may_continue) {
  if constexpr (std::same_as<S, StreamSocket>) {
    return read_answer(call, stream, may_continue);
  } else {
    return read_until_failure(call, stream, failed, may_continue);
  }
}

/// Sends what exchange() could not send at once.
template <class S>
Task<void> send_rest(Call& call, S& stream, Outgoing& out) {
  Result<void> written = co_await attempt(stream.write_all(out.rest));
  if (written && out.awaits_continue) {
    const Nanoseconds limit = call.core.options.continue_timeout;
    co_await select(out.may_continue.wait(), sleep_for(limit));
  }
  if (written) written = co_await attempt(stream.write_all(out.large_body));
  call.sent = written.has_value();
  if (written) co_return;
  out.error = written.error();
  out.failed.set();
  co_await end_after_failed_write(stream);
}

/// Reads the response while send_rest() runs, and ends it when the response is complete.
template <class S>
Task<Result<bool>> exchange_beside(Call& call, S& stream, Outgoing& out) {
  Result<bool> reusable = false;
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn(send_rest(call, stream, out)).detach();
    reusable = co_await read_answer_unless(call, stream, out.failed, &out.may_continue);
    children.cancel_children();
  });
  co_return reusable;
}

/// Sends as much as the system takes at once.
template <class S>
Task<Result<void>> begin_sending(S& stream, Outgoing& out) {
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
template <class S>
Task<Result<bool>> exchange_over(Call& call, S& stream) {
  auto out = std::make_unique<Outgoing>(call);
  const Result<void> begun = co_await begin_sending(stream, *out);
  std::error_code error = begun ? std::error_code() : begun.error();
  call.sent = begun && out->empty();
  Result<bool> reusable = false;
  if (begun && !call.sent) {
    reusable = co_await exchange_beside(call, stream, *out);
    error = out->error;
  } else {
    // Reads also after a failed write: the server may have refused the request before it had
    // received all of it.
    if (begun) {
      out.reset();  // a waiting request uses little memory
      reusable = co_await read_answer(call, stream, nullptr);
    } else {
      co_await end_after_failed_write(stream);
      out->failed.set();
      reusable = co_await read_answer_unless(call, stream, out->failed, nullptr);
    }
  }
  if (!reusable && error && !call.got_bytes) co_return fail(error);
  if (reusable && !call.sent) co_return false;
  co_return reusable;
}

}  // namespace

std::string subject_of_call(const Call& call) {
  std::string subject = call.url.to_string();
  if (!call.request.tunnel_to.empty()) subject.append(" to ").append(call.request.tunnel_to);
  if (call.proxy != nullptr) subject.append(" by proxy ").append(call.proxy->to_string());
  return subject;
}

IoError error_of(const Call& call, std::error_code code) {
  const bool names_phase = code.category() == http_category();
  if (code == std::errc::timed_out && !names_phase) code = make_error_code(timeout_of(call));
  return IoError(code, to_string(call.method), subject_of_call(call));
}

Task<Result<bool>> exchange(Call& call, Transport& transport) {
  if (transport.is_socket()) return exchange_over(call, transport.over<StreamSocket>());
  return exchange_over(call, transport.over<TransportStream>());
}

namespace {

/// Reads one byte without waiting. Null: none is there.
Task<std::optional<Result<std::size_t>>> read_one(Transport& transport) {
  std::byte one{};
  const std::optional<Result<std::size_t>> now = transport.try_read(std::span(&one, 1));
  if (now) {
    const bool is_nothing = !*now && now->error() == std::errc::operation_would_block;
    if (is_nothing) co_return std::nullopt;
    co_return now;
  }
  // A read that is cancelled has read nothing.
  auto first = co_await select(attempt(transport.over<TransportStream>().read(std::span(&one, 1))),
                               yield_now());
  if (!first.has<0>()) co_return std::nullopt;
  const Result<std::size_t> got = first.take<0>();
  co_return got;
}

}  // namespace

Task<bool> is_silent(Transport& transport) {
  const auto got = co_await read_one(transport);
  co_return !got.has_value();
}

Task<bool> has_spoken(Transport& transport) {
  const auto got = co_await read_one(transport);
  co_return got && *got && **got > 0;
}

Url url_of(const ClientRequest& request) {
  Result<Url> url = Url::parse(request.url);
  if (!url) throw IoError(url.error(), to_string(request.method), request.url);
  return std::move(*url);
}

void check_url(const Call& call, const Transport* transport) {
  if (call.url.scheme == "http") return;
  const bool is_encrypted = transport != nullptr && transport->is_encrypted();
  const Errc error = transport != nullptr ? Errc::not_encrypted : Errc::tls_not_configured;
  if (!is_encrypted) throw error_of(call, make_error_code(error));
}

void check_host(const Call& call) {
  const std::string_view host = call.request.headers.find("host").value_or(std::string_view());
  if (!all(kHost, host)) throw error_of(call, make_error_code(Errc::bad_host));
  if (call.method != Method::connect) return;
  const std::string_view to = call.request.tunnel_to;
  const std::size_t colon = to.rfind(':');
  const bool has_port = colon != to.npos && colon != 0 && colon + 1 != to.size();
  const bool is_target = has_port && to.back() != ']' && is_host(to);
  if (!is_target) throw error_of(call, make_error_code(Errc::bad_target));
  const bool has_body = call.request.streamed || !call.request.body.empty();
  if (has_body) throw std::invalid_argument("http: a request for a tunnel has no body");
}

void check_stays_http(const ClientRequest& request) {
  if (!request.leaves_http()) return;
  throw std::invalid_argument("http: upgrades and tunnels are for start(), which gives the stream");
}

}  // namespace weft::inline v0_1::http
