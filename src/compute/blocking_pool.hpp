// BlockingPool: a few threads for calls that block and have no asynchronous form. A runtime owns
// several ("compute/lanes.hpp"), a BlockingThreads one. Called by src/compute/blocking.cpp,
// src/net/resolve.cpp, src/fs and the runtime's lane of file operations.
//
// A call cannot be interrupted. If its job owns all that it touches, its caller may give it up. The
// thread is then no longer one of the limit's, so that what waits is served, and stop() does not
// wait for it: it is detached. What threads share is therefore owned by them all (`Shared`), and a
// thread may end after the pool.
//
// Thread-safety: every function from any thread, except stop() and the destructor: from one thread
// that is not the pool's, when no job is given up any more.
// Invariants:
//  - a submitted job is run exactly once, at the latest inside stop(), unless withdraw() or
//    give_up() took it back; one that was given up may be run after that;
//  - there is no thread until the first job, and never more than the limit beside those whose jobs
//    were given up; of these count most_given_up at most, so that there is a limit to all;
//  - while jobs are queued, at least one thread is awake to take them.
#pragma once

#include <weft/atomic.hpp>
#include <weft/blocking.hpp>
#include <weft/result.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string_view>
#include <vector>

#include "base/fork.hpp"

namespace weft::inline v0_1::detail {

/// A text of at most `room` bytes, which takes no memory beside; of a longer one the end is kept,
/// as it is the end of a path that tells it from others.
template <std::size_t room>
class ShortText {
 public:
  ShortText() noexcept = default;
  explicit ShortText(std::string_view text) noexcept : size_(std::min(text.size(), room)) {
    std::copy_n(text.end() - static_cast<std::ptrdiff_t>(size_), size_, bytes_.begin());
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, room> bytes_{};
  std::size_t size_ = 0;
};

class BlockingPool {
 public:
  using Options = BlockingOptions;
  /// So many threads may be lost at a time to calls that were given up. More look-ups than this
  /// that hang at once wait for one that returns.
  static constexpr std::size_t most_given_up = 32;

  BlockingPool() : BlockingPool(Options()) {}
  explicit BlockingPool(Options options);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// The pool of the calling thread's runtime for blocking(), or null.
  [[nodiscard]] static BlockingPool* current() noexcept;
  /// The same for name look-ups.
  [[nodiscard]] static BlockingPool* of_lookups() noexcept;
  /// The same for file operations.
  [[nodiscard]] static BlockingPool* of_files() noexcept;

  /// Queues `job` for the next free thread. Does not take it on an error: the pool has stopped, or
  /// there is no thread and none can be started, or (owner_dead) the pool is that of a parent
  /// process, whose threads are not here. Blocks no longer than it takes to start a thread.
  [[nodiscard]] Result<void> submit(BlockingJob& job) noexcept;

  /// Takes back a job that no thread has begun. False: a thread has begun it.
  [[nodiscard]] bool withdraw(BlockingJob& job) noexcept;
  /// For a job that owns all it touches: as withdraw(); in addition, if a thread has begun it,
  /// another thread may start in the place of that one, and stop() does not wait for it.
  [[nodiscard]] bool give_up(BlockingJob& job) noexcept;

  /// Runs what is still queued, then ends and joins all threads; waits for running jobs that were
  /// not given up. Idempotent.
  void stop() noexcept;

  /// Whether the calling thread is one of the pool's. Also in the destructors of its thread_local
  /// objects.
  [[nodiscard]] bool is_on_thread() const noexcept;

  /// The number of threads now, those with a job that was given up included. For tests and
  /// statistics.
  [[nodiscard]] std::size_t threads() const noexcept;
  /// The number of jobs that no thread has begun.
  [[nodiscard]] std::size_t queued() const noexcept;
  /// The number of jobs submitted, and of jobs that have ended, were taken back or given up. A
  /// thread that sees an end also sees what that job has made runnable.
  [[nodiscard]] std::uint64_t submitted() const noexcept;
  [[nodiscard]] std::uint64_t ended() const noexcept;

  /// A job that runs now. Its name is a copy, cut to what a report needs.
  struct Running {
    std::source_location site;
    std::chrono::steady_clock::time_point since;
    ShortText<24> operation;
    ShortText<160> subject;
  };
  /// All but those that were given up. Throws std::bad_alloc.
  [[nodiscard]] std::vector<Running> running() const;

 private:
  struct Worker;
  class Shared;

  [[nodiscard]] bool inherited() const noexcept { return forks_ != ForkCount::now(); }

  const std::uint32_t forks_ = ForkCount::now();
  std::shared_ptr<Shared> shared_;
};

}  // namespace weft::inline v0_1::detail
