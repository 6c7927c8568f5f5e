// ConnectionInformer: how a handler sends interim responses, over the connection of its request.
// One for all requests of a burst, or for a request whose body is streamed.
//
// Interim responses go through the output, behind the responses to the requests before. What the
// client has not taken when a wait ends early, by a cancel or a timeout, stays there and goes out
// before the final response. So no message is ever cut, whatever becomes of the handler.
//
// The serving task, and what it awaits, use it; one at a time.
#pragma once

#include <weft/http/message.hpp>
#include <weft/task.hpp>

#include "http/connection.hpp"
#include "http/request_body.hpp"
#include "http/request_buffers.hpp"

namespace weft::inline v0_1::http {

template <class S>
class ConnectionInformer final : public Informer {
 public:
  /// `body`: that of the request, if the handler reads it as it comes; else null.
  ConnectionInformer(Connection& connection, RequestBuffers& slot,
                     RequestBody<S>* body = nullptr) noexcept
      : connection_(connection), slot_(slot), body_(body) {}

  [[nodiscard]] Task<bool> inform(Status status, const Headers& headers) override;
  /// Whether the connection has failed: no response can be sent any more.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  class Turn;

  Connection& connection_;
  RequestBuffers& slot_;
  RequestBody<S>* body_;
  bool failed_ = false;
};

extern template class ConnectionInformer<StreamSocket>;
extern template class ConnectionInformer<TransportStream>;

}  // namespace weft::inline v0_1::http
