// The items of an AsyncGenerator are awaited, each by next(), not the generator.
// expect: (deleted.*operator co_await)|(operator co_await.*deleted)
#include <weft/async_generator.hpp>

weft::AsyncGenerator<int> numbers() { co_yield 1; }

weft::Task<int> program() {
  auto generator = numbers();
  int sum = 0;
#ifdef WEFT_MUST_FAIL
  co_await generator;
#else
  while (auto number = co_await generator.next()) sum += *number;
#endif
  co_return sum;
}
