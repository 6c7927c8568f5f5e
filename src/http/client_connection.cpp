#include <weft/http/client_connection.hpp>

#include <mutex>
#include <optional>
#include <utility>

#include <weft/atomic.hpp>
#include <weft/mutex.hpp>
#include <weft/timeout.hpp>

#include "http/exchange.hpp"

namespace weft::inline v0_1::http {

/// The stream, while no request uses it. A request takes it away, so that it is closed with a
/// request that fails or is cancelled.
class SoleConnection {
 public:
  SoleConnection(Transport its_transport, ClientOptions options)
      : core(for_one(std::move(options))), transport_(std::move(its_transport)) {}

  /// Null: the connection has ended.
  [[nodiscard]] std::optional<Transport> take() noexcept {
    const std::lock_guard lock(mutex_);
    return std::exchange(transport_, std::nullopt);
  }
  /// The request that has taken the stream has ended: with it, or without.
  void give_back(std::optional<Transport> transport) noexcept {
    const std::lock_guard lock(mutex_);
    if (is_open_ && transport) {
      transport_.emplace(std::move(*transport));
    } else {
      is_open_ = false;
    }
  }
  void close() noexcept {
    std::optional<Transport> closing;  // after unlocking
    const std::lock_guard lock(mutex_);
    is_open_ = false;
    closing = std::exchange(transport_, std::nullopt);
  }
  [[nodiscard]] bool is_open() const noexcept {
    const std::lock_guard lock(mutex_);
    return is_open_;
  }

  ClientCore core;
  Mutex turn;  // held by the task whose request is under way

 private:
  /// The pool of its core stays empty, and the "Connection" of its requests is as of one that keeps
  /// connections.
  [[nodiscard]] static ClientOptions for_one(ClientOptions options) noexcept {
    options.max_idle = options.max_idle_per_host = 1;
    options.follow_redirects = 0;
    return options;
  }

  mutable ThreadMutex mutex_;
  std::optional<Transport> transport_;  // guarded by mutex_
  bool is_open_ = true;                 // guarded by mutex_
};

namespace {

/// The stream during a request. It is closed with this, unless keep() was called.
class Use {
 public:
  explicit Use(SoleConnection& sole) noexcept : sole_(sole), transport_(sole.take()) {}
  ~Use() {
    if (!keeps_) transport_.reset();
    sole_.give_back(std::move(transport_));
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  [[nodiscard]] explicit operator bool() const noexcept { return transport_.has_value(); }
  [[nodiscard]] Transport& transport() noexcept { return *transport_; }
  void keep() noexcept { keeps_ = true; }

 private:
  SoleConnection& sole_;
  std::optional<Transport> transport_;
  bool keeps_ = false;
};

/// Waits for its turn, and sends the request.
Task<Result<void>> perform_in_turn(Call& call, SoleConnection& sole) {
  const MutexGuard turn = co_await sole.turn.lock();
  Use use(sole);
  if (!use) co_return fail(std::errc::not_connected);
  call.connected = true;
  check_url(call, &use.transport());
  const bool spoke = co_await has_spoken(use.transport());
  if (spoke) co_return fail(make_error_code(Errc::unasked_response));
  const Result<bool> reusable = co_await exchange(call, use.transport());
  if (!reusable) co_return fail(reusable.error());
  call.response.keep_alive = *reusable;
  if (*reusable) use.keep();
  co_return Result<void>();
}

/// Owns what it uses: the ClientConnection may be destroyed before it has ended, or begun.
Task<Response> run_request_over(std::shared_ptr<SoleConnection> sole, ClientRequest request,
                                BodySink sink) {
  Result<Url> url = Url::parse(request.url);
  if (!url) throw IoError(url.error(), to_string(request.method), request.url);
  Call call(sole->core, request, sink ? &sink : nullptr);
  call.url = std::move(*url);
  check_host(call);
  const TimePoint deadline = deadline_after(sole->core.options.timeout);
  const Result<void> done = co_await timeout_at(perform_in_turn(call, *sole), deadline);
  if (!done) throw error_of(call, done.error());
  co_return std::move(call.response);
}

}  // namespace

ClientConnection::ClientConnection(Transport stream, ClientOptions options) {
  Headers().add("User-Agent", options.user_agent);
  sole_ = std::make_shared<SoleConnection>(std::move(stream), std::move(options));
}
ClientConnection::~ClientConnection() { sole_->close(); }

Task<Response> ClientConnection::request(ClientRequest request) {
  return run_request_over(sole_, std::move(request), BodySink());
}
Task<Response> ClientConnection::get(std::string url) {
  return request(ClientRequest(Method::get, std::move(url)));
}
Task<Response> ClientConnection::request_to(ClientRequest request, BodySink sink) {
  return run_request_over(sole_, std::move(request), std::move(sink));
}
Task<Response> ClientConnection::get_to(std::string url, BodySink sink) {
  return request_to(ClientRequest(Method::get, std::move(url)), std::move(sink));
}
bool ClientConnection::is_open() const noexcept { return sole_->is_open(); }
void ClientConnection::close() noexcept { sole_->close(); }

}  // namespace weft::inline v0_1::http
