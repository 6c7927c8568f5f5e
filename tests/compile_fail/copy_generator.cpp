// A Generator is single-pass: views take it over, as std::move states.
// expect: (deleted|no match|invalid operands)
#include <weft/generator.hpp>

#include <ranges>

weft::Generator<int> numbers() { co_yield 1; }

int main() {
  auto generator = numbers();
#ifdef WEFT_MUST_FAIL
  auto copy = generator;
  (void)copy;
  auto view = generator | std::views::take(3);
#else
  auto view = std::move(generator) | std::views::take(3);
#endif
  (void)view;
}
