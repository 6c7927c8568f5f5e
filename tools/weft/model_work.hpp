// The work of `weft models`, written in five ways: `count` waiters at once. Each takes one of the
// open connections (and waits while all are in use), requests a text of its own from the delay
// server, checks the echo, and passes the connection on.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tool {

struct ModelWork {
  std::string server;  ///< HOST:PORT, numeric
  std::size_t count = 0;
  std::chrono::milliseconds delay{0};
  std::size_t connections = 0;  ///< open at once
};

/// One request and its answer, in one buffer.
class Exchange {
 public:
  Exchange(const ModelWork& work, std::size_t number) noexcept;

  [[nodiscard]] std::string_view request() const noexcept { return {buffer_.data(), used_}; }
  /// After the request was sent: returns the buffer for the next part of the answer.
  [[nodiscard]] std::span<std::byte> room() noexcept;
  /// Takes `size` bytes of the answer, 0 at its end. Returns false if more must come.
  [[nodiscard]] bool add(std::size_t size) noexcept;
  /// After the answer is complete: returns whether it was the echo.
  [[nodiscard]] bool right() const noexcept { return right_; }

 private:
  std::array<char, 256> buffer_;
  std::size_t used_ = 0;
  std::size_t number_;
  bool answering_ = false;
  bool right_ = false;
};

/// The results of the work, and its usage. One thread calls begin() and end(), any thread the
/// others.
class ModelTally {
 public:
  /// The connections are open: the count begins here.
  void begin();
  void end();
  void note(const Exchange& exchange) noexcept { note(exchange.right()); }
  void note(bool right) noexcept { (right ? echoes_ : failures_).fetch_add(1); }
  void fail(std::string_view what);

  /// As one line of JSON.
  [[nodiscard]] std::string to_json(const ModelWork& work) const;

 private:
  struct Usage {
    std::chrono::steady_clock::time_point at;
    std::chrono::nanoseconds cpu{0};
    std::uint64_t memory_bytes = 0;
    std::uint64_t switches = 0;
    std::uint64_t allocations = 0;
  };
  [[nodiscard]] static Usage usage();

  Usage before_;
  Usage after_;
  std::atomic<std::uint64_t> echoes_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::mutex mutex_;
  std::string first_failure_;  // guarded by mutex_
};

/// The five models, each in a file of its own. Blocks until all waiters have ended.
void run_with_threads(const ModelWork& work, ModelTally& tally);
void run_with_callbacks(const ModelWork& work, ModelTally& tally);
void run_with_futures(const ModelWork& work, ModelTally& tally);
void run_with_coroutines(const ModelWork& work, ModelTally& tally);
void run_with_fibers(const ModelWork& work, ModelTally& tally);

[[nodiscard]] std::vector<std::string> model_names();

}  // namespace weft::tool
