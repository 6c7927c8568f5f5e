// exchange(): one request and its response, on one connection. Called by the clients, which find
// the connection. ClientCore: what the requests of a client share. Call: one request to one URL.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <weft/http/client.hpp>
#include <weft/http/transport.hpp>
#include <weft/net.hpp>
#include <weft/resolve.hpp>
#include <weft/task.hpp>

#include "http/client_pool.hpp"
#include "http/client_turns.hpp"
#include "http/pool.hpp"
#include "http/receiver.hpp"

namespace weft::inline v0_1::http {

class ClientCore {
 public:
  explicit ClientCore(ClientOptions client_options);
  ~ClientCore() { static_cast<void>(idle_pool->clear()); }
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  const ClientOptions options;
  const std::shared_ptr<IdlePool> idle_pool;
  const std::shared_ptr<ConnectionTurns> turns;  // null: connections are not bounded
  Pool<ClientSlot> slots;
  ConnectOptions connect_options;
};

struct Streaming;

/// One request to one URL, from its beginning to its end, over all redirects and retries.
struct Call {
  Call(ClientCore& its_core, const ClientRequest& its_request, BodySink* its_sink) noexcept
      : core(its_core), request(its_request), sink(its_sink), method(its_request.method) {}

  [[nodiscard]] std::string_view body() const noexcept {
    return sends_body && !request.streamed ? std::string_view(request.body) : std::string_view();
  }
  [[nodiscard]] bool streams_body() const noexcept { return sends_body && request.streamed; }
  /// Whether its body, if there is one, can be sent once more.
  [[nodiscard]] bool can_repeat() const noexcept {
    return !streams_body() || !body_begun || request.can_repeat;
  }
  /// Whether the request itself goes to a proxy, and not through its tunnel.
  [[nodiscard]] bool asks_proxy() const noexcept {
    return proxy != nullptr && url.scheme == "http" && !request.leaves_http();
  }

  ClientCore& core;
  const ClientRequest& request;
  BodySink* sink;
  Method method;
  Url url;
  Streaming* streaming = nullptr;  // null: the response is received by exchange()
  const Proxy* proxy = nullptr;    // of the client's options
  bool sends_body = true;
  bool same_host = true;  // as in the request's URL: its credentials and its Host are sent
  bool follows = false;
  // How far it is on the present connection. `sent` is written by the task that sends, got_bytes
  // by the one that reads; both are read when both have ended.
  bool queued = false;
  bool connected = false;
  bool sent = false;
  bool got_bytes = false;
  bool body_begun = false;  // the producer of its body was called; of all connections
  Response response;
};

/// What errors say that a call was about: its URL, and its proxy.
[[nodiscard]] std::string subject_of_call(const Call& call);
[[nodiscard]] IoError error_of(const Call& call, std::error_code code);

/// Sends the request over `transport` and receives its response. True: another one may follow.
/// Throws what a sink, or a stream that is no socket, throws, and std::bad_alloc.
[[nodiscard]] Task<Result<bool>> exchange(Call& call, Transport& transport);

/// Whether `transport` is open and has nothing to read, as far as can be told without waiting.
/// Otherwise it is of no use any more: a byte may have been taken from it.
[[nodiscard]] Task<bool> is_silent(Transport& transport);

/// Whether the peer has sent a byte, which is taken. An end is none: exchange() meets it.
[[nodiscard]] Task<bool> has_spoken(Transport& transport);

/// Throws the error of a URL that is none.
[[nodiscard]] Url url_of(const ClientRequest& request);
/// Throws the error of a request that cannot be sent over a stream that is, or is not, encrypted;
/// null: over none.
void check_url(const Call& call, const Transport* transport);
/// Throws the error of a field, or a tunnel's target, that cannot be sent.
void check_host(const Call& call);
/// Throws std::invalid_argument if what is to receive the response has no place for a connection.
void check_stays_http(const ClientRequest& request);

}  // namespace weft::inline v0_1::http
