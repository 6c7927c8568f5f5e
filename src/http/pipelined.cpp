// One iteration of the loop in serve_pipelined(): parse the bytes read; handle the complete
// requests and gather the responses; when nothing is left to parse (or much is gathered, or the
// connection is to close) write the responses; then wait for more, or end. So pipelined requests
// cost one write, the output is bounded, and nothing is read while the peer does not read its
// responses.
#include "http/pipelined.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include "http/answer.hpp"
#include "http/informer.hpp"
#include "http/session.hpp"
#include "http/streamed.hpp"
#include "http/take_over.hpp"
#include "http/text_of.hpp"

namespace weft::inline v0_1::http {
namespace {

/// The least speed of a peer that reads a long response, in bytes a second; see write_timeout.
constexpr std::size_t kSlowestReader = 64 * 1024;
/// The most memory reserved because of a peer's Content-Length alone.
constexpr std::uint64_t kMostReservedInBurst = 64 * 1024;
/// The most connections that may wait with RequestBuffers of their own, because their requests do
/// not fit the first read.
constexpr std::size_t kMostWarm = 64;

/// RequestBuffers that a connection keeps while it waits; counted, so that idle connections stay
/// cheap. Relaxed: a limit; the count orders nothing.
class WarmSlot {
 public:
  explicit WarmSlot(ServerCore& core) noexcept : core_(core) {}
  ~WarmSlot() {
    if (held_) core_.warm_slots.fetch_sub(1, std::memory_order_relaxed);
  }
  WarmSlot(const WarmSlot&) = delete;
  WarmSlot& operator=(const WarmSlot&) = delete;

  [[nodiscard]] bool hold() noexcept {
    if (held_) return true;
    held_ = core_.warm_slots.fetch_add(1, std::memory_order_relaxed) < kMostWarm;
    if (!held_) core_.warm_slots.fetch_sub(1, std::memory_order_relaxed);
    return held_;
  }

 private:
  ServerCore& core_;
  bool held_ = false;
};

/// The bytes of the present request's body, counted with those of all connections.
class BodyBytes {
 public:
  explicit BodyBytes(ServerCore& core) noexcept : core_(core) {}
  ~BodyBytes() { give_back(); }
  BodyBytes(const BodyBytes&) = delete;
  BodyBytes& operator=(const BodyBytes&) = delete;

  /// False: with them the server would hold more than ServerOptions::max_bodies.
  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    held_ += bytes;
    const std::size_t before = core_.body_bytes.fetch_add(bytes, std::memory_order_relaxed);
    return before <= core_.options.max_bodies && bytes <= core_.options.max_bodies - before;
  }
  void give_back() noexcept {
    if (held_ == 0) return;
    core_.body_bytes.fetch_sub(held_, std::memory_order_relaxed);
    held_ = 0;
  }

 private:
  ServerCore& core_;
  std::size_t held_ = 0;
};

enum class Parsed : std::uint8_t {
  need_more,
  head,  ///< a body follows, which the handler reads
  complete,
  failed,
  too_much,  ///< bytes of all bodies
  unwanted   ///< bytes of a body that is dropped
};

/// Parses `input` up to the end of the request, or all of it; up to the end of the head if
/// `streamed`.
[[nodiscard, gnu::always_inline]] inline Parsed parse(RequestBuffers& slot, std::string_view& input,
                                                      BodyBytes& body, bool streamed) {
  if (input.empty()) return Parsed::need_more;
  slot.begin_if_needed();
  for (;;) {
    const ParseStep step = slot.parser.feed(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case ParseEvent::need_more:
        return Parsed::need_more;
      case ParseEvent::complete:
        if (!slot.drops_body()) [[likely]]
          return Parsed::complete;
        slot.end_request();
        if (input.empty()) return Parsed::need_more;
        slot.begin_if_needed();
        break;
      case ParseEvent::failed:
        return slot.drops_body() ? Parsed::unwanted : Parsed::failed;
      case ParseEvent::body:
        if (slot.drops_body()) {
          if (!slot.drop(step.body.size())) return Parsed::unwanted;
          break;
        }
        if (!body.take(step.body.size())) return Parsed::too_much;
        slot.request.body.append(step.body);
        break;
      case ParseEvent::head:
        if (streamed) return Parsed::head;
        slot.request.body.reserve(
            static_cast<std::size_t>(std::min(slot.parser.content_length(), kMostReservedInBurst)));
        // A client that has sent its body already does not wait for 100 Continue.
        if (slot.parser.expects_continue() && input.empty()) {
          slot.output.append("HTTP/1.1 100 Continue\r\n\r\n");
        }
        break;
    }
  }
}

/// Nothing, if the request was answered before.
After append_refusal_of(Parsed parsed, RequestBuffers& slot, const ServerOptions& options) {
  if (parsed == Parsed::too_much) {
    append_refusal(slot, options, 503, "the server holds too many request bodies");
  } else if (parsed == Parsed::failed) {
    append_refusal(slot, options, slot.parser.error());
  }
  return After::linger;
}

/// How long the peer may take to read the output.
[[nodiscard, gnu::always_inline]] inline Nanoseconds time_to_write(
    const RequestBuffers& slot, const ServerOptions& options) noexcept {
  const std::size_t bytes = slot.output.size() + slot.large_body.size();
  const Nanoseconds more = std::chrono::seconds(bytes / kSlowestReader);
  return options.write_timeout > Nanoseconds::max() - more ? Nanoseconds::max()
                                                           : options.write_timeout + more;
}

/// The deadline of the next read. Each part of a request, and the wait for one, has its own
/// deadline, which further reads do not extend.
class ReadDeadline {
 public:
  void enter(Connection& connection, const RequestBuffers& slot) noexcept {
    const ServerOptions& options = connection.session().options();
    if (slot.drops_body()) [[unlikely]] {
      // The request was answered: there is nothing left to say when the time is over.
      connection.enter(Connection::Phase::lingering, options.body_timeout);
      return;
    }
    if (!slot.in_request()) {
      if (std::exchange(part_, Part::before) == Part::before) {
        connection.idle_again();
      } else {
        connection.enter(Connection::Phase::idle, options.idle_timeout);
      }
      return;
    }
    const Part part = slot.parser.head_done() ? Part::body : Part::head;
    if (part != part_) {
      part_ = part;
      deadline_ =
          deadline_after(part == Part::head ? options.header_timeout : options.body_timeout);
    }
    connection.enter(Connection::Phase::reading, deadline_);
  }
  void request_ended() noexcept { part_ = Part::none; }
  /// How serve_pipelined() ends between two requests.
  [[nodiscard]] BurstEnd end_of(Serve how) const noexcept {
    if (how == Serve::last) return BurstEnd::linger;
    return part_ == Part::before ? BurstEnd::wait_on : BurstEnd::wait;
  }

 private:
  enum class Part : std::uint8_t { before, none, head, body };
  Part part_ = Part::before;
  TimePoint deadline_{};
};

/// Between two requests: whether the connection waits for the next one with its buffers.
[[nodiscard, gnu::always_inline]] inline bool can_wait_here(Connection& connection,
                                                            RequestBuffers& slot, WarmSlot& warm,
                                                            Serve how) noexcept {
  connection.keep_empty_lines(slot.empty_line_bytes());
  if (how != Serve::more_is_likely || !warm.hold()) return false;
  slot.shrink();
  return true;
}

/// Writes the output, and the body behind it.
template <class S>
Task<Result<void>> write_large_body(Connection& connection, RequestBuffers& slot) {
  std::array<IoSlice, 2> slices{slice_of(bytes_of(slot.output)),
                                slice_of(bytes_of(slot.large_body))};
  const Result<void> written = co_await attempt(connection.stream<S>().write_all_vectored(slices));
  co_return written;
}

/// Calls a handler that may wait, at most as long as handler_timeout allows.
Task<Response> call_handler(ServerCore& core, Request& request) {
  Task<Response> answer = core.handler->answer(request);
  return core.limits_handlers ? answer_in_time(core, request, std::move(answer))
                              : std::move(answer);
}

template <class S>
Task<Response> call_handler_over(Connection& connection, ServerCore& core, Request& request) {
  if constexpr (!std::same_as<S, StreamSocket>) {
    if (connection.stream<S>().tells_hang_up()) {
      return answer_while_connected(connection, core.options.cancel_on_half_close,
                                    call_handler(core, request));
    }
  }
  return call_handler(core, request);
}

/// Begins and ends a call of a handler that may wait.
[[gnu::always_inline]] inline void enter_handler(Connection& connection, RequestBuffers& slot,
                                                 const ResponseFraming& framing,
                                                 Informer& informer) noexcept {
  const bool takes_interim = framing.request_version == Version::http_1_1;
  connection.enter_handler(takes_interim);
  slot.request.informer = takes_interim ? &informer : nullptr;
}
[[gnu::always_inline]] inline void leave_handler(Connection& connection,
                                                 RequestBuffers& slot) noexcept {
  slot.request.informer = nullptr;
  connection.leave_handler();
}

/// The answer to a request whose handler has thrown the present exception.
[[nodiscard]] After replace_answer(RequestBuffers& slot, const Session& session,
                                   ResponseFraming& framing) {
  slot.drop_answer();
  return append_failure(slot, session, framing);
}

/// `rest`: what was read behind the request, for what takes the connection over.
[[nodiscard]] BurstEnd leave_http(Connection& connection, std::string_view rest) {
  connection.given()->received = rest;
  return BurstEnd::leave_http;
}

/// Appends the response to the present request. False: that is left to send_streamed().
[[nodiscard, gnu::always_inline]] inline bool append_text(RequestBuffers& slot,
                                                          const Session& session,
                                                          ResponseFraming& framing, Response& made,
                                                          After& after) {
  if (is_rare(framing, made)) [[unlikely]]
    return false;
  if (!append_answer(slot, session, framing, made)) after = After::linger;
  return true;
}

}  // namespace

template <class S>
Task<BurstEnd> serve_pipelined(Connection& connection, std::span<const std::byte> first_bytes,
                               Serve how) {
  Session& session = connection.session();
  ServerCore& core = session.core();
  Lease<RequestBuffers> lease(core.slots);
  RequestBuffers& slot = *lease;
  slot.go_on_after(connection.empty_line_bytes(), core.options.accept_connect);
  WarmSlot warm(core);
  BodyBytes body(core);
  ConnectionInformer<S> informer(connection, slot);
  ReadDeadline read_deadline;
  std::string_view input = text_of(first_bytes);
  for (;;) {
    const Parsed parsed = parse(slot, input, body, core.is_streamed);
    After after = After::go_on;
    if (parsed == Parsed::complete) {
      read_deadline.request_ended();
      slot.keep_output();
      ResponseFraming framing = begin_answer(connection, slot.request, how != Serve::last);
      try {
        if (core.is_immediate) {
          Response made = core.handler->answer_now(slot.request);
          if (!append_text(slot, session, framing, made, after))
            after = co_await send_streamed<S>(connection, slot, framing, made);
        } else {
          enter_handler(connection, slot, framing, informer);
          Response made = co_await call_handler_over<S>(connection, core, slot.request);
          leave_handler(connection, slot);
          if (!append_text(slot, session, framing, made, after)) [[unlikely]]
            after = co_await send_streamed<S>(connection, slot, framing, made);
        }
      } catch (...) {
        leave_handler(connection, slot);
        after = informer.failed() ? After::close : replace_answer(slot, session, framing);
      }
      body.give_back();
      const bool gather = slot.output.size() < core.options.max_output && slot.large_body.empty();
      if (after == After::go_on && gather && !input.empty()) continue;
    } else if (parsed == Parsed::head) {
      read_deadline.request_ended();
      after = co_await serve_streamed<S>(connection, slot, input, how != Serve::last);
    } else if (parsed != Parsed::need_more) {
      after = append_refusal_of(parsed, slot, core.options);
    }
    if (after == After::close) co_return BurstEnd::close;

    if (!slot.output.empty()) {
      connection.enter(Connection::Phase::writing, time_to_write(slot, core.options));
      Result<void> written;
      if (slot.large_body.empty()) [[likely]]
        written = co_await attempt(connection.stream<S>().write_all(slot.output));
      else
        written = co_await write_large_body<S>(connection, slot);
      if (!written) co_return BurstEnd::close;
      slot.forget_output();
    }
    if (after == After::linger) co_return BurstEnd::linger;
    if (after == After::leave_http) co_return leave_http(connection, input);
    connection.enter_busy();
    if (!input.empty()) continue;
    if (!slot.in_request() && !can_wait_here(connection, slot, warm, how)) {
      co_return read_deadline.end_of(how);
    }
    read_deadline.enter(connection, slot);
    const Result<std::size_t> got = co_await attempt(connection.stream<S>().read(slot.input));
    if (!connection.end_read(got, slot.input)) co_return BurstEnd::close;
    input = text_of(std::span(slot.input).first(*got));
  }
}

template <class S>
Task<void> refuse_late(Connection& connection) {
  Lease<RequestBuffers> lease(connection.session().core().slots);
  append_refusal(*lease, connection.session().options(), Status(408), {});
  connection.enter(Connection::Phase::writing, connection.session().options().write_timeout);
  // If the peer has left, there is nothing to tell.
  static_cast<void>(co_await attempt(connection.stream<S>().write_all((*lease).output)));
}

template Task<BurstEnd> serve_pipelined<StreamSocket>(Connection&, std::span<const std::byte>,
                                                      Serve);
template Task<BurstEnd> serve_pipelined<TransportStream>(Connection&, std::span<const std::byte>,
                                                         Serve);
template Task<void> refuse_late<StreamSocket>(Connection&);
template Task<void> refuse_late<TransportStream>(Connection&);

}  // namespace weft::inline v0_1::http
