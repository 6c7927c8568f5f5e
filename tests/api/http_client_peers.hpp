// Peers of http::Client in memory: a connector whose connections are served by a script.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/http_client_support.hpp"
#include "api/http_stream_doubles.hpp"

namespace weft::testing {

/// A duplex that says that it is encrypted.
class Encrypted {
 public:
  explicit Encrypted(http::Transport inner) noexcept : inner_(std::move(inner)) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    return as_task(inner_.over<http::TransportStream>().read(buffer));
  }
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    const std::array<IoSlice, 1> slices{slice_of(data)};
    const std::size_t taken = co_await inner_.over<http::TransportStream>().write_vectored(slices);
    co_return taken;
  }
  [[nodiscard]] bool is_encrypted() const noexcept { return true; }

 private:
  http::Transport inner_;
};

/// Serves each connection with `serve(end, number, origin)`, counted from 1.
using PeerScript = std::function<Task<void>(DuplexEnd&, int, http::Origin)>;

class MemoryPeers {
 public:
  MemoryPeers(Scope& scope, PeerScript serve) : scope_(scope), serve_(std::move(serve)) {}
  MemoryPeers(const MemoryPeers&) = delete;
  MemoryPeers& operator=(const MemoryPeers&) = delete;

  /// The client's end of a new connection.
  [[nodiscard]] DuplexEnd end_of(const http::Origin& to) {
    const int number = ++connects;
    const int now_open = ++open;
    int before = most_open;
    while (now_open > before && !most_open.compare_exchange_weak(before, now_open)) continue;
    Duplex ends = duplex(4096);
    auto serve = [this, number, to](DuplexEnd end) -> Task<void> {
      co_await serve_(end, number, to);
      static_cast<void>(co_await read_rest(end));
      --open;
    };
    scope_.spawn(serve, std::move(ends.b)).detach();
    return std::move(ends.a);
  }
  /// Encrypted, for https.
  [[nodiscard]] http::Transport connect(const http::Origin& to) {
    http::Transport end(end_of(to));
    if (to.scheme == "https") return Encrypted(std::move(end));
    return end;
  }
  [[nodiscard]] http::ClientOptions options() {
    http::ClientOptions options;
    options.connector = [this](const http::Origin& to) -> Task<http::Transport> {
      co_return connect(to);
    };
    return options;
  }

  std::atomic<int> connects = 0;
  std::atomic<int> open = 0;
  std::atomic<int> most_open = 0;

 private:
  Scope& scope_;
  PeerScript serve_;
};

/// Runs `visit(peers)`, and ends the peers.
template <class V>
Task<void> with_memory_peers(PeerScript serve, V visit) {
  std::unique_ptr<MemoryPeers> peers;
  co_await scope([&](Scope& children) -> Task<void> {
    peers = std::make_unique<MemoryPeers>(children, std::move(serve));
    co_await visit(*peers);
    children.cancel_children();
  });
}

/// Reads heads, and bodies with a length, and answers each with `answer(head + body)`, until the
/// client ends.
inline Task<void> answer_each(DuplexEnd& end,
                              std::function<std::string(const std::string&)> answer) {
  for (;;) {
    std::string request = co_await read_up_to(end, "\r\n\r\n");
    if (request.empty()) co_return;
    const std::size_t at = request.find("Content-Length: ");
    std::string body(at == std::string::npos ? 0 : std::stoul(request.substr(at + 16)), '\0');
    const auto got = co_await attempt(read_exact(end, body));
    if (!got) co_return;
    if (request.find("chunked\r\n") != std::string::npos) {
      body = co_await read_up_to(end, "0\r\n\r\n");
    }
    const auto written = co_await attempt(end.write_all(answer(request + body)));
    if (!written) co_return;
  }
}

/// The status line's code, or the error's text: what a request comes to.
inline Task<std::string> outcome_of(Task<http::Response> request) {
  try {
    const http::Response response = co_await std::move(request);
    co_return std::to_string(response.status.code()) + " " + response.body;
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

inline constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

inline http::ClientRequest get_of(const std::string& url) {
  return http::ClientRequest(http::Method::get, url);
}

/// Reads a whole body by pieces of `size` bytes.
inline Task<std::string> read_body(http::IncomingResponse& response, std::size_t size = 1000) {
  std::string text;
  std::vector<std::byte> buffer(size);
  for (;;) {
    const std::size_t got = co_await response.body.read(buffer);
    if (got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

}  // namespace weft::testing
