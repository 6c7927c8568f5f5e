// A leaf of one's own: a bell that any thread may ring, and that a task waits for.
#include <chrono>
#include <cstdio>
#include <thread>
#include <weft/weft.hpp>

#include "bell.hpp"

// [program]
weft::Task<void> listen(Bell& bell) {
  std::jthread visitor([&bell] { bell.ring(); });
  co_await bell.rings();
  std::puts("a visitor has rung");
  try {
    co_await weft::timeout(bell.rings(), std::chrono::milliseconds(20));
  } catch (const weft::IoError& error) {
    std::printf("the next one: %s\n", error.what());
  }
}
// [/program]

int main() {
  Bell bell;
  weft::block_on(listen(bell));
}
