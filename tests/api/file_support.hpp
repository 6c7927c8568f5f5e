// For tests of files: a folder that is gone after the test, and threads for files that a test
// holds.
#pragma once

#include <weft/file.hpp>
#include <weft/runtime.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/byte_text.hpp"
#include "compute/blocking_pool.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test {

namespace fs = std::filesystem;

/// A new folder, made and removed by the standard library.
class TestFolder {
 public:
  explicit TestFolder(const fs::path& in = fs::temp_directory_path()) {
    std::string name = (in / "weft-test-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() { fs::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] fs::path operator/(const fs::path& name) const { return path_ / name; }
  /// How many names stand in it.
  [[nodiscard]] std::size_t size() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

inline void write_by_std(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_by_std(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Holds all threads for files of a runtime, which runs the calling task, until release().
class HeldFileThreads {
 public:
  /// Returns when `count` threads are held.
  Task<void> hold(std::size_t count) {
    detail::BlockingPool* const pool = detail::BlockingPool::of_files();
    for (std::size_t i = 0; i < count; ++i) {
      jobs_.push_back(std::make_unique<Job>(*this));
      EXPECT_TRUE(pool->submit(*jobs_.back()).has_value());
    }
    const auto all_held = [this, count] { return held_ == count; };
    co_await until(all_held);
  }
  void release() { released_ = true; }
  /// Returns when so many operations wait for a thread.
  static Task<void> until_queued(std::size_t count) {
    detail::BlockingPool* const pool = detail::BlockingPool::of_files();
    const auto are_queued = [pool, count] { return pool->queued() == count; };
    co_await until(are_queued);
  }
  ~HeldFileThreads() {
    release();
    while (held_ != 0) std::this_thread::yield();
  }

 private:
  struct Job : detail::BlockingJob {
    explicit Job(HeldFileThreads& by) : detail::BlockingJob(&Job::run_job), holder(by) {
      set_name("held", "by a test");
    }
    static void run_job(Runnable& self) noexcept {
      HeldFileThreads& by = static_cast<Job&>(self).holder;
      ++by.held_;
      while (!by.released_) std::this_thread::yield();
      --by.held_;
    }
    HeldFileThreads& holder;
  };

  std::atomic<std::size_t> held_{0};
  std::atomic<bool> released_{false};
  std::vector<std::unique_ptr<Job>> jobs_;
};

/// Awaits that `handle`'s task ends as cancelled, and asks for that.
template <class Handle>
Task<bool> cancel_and_see(Handle* handle) {
  handle->cancel();
  auto outcome = co_await std::move(*handle).outcome();
  co_return outcome.cancelled();
}

}  // namespace weft::test
