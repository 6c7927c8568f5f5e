#include "http/request_body.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <weft/select.hpp>

#include "http/current_task.hpp"
#include "http/session.hpp"
#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Reads of this size and more go to the caller's memory, if the body is not chunked.
constexpr std::size_t kDirectRead = 4096;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

[[nodiscard]] std::optional<Endpoint> address_of(Transport& transport) {
  const Endpoint* const peer = transport.peer_endpoint();
  return peer != nullptr ? std::optional(*peer) : std::nullopt;
}

}  // namespace

/// A read under way.
template <class S>
class RequestBody<S>::Reading {
 public:
  explicit Reading(RequestBody& body) : body_(body) {
    Use use = Use::idle;
    if (!body.use_.compare_exchange_strong(use, Use::reading, std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
      throw IoError(make_error_code(Errc::body_gone), "read body", body.subject());
    }
  }
  ~Reading() {
    Use use = Use::reading;
    // Release: pairs with the next read's acquire, and that of close().
    if (!body_.use_.compare_exchange_strong(use, Use::idle, std::memory_order_release,
                                            std::memory_order_relaxed)) {
      body_.ended_reading_.set();
    }
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  RequestBody& body_;
};

/// A "100 Continue" that is being written. If only a part of it was, nothing can follow it.
template <class S>
class RequestBody<S>::Asking {
 public:
  explicit Asking(RequestBody& body) noexcept : body_(body) {
    body.connection_.begin_write(body.connection_.session().options().write_timeout);
  }
  ~Asking() {
    if (!whole_) {
      body_.connection_.forbid_answers();
      body_.failure_ = std::make_error_code(std::errc::operation_canceled);
    }
    body_.connection_.end_write();
    // Release: pairs with the acquire in begin_inform().
    body_.interim_.store(Interim::none, std::memory_order_release);
    body_.interim_written_.set();
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  void succeeded() noexcept { whole_ = true; }

 private:
  RequestBody& body_;
  bool whole_ = false;
};

template <class S>
RequestBody<S>::RequestBody(Connection& connection, RequestBuffers& slot,
                            std::string_view& input) noexcept
    : connection_(connection),
      slot_(slot),
      input_(input),
      length_(slot.parser.is_chunked() ? std::nullopt
                                       : std::optional(slot.parser.content_length())),
      peer_(address_of(connection.transport())) {
  // A client that has sent its body already does not wait for 100 Continue.
  if (slot.parser.expects_continue() && input.empty()) {
    interim_.store(Interim::owed, std::memory_order_relaxed);
  }
  connection.set_receiving(true);
}

template <class S>
std::string RequestBody<S>::subject() const {
  return peer_ ? peer_->to_string() : std::string();
}

template <class S>
void RequestBody<S>::give_up(std::error_code why) noexcept {
  Use use = Use::idle;
  // As a read that fails; see Reading.
  if (!use_.compare_exchange_strong(use, Use::reading, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
    return;
  }
  if (!failure_) failure_ = why;
  use = Use::reading;
  if (!use_.compare_exchange_strong(use, Use::idle, std::memory_order_release,
                                    std::memory_order_relaxed)) {
    ended_reading_.set();
  }
}

template <class S>
void RequestBody<S>::fail(std::error_code why) {
  failure_ = why;
  throw IoError(why, "read body", subject());
}

template <class S>
Task<std::size_t> RequestBody<S>::read(std::span<std::byte> buffer) {
  const TaskHeader& task = co_await CurrentTask();
  const Reading reading(*this);
  const bool by_owner = &task == owner_.load(std::memory_order_relaxed);
  for (;;) {
    if (complete_) co_return 0;
    if (failure_) fail(failure_);
    const std::size_t size = take(buffer);
    if (size != 0 || complete_) co_return size;
    if (failure_) continue;
    if (is_awaited()) co_await ask_for_body(by_owner);
    // Not beyond the body: what follows it is no business of the reader's.
    const std::uint64_t left = slot_.parser.body_left();
    const bool direct = buffer.size() >= kDirectRead && left != 0;
    if (direct) {
      const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left));
      co_await receive(buffer.first(most), by_owner);
    } else {
      co_await receive(slot_.input, by_owner);
    }
  }
}

/// Takes bytes of the body from the input. Sets failure_, which concerns what follows these bytes.
template <class S>
std::size_t RequestBody<S>::take(std::span<std::byte> buffer) try {
  return take_parsed(buffer);
} catch (const std::bad_alloc&) {
  failure_ = std::make_error_code(std::errc::not_enough_memory);
  throw;
}

template <class S>
std::size_t RequestBody<S>::take_parsed(std::span<std::byte> buffer) {
  std::size_t done = 0;
  for (;;) {
    const std::string_view part = input_.substr(0, buffer.size() - done);
    // Without input, too: the message may be complete.
    const ParseStep step = slot_.parser.feed(part);
    input_.remove_prefix(step.consumed);
    switch (step.event) {
      case ParseEvent::need_more:
        if (done == buffer.size() || input_.empty()) return done;
        break;
      case ParseEvent::body:
        // Bytes that were read directly are where they belong.
        std::memmove(buffer.data() + done, step.body.data(), step.body.size());
        done += step.body.size();
        break;
      case ParseEvent::complete:
        if (const Headers* const behind = slot_.parser.trailers()) trailers_ = *behind;
        complete_ = true;
        connection_.set_receiving(false);
        return done;
      case ParseEvent::failed:
        failure_ = make_error_code(slot_.parser.error());
        return done;
      case ParseEvent::head:
        break;
    }
  }
}

/// Waits for bytes, which become the input.
template <class S>
Task<void> RequestBody<S>::receive(std::span<std::byte> room, bool by_owner) {
  connection_.enter(Connection::Phase::reading, connection_.session().options().body_timeout);
  Result<std::size_t> got = std::size_t{0};
  if (by_owner) {
    got = co_await attempt(connection_.template stream<S>().read(room));
  } else {
    got = co_await receive_or_stop(room);
  }
  if (!connection_.end_read(got, room)) {
    if (connection_.dismissed()) fail(make_error_code(IoErrc::timed_out));
    if (!got) fail(got.error());
    fail(make_error_code(Errc::unexpected_end));
  }
  input_ = text_of(room.first(*got));
}

template <class S>
Task<Result<std::size_t>> RequestBody<S>::receive_or_stop(std::span<std::byte> room) {
  auto first = co_await select(attempt(connection_.template stream<S>().read(room)), stop_.wait());
  if (!first.template has<0>()) co_return weft::fail(make_error_code(Errc::body_gone));
  const Result<std::size_t> got = first.template take<0>();
  co_return got;
}

template <class S>
Task<void> RequestBody<S>::ask_for_body(bool by_owner) {
  Interim owed = Interim::owed;
  // Acquire: what an inform() before has written comes first; pairs with end_inform().
  while (!interim_.compare_exchange_strong(owed, Interim::writing, std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
    if (owed != Interim::informing_owed) co_return;
    co_await until_informed(by_owner);
    owed = Interim::owed;
  }
  Asking asking(*this);
  Result<void> sent;
  if (by_owner) {
    sent = co_await attempt(connection_.template stream<S>().write_all(kContinue));
  } else {
    sent = co_await write_or_stop(kContinue);
  }
  if (!sent) fail(sent.error());
  asking.succeeded();
}

template <class S>
Task<void> RequestBody<S>::until_informed(bool by_owner) {
  if (by_owner) {
    co_await informed_.wait();
    co_return;
  }
  auto first = co_await select(informed_.wait(), stop_.wait());
  if (!first.template has<0>()) fail(make_error_code(Errc::body_gone));
}

template <class S>
Task<bool> RequestBody<S>::begin_inform(bool asks) {
  for (;;) {
    // Acquire: pairs with the release in ~Asking().
    Interim now = interim_.load(std::memory_order_acquire);
    if (now == Interim::writing) {
      co_await interim_written_.wait();
      continue;
    }
    if (connection_.answers_forbidden()) co_return false;
    // Reset first: a read that meets the new state waits for the end of this one.
    informed_.reset();
    const bool owed = now == Interim::owed && !asks;
    if (interim_.compare_exchange_strong(now, owed ? Interim::informing_owed : Interim::informing,
                                         std::memory_order_acquire, std::memory_order_relaxed)) {
      co_return true;
    }
  }
}

template <class S>
void RequestBody<S>::end_inform() noexcept {
  const bool owed = interim_.load(std::memory_order_relaxed) == Interim::informing_owed;
  // Release: pairs with the acquire in ask_for_body().
  interim_.store(owed ? Interim::owed : Interim::none, std::memory_order_release);
  informed_.set();
}

template <class S>
Task<Result<void>> RequestBody<S>::write_or_stop(std::string_view text) {
  auto first =
      co_await select(attempt(connection_.template stream<S>().write_all(text)), stop_.wait());
  if (!first.template has<0>()) co_return weft::fail(make_error_code(Errc::body_gone));
  const Result<void> sent = first.template take<0>();
  co_return sent;
}

template <class S>
Task<void> RequestBody<S>::end_interim() {
  const Interim before = interim_.exchange(Interim::none, std::memory_order_relaxed);
  if (before == Interim::writing) co_await interim_written_.wait();
}

template <class S>
Task<void> RequestBody<S>::close() {
  // Acquire: pairs with the release of the last read.
  if (use_.exchange(Use::closed, std::memory_order_acquire) == Use::reading) {
    stop_.set();
    co_await ended_reading_.wait();
  }
  connection_.set_receiving(false);
}

template class RequestBody<StreamSocket>;
template class RequestBody<TransportStream>;

}  // namespace weft::inline v0_1::http
