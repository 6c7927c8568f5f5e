#include "http/answer.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

namespace weft::inline v0_1::http {
namespace {

Task<void> fail_with(std::exception_ptr error) {
  std::rethrow_exception(std::move(error));
  co_return;
}

/// Gives an exception of a hook to the runtime, as one that no task awaits.
void report_failure_of_hook(std::exception_ptr error) noexcept {
  try {
    spawn(fail_with, std::move(error)).detach();
  } catch (...) {  // no memory, or the runtime is about to end
  }
}

}  // namespace

void refuse_interim(Status status) {
  throw std::invalid_argument("http handler: status " + std::to_string(status.code()) +
                              " is an interim one; a handler gives a final status, 200 to 999");
}

void report_failure(const ServerOptions& options, const Request& request) noexcept {
  try {
    if (options.on_handler_error) options.on_handler_error(request, std::current_exception());
  } catch (...) {
    report_failure_of_hook(std::current_exception());
  }
}

void report_connection_error(const ServerOptions& options, std::error_code error,
                             const Endpoint* peer) noexcept {
  try {
    const std::string name = peer != nullptr ? peer->to_string() : std::string();
    options.on_connection_error(IoError(error, "read a request", name));
  } catch (...) {
    report_failure_of_hook(std::current_exception());
  }
}

After append_failure(RequestBuffers& slot, const Session& session, ResponseFraming& framing) {
  report_failure(session.options(), slot.request);
  Response made = Response::of(500);
  return append_answer(slot, session, framing, made) ? After::go_on : After::linger;
}

namespace {

[[nodiscard]] Response on_handler_timeout(const ServerOptions& options, const Request& request) {
  try {
    throw IoError(make_error_code(IoErrc::timed_out), "http handler", request.target);
  } catch (...) {
    report_failure(options, request);
  }
  return Response::of(503);
}

}  // namespace

Task<Response> answer_in_time(ServerCore& core, const Request& request, Task<Response> answer) {
  auto first = co_await select(std::move(answer), sleep_for(core.options.handler_timeout));
  if (first.has<0>()) co_return first.take<0>();
  co_return on_handler_timeout(core.options, request);
}

Task<Response> answer_while_connected(Connection& connection, bool on_half_close,
                                      Task<Response> answer) {
  TransportStream& stream = connection.stream<TransportStream>();
  auto first = co_await select(std::move(answer), attempt(stream.hung_up(on_half_close)));
  if (first.has<0>()) co_return first.take<0>();
  connection.abandon();
  co_await never();
  co_return Response();
}

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

}  // namespace weft::inline v0_1::http
