// Exercise 9.1: a generator made of two others: their values in order.
#include <cstdio>
#include <utility>
#include <weft/weft.hpp>

// [merged]
weft::Generator<int> powers(int exponent) {
  for (int i = 1;; ++i) {
    int power = 1;
    for (int n = 0; n < exponent; ++n) power *= i;
    co_yield power;
  }
}

/// Both are sorted and endless. A value that is in both comes twice.
weft::Generator<int> merged(weft::Generator<int> left, weft::Generator<int> right) {
  auto from_left = left.begin();
  auto from_right = right.begin();
  for (;;) {
    const bool take_left = *from_left <= *from_right;
    const int value = take_left ? *from_left : *from_right;
    co_yield value;
    if (take_left) {
      ++from_left;
    } else {
      ++from_right;
    }
  }
}
// [/merged]

int main() {
  for (const int value : merged(powers(2), powers(3))) {
    if (value > 100) break;
    std::printf("%d ", value);
  }
  std::puts("");
}
