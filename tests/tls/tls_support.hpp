// Shared by the tests of weft::tls: one authority, contexts of it, pairs of connected streams.
#pragma once

#include <weft/tls.hpp>
#include <weft/weft.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/net_support.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"
#include "tls/authority.hpp"

namespace weft::test {

using testing::make_pair;
using testing::pattern;
using testing::read_all;
using tls::ClientContext;
using tls::ClientOptions;
using tls::Errc;
using tls::ServerContext;
using tls::ServerOptions;
using MemoryStream = tls::Stream<DuplexEnd>;

/// Made once for all tests: keys take time.
inline const Authority& authority() {
  static const Authority one("test authority");
  return one;
}
inline const Issued& localhost() {
  static const Issued one = authority().issue();
  return one;
}

inline tls::Identity identity_of(const Issued& issued) {
  tls::Identity identity;
  identity.certificate_pem = issued.certificate;
  identity.key_pem = issued.key;
  return identity;
}
/// Trusts the authority alone.
inline ClientOptions trusting() {
  ClientOptions options;
  options.trust.system = false;
  options.trust.pem = authority().pem();
  options.handshake_timeout = std::chrono::minutes(5);
  return options;
}
inline ServerOptions presenting(const Issued& issued = localhost()) {
  ServerOptions options;
  options.identities.push_back(identity_of(issued));
  options.handshake_timeout = std::chrono::minutes(5);
  return options;
}

/// A client and a server over memory.
struct TlsPair {
  TlsPair(MemoryStream c, MemoryStream s) noexcept : client(std::move(c)), server(std::move(s)) {}
  MemoryStream client;
  MemoryStream server;
};
inline TlsPair memory_pair(const ClientContext& client, const ServerContext& server,
                           std::size_t capacity = 4096, std::string_view host = "localhost") {
  Duplex ends = duplex(capacity);
  return TlsPair(MemoryStream(std::move(ends.a), client, host),
                 MemoryStream(std::move(ends.b), server));
}
inline TlsPair memory_pair(std::size_t capacity = 4096) {
  return memory_pair(ClientContext(trusting()), ServerContext(presenting()), capacity);
}

/// How an awaitable has failed; no code if it has not.
struct HowItEnded {
  HowItEnded() = default;
  std::error_code code;
  std::string text;
};
template <class A>
Task<HowItEnded> how_it_ended(A awaitable) {
  const auto result = co_await attempt(std::move(awaitable));
  HowItEnded ended;
  if (!result) {
    ended.code = result.error().code();
    ended.text = result.error().what();
  }
  co_return ended;
}

/// Both ends of a handshake. A side that fails closes its stream.
struct BothEnded {
  BothEnded() = default;
  HowItEnded client;
  HowItEnded server;
};
template <class C, class S>
Task<BothEnded> shake_both(C& client, S& server) {
  auto one = [](auto& stream) -> Task<HowItEnded> {
    HowItEnded ended = co_await how_it_ended(stream.handshake());
    if (ended.code) stream.close();
    co_return ended;
  };
  auto both = co_await when_all(one(client), one(server));
  BothEnded ended;
  ended.client = std::move(std::get<0>(both));
  ended.server = std::move(std::get<1>(both));
  co_return ended;
}
inline Task<void> shake(TlsPair& pair) {
  const BothEnded ended = co_await shake_both(pair.client, pair.server);
  EXPECT_EQ(ended.client.code, std::error_code()) << ended.client.text;
  EXPECT_EQ(ended.server.code, std::error_code()) << ended.server.text;
}

/// Sends `text` and ends the side.
template <class W>
Task<void> send_and_end(W& stream, std::string_view text) {
  co_await stream.write_all(text);
  co_await stream.shutdown();
}
/// Sends `text` from one to the other and checks what arrives, both ways at once.
template <class A, class B>
Task<void> exchange(A& a, B& b, const std::string& text) {
  auto all =
      co_await when_all(send_and_end(a, text), send_and_end(b, text), read_all(a), read_all(b));
  EXPECT_TRUE(std::get<2>(all) == text) << std::get<2>(all).size() << " bytes";
  EXPECT_TRUE(std::get<3>(all) == text) << std::get<3>(all).size() << " bytes";
}

}  // namespace weft::test
