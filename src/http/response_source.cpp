// From the outside in: begin() sends and receives the head; read() gives the body; both take steps
// of the parser (advance) and wait for bytes (receive), beside the sender (receive_some) and within
// the limits (read_stream).
#include "http/response_source.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <weft/net.hpp>
#include <weft/select.hpp>
#include <weft/timeout.hpp>

#include "http/char_class.hpp"
#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

constexpr std::uint64_t any_size = std::numeric_limits<std::uint64_t>::max();
/// How long an answer is waited for after a failed write, of a stream whose reads do not end then.
constexpr Nanoseconds kAfterFailedSend = std::chrono::milliseconds(100);

template <class S>
Task<Result<std::size_t>> read_within(S& stream, std::span<std::byte> buffer, TimePoint limit) {
  if (limit == TimePoint::max()) {
    const Result<std::size_t> got = co_await attempt(stream.read(buffer));
    co_return got;
  }
  const Result<std::size_t> got = co_await timeout_at(attempt(stream.read(buffer)), limit);
  co_return got;
}

/// Tells the call how far its request came, also if that is cancelled.
class Notes {
 public:
  Notes(Call& call, std::shared_ptr<const StreamedExchange> exchange) noexcept
      : call_(call), exchange_(std::move(exchange)) {}
  ~Notes() {
    call_.sent = exchange_->ended.is_set() && exchange_->sent;
    // Relaxed: a producer that begins later is not noticed, and need not be.
    if (exchange_->body_begun.load(std::memory_order_relaxed)) call_.body_begun = true;
  }
  Notes(const Notes&) = delete;
  Notes& operator=(const Notes&) = delete;

 private:
  Call& call_;
  std::shared_ptr<const StreamedExchange> exchange_;  // the source may let go of it before
};

/// A connection that has left HTTP. It is closed before its home learns of its end.
struct LeftConnection {
  LeftConnection(std::shared_ptr<ConnectionHome> its_home, Transport its_transport) noexcept
      : home(std::move(its_home)), transport(std::move(its_transport)) {}
  std::shared_ptr<ConnectionHome> home;
  Transport transport;
};

/// Whether the fields Upgrade name a protocol, and none that is not one of `asked`, a list.
[[nodiscard]] bool names_asked(const Headers& headers, std::string_view asked) noexcept {
  bool names_one = false;
  for (const Headers::Field field : headers) {
    if (!same_name(field.name, "upgrade")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view protocol = trim(rest.substr(0, end));
      if (!protocol.empty() && !has_token(asked, protocol)) return false;
      names_one = names_one || !protocol.empty();
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }
  return names_one;
}

}  // namespace

StreamedExchange::StreamedExchange(const Call& call, std::shared_ptr<ConnectionHome> its_home,
                                   Transport stream)
    : core(call.streaming->core),
      request(call.streaming->request),
      streams_body(call.streams_body()),
      home(std::move(its_home)),
      transport(std::move(stream)),
      out(call) {}

ResponseSource::ResponseSource(const Call& call, std::shared_ptr<ConnectionHome> home,
                               Transport transport)
    : exchange_(std::make_shared<StreamedExchange>(call, std::move(home), std::move(transport))),
      owner_(call.streaming->owner),
      method_(call.method),
      subject_(subject_of_call(call)) {}

ResponseSource::~ResponseSource() {
  if (exchange_ == nullptr) return;
  if (is_sending()) {
    if (sender_) sender_->cancel();
    return;
  }
  if (!has_head_ || failure_ != nullptr) return;
  try {
    while (!has_all_) {
      const ParseStep step = parser().feed(rest_);
      rest_.remove_prefix(step.consumed);
      if (step.event == ParseEvent::need_more || step.event == ParseEvent::failed) return;
      if (step.event == ParseEvent::complete) note_end();
    }
    finish();
  } catch (const std::bad_alloc&) {
    return;  // for trailers
  }
}

void ResponseSource::begin_parsing() noexcept {
  const bool is_strict = exchange_->core->options.strict;
  parser().limit_body(any_size);
  parser().begin(response_, method_, is_strict ? Reading::strict : Reading::tolerant);
  message_bytes_ = 0;
}

Task<Result<void>> ResponseSource::begin(Call& call) {
  const Notes notes(call, exchange_);
  slot_.emplace(exchange_->core->slots);
  begin_parsing();
  co_await begin_sending(exchange_);
  if (is_sending()) sender_.emplace(spawn_sender(exchange_, owner_));
  Result<void> head = co_await receive_head(call);
  if (!head) {
    co_await end_sending();
    // The failed write is the reason, unless an answer had begun.
    if (exchange_->out.error && !got_bytes_) head = fail(exchange_->out.error);
    co_return head;
  }
  has_head_ = true;
  call.response.status = response_.status;
  call.response.version = response_.version;
  call.response.headers = std::move(response_.headers);
  if (has_all_) co_await end();
  co_return head;
}

Task<Result<void>> ResponseSource::receive_head(Call& call) {
  for (;;) {
    const ParseStep step = parser().feed(rest_);
    rest_.remove_prefix(step.consumed);
    message_bytes_ += step.consumed;
    if (step.event == ParseEvent::failed) co_return fail(make_error_code(parser().error()));
    const bool has_head = step.event == ParseEvent::head || step.event == ParseEvent::complete;
    if (has_head && leaves_http()) {
      const Result<void> left = co_await leave_http();
      co_return left;
    }
    if (step.event == ParseEvent::head) {
      const bool has_length = response_.headers.contains("content-length");
      if (has_length) length_ = parser().content_length();
      co_return Result<void>();
    }
    if (step.event == ParseEvent::complete) {
      const Result<bool> is_interim = take_interim();
      if (!is_interim) co_return fail(is_interim.error());
      if (*is_interim) continue;
      length_ = 0;
      has_all_ = true;
      co_return Result<void>();
    }
    const Result<void> more = co_await receive();
    call.got_bytes = got_bytes_;
    if (!more) co_return more;
    if (rest_.empty()) {
      static_cast<void>(parser().finish());
      co_return fail(make_error_code(parser().error()));
    }
  }
}

/// The parser has a whole response without a body. True: an interim one, and the next has begun.
Result<bool> ResponseSource::take_interim() {
  if (!response_.status.is_informational()) return false;
  // Another protocol, which the client has not asked for.
  if (response_.status.code() == 101) return fail(make_error_code(Errc::unexpected_status));
  if (response_.status.code() == 100) exchange_->out.may_continue.set();
  // Any number of them may come, for as long as the request may take; each costs only its bytes.
  interim_bytes_ += message_bytes_;
  if (interim_bytes_ > exchange_->core->options.limits.max_header_bytes) {
    return fail(make_error_code(Errc::headers_too_large));
  }
  if (exchange_->request->on_interim) exchange_->request->on_interim(response_);
  begin_parsing();
  return true;
}

/// The parser has a head: whether what follows it is no HTTP.
bool ResponseSource::leaves_http() const noexcept {
  if (method_ == Method::connect) return response_.status.is_success();
  if (response_.status.code() != 101 || response_.version != Version::http_1_1) return false;
  return parser().asks_upgrade() && names_asked(response_.headers, exchange_->request->upgrade);
}

/// The other protocol begins when all of the request was sent. The connection is the user's then.
Task<Result<void>> ResponseSource::leave_http() {
  exchange_->out.may_continue.set();  // a final response, for a body that was not asked for
  co_await exchange_->ended.wait();
  if (exchange_->failure != nullptr) std::rethrow_exception(exchange_->failure);
  if (!exchange_->sent) {
    const std::error_code error = exchange_->out.error;
    co_return fail(error ? error : make_error_code(std::errc::connection_aborted));
  }
  auto left = std::make_shared<LeftConnection>(exchange_->home, std::move(*exchange_->transport));
  std::shared_ptr<Transport> transport(left, &left->transport);
  upgraded_ = std::make_unique<UpgradedStream>(std::move(transport), std::string(rest_));
  exchange_->home->let_go();
  length_ = 0;
  has_all_ = true;
  co_return Result<void>();
}

/// One step of the body.
Task<Result<void>> ResponseSource::advance() {
  const ParseStep step = parser().feed(rest_);
  rest_.remove_prefix(step.consumed);
  piece_ = step.body;
  if (step.event == ParseEvent::complete) note_end();
  if (step.event == ParseEvent::failed) co_return fail(make_error_code(parser().error()));
  if (step.event != ParseEvent::need_more) co_return Result<void>();
  const Result<void> more = co_await receive();
  if (more && rest_.empty()) {
    if (!parser().finish()) co_return fail(make_error_code(parser().error()));
    note_end();
  }
  co_return more;
}

/// The message is complete.
void ResponseSource::note_end() {
  if (const Headers* const trailers = parser().trailers()) trailers_ = *trailers;
  has_all_ = true;
}

/// Waits for bytes, which are then in rest_; none: the peer has ended its side.
Task<Result<void>> ResponseSource::receive() {
  const Result<std::size_t> got = co_await receive_some();
  if (got) {
    rest_ = text_of(std::span((**slot_).input).first(*got));
    got_bytes_ = got_bytes_ || *got > 0;
    co_return Result<void>();
  }
  if (got.error() != IoErrc::timed_out) co_return fail(got.error());
  co_return fail(make_error_code(got_bytes_ ? Errc::timed_out_receiving : Errc::timed_out_waiting));
}

Task<Result<std::size_t>> ResponseSource::receive_some() {
  while (is_sending()) {
    auto first = co_await select(read_stream(), exchange_->ended.wait());
    if (!first.has<0>()) continue;
    const Result<std::size_t> got = first.take<0>();
    if (got && *got > 0) co_return got;
    // The peer may have ended its side because a body has failed: that is the reason to tell.
    co_await end_sending();
    if (exchange_->failure != nullptr) std::rethrow_exception(exchange_->failure);
    co_return got;
  }
  if (exchange_->failure != nullptr) std::rethrow_exception(exchange_->failure);
  co_return co_await read_stream();
}

Task<Result<std::size_t>> ResponseSource::read_stream() {
  Transport& transport = *exchange_->transport;
  const std::span<std::byte> input((**slot_).input);
  if (transport.is_socket()) {
    return read_within(transport.over<StreamSocket>(), input, next_limit());
  }
  return read_within(transport.over<TransportStream>(), input, next_limit());
}

TimePoint ResponseSource::next_limit() noexcept {
  const ClientOptions& options = exchange_->core->options;
  TimePoint limit = deadline_;
  if (got_bytes_) limit = std::min(limit, deadline_after(options.silence_timeout));
  if (is_sending()) return limit;
  if (exchange_->out.error) return std::min(limit, deadline_after(kAfterFailedSend));
  if (got_bytes_) return limit;
  if (!std::exchange(waits_for_first_, true)) {
    first_byte_limit_ = deadline_after(options.first_byte_timeout);
  }
  return std::min(limit, first_byte_limit_);
}

/// Returns when the sender uses nothing any more. Cancel: the sender ends all the same.
Task<void> ResponseSource::end_sending() {
  if (!is_sending()) co_return;
  if (sender_) sender_->cancel();
  co_await exchange_->ended.wait();
}

Task<void> ResponseSource::end() {
  if (exchange_ == nullptr) co_return;
  co_await end_sending();
  finish();
}

/// The exchange has ended, and so has the sender.
void ResponseSource::finish() noexcept {
  has_begun_body_ = exchange_->body_begun.load(std::memory_order_relaxed);
  const bool is_complete = has_all_ && exchange_->sent && rest_.empty();
  if (is_complete && response_.keep_alive && upgraded_ == nullptr) {
    is_kept_ = exchange_->home->keep(std::move(*exchange_->transport));
  }
  exchange_->transport.reset();
  piece_ = rest_ = {};
  slot_.reset();
  sender_.reset();
  exchange_.reset();
}

void ResponseSource::note_received(std::size_t size) {
  received_ += size;
  const Progress& on_received = exchange_->request->on_received;
  if (on_received && !is_dropping_) on_received(received_, length_);
}

Task<std::size_t> ResponseSource::read(std::span<std::byte> buffer) {
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  std::exception_ptr failure;
  try {
    while (piece_.empty() && !has_all_) {
      const Result<void> more = co_await advance();
      if (!more) throw IoError(more.error(), to_string(method_), subject_);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure != nullptr) {
    failure_ = failure;
    co_await end();
    std::rethrow_exception(failure);
  }
  if (piece_.empty()) {
    co_await end();
    co_return 0;
  }
  const std::size_t size = std::min(buffer.size(), piece_.size());
  std::memcpy(buffer.data(), piece_.data(), size);
  piece_.remove_prefix(size);
  note_received(size);
  co_return size;
}

Task<void> ResponseSource::drop(std::uint64_t most) {
  if (exchange_ == nullptr) co_return;
  co_await end_sending();
  has_begun_body_ = exchange_->body_begun.load(std::memory_order_relaxed);
  if (!exchange_->sent) co_return;
  is_dropping_ = true;
  std::array<std::byte, 4096> buffer;
  try {
    std::size_t size = co_await read(buffer);
    while (size > 0 && size <= most) {
      most -= size;
      size = co_await read(buffer);
    }
  } catch (const IoError&) {
    co_return;  // the connection is closed
  }
}

Task<Result<void>> begin_response(Call& call, std::shared_ptr<ConnectionHome> home,
                                  Transport transport) {
  auto source = std::make_shared<ResponseSource>(call, std::move(home), std::move(transport));
  const Result<void> begun = co_await source->begin(call);
  if (begun) call.streaming->source = std::move(source);
  co_return begun;
}

}  // namespace weft::inline v0_1::http
