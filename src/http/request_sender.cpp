// The sender's part of a StreamedExchange, from the inside out: RequestTarget writes within the
// limit, send_all() sends head and body, send() is the task. S: see exchange.cpp.
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <weft/http/body_writer.hpp>
#include <weft/net.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/timeout.hpp>

#include "http/response_source.hpp"

namespace weft::inline v0_1::http {
namespace {

/// The target of the body's writer: the stream. Knows whether a failure is the stream's.
template <class S>
class RequestTarget final : public BodyTarget {
 public:
  RequestTarget(StreamedExchange& exchange, S& stream) noexcept
      : exchange_(exchange), stream_(stream) {}

  [[nodiscard]] Task<std::size_t> write_some(std::span<const IoSlice> slices) override {
    const Nanoseconds limit = exchange_.core->options.send_timeout;
    std::size_t taken = 0;
    try {
      if (limit == Nanoseconds::max()) {
        taken = co_await stream_.write_vectored(slices);
      } else {
        taken = co_await timeout(stream_.write_vectored(slices), limit);
      }
    } catch (const IoError& error) {
      const bool is_late = error.code() == IoErrc::timed_out;
      error_ = is_late ? make_error_code(Errc::timed_out_sending) : error.code();
      throw;
    }
    if (writer_ != nullptr) report(writer_->bytes_written(), writer_->length());
    co_return taken;
  }
  [[nodiscard]] std::string subject() const override { return exchange_.request->url; }

  /// Sends some of `rest`, and takes it away.
  [[nodiscard]] Task<void> send_some(std::string_view& rest) {
    const std::array<IoSlice, 1> slices{slice_of(bytes_of(rest))};
    const std::size_t taken = co_await write_some(slices);
    rest.remove_prefix(taken);
    const Outgoing& out = exchange_.out;
    if (!exchange_.streams_body) report(out.body_sent(), out.body_size);
  }

  void count(const BodyWriter* writer) noexcept { writer_ = writer; }
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  void report(std::uint64_t bytes, std::optional<std::uint64_t> total) const {
    const Progress& on_sent = exchange_.request->on_sent;
    if (on_sent && total != 0) on_sent(bytes, total);
  }

  StreamedExchange& exchange_;
  S& stream_;
  const BodyWriter* writer_ = nullptr;
  std::error_code error_;
};

template <class S>
Task<void> send_streamed(StreamedExchange& exchange, RequestTarget<S>& target) {
  const StreamedBody& body = exchange.request->streamed;
  BodyFraming framing;
  if (body.length()) {
    framing.end = BodyFraming::End::length;
    framing.length = *body.length();
  }
  BodyWriter writer(target, framing);
  target.count(&writer);
  // Relaxed: see the field.
  exchange.body_begun.store(true, std::memory_order_relaxed);
  co_await body.produce(writer);
  co_await writer.finish();
  target.count(nullptr);
}

template <class S>
Task<void> send_all(StreamedExchange& exchange, RequestTarget<S>& target) {
  Outgoing& out = exchange.out;
  while (!out.rest.empty()) co_await target.send_some(out.rest);
  if (out.awaits_continue) {
    const Nanoseconds limit = exchange.core->options.continue_timeout;
    co_await select(out.may_continue.wait(), sleep_for(limit));
  }
  if (exchange.streams_body) {
    co_await send_streamed(exchange, target);
  } else {
    while (!out.large_body.empty()) co_await target.send_some(out.large_body);
  }
}

/// After a failure the peer would wait for the rest, and this side for an answer. What has arrived
/// can still be read.
template <class S>
Task<void> end_after_failure(S& stream) {
  if constexpr (std::same_as<S, StreamSocket>) {
    static_cast<void>(stream.shutdown(Shutdown::both));
  } else {
    static_cast<void>(co_await attempt(stream.end_writing()));
  }
  co_return;
}

/// Held by the task that sends: tells the reader of its end, also if it was cancelled, or was never
/// begun.
class SendingEnd {
 public:
  explicit SendingEnd(std::shared_ptr<StreamedExchange> exchange) noexcept
      : exchange_(std::move(exchange)) {}
  SendingEnd(SendingEnd&&) noexcept = default;
  SendingEnd& operator=(SendingEnd&&) = delete;
  ~SendingEnd() {
    if (exchange_ != nullptr) exchange_->ended.set();
  }
  [[nodiscard]] StreamedExchange& exchange() const noexcept { return *exchange_; }

 private:
  std::shared_ptr<StreamedExchange> exchange_;
};

template <class S>
Task<void> send_over(StreamedExchange& exchange, S& stream) {
  RequestTarget<S> target(exchange, stream);
  try {
    co_await send_all(exchange, target);
    exchange.sent = true;
    co_return;
  } catch (...) {
    exchange.out.error = target.error();
    if (!target.error()) exchange.failure = std::current_exception();
  }
  co_await end_after_failure(stream);
}

Task<void> send(SendingEnd end) {
  StreamedExchange& exchange = end.exchange();
  Transport& transport = *exchange.transport;
  if (transport.is_socket()) {
    co_await send_over(exchange, transport.over<StreamSocket>());
  } else {
    co_await send_over(exchange, transport.over<TransportStream>());
  }
}

/// One write. False: it has failed.
template <class S>
Task<bool> send_first(StreamedExchange& exchange, S& stream) {
  Outgoing& out = exchange.out;
  RequestTarget<S> target(exchange, stream);
  try {
    co_await target.send_some(out.rest);
    co_return true;
  } catch (const IoError&) {
    out.error = target.error();
  }
  co_await end_after_failure(stream);
  co_return false;
}

}  // namespace

Task<void> begin_sending(std::shared_ptr<StreamedExchange> exchange) {
  Transport& transport = *exchange->transport;
  bool goes_on = false;
  if (transport.is_socket()) {
    goes_on = co_await send_first(*exchange, transport.over<StreamSocket>());
  } else {
    goes_on = co_await send_first(*exchange, transport.over<TransportStream>());
  }
  exchange->sent = goes_on && exchange->out.empty() && !exchange->streams_body;
  if (!goes_on || exchange->sent) exchange->ended.set();
}

JoinHandle<void> spawn_sender(std::shared_ptr<StreamedExchange> exchange, Scope* owner) {
  SendingEnd end(std::move(exchange));
  if (owner == nullptr) return spawn(send, std::move(end));
  return owner->spawn(SpawnOptions().isolated(), send, std::move(end));
}

}  // namespace weft::inline v0_1::http
