// Two streams that are joined until both are silent for too long.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <weft/weft.hpp>

namespace programs {

/// Notes when something has moved, and waits for a time in which nothing does. Thread-safe: both
/// directions of a connection use it, each on any worker.
class Activity {
 public:
  void moved() { last_.store(weft::now(), std::memory_order_relaxed); }
  /// Ends when nothing has moved for as long as `limit`.
  weft::Task<void> silence(weft::Nanoseconds limit) const {
    for (;;) {
      const weft::TimePoint due = last_.load(std::memory_order_relaxed) + limit;
      if (weft::now() >= due) co_return;
      co_await weft::sleep_until(due);
    }
  }

 private:
  std::atomic<weft::TimePoint> last_{weft::now()};
};

/// A stream whose reads and writes are noted.
template <weft::ByteStream S>
class NotedStream {
 public:
  NotedStream(S& stream, Activity& activity) : stream_(stream), activity_(activity) {}

  weft::Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t size = co_await stream_.read(buffer);
    activity_.moved();
    co_return size;
  }
  weft::Task<std::size_t> write(std::span<const std::byte> data) {
    const std::size_t size = co_await stream_.write(data);
    activity_.moved();
    co_return size;
  }
  auto readable() { return stream_.readable(); }  // so that a copy holds no buffer while it waits
  auto shutdown() { return stream_.shutdown(); }

 private:
  S& stream_;
  Activity& activity_;
};

/// Joins the two until both directions have ended. Throws std::runtime_error if nothing has moved
/// for as long as `limit`.
template <weft::ByteStream A, weft::ByteStream B>
weft::Task<void> join_within(A& client, B& server, std::chrono::milliseconds limit) {
  Activity activity;
  NotedStream<A> a(client, activity);
  NotedStream<B> b(server, activity);
  auto first = co_await weft::select(weft::copy_bidirectional(a, b), activity.silence(limit));
  if (!first.template has<0>()) {
    throw std::runtime_error("nothing has moved for " + std::to_string(limit.count()) + " ms");
  }
}

}  // namespace programs
