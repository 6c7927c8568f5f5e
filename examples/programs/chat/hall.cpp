#include "hall.hpp"

namespace chat {

// [tell]
bool Member::tell(Message line) {
  if (is_dropped()) return false;
  if (outbox_.try_send(std::move(line)) != weft::TrySend::full) return true;
  drop();
  return false;
}
// [/tell]

void Member::hint(Message line) {
  if (!is_dropped()) static_cast<void>(outbox_.try_send(std::move(line)));
}

bool Member::tell(std::string_view text) {
  return tell(std::make_shared<const std::string>(std::string(text) + '\n'));
}

void Hall::enter(Member& member) {
  const std::lock_guard lock(mutex_);
  do {
    member.name_ = "guest" + std::to_string(++guests_);
  } while (!names_.insert(member.name_).second);
  member.room_ = "lobby";
  rooms_[member.room_].insert(&member);
  member.tell("* you are " + member.name_ + " in lobby; /name, /join, /who, /quit");
  hint_room(member, "* " + member.name_ + " has come");
}

void Hall::leave(Member& member, std::string_view why) {
  const std::lock_guard lock(mutex_);
  names_.erase(member.name_);
  hint_room(member, "* " + member.name_ + " has gone" + std::string(why));
  take_out(member);
}

void Hall::say(Member& member, std::string_view text) {
  const std::lock_guard lock(mutex_);
  tell_room(member, member.name_ + ": " + std::string(text), true);
}

bool Hall::rename(Member& member, const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!names_.insert(name).second) return false;
  names_.erase(member.name_);
  tell_room(member, "* " + member.name_ + " is now " + name, true);
  member.name_ = name;
  return true;
}

void Hall::move(Member& member, const std::string& room) {
  const std::lock_guard lock(mutex_);
  tell_room(member, "* " + member.name_ + " has gone to " + room, false);
  take_out(member);
  member.room_ = room;
  rooms_[room].insert(&member);
  tell_room(member, "* " + member.name_ + " has come to " + room, true);
}

std::string Hall::names_beside(const Member& member) {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names;
  for (const Member* other : rooms_[member.room_]) names.insert(other->name_);
  std::string all;
  for (const std::string& name : names) all += ' ' + name;
  return all;
}

std::string Hall::name_of(const Member& member) {
  const std::lock_guard lock(mutex_);
  return member.name_;
}

// [room]
void Hall::tell_room(const Member& from, std::string_view text, bool and_itself) {
  const auto line = std::make_shared<const std::string>(std::string(text) + '\n');
  for (Member* member : rooms_[from.room_]) {
    if (and_itself || member != &from) member->tell(line);
  }
}
// [/room]

void Hall::hint_room(const Member& from, std::string_view text) {
  const auto line = std::make_shared<const std::string>(std::string(text) + '\n');
  for (Member* member : rooms_[from.room_]) {
    if (member != &from) member->hint(line);
  }
}

void Hall::take_out(Member& member) {
  const auto room = rooms_.find(member.room_);
  room->second.erase(&member);
  if (room->second.empty()) rooms_.erase(room);  // a room exists while it has members
}

}  // namespace chat
