// tls::ClientContext and tls::ServerContext: certificates, trust and settings that many connections
// share. Part of <weft/tls.hpp>.
//
//   weft::tls::ServerOptions options;
//   options.identities.emplace_back("server.pem", "server.key");
//   weft::tls::ServerContext context(options);
//   …
//   context.reload();               // new certificates; connections stay
//
// A context is a handle: copies are the same context. Thread-safe. Making one and reload() read
// files, and so may block.
#pragma once

#include <weft/tls/options.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace weft::inline v0_1::tls {

/// What is behind a context. Defined in src/tls/context_core.hpp.
class ContextCore;

/// For the connecting side.
class ClientContext {
 public:
  /// With the default options: the system's authorities, TLS 1.2 and 1.3.
  ClientContext();
  /// Throws IoError, whose text names the file or the option and the reason: "load key server.key:
  /// the passphrase is wrong". Codes: those of the system for files, and Errc.
  explicit ClientContext(ClientOptions options);

  /// Reads all files again. New connections use what was read, those under way what they have; the
  /// sessions kept for resumption are dropped. Throws as the constructor; then nothing has changed.
  void reload() const;
  /// Returns what was odd about the files at the last load: certificates of this side that have
  /// expired, or are not valid yet.
  [[nodiscard]] std::vector<std::string> warnings() const;
  /// Returns the number of sessions kept for resumption.
  [[nodiscard]] std::size_t sessions() const noexcept;
  void drop_sessions() const noexcept;

  [[nodiscard]] const std::shared_ptr<ContextCore>& core() const noexcept { return core_; }

 private:
  std::shared_ptr<ContextCore> core_;
};

/// For the accepting side.
class ServerContext {
 public:
  /// Throws IoError as ClientContext; also without an identity.
  explicit ServerContext(ServerOptions options);

  /// As ClientContext::reload(). Tickets given out before do not resume sessions any more: such a
  /// client makes a full handshake.
  void reload() const;
  [[nodiscard]] std::vector<std::string> warnings() const;

  [[nodiscard]] const std::shared_ptr<ContextCore>& core() const noexcept { return core_; }

 private:
  std::shared_ptr<ContextCore> core_;
};

}  // namespace weft::inline v0_1::tls
