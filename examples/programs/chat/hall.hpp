// The hall of a chat server: its rooms, the names of the members, and a queue to each client.
// Thread-safe: sessions on several workers use it. Its lock is held for moments, never in a wait.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

namespace chat {

/// A line, with its end, shared by all queues that it is in.
using Message = std::shared_ptr<const std::string>;

/// A client, as the hall knows it. It stays in place.
class Member {
 public:
  explicit Member(weft::Sender<Message> outbox) : outbox_(std::move(outbox)) {}

  /// Puts a line into the client's queue. If that is full, the client is too slow: it is dropped.
  /// Returns false then, and after that.
  bool tell(Message line);
  bool tell(std::string_view text);
  /// The same for what a client may miss: a full queue leaves it out.
  void hint(Message line);
  /// Ends the session of a client that takes nothing.
  void drop() { dropped_.set(); }
  /// Waits until the client was dropped.
  auto dropped() { return dropped_.wait(); }
  [[nodiscard]] bool is_dropped() const { return dropped_.is_set(); }
  /// What is queued is still sent; nothing comes after it.
  void close() { outbox_.close(); }

 private:
  friend class Hall;
  weft::Sender<Message> outbox_;
  weft::ManualResetEvent dropped_;
  std::string name_;  // guarded by the hall's lock, as is the next
  std::string room_;
};

class Hall {
 public:
  /// Gives the member a name and a place in the first room, and tells the others.
  void enter(Member& member);
  void leave(Member& member, std::string_view why);
  void say(Member& member, std::string_view text);
  /// Returns false if another member has the name.
  bool rename(Member& member, const std::string& name);
  void move(Member& member, const std::string& room);
  /// Returns the names in the member's room, in order.
  std::string names_beside(const Member& member);
  std::string name_of(const Member& member);

 private:
  void tell_room(const Member& from, std::string_view text, bool and_itself);
  void hint_room(const Member& from, std::string_view text);
  void take_out(Member& member);

  std::mutex mutex_;
  std::size_t guests_ = 0;  // guarded by the lock, as all that follows
  std::map<std::string, std::set<Member*>> rooms_;
  std::set<std::string> names_;
};

}  // namespace chat
