// overflow_program [direct|in_child]: a fiber that recurses without end, for the test of the
// message; with in_child, in a child that select() starts on the fiber's stack.
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

weft::Task<void> overflow_in_child() {
  std::printf("%d\n", call_deeper(0));
  co_return;
}

}  // namespace

int main(int argc, char** argv) {
  const bool in_child = argc > 1 && std::string_view(argv[1]) == "in_child";
  weft::block_on(weft::fiber(
      weft::FiberOptions().name("descends").stack_bytes(std::size_t{64} << 10), [in_child] {
        if (in_child) {
          weft::await(weft::when_all(overflow_in_child()));
        } else {
          std::printf("%d\n", call_deeper(0));
        }
      }));
}
