// A streamed request, from its head to the end of its response:
//
//   serve_streamed()             makes the RequestBody; whatever happens then, closes it at the end
//     answer_streamed()          turns what the handler gives, or throws, into the response
//       read_and_answer()        calls the handler, with a reader of the body
//       send_streamed()          … and writes a response that is made meanwhile
//         ConnectionTarget       under the deadline of writes
//
// The producer of a response may hold the reader of its request (a proxy, an encoder): so both are
// in the exchange, and the body is closed behind them.
#include "http/streamed.hpp"

#include <array>
#include <concepts>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <weft/file.hpp>
#include <weft/finally.hpp>
#include <weft/io.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>

#include "http/answer.hpp"
#include "http/current_task.hpp"
#include "http/informer.hpp"
#include "http/session.hpp"
#include "http/take_over.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Where the bytes of a streamed response go.
template <class S>
class ConnectionTarget final : public BodyTarget {
 public:
  ConnectionTarget(Connection& connection, RequestBody<S>* body) noexcept
      : connection_(connection), body_(body) {}

  [[nodiscard]] Task<std::size_t> write_some(std::span<const IoSlice> slices) override {
    if (!begun_) co_await begin();
    const Deadline deadline(connection_);
    IoResult<std::size_t> taken =
        co_await attempt(connection_.template stream<S>().write_vectored(slices));
    if (!taken) {
      failed_ = true;
      throw std::move(taken.error());
    }
    co_return *taken;
  }
  [[nodiscard]] bool sends_files() const noexcept override { return std::same_as<S, StreamSocket>; }
  [[nodiscard]] Task<std::size_t> send_file(File& file, std::uint64_t offset,
                                            std::uint64_t size) override {
    if constexpr (std::same_as<S, StreamSocket>) {
      if (!begun_) co_await begin();
      const Deadline deadline(connection_);
      IoResult<std::size_t> sent =
          co_await attempt(weft::send_file(connection_.template stream<S>(), file, offset, size));
      if (sent) co_return *sent;
      failed_ = is_of_connection(sent.error().code());
      throw std::move(sent.error());
    }
    co_return 0;
  }
  [[nodiscard]] Task<void> draining() override {
    co_await connection_.session().drain_begun().wait();
  }
  [[nodiscard]] std::string subject() const override {
    const Endpoint* const peer = connection_.transport().peer_endpoint();
    return peer != nullptr ? peer->to_string() : std::string();
  }
  /// Whether the connection has failed.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  [[nodiscard]] Task<void> begin() {
    if (body_ != nullptr) co_await body_->end_interim();
    connection_.begin_answer();
    begun_ = true;
  }
  /// Of a file and of the connection it goes over, the error is that of the latter.
  [[nodiscard]] static bool is_of_connection(std::error_code code) noexcept {
    for (const std::errc one :
         {std::errc::broken_pipe, std::errc::connection_reset, std::errc::connection_aborted,
          std::errc::not_connected, std::errc::timed_out, std::errc::host_unreachable,
          std::errc::network_unreachable, std::errc::operation_canceled}) {
      if (code == one) return true;
    }
    return false;
  }
  /// That of one write: a peer that takes bytes now and then is not cut off.
  class Deadline {
   public:
    explicit Deadline(Connection& connection) noexcept : connection_(connection) {
      connection.begin_write(connection.session().options().write_timeout);
    }
    ~Deadline() { connection_.end_write(); }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

   private:
    Connection& connection_;
  };

  Connection& connection_;
  RequestBody<S>* body_;
  bool begun_ = false;
  bool failed_ = false;
};

template <class S>
Task<void> produce(const StreamedBody& streamed, BodyWriter& out, RequestBody<S>* body) {
  if (body == nullptr) {
    co_await streamed.produce(out);
  } else {
    const TaskHeader& task = co_await CurrentTask();
    const typename RequestBody<S>::Owner owner(*body, task);
    co_await streamed.produce(out);
  }
  co_await out.finish();
}

/// For streams that tell when the peer has left; see answer_while_connected().
Task<void> while_connected(Connection& connection, bool on_half_close, Task<void> work) {
  TransportStream& stream = connection.stream<TransportStream>();
  auto first = co_await select(std::move(work), attempt(stream.hung_up(on_half_close)));
  if (first.has<0>()) {
    first.take<0>();
    co_return;
  }
  connection.abandon();
  co_await never();
}

template <class S>
Task<void> produce_over(Connection& connection, const StreamedBody& streamed, BodyWriter& out,
                        RequestBody<S>* body) {
  if constexpr (!std::same_as<S, StreamSocket>) {
    if (connection.stream<S>().tells_hang_up()) {
      const bool whole = body == nullptr || body->complete();
      return while_connected(connection,
                             whole && connection.session().options().cancel_on_half_close,
                             produce(streamed, out, body));
    }
  }
  return produce(streamed, out, body);
}

/// A client must not take the end of the connection for that of the body.
template <class S>
void reset_at_close(S& stream) noexcept {
  if constexpr (std::same_as<S, StreamSocket>) {
    static_cast<void>(stream.set_linger(std::chrono::seconds(0)));
  }
}

template <class S>
Task<Response> read_and_answer(ServerCore& core, Request& request,
                               std::shared_ptr<RequestBody<S>> body) {
  const TaskHeader& task = co_await CurrentTask();
  const typename RequestBody<S>::Owner owner(*body, task);
  BodyReader reader(body);
  Response made = co_await core.handler->answer(request, reader);
  co_return made;
}

/// A request's informer, while its handler runs.
class Informing {
 public:
  Informing(Request& request, Informer* informer) noexcept : request_(request) {
    request.informer = informer;
  }
  ~Informing() { request_.informer = nullptr; }
  Informing(const Informing&) = delete;
  Informing& operator=(const Informing&) = delete;

 private:
  Request& request_;
};

/// Calls the handler, under its limits.
template <class S>
Task<Response> call_reader(Connection& connection, Request& request,
                           std::shared_ptr<RequestBody<S>> body) {
  ServerCore& core = connection.session().core();
  Task<Response> answer = read_and_answer<S>(core, request, std::move(body));
  if (core.limits_handlers) answer = answer_in_time(core, request, std::move(answer));
  if constexpr (!std::same_as<S, StreamSocket>) {
    if (connection.stream<S>().tells_hang_up()) {
      // The end of the client's side may be that of the body.
      return answer_while_connected(connection, false, std::move(answer));
    }
  }
  return answer;
}

/// Whether the connection can go on behind the response, as far as the body is concerned.
template <class S>
[[nodiscard]] bool can_go_on(const RequestBody<S>& body, const ServerOptions& options) noexcept {
  if (body.complete()) return true;
  if (body.failure() || body.is_awaited()) return false;
  return body.known_rest() <= options.max_unread_body;
}

/// A request that leaves HTTP must have ended (RFC 9110, 7.8). Throws std::logic_error if the
/// handler has left too much of it, and what reads throw. A client that waits for "100 Continue"
/// gets it before 101.
template <class S>
Task<void> read_to_end(RequestBody<S>& body, std::uint64_t limit) {
  const TaskHeader& task = co_await CurrentTask();
  const typename RequestBody<S>::Owner owner(body, task);
  std::array<std::byte, 1024> piece;
  std::uint64_t dropped = 0;
  while (!body.complete()) {
    if (dropped + body.known_rest() > limit) {
      throw std::logic_error("http handler: an upgrade before the request's body was read");
    }
    const std::size_t size = co_await body.read(piece);
    dropped += size;
  }
}

/// Whether the present exception is the body's failure, which the handler has let through.
template <class S>
[[nodiscard]] bool is_failure_of(const RequestBody<S>& body) noexcept {
  if (!body.failure()) return false;
  try {
    throw;
  } catch (const IoError& error) {
    return error.code() == body.failure();
  } catch (...) {
    return false;
  }
}

/// The answer to a body that cannot be read: the client's fault, and no failure of the handler.
template <class S>
[[nodiscard]] After refuse_body(RequestBuffers& slot, const ServerOptions& options,
                                const RequestBody<S>& body) {
  if (body.failure().category() != http_category()) return After::close;
  append_refusal(slot, options, static_cast<Errc>(body.failure().value()));
  return After::linger;
}

template <class S>
Task<After> answer_streamed(Connection& connection, RequestBuffers& slot, ResponseFraming& framing,
                            std::shared_ptr<RequestBody<S>> body) {
  const Session& session = connection.session();
  const ServerOptions& options = session.options();
  After after = After::go_on;
  ConnectionInformer<S> informer(connection, slot, body.get());
  const bool takes_interim = framing.request_version == Version::http_1_1;
  slot.keep_output();
  try {
    Response made;
    {
      const Informing informing(slot.request, takes_interim ? &informer : nullptr);
      made = co_await call_reader<S>(connection, slot.request, body);
    }
    if (made.takeover) co_await read_to_end<S>(*body, options.max_unread_body);
    if (is_rare(framing, made)) {
      after = co_await send_streamed<S>(connection, slot, framing, made, body.get());
    } else {
      framing.keep_alive = framing.keep_alive && can_go_on(*body, options);
      if (!append_answer(slot, session, framing, made)) after = After::linger;
    }
  } catch (...) {
    slot.drop_answer();
    if (informer.failed()) {
      after = After::close;
    } else if (is_failure_of(*body)) {
      after = refuse_body(slot, options, *body);
    } else {
      framing.keep_alive = framing.keep_alive && can_go_on(*body, options);
      after = append_failure(slot, session, framing);
    }
  }
  co_return after;
}

/// Writes the responses before the present request: its client may wait for them.
template <class S>
Task<bool> write_output(Connection& connection, RequestBuffers& slot) {
  if (slot.output.empty()) co_return true;
  connection.enter(Connection::Phase::writing, connection.session().options().write_timeout);
  const Result<void> written = co_await attempt(connection.stream<S>().write_all(slot.output));
  connection.enter_busy();
  slot.forget_output();
  co_return written.has_value();
}

}  // namespace

template <class S>
Task<After> serve_streamed(Connection& connection, RequestBuffers& slot, std::string_view& input,
                           bool may_stay) {
  const ServerOptions& options = connection.session().options();
  const bool written = co_await write_output<S>(connection, slot);
  if (!written) co_return After::close;
  ResponseFraming framing = begin_answer(connection, slot.request, may_stay);
  connection.enter_busy();
  const auto body = std::make_shared<RequestBody<S>>(connection, slot, input);
  Task<After> work = answer_streamed<S>(connection, slot, framing, body);
  auto close = [&body] { return body->close(); };
  const After after = co_await finally(std::move(work), close);
  if (connection.dismissed()) co_return After::close;
  connection.enter_busy();
  if (after != After::go_on || body->complete()) co_return after;
  if (!can_go_on(*body, options)) co_return After::linger;
  slot.drop_body(options.max_unread_body);
  co_return After::go_on;
}

template <class S>
Task<After> send_streamed(Connection& connection, RequestBuffers& slot, ResponseFraming& framing,
                          Response& response, RequestBody<S>* body) {
  const Session& session = connection.session();
  if (response.takeover) {
    append_takeover(connection, slot, framing, response);
    co_return After::leave_http;
  }
  if (framing.request_method == Method::connect && response.status.is_success()) refuse_tunnel();
  if (!response.streamed) {
    co_return append_answer(slot, session, framing, response) ? After::go_on : After::linger;
  }
  if (response.status.is_informational()) refuse_interim(response.status);
  if (session.draining()) framing.keep_alive = false;
  const WrittenHead head = append_head(slot.output, response, framing);
  const After after = head.keep_alive ? After::go_on : After::linger;
  if (!head.body_follows) {
    slot.end_request();
    co_return after;
  }
  ConnectionTarget<S> target(connection, body);
  BodyWriter out(target, head.framing, std::move(slot.output));
  slot.output.clear();
  std::exception_ptr failure;
  try {
    co_await produce_over<S>(connection, response.streamed, out, body);
  } catch (...) {
    failure = std::current_exception();
    if (out.begun() && !target.failed()) report_failure(session.options(), slot.request);
  }
  if (failure == nullptr) {
    slot.end_request();
    co_return after;
  }
  if (!out.begun() && !target.failed()) {
    slot.output = out.take_pending();
    std::rethrow_exception(std::move(failure));
  }
  if (head.framing.end == BodyFraming::End::close) reset_at_close(connection.stream<S>());
  co_return After::close;
}

template Task<After> serve_streamed<StreamSocket>(Connection&, RequestBuffers&, std::string_view&,
                                                  bool);
template Task<After> serve_streamed<TransportStream>(Connection&, RequestBuffers&,
                                                     std::string_view&, bool);
template Task<After> send_streamed<StreamSocket>(Connection&, RequestBuffers&, ResponseFraming&,
                                                 Response&, RequestBody<StreamSocket>*);
template Task<After> send_streamed<TransportStream>(Connection&, RequestBuffers&, ResponseFraming&,
                                                    Response&, RequestBody<TransportStream>*);

}  // namespace weft::inline v0_1::http
