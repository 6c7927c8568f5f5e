#include "http/take_over.hpp"

#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <weft/http/upgraded_stream.hpp>

#include "http/answer.hpp"
#include "http/session.hpp"

namespace weft::inline v0_1::http {
namespace {

/// Throws std::logic_error unless the response is one that this request may have.
void check_takeover(const RequestBuffers& slot, const ResponseFraming& framing,
                    const Response& response) {
  if (response.status.is_success()) {
    if (framing.request_method == Method::connect) return;
    throw std::logic_error("http handler: a tunnel is for CONNECT alone");
  }
  if (response.status.code() != 101) {
    throw std::logic_error("http handler: a connection is given away by 101, or by 2xx to CONNECT");
  }
  const std::optional<std::string_view> protocol = response.headers.find("upgrade");
  if (!slot.parser.asks_upgrade() || !protocol || !slot.request.asks_upgrade_to(*protocol)) {
    throw std::logic_error("http handler: an upgrade that the client has not asked for");
  }
}

}  // namespace

void refuse_tunnel() {
  throw std::logic_error("http handler: 2xx to CONNECT without Response::tunnel()");
}

void append_takeover(Connection& connection, RequestBuffers& slot, const ResponseFraming& framing,
                     Response& response) {
  check_takeover(slot, framing, response);
  auto given = std::make_unique<GivenAway>();
  append_takeover_head(slot.output, response, framing);
  given->request = std::move(slot.request);
  given->request.informer = nullptr;
  given->takeover = std::move(response.takeover);
  connection.give_away(std::move(given));
  slot.end_request();
}

Task<bool> run_takeover(Connection& connection) {
  const std::unique_ptr<GivenAway> given = connection.take_given();
  Session& session = connection.session();
  connection.enter_upgraded();
  UpgradedStream stream(connection.transport(), std::move(given->received), &session.drain_begun());
  bool ended = false;
  try {
    co_await given->takeover.run(stream);
    ended = true;
  } catch (...) {
    report_failure(session.options(), given->request);
  }
  co_return ended;
}

}  // namespace weft::inline v0_1::http
