// A lambda that is a coroutine, and what becomes of its captures.
#include <chrono>
#include <cstdio>
#include <string>
#include <weft/weft.hpp>

// [greet]
weft::JoinHandle<void> greet_later(std::string name) {
  return weft::spawn([name]() -> weft::Task<void> {  // the end of this line destroys the lambda …
    co_await weft::sleep_for(std::chrono::milliseconds(10));
    std::printf("hello, %s\n", name.c_str());  // … but its captures are still there
  });
}
// [/greet]

weft::Task<void> program() {
  weft::JoinHandle<void> greeting = greet_later("a name that is too long to be kept in the object");
  co_await std::move(greeting);
}

int main() { weft::block_on(program()); }
