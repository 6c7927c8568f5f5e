// A coroutine's frame stays where it is, whatever becomes of the handle.
#include <array>
#include <cstdio>
#include <utility>
#include <weft/weft.hpp>

// [self]
/// Points into itself, waits, and looks whether that is still true.
weft::Task<bool> points_into_itself() {
  std::array<char, 16> room{};
  const char* const inside = &room[8];
  co_await weft::yield_now();
  co_return inside == &room[8];
}
// [/self]

// [move]
weft::Task<void> move_about() {
  weft::Task<bool> task = points_into_itself();
  weft::Task<bool> moved = std::move(task);  // a pointer changes hands, the frame does not
  const bool after_move = co_await std::move(moved);
  std::printf("a task, moved before it began:     %s\n", after_move ? "sound" : "broken");

  weft::JoinHandle<bool> handle = weft::spawn(points_into_itself);
  co_await weft::yield_now();  // it has begun, and waits
  weft::JoinHandle<bool> moved_handle = std::move(handle);
  const bool while_it_waited = co_await std::move(moved_handle);
  std::printf("a handle, moved while it waited:   %s\n", while_it_waited ? "sound" : "broken");
}
// [/move]

int main() { weft::block_on(move_about()); }
