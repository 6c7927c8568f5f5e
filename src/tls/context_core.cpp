#include "tls/context_core.hpp"

#include <mutex>
#include <utility>
#include <weft/result.hpp>
#include <weft/tls/context.hpp>
#include <weft/tls/error.hpp>

#include "tls/callbacks.hpp"

namespace weft::inline v0_1::tls {

ContextCore::ContextCore(ClientOptions options)
    : client_(std::move(options)),
      sessions_(client_->sessions_per_host, client_->session_hosts),
      loaded_(load()) {}

ContextCore::ContextCore(ServerOptions options)
    : server_(std::move(options)), sessions_(0, 0), loaded_(load()) {}

const CommonOptions& ContextCore::options() const noexcept {
  return client_ ? static_cast<const CommonOptions&>(*client_) : *server_;
}

std::shared_ptr<const Loaded> ContextCore::load() const {
  auto loaded = std::make_shared<Loaded>();
  ERR_clear_error();
  loaded->ssl.reset(checked(SSL_CTX_new(client_ ? TLS_client_method() : TLS_server_method())));
  SSL_CTX* const ssl = loaded->ssl.get();
  apply_common(ssl, options(), loaded->alpn);
  apply_trust(ssl, options().trust, server_ && server_->client_auth != ClientAuth::none);
  apply_identities(*loaded, client_ ? client_->identities : server_->identities);
  if (client_) {
    apply_client(ssl, *client_, *loaded);
  } else {
    apply_server(ssl, *server_);
  }
  return loaded;
}

void ContextCore::reload() {
  std::shared_ptr<const Loaded> fresh = load();
  {
    const std::lock_guard lock(mutex_);
    loaded_.swap(fresh);
  }
  // They were checked against what has been trusted before.
  sessions_.clear();
}

std::shared_ptr<const Loaded> ContextCore::loaded() const noexcept {
  const std::lock_guard lock(mutex_);
  return loaded_;
}

ClientContext::ClientContext() : ClientContext(ClientOptions()) {}
ClientContext::ClientContext(ClientOptions options)
    : core_(std::make_shared<ContextCore>(std::move(options))) {}
void ClientContext::reload() const { core_->reload(); }
std::vector<std::string> ClientContext::warnings() const { return core_->loaded()->warnings; }
std::size_t ClientContext::sessions() const noexcept { return core_->sessions().size(); }
void ClientContext::drop_sessions() const noexcept { core_->sessions().clear(); }

ServerContext::ServerContext(ServerOptions options)
    : core_(std::make_shared<ContextCore>(std::move(options))) {}
void ServerContext::reload() const { core_->reload(); }
std::vector<std::string> ServerContext::warnings() const { return core_->loaded()->warnings; }

}  // namespace weft::inline v0_1::tls
