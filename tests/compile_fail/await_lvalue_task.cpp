// A task is awaited once, as std::move states; the message names it.
// expect: AwaitItWithStdMove
#include <weft/task.hpp>

weft::Task<int> answer() { co_return 42; }

weft::Task<int> program() {
  auto task = answer();
#ifdef WEFT_MUST_FAIL
  const int value = co_await task;
#else
  const int value = co_await std::move(task);
#endif
  co_return value;
}
