// Helpers of many tests: a log of destructions, waiting for a condition, a meter of stack use,
// seeds.
#pragma once

#include <weft/spawn.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace weft::test {

/// Words in the order in which they were added. Any thread.
class Log {
 public:
  void add(std::string word) {
    const std::lock_guard lock(mutex_);
    words_.push_back(std::move(word));
  }
  [[nodiscard]] std::vector<std::string> words() const {
    const std::lock_guard lock(mutex_);
    return words_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> words_;  // guarded by mutex_
};

/// Adds its name when it is destroyed, unless it was moved from.
class Logged {
 public:
  Logged(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}
  Logged(Logged&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
  Logged& operator=(Logged&&) = delete;
  ~Logged() {
    if (log_ != nullptr) log_->add(name_);
  }

 private:
  Log* log_;
  std::string name_;
};

/// Lets other tasks run until `condition()` holds. For conditions that other tasks or threads are
/// certain to fulfil.
template <class Condition>
Task<void> until(Condition condition) {
  while (!condition()) co_await yield_now();
}

/// Holds a task, on any thread, without suspending it: pass() does not return before open(). On one
/// thread open() must come before the task runs.
class Turnstile {
 public:
  void open() noexcept { open_ = true; }
  void pass() const noexcept {
    while (!open_) std::this_thread::yield();
  }

 private:
  std::atomic<bool> open_ = false;
};

/// How far a task's stack reached, on all threads on which it ran.
class StackMeter {
 public:
  [[gnu::noinline]] void note() {
    // The frame's own address, not that of a local: sanitizers keep locals elsewhere.
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto [entry, fresh] = ranges_.try_emplace(std::this_thread::get_id(), here, here);
    auto& [low, high] = entry->second;
    low = std::min(low, here);
    high = std::max(high, here);
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t most = 0;
    for (const auto& [thread, range] : ranges_) most = std::max(most, range.second - range.first);
    return most;
  }

 private:
  std::map<std::thread::id, std::pair<std::uintptr_t, std::uintptr_t>> ranges_;
};

/// The seed of a random test: WEFT_SEED in the environment, or a new one. Print it (SCOPED_TRACE)
/// to be able to replay.
inline std::uint64_t test_seed() {
  if (const char* const text = std::getenv("WEFT_SEED")) return std::strtoull(text, nullptr, 10);
  return std::random_device{}();
}

}  // namespace weft::test
