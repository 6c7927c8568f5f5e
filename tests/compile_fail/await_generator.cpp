// A Generator is a range: there is nothing to wait for.
// expect: (deleted.*operator co_await)|(operator co_await.*deleted)
#include <weft/generator.hpp>
#include <weft/task.hpp>

weft::Generator<int> numbers() { co_yield 1; }

weft::Task<int> program() {
  int sum = 0;
#ifdef WEFT_MUST_FAIL
  co_await numbers();
#else
  for (const int number : numbers()) sum += number;
#endif
  co_return sum;
}
