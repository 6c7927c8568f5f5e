// ContextCore: what a context's copies and its connections share: the options, what was loaded by
// them, and a client's sessions. A reload replaces what was loaded as a whole; a connection keeps
// what it began with. Thread-safe.
#pragma once

#include <weft/atomic.hpp>
#include <weft/tls/options.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tls/openssl.hpp"
#include "tls/pem.hpp"
#include "tls/session_cache.hpp"

namespace weft::inline v0_1::tls {

/// What one load has made. Never changed afterwards.
struct Loaded {
  SslContextOwner ssl;
  std::vector<LoadedIdentity> identities;
  std::vector<std::string> warnings;
  std::vector<unsigned char> alpn;  // as on the wire
};

class ContextCore {
 public:
  /// These throw IoError: see ClientContext.
  explicit ContextCore(ClientOptions options);
  explicit ContextCore(ServerOptions options);

  void reload();
  [[nodiscard]] std::shared_ptr<const Loaded> loaded() const noexcept;

  [[nodiscard]] const CommonOptions& options() const noexcept;
  /// Null: it is the other one's.
  [[nodiscard]] const ClientOptions* client() const noexcept {
    return client_ ? &*client_ : nullptr;
  }
  [[nodiscard]] const ServerOptions* server() const noexcept {
    return server_ ? &*server_ : nullptr;
  }
  [[nodiscard]] SessionCache& sessions() noexcept { return sessions_; }

 private:
  [[nodiscard]] std::shared_ptr<const Loaded> load() const;

  const std::optional<ClientOptions> client_;
  const std::optional<ServerOptions> server_;
  SessionCache sessions_;
  mutable ThreadMutex mutex_;
  std::shared_ptr<const Loaded> loaded_;  // guarded by mutex_
};

/// What OpenSSL's callbacks find of a connection: by SSL_get_app_data().
struct ConnectionData {
  std::shared_ptr<ContextCore> core;
  std::shared_ptr<const Loaded> loaded;
  std::string host;         // of a client: the name or address that the server must be
  std::string session_key;  // of a client
  std::string detail;       // of a chain that was not accepted
  std::error_code refusal;  // why a callback has ended the handshake

  [[nodiscard]] static ConnectionData& of(const SSL* ssl) noexcept {
    return *static_cast<ConnectionData*>(SSL_get_app_data(ssl));
  }
};

/// Makes the SSL_CTX of `loaded` as the options say. Throw IoError.
void apply_common(SSL_CTX* ssl, const CommonOptions& options, std::vector<unsigned char>& alpn);
void apply_trust(SSL_CTX* ssl, const Trust& trust, bool to_be_told);
void apply_identities(Loaded& loaded, const std::vector<Identity>& identities);
void apply_client(SSL_CTX* ssl, const ClientOptions& options, const Loaded& loaded);
void apply_server(SSL_CTX* ssl, const ServerOptions& options);

}  // namespace weft::inline v0_1::tls
