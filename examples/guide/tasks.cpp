// weft::Task: coroutines that await coroutines; errors as exceptions, or as values.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <weft/weft.hpp>

#include "stopwatch.hpp"

using std::chrono::milliseconds;

// [chain]
weft::Task<int> price_of(std::string what) {
  co_await weft::sleep_for(milliseconds(100));  // stands for a question to some server
  if (what == "moon") throw std::out_of_range("nobody sells the " + what);
  co_return static_cast<int>(what.size()) * 10;
}

weft::Task<int> price_in_a_row() {
  const int bread = co_await price_of("bread");
  const int milk = co_await price_of("milk");
  co_return bread + milk;
}

weft::Task<int> price_at_once() {
  auto [bread, milk] = co_await weft::when_all(price_of("bread"), price_of("milk"));
  co_return bread + milk;
}
// [/chain]

// [errors]
weft::Task<void> ask_for_the_moon() {
  try {
    co_await price_of("moon");
  } catch (const std::out_of_range& error) {
    std::printf("caught: %s\n", error.what());
  }
}
// [/errors]

template <class T>
void measure(const char* what, weft::Task<T> task) {
  const Stopwatch watch;
  const int price = weft::block_on(std::move(task));
  std::printf("%-10s price %d after %.1f s\n", what, price, watch.wall_s());
}

int main() {
  measure("in a row:", price_in_a_row());
  measure("at once:", price_at_once());
  weft::block_on(ask_for_the_moon());
}
