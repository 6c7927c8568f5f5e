#include <algorithm>
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

/// Owns what it uses: server and listener may be destroyed before it has ended, or begun.
Task<void> serve_on(std::shared_ptr<ServerCore> core, SocketListener listener) {
  Session session(*core);
  co_await scope(
      [&session, &listener](Scope& children) { return session.run(children, listener); });
}

}  // namespace

Server::Server(ServerOptions options, std::unique_ptr<RequestHandler> handler) {
  check_options(options);
  core_ = std::make_shared<ServerCore>(std::move(options), std::move(handler));
}

Server::~Server() { core_->abandon(); }

Task<void> Server::serve(SocketListener& listener) { return serve_on(core_, listener.borrow()); }

void Server::drain() noexcept { core_->drain(); }

std::size_t Server::connections() const noexcept {
  return core_->connections.load(std::memory_order_relaxed);
}

}  // namespace weft::inline v0_1::http
