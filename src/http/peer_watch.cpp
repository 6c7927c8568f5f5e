#include "http/peer_watch.hpp"

#include <new>
#include <utility>

namespace weft::inline v0_1::http {

bool PeerWatch::open() noexcept {
  if (queue_) return true;
  Result<EventQueue> made = EventQueue::create();
  if (made) queue_.emplace(std::move(*made));
  return made.has_value();
}

std::uint32_t PeerWatch::add(Connection& connection, NativeHandle handle) noexcept try {
  if (first_free_ == 0) {
    entries_.emplace_back();
    first_free_ = static_cast<std::uint32_t>(entries_.size());
  }
  const std::uint32_t number = first_free_;
  Entry& made = entry(number);
  const std::uint64_t token = std::uint64_t{made.generation} << 32 | number;
  // Readable, as only that reports the end of the peer's side alone. An edge: bytes of a next
  // request cost one event each time they come, and stay unread.
  if (!queue_->add(handle, token, Interest::readable, Trigger::edge)) return 0;
  first_free_ = made.next_free;
  made.connection = &connection;
  made.probe_at = 0;
  made.probe_after = Nanoseconds(0);
  return number;
} catch (const std::bad_alloc&) {
  return 0;
}

void PeerWatch::forget(std::uint32_t number) noexcept {
  Entry& left = entry(number);
  left.connection = nullptr;
  ++left.generation;  // an event that was found before is about no later user
  left.next_free = std::exchange(first_free_, number);
}

void PeerWatch::remove(std::uint32_t number, NativeHandle handle) noexcept {
  // The handle may have left a queue that failed.
  if (queue_) static_cast<void>(queue_->remove(handle));
  forget(number);
}

PeerWatch::Entry* PeerWatch::find(const Event& event) noexcept {
  const auto number = static_cast<std::uint32_t>(event.token);
  if (number == 0 || number > entries_.size()) return nullptr;
  Entry& found = entry(number);
  const bool same = found.generation == static_cast<std::uint32_t>(event.token >> 32);
  return same && found.connection != nullptr ? &found : nullptr;
}

}  // namespace weft::inline v0_1::http
