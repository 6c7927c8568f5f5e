#include <chrono>
#include <iostream>
#include <string>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<std::string> greet(std::string name, weft::Duration pause) {
  co_await weft::sleep_for(pause);  // this task waits; its thread does other things
  co_return "hello, " + name;
}

weft::Task<void> program() {
  auto [first, second] = co_await weft::when_all(greet("world", 100ms), greet("weft", 100ms));
  std::cout << first << "\n" << second << "\n";
}

int main() {
  weft::Runtime runtime;  // a worker for each core
  runtime.block_on(program());
}
