// Exercise 1 of chapter 5: the switch of the book leaves the rounding mode of the arithmetic units
// as it is. Seen, and then kept for each fiber.
#include <cfenv>
#include <cstdio>

#include "../guide/own_fiber.hpp"

namespace {

// [keep]
void yield_keeping_rounding() {
  const int mode = std::fegetround();  // on this flow's stack, as the registers are
  Fiber::yield();
  std::fesetround(mode);
}

void resume_keeping_rounding(Fiber& fiber) {
  const int mode = std::fegetround();
  fiber.resume();
  std::fesetround(mode);
}
// [/keep]

void show(const char* fiber) {
  double one = 1;
  asm volatile("" : "+m"(one));  // the compiler shall not divide in advance
  std::printf("  %s 1/3 = %.17f\n", fiber, one / 3);
}

void round_upward(void (*yield)()) {
  std::fesetround(FE_UPWARD);
  yield();
  show("this fiber rounds upward:");
}

void plain_yield() { Fiber::yield(); }
void plain_resume(Fiber& fiber) { fiber.resume(); }

void run_both(void (*resume)(Fiber&), void (*yield)()) {
  Fiber upward([yield] { round_upward(yield); });
  Fiber nearest([yield] {
    yield();
    show("this one to the nearest: ");
  });
  resume(nearest);
  resume(upward);
  resume(nearest);
  resume(upward);
  std::fesetround(FE_TONEAREST);
}

}  // namespace

int main() {
  std::puts("the mode is left alone:");
  run_both(plain_resume, plain_yield);
  std::puts("each flow keeps its own:");
  run_both(resume_keeping_rounding, yield_keeping_rounding);
}
