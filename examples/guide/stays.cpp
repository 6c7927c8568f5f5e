// A coroutine's frame does not move when its handle does.
#include <array>
#include <cstdio>
#include <functional>
#include <utility>
#include <weft/weft.hpp>

// [self]
/// Hands out the address of its room, waits, and checks whether it is still right.
weft::Task<bool> stays(const void*& noted) {
  std::array<char, 16> room{};
  noted = &room;
  co_await weft::yield_now();
  co_return noted == &room;
}
// [/self]

// [move]
weft::Task<void> move_about() {
  const void* noted = nullptr;
  weft::Task<bool> task = stays(noted);
  weft::Task<bool> moved = std::move(task);  // a pointer changes hands, the frame does not
  const bool after_move = co_await std::move(moved);
  std::printf("a task, moved before it began:     %s\n", after_move ? "sound" : "broken");

  weft::JoinHandle<bool> handle = weft::spawn(stays, std::ref(noted));
  co_await weft::yield_now();  // it has begun, and waits
  weft::JoinHandle<bool> moved_handle = std::move(handle);
  const bool while_it_waited = co_await std::move(moved_handle);
  std::printf("a handle, moved while it waited:   %s\n", while_it_waited ? "sound" : "broken");
}
// [/move]

int main() { weft::block_on(move_about()); }
