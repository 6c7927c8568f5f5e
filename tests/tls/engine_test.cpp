// tls::Engine: two of them face to face, without I/O, and what an attacker between them may do. A
// peer's bytes never crash it, and what it delivers is what was sent, up to some byte.
//
// WEFT_FUZZ_ROUNDS and WEFT_SEED in the environment: how often, and what is done to the bytes. (The
// keys of OpenSSL are others each time.)
#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "tls/tls_support.hpp"

namespace weft::test::tls_engine_test {
namespace {

using tls::Engine;
using tls::InputBuffer;
using tls::Progress;
using Kind = Progress::Kind;
using Bytes = std::vector<std::byte>;

std::size_t rounds() {
  const char* const text = std::getenv("WEFT_FUZZ_ROUNDS");
  if (text != nullptr) return std::strtoull(text, nullptr, 10);
  return address_sanitizer || thread_sanitizer ? 100 : 1000;
}

void feed(Engine& engine, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  InputBuffer buffer(bytes.size());
  std::ranges::copy(bytes, buffer.bytes.get());
  engine.feed(std::move(buffer), bytes.size());
}

/// One side: shakes hands, sends a text and its end, and collects what comes.
struct Side {
  explicit Side(Engine its_engine) : engine(std::move(its_engine)) {}
  void step(std::string_view text) {
    if (has_failed) return;
    if (!engine.is_established()) {
      has_failed = engine.handshake().kind == Kind::failed;
      if (!engine.is_established()) return;
    }
    if (!has_sent) {
      has_sent = true;
      const IoSlice slice = slice_of(bytes_of(text));
      has_failed = engine.write({&slice, 1}).kind == Kind::failed;
      engine.close_notify();
    }
    std::array<std::byte, 4096> memory;
    for (;;) {
      const Progress got = engine.read(memory);
      has_failed = has_failed || got.kind == Kind::failed;
      has_ended = has_ended || got.kind == Kind::ended;
      if (got.kind != Kind::done) return;
      received.append(reinterpret_cast<const char*>(memory.data()), got.size);
    }
  }

  Engine engine;
  std::string received;
  bool has_sent = false;
  bool has_failed = false;
  bool has_ended = false;
};

/// Does something to bytes on their way.
void tamper(Bytes& bytes, std::mt19937_64& random) {
  if (bytes.empty()) return;
  const auto below = [&](std::size_t most) { return static_cast<std::size_t>(random() % most); };
  const std::size_t at = below(bytes.size());
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (below(6)) {
    case 0:
      bytes[at] ^= static_cast<std::byte>(1 + below(255));
      break;
    case 1:
      bytes.erase(place,
                  bytes.begin() + static_cast<std::ptrdiff_t>(at + 1 + below(bytes.size() - at)));
      break;
    case 2:
      bytes.insert(place, static_cast<std::byte>(below(256)));
      break;
    case 3: {
      const Bytes again(place, bytes.end());
      bytes.insert(place, again.begin(), again.end());
      break;
    }
    case 4: {  // a header of any record
      const std::array<std::byte, 5> header{
          static_cast<std::byte>(20 + below(5)), std::byte{3}, static_cast<std::byte>(below(5)),
          static_cast<std::byte>(below(3)), static_cast<std::byte>(below(256))};
      bytes.insert(place, header.begin(), header.end());
      break;
    }
    default:
      std::shuffle(place, bytes.end(), random);
      break;
  }
}

void one_round(const ClientContext& client_context, const ServerContext& server_context,
               std::mt19937_64& random, bool tampers) {
  const std::string text = pattern(1 + random() % 40'000);
  Side client(Engine(client_context, "localhost", 1, "server"));
  Side server(Engine(server_context, "client"));
  const std::size_t tampered = random() % 12;
  for (std::size_t flight = 0; flight < 60; ++flight) {
    Side& from = flight % 2 == 0 ? client : server;
    Side& to = flight % 2 == 0 ? server : client;
    from.step(text);
    Bytes bytes = from.engine.take_output();
    if (tampers && flight == tampered) tamper(bytes, random);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 9000, bytes.size() - at);
      feed(to.engine, std::span(bytes).subspan(at, size));
      at += size;
      if (random() % 2 == 0) to.step(text);
    }
    to.step(text);
  }
  for (Side* const side : {&client, &server}) {
    ASSERT_TRUE(text.starts_with(side->received));
    // An end is told for the whole alone.
    if (side->has_ended && !side->has_failed) {
      ASSERT_EQ(side->received.size(), text.size());
    }
    ASSERT_TRUE(tampers || (side->has_ended && !side->has_failed));
    side->engine.feed_end();
    side->step(text);
    ASSERT_TRUE(side->has_ended || side->has_failed);
  }
}

TEST(TlsEngine, TwoOfThemFaceToFace) {
  const ClientContext client(trusting());
  const ServerContext server(presenting());
  std::mt19937_64 random(1);
  for (int i = 0; i < 20; ++i) one_round(client, server, random, false);
}

TEST(TlsEngine, BytesThatWereTamperedWithHarmNothing) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("WEFT_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  ClientOptions old = trusting();
  old.max_version = tls::Version::tls_1_2;
  const std::array clients{ClientContext(trusting()), ClientContext(old)};
  const ServerContext server(presenting());
  for (std::size_t i = 0; i < rounds(); ++i) {
    one_round(clients[i % 2], server, random, true);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace weft::test::tls_engine_test
