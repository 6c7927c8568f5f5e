// One iteration of the loop in serve_pipelined(): parse the bytes read; handle the complete
// requests and gather the responses; when nothing is left to parse (or much is gathered, or the
// connection is to close) write the responses; then wait for more, or end. So pipelined requests
// cost one write, the output is bounded, and nothing is read while the peer does not read its
// responses.
#include "http/pipelined.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>
#include <utility>

#include "http/serialize.hpp"
#include "http/session.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Bodies up to this size are copied behind their head; larger ones are written from their own
/// memory.
constexpr std::size_t kCopiedBody = 16 * 1024;
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

enum class Parsed : std::uint8_t { need_more, complete, failed };

[[nodiscard]] std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  // SAFETY: char may alias anything.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Parses `input` up to the end of the request, or all of it.
[[nodiscard]] Parsed parse(RequestBuffers& slot, std::string_view& input) {
  if (input.empty()) return Parsed::need_more;
  slot.begin_if_needed();
  for (;;) {
    const ParseStep step = slot.parser.feed(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case ParseEvent::need_more:
        return Parsed::need_more;
      case ParseEvent::complete:
        return Parsed::complete;
      case ParseEvent::failed:
        return Parsed::failed;
      case ParseEvent::body:
        slot.request.body.append(step.body);
        break;
      case ParseEvent::head:
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

/// Appends the response to a request that could not be parsed or came too late. The connection
/// closes after it.
void append_refusal(RequestBuffers& slot, const ServerOptions& options, Status status,
                    std::string_view reason) {
  Response response = Response::of(status);
  if (!reason.empty()) response.body.assign(reason).append("\n");
  ResponseFraming framing;
  framing.keep_alive = false;
  framing.server_name = options.server_name;
  append_response(slot.output, response, framing);
}

void append_refusal(RequestBuffers& slot, const ServerOptions& options, Errc error) {
  append_refusal(slot, options, status_of(error), make_error_code(error).message());
}

/// Appends the response to the present request. True: the connection stays open after it.
[[nodiscard]] bool append_answer(RequestBuffers& slot, const Session& session, Response& response) {
  ResponseFraming framing;
  framing.request_method = slot.request.method;
  framing.request_version = slot.request.version;
  framing.keep_alive = slot.request.keep_alive && !session.draining();
  framing.server_name = session.options().server_name;
  const WrittenHead head = append_head(slot.output, response, framing);
  if (head.body_follows && response.body.size() <= kCopiedBody) {
    slot.output.append(response.body);
  } else if (head.body_follows) {
    slot.large_body = std::move(response.body);
  }
  slot.end_request();
  return head.keep_alive;
}

/// Turns a handler's exception into a 500 and reports it to options.on_handler_error.
[[nodiscard]] Response on_handler_error(const ServerOptions& options, const Request& request) {
  if (options.on_handler_error) options.on_handler_error(request, std::current_exception());
  return Response::of(500);
}

/// How long the peer may take to read the output.
[[nodiscard]] Nanoseconds time_to_write(const RequestBuffers& slot,
                                        const ServerOptions& options) noexcept {
  const std::size_t bytes = slot.output.size() + slot.large_body.size();
  const Nanoseconds more = std::chrono::seconds(bytes / kSlowestReader);
  return options.write_timeout > Nanoseconds::max() - more ? Nanoseconds::max()
                                                           : options.write_timeout + more;
}

/// The deadline of the next read. Each part of a request has its own deadline, which further reads
/// do not extend.
class ReadDeadline {
 public:
  void enter(Connection& connection, const RequestBuffers& slot) noexcept {
    const ServerOptions& options = connection.session().options();
    if (!slot.in_request()) {
      part_ = Part::none;
      connection.enter(Connection::Phase::idle, options.idle_timeout);
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

 private:
  enum class Part : std::uint8_t { none, head, body };
  Part part_ = Part::none;
  TimePoint deadline_{};
};

/// The output, as slices for a vectored write.
[[nodiscard]] std::array<IoSlice, 2> output_slices(const RequestBuffers& slot) noexcept {
  return {slice_of(bytes_of(slot.output)), slice_of(bytes_of(slot.large_body))};
}

}  // namespace

Task<BurstEnd> serve_pipelined(Connection& connection, std::span<const std::byte> first_bytes,
                               bool more_is_likely) {
  Session& session = connection.session();
  ServerCore& core = session.core();
  Lease<RequestBuffers> lease(core.slots);
  RequestBuffers& slot = *lease;
  WarmSlot warm(core);
  ReadDeadline read_deadline;
  std::string_view input = text_of(first_bytes);
  bool closing = false;
  bool lingering = false;
  for (;;) {
    const Parsed parsed = closing ? Parsed::need_more : parse(slot, input);
    if (parsed == Parsed::complete) {
      read_deadline.request_ended();
      const std::size_t answered = slot.output.size();
      try {
        if (core.is_immediate) {
          Response made = core.handler->answer_now(slot.request);
          closing = !append_answer(slot, session, made);
        } else {
          Response made = co_await core.handler->answer(slot.request);
          closing = !append_answer(slot, session, made);
        }
      } catch (...) {
        slot.output.resize(answered);
        Response made = on_handler_error(core.options, slot.request);
        closing = !append_answer(slot, session, made);
      }
      const bool gather = slot.output.size() < core.options.max_output && slot.large_body.empty();
      if (!closing && gather && !input.empty()) continue;
    } else if (parsed == Parsed::failed) {
      append_refusal(slot, core.options, slot.parser.error());
      closing = lingering = true;
    }

    if (!slot.output.empty()) {
      connection.enter(Connection::Phase::writing, time_to_write(slot, core.options));
      Result<void> written;
      if (!slot.large_body.empty()) {
        std::array<IoSlice, 2> slices = output_slices(slot);
        written = co_await attempt(connection.stream().write_all_vectored(slices));
      } else {
        written = co_await attempt(connection.stream().write_all(slot.output));
      }
      if (!written) co_return BurstEnd::close;
      slot.output.clear();
      if (!slot.large_body.empty()) slot.large_body = std::string();
    }
    if (closing) co_return lingering || !input.empty() ? BurstEnd::linger : BurstEnd::close;
    connection.enter_busy();
    if (!input.empty()) continue;

    if (!slot.in_request() && !(more_is_likely && warm.hold())) {
      co_return BurstEnd::wait;
    }
    read_deadline.enter(connection, slot);
    const Result<std::size_t> got = co_await attempt(connection.stream().read(slot.input));
    if (connection.expired()) {
      if (!slot.in_request()) co_return BurstEnd::close;
      append_refusal(slot, core.options, 408, {});
      closing = true;
      continue;
    }
    if (!got || *got == 0) co_return BurstEnd::close;
    connection.enter_busy();
    input = text_of(std::span(slot.input).first(*got));
  }
}

}  // namespace weft::inline v0_1::http
