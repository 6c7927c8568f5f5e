#include <weft/http/client_connection.hpp>

#include <mutex>
#include <optional>
#include <utility>

#include <weft/atomic.hpp>
#include <weft/mutex.hpp>
#include <weft/timeout.hpp>

#include "http/client_parts.hpp"
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
    options.retry.reset();
    options.max_connections = options.max_connections_per_host = 0;
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

/// The place of the stream during a request whose response has a source, and its turn.
class SoleHome final : public ConnectionHome {
 public:
  SoleHome(std::shared_ptr<SoleConnection> sole, MutexGuard turn) noexcept
      : sole_(std::move(sole)), turn_(std::move(turn)) {}
  ~SoleHome() override {
    if (turn_) sole_->give_back(std::nullopt);
  }
  bool keep(Transport transport) noexcept override {
    sole_->give_back(std::move(transport));
    turn_.unlock();
    return sole_->is_open();
  }
  void let_go() noexcept override {
    sole_->give_back(std::nullopt);
    turn_.unlock();
  }

 private:
  const std::shared_ptr<SoleConnection> sole_;
  MutexGuard turn_;
};

/// The same for a call that has a Streaming.
Task<Result<void>> begin_in_turn(Call& call, std::shared_ptr<SoleConnection> sole) {
  MutexGuard turn = co_await sole->turn.lock();
  std::optional<Transport> transport = sole->take();
  if (!transport) co_return fail(std::errc::not_connected);
  std::shared_ptr<ConnectionHome> home = std::make_shared<SoleHome>(sole, std::move(turn));
  call.connected = true;
  check_url(call, &*transport);
  const bool spoke = co_await has_spoken(*transport);
  if (spoke) co_return fail(make_error_code(Errc::unasked_response));
  const Result<void> begun = co_await begin_response(call, home, std::move(*transport));
  co_return begun;
}

Task<Started> run_start_over(std::shared_ptr<SoleConnection> sole, SharedRequest request,
                             Scope* owner) {
  const std::shared_ptr<ClientCore> core(sole, &sole->core);
  StreamedCall made(core, request, owner);
  made.call.url = url_of(*request);
  check_host(made.call);
  const TimePoint deadline = deadline_after(request->timeout.value_or(core->options.timeout));
  const Result<void> done = co_await timeout_at(begin_in_turn(made.call, sole), deadline);
  if (!done) throw error_of(made.call, done.error());
  made.streaming.source->limit(deadline);
  if (core->options.after_response) core->options.after_response(made.call.url, made.call.response);
  co_return made.result();
}

Task<IncomingResponse> start_incoming_over(std::shared_ptr<SoleConnection> sole,
                                           ClientRequest request, Scope* owner) {
  SharedRequest shared = std::make_shared<const ClientRequest>(std::move(request));
  Started started = co_await run_start_over(std::move(sole), std::move(shared), owner);
  co_return incoming(std::move(started));
}

Task<Response> run_request_in_parts_over(std::shared_ptr<SoleConnection> sole,
                                         ClientRequest request, BodySink sink) {
  const SharedRequest shared = std::make_shared<const ClientRequest>(std::move(request));
  auto body = [&](Scope& owner) -> Task<Response> {
    Started started = co_await run_start_over(sole, shared, &owner);
    Response response = co_await receive_all(sole->core, std::move(started), sink);
    co_return response;
  };
  co_return co_await scope(body);
}

/// Owns what it uses: the ClientConnection may be destroyed before it has ended, or begun.
Task<Response> run_request_over(std::shared_ptr<SoleConnection> sole, ClientRequest request,
                                BodySink sink) {
  Call call(sole->core, request, sink ? &sink : nullptr);
  call.url = url_of(request);
  check_host(call);
  const ClientOptions& options = sole->core.options;
  const TimePoint deadline = deadline_after(request.timeout.value_or(options.timeout));
  const Result<void> done = co_await timeout_at(perform_in_turn(call, *sole), deadline);
  if (!done) throw error_of(call, done.error());
  if (options.after_response) options.after_response(call.url, call.response);
  co_return std::move(call.response);
}

}  // namespace

ClientConnection::ClientConnection(Transport stream, ClientOptions options) {
  Headers().add("User-Agent", options.user_agent);
  sole_ = std::make_shared<SoleConnection>(std::move(stream), std::move(options));
}
ClientConnection::~ClientConnection() { sole_->close(); }

Task<Response> ClientConnection::request(ClientRequest request) {
  return request_to(std::move(request), BodySink());
}
Task<Response> ClientConnection::get(std::string url) {
  return request(ClientRequest(Method::get, std::move(url)));
}
Task<Response> ClientConnection::request_to(ClientRequest request, BodySink sink) {
  check_stays_http(request);
  if (goes_in_parts(sole_->core.options, request, sink)) {
    return run_request_in_parts_over(sole_, std::move(request), std::move(sink));
  }
  return run_request_over(sole_, std::move(request), std::move(sink));
}
Task<IncomingResponse> ClientConnection::start(ClientRequest request) {
  return start_incoming_over(sole_, std::move(request), nullptr);
}
Task<IncomingResponse> ClientConnection::start(ClientRequest request, Scope& owner) {
  return start_incoming_over(sole_, std::move(request), &owner);
}
Task<Response> ClientConnection::get_to(std::string url, BodySink sink) {
  return request_to(ClientRequest(Method::get, std::move(url)), std::move(sink));
}
bool ClientConnection::is_open() const noexcept { return sole_->is_open(); }
void ClientConnection::close() noexcept { sole_->close(); }

}  // namespace weft::inline v0_1::http
