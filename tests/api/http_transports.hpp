// What the tests of http run over: TCP, Unix sockets, and a socket behind a type that is none and
// gives its bytes in small pieces. A fixture chooses, and Site and over_transport() obey.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/unix.hpp>
#include <weft/weft.hpp>

#include "api/net_support.hpp"
#include "api/unix_support.hpp"

namespace weft::testing {

enum class Over : std::uint8_t { tcp, unix_socket, pieces };

/// What the present test runs over.
inline Over present_transport = Over::tcp;

/// A stream of a type that is no socket's: it reads and takes one byte at a time, after the first
/// of each direction a thousand.
class Pieces {
 public:
  explicit Pieces(StreamSocket socket) noexcept : socket_(std::move(socket)) {}

  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t most = std::min(buffer.size(), piece(read_));
    const std::size_t size = co_await socket_.read(buffer.first(most));
    read_ += size;
    co_return size;
  }
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    const std::size_t most = std::min(data.size(), piece(written_));
    const std::size_t size = co_await socket_.write(data.first(most));
    written_ += size;
    co_return size;
  }
  [[nodiscard]] Task<void> readable() { return as_task(socket_.readable()); }
  [[nodiscard]] Result<void> shutdown() noexcept { return socket_.shutdown(); }
  [[nodiscard]] Result<std::size_t> try_read(std::span<std::byte> buffer) noexcept {
    return socket_.try_read(buffer);
  }
  [[nodiscard]] Result<std::size_t> try_write(std::string_view text) noexcept {
    return socket_.try_write(text);
  }
  Result<void> set_keep_alive(std::chrono::seconds idle) noexcept {
    return socket_.set_keep_alive(idle);
  }
  [[nodiscard]] NativeHandle native_handle() const noexcept { return socket_.native_handle(); }
  [[nodiscard]] const Endpoint& peer_endpoint() const noexcept { return socket_.peer_endpoint(); }

 private:
  [[nodiscard]] static std::size_t piece(std::size_t before) noexcept {
    return before < 512 ? 1 : 1000;
  }
  StreamSocket socket_;
  std::size_t read_ = 0;
  std::size_t written_ = 0;
};

/// A listener of a type that is no socket's.
class PiecesListener {
 public:
  explicit PiecesListener(SocketListener& listener) noexcept : listener_(listener) {}
  [[nodiscard]] Task<Pieces> accept() {
    StreamSocket socket = co_await listener_.accept();
    co_return Pieces(std::move(socket));
  }
  void close() noexcept { listener_.close(); }

 private:
  SocketListener& listener_;
};

/// A client's options for the present transport. URLs name TCP ports in any case.
inline http::ClientOptions over_transport(http::ClientOptions options = {}) {
  if (present_transport != Over::pieces) return options;
  options.connector = [](const http::Origin& to) -> Task<Pieces> {
    StreamSocket socket = co_await StreamSocket::connect(to.host, to.port);
    co_return Pieces(std::move(socket));
  };
  return options;
}

struct TransportCase {
  std::size_t workers;
  Over over;
  friend void PrintTo(const TransportCase& one, std::ostream* out) {
    *out << one.workers << " workers, transport " << static_cast<int>(one.over);
  }
};

/// As Net, over each transport.
class NetOver : public ::testing::TestWithParam<TransportCase> {
 protected:
  template <class W>
  auto run(W work) {
    RuntimeOptions options;
    options.workers = GetParam().workers;
    options.current_thread = GetParam().workers == 0;
    Runtime runtime(std::move(options));
    return runtime.block_on(std::move(work));
  }
  void SetUp() override {
    handles_ = open_handles();
    present_transport = GetParam().over;
  }
  void TearDown() override {
    present_transport = Over::tcp;
    EXPECT_EQ(settled_handles(handles_), handles_) << "leaked or lost handles";
  }

 private:
  std::size_t handles_ = 0;
};

inline std::string name_of_transport(const ::testing::TestParamInfo<TransportCase>& info) {
  static constexpr const char* names[] = {"", "OverUnix", "InPieces"};
  const std::size_t workers = info.param.workers;
  const std::string on = workers == 0 ? "CurrentThread" : "Workers" + std::to_string(workers);
  return on + names[static_cast<std::size_t>(info.param.over)];
}

/// For a server's tests.
inline auto all_transports() {
  return ::testing::Values(TransportCase{0, Over::tcp}, TransportCase{1, Over::tcp},
                           TransportCase{2, Over::tcp}, TransportCase{0, Over::unix_socket},
                           TransportCase{2, Over::unix_socket}, TransportCase{0, Over::pieces},
                           TransportCase{2, Over::pieces});
}
/// For a client, and for what needs the resets, or the buffers, of TCP.
inline auto transports_over_tcp() {
  return ::testing::Values(TransportCase{0, Over::tcp}, TransportCase{1, Over::tcp},
                           TransportCase{2, Over::tcp}, TransportCase{0, Over::pieces},
                           TransportCase{2, Over::pieces});
}

}  // namespace weft::testing
