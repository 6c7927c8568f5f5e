// A fiber in a few functions, as the program for a debugger: see tests/fiber/backtrace_test.py.
#include <weft/fiber.hpp>
#include <weft/runtime.hpp>
#include <weft/spawn.hpp>

extern "C" [[gnu::noinline]] void stop_here() { asm("" ::: "memory"); }

namespace {

[[gnu::noinline]] int inner(int value) {
  stop_here();
  return value + 1;
}

[[gnu::noinline]] int outer(int value) {
  weft::await(weft::yield_now());  // the second part runs after a switch
  return inner(value) + 1;
}

}  // namespace

int main() {
  return weft::block_on(weft::fiber([] { return outer(1); })) == 3 ? 0 : 1;
}
