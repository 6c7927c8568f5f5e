#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include <weft/http/server.hpp>
#include <weft/scope.hpp>

#include "http/session.hpp"

namespace weft::inline v0_1::http {
namespace {

void check_options(const ServerOptions& options) {
  const Nanoseconds shortest =
      std::min({options.header_timeout, options.body_timeout, options.idle_timeout,
                options.write_timeout, options.drain_timeout, options.handler_timeout});
  if (shortest <= Nanoseconds::zero()) {
    throw std::invalid_argument("http::ServerOptions: a timeout is not positive");
  }
  if (options.max_connections == 0 || options.max_output == 0 || options.max_bodies == 0) {
    throw std::invalid_argument("http::ServerOptions: a bound is zero");
  }
  Headers().add("Server", options.server_name);
}

/// Owns what it uses: the server may be destroyed before it has ended, or begun, and so may a
/// SocketListener.
template <class L>
Task<void> serve_on(std::shared_ptr<ServerCore> core, L listener) {
  Session session(*core);
  co_await scope(
      [&session, &listener](Scope& children) { return session.run(children, listener); });
}

Task<void> serve_one_on(std::shared_ptr<ServerCore> core, Transport transport) {
  Session session(*core);
  co_await scope([&session, &transport](Scope& children) {
    return session.run_one(children, std::move(transport));
  });
}

/// Drains the server when `until` ends. Throws nothing: a failure would end the connections.
Task<std::exception_ptr> drain_after(std::shared_ptr<ServerCore> core, Task<void> until) {
  std::exception_ptr failure;
  try {
    co_await std::move(until);
  } catch (...) {
    failure = std::current_exception();
  }
  core->drain();
  co_return failure;
}

template <class L>
Task<void> serve_until_on(std::shared_ptr<ServerCore> core, L listener, Task<void> until) {
  std::exception_ptr failure;
  auto body = [&](Scope& scope) -> Task<void> {
    auto stop = scope.spawn(drain_after, core, std::move(until));
    co_await serve_on(core, std::move(listener));
    stop.cancel();
    Outcome<std::exception_ptr> outcome = co_await std::move(stop).outcome();
    if (!outcome.cancelled()) failure = outcome.take();
  };
  co_await scope(body);
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace

Server::Server(ServerOptions options, std::unique_ptr<RequestHandler> handler) {
  check_options(options);
  core_ = std::make_shared<ServerCore>(std::move(options), std::move(handler));
}

Server::~Server() { core_->abandon(); }

Task<void> Server::serve(SocketListener& listener) { return serve_on(core_, listener.borrow()); }

Task<void> Server::serve_any(AnyListener listener) { return serve_on(core_, std::move(listener)); }

Task<void> Server::serve_until_end(SocketListener& listener, Task<void> until) {
  return serve_until_on(core_, listener.borrow(), std::move(until));
}

Task<void> Server::serve_any_until_end(AnyListener listener, Task<void> until) {
  return serve_until_on(core_, std::move(listener), std::move(until));
}

Task<void> Server::serve_one(Transport stream) { return serve_one_on(core_, std::move(stream)); }

void Server::drain() noexcept { core_->drain(); }

std::size_t Server::connections() const noexcept {
  return core_->connections.load(std::memory_order_relaxed);
}

}  // namespace weft::inline v0_1::http
