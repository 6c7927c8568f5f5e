// Streams for tests of http without a network: a duplex behind types that can do less than it, or
// that fail; and a client that speaks raw bytes through a duplex.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/duplex.hpp>
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include "api/http_support.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing {

/// Nothing but read() and write(), of one byte at a time.
class Bare {
 public:
  explicit Bare(DuplexEnd end) noexcept : end_(std::move(end)) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t size =
        co_await end_.read(buffer.first(std::min<std::size_t>(buffer.size(), 1)));
    co_return size;
  }
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    const std::size_t size = co_await end_.write(data.first(std::min<std::size_t>(data.size(), 1)));
    co_return size;
  }

 private:
  DuplexEnd end_;
};

/// What a Faulty has met. Outlives it.
struct Faults {
  std::size_t reads_until_failure = SIZE_MAX;   // bytes
  std::size_t writes_until_failure = SIZE_MAX;  // bytes
  bool throws_something_else = false;
  bool takes_nothing = false;
  std::atomic<int> closed = 0;
  std::atomic<int> flushed = 0;
  std::atomic<int> shut = 0;
};

/// A duplex that fails after so many bytes, keeps bytes back until it is flushed, and ends its
/// writing with an awaitable.
class Faulty {
 public:
  Faulty(DuplexEnd end, Faults& faults) noexcept : end_(std::move(end)), faults_(&faults) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    if (faults_->reads_until_failure == 0) fail_now("read");
    const std::size_t most = std::min(buffer.size(), faults_->reads_until_failure);
    const std::size_t size = co_await end_.read(buffer.first(most));
    if (faults_->reads_until_failure != SIZE_MAX) faults_->reads_until_failure -= size;
    co_return size;
  }
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    if (faults_->takes_nothing) co_return 0;
    if (faults_->writes_until_failure == 0) fail_now("write");
    const std::size_t most = std::min({data.size(), faults_->writes_until_failure, kPiece});
    kept_.append(reinterpret_cast<const char*>(data.data()), most);
    if (faults_->writes_until_failure != SIZE_MAX) faults_->writes_until_failure -= most;
    co_return most;
  }
  [[nodiscard]] Task<void> flush() {
    ++faults_->flushed;
    const std::string bytes = std::exchange(kept_, std::string());
    co_await end_.write_all(bytes);
  }
  [[nodiscard]] Task<void> shutdown() {
    ++faults_->shut;
    static_cast<void>(end_.shutdown());
    co_return;
  }
  void close() noexcept {
    ++faults_->closed;
    end_.close();
  }

 private:
  static constexpr std::size_t kPiece = 100;
  void fail_now(const char* operation) const {
    if (faults_->throws_something_else) throw std::runtime_error("no IoError");
    throw IoError(std::make_error_code(std::errc::io_error), operation, "double");
  }
  DuplexEnd end_;
  Faults* faults_;
  std::string kept_;
};

/// Reads until `text` ends with `ending`, or the stream ends.
inline Task<std::string> read_up_to(DuplexEnd& end, std::string_view ending) {
  std::string text;
  std::array<std::byte, 1> one;
  while (!text.ends_with(ending)) {
    const Result<std::size_t> got = co_await attempt(end.read(one));
    if (!got || *got == 0) break;
    text.push_back(static_cast<char>(one[0]));
  }
  co_return text;
}
inline Task<std::string> read_rest(DuplexEnd& end) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const Result<std::size_t> got = co_await attempt(end.read(buffer));
    if (!got || *got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), *got);
  }
}

/// Serves `stream` while `visit()` runs; then waits until the connection has ended.
template <class S, class V>
Task<void> serving(http::Server& server, S stream, V visit) {
  co_await scope([&](Scope& children) -> Task<void> {
    auto connection = children.spawn([&] { return server.serve_connection(std::move(stream)); });
    co_await visit();
    co_await std::move(connection);
  });
  EXPECT_EQ(server.connections(), 0U);
}

}  // namespace weft::testing
