// What the clients have in common for responses that are received by way of a ResponseSource.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <weft/http/client.hpp>
#include <weft/http/incoming_response.hpp>
#include <weft/task.hpp>

#include "http/exchange.hpp"
#include "http/response_source.hpp"

namespace weft::inline v0_1::http {

using SharedRequest = std::shared_ptr<const ClientRequest>;

/// A response's head, and its source.
struct Started {
  Started() noexcept {}
  Response head;
  std::string url;
  std::shared_ptr<ResponseSource> source;
  std::unique_ptr<UpgradedStream> upgraded;
};

/// A call whose response has a source. Made in place.
struct StreamedCall {
  StreamedCall(const std::shared_ptr<ClientCore>& core, const SharedRequest& request, Scope* owner)
      : streaming(core, request, owner), call(*core, *request, nullptr) {
    call.streaming = &streaming;
  }
  StreamedCall(const StreamedCall&) = delete;
  StreamedCall& operator=(const StreamedCall&) = delete;
  /// When the head of its response has come.
  [[nodiscard]] Started result();

  Streaming streaming;
  Call call;
};

[[nodiscard]] IncomingResponse incoming(Started started);

/// Receives the body: collects it, or passes it to `sink`, if that is not empty.
[[nodiscard]] Task<Response> receive_all(const ClientCore& core, Started started, BodySink& sink);

/// Whether the request needs what exchange() does not do.
[[nodiscard]] bool goes_in_parts(const ClientOptions& options, const ClientRequest& request,
                                 const BodySink& sink) noexcept;

}  // namespace weft::inline v0_1::http
