// overflow_program [direct|in_child|in_one_frame]: a fiber that recurses without end, for the test
// of the message; with in_child, in a child that when_all() starts on the fiber's stack; with
// in_one_frame, a single frame that is larger than the stack and the guard below it together.
#include <weft/fiber.hpp>
#include <weft/runtime.hpp>
#include <weft/when_all.hpp>

#include <array>
#include <cstdio>
#include <string_view>

namespace {

[[gnu::noinline]] int call_deeper(int depth) {
  std::array<char, 512> room;
  asm("" : : "r"(room.data()) : "memory");  // keeps the array, and its use
  if (depth == 1'000'000) return depth;
  return call_deeper(depth + 1) + room[0];
}

/// Writes to the far end of its frame alone, which is beyond the guard.
[[gnu::noinline]] int take_much_room() {
  std::array<char, std::size_t{400} << 10> room;
  asm("" : : "r"(room.data()) : "memory");
  room[0] = 1;
  asm("" : : "r"(room.data()) : "memory");
  return room[0];
}

weft::Task<void> overflow_in_child() {
  std::printf("%d\n", call_deeper(0));
  co_return;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view how = argc > 1 ? argv[1] : "direct";
  weft::block_on(
      weft::fiber(weft::FiberOptions().name("descends").stack_bytes(std::size_t{64} << 10), [how] {
        if (how == "in_child") {
          weft::await(weft::when_all(overflow_in_child()));
        } else if (how == "in_one_frame") {
          std::printf("%d\n", take_much_room());
        } else {
          std::printf("%d\n", call_deeper(0));
        }
      }));
}
