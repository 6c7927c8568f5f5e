// PeerWatch: which peers leave while a handler works for them. A session watches only connections
// whose handler has run for a while, so a short one costs nothing. The sweep calls everything but
// forget(); all calls are made with the session's mutex held, except on queue().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <weft/event_queue.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::http {

class Connection;

class PeerWatch {
 public:
  struct Entry {
    Connection* connection = nullptr;
    std::uint32_t generation = 0;  // tells the users of an entry apart
    std::uint32_t next_free = 0;
    std::int64_t probe_at = 0;  // of a peer that has ended its side; else 0
    Nanoseconds probe_after{0};
  };

  /// Makes the queue if there is none. False: the system lacks descriptors; to be tried again.
  bool open() noexcept;
  /// Null: there is none, and nothing is watched.
  [[nodiscard]] EventQueue* queue() noexcept { return queue_ ? &*queue_ : nullptr; }
  /// After a failure of the queue: watches nothing any more.
  void close() noexcept { queue_.reset(); }

  /// Watches `handle` for `connection` and returns the number of the entry; 0 if that fails.
  [[nodiscard]] std::uint32_t add(Connection& connection, NativeHandle handle) noexcept;
  /// The connection is about to close its handle, which thereby leaves the queue.
  void forget(std::uint32_t number) noexcept;
  /// Ends the watch of a handle that stays open.
  void remove(std::uint32_t number, NativeHandle handle) noexcept;
  [[nodiscard]] Entry& entry(std::uint32_t number) noexcept { return entries_[number - 1]; }
  /// Returns the entry that `event` is about; null if it is no longer watched.
  [[nodiscard]] Entry* find(const Event& event) noexcept;

 private:
  std::optional<EventQueue> queue_;
  std::vector<Entry> entries_;    // number n is at n - 1
  std::uint32_t first_free_ = 0;  // a number, or 0
};

}  // namespace weft::inline v0_1::http
