// A handle is joined once, as std::move states; the message names it.
// expect: AwaitItWithStdMove
#include <weft/spawn.hpp>

weft::Task<int> program(weft::JoinHandle<int> handle) {
#ifdef WEFT_MUST_FAIL
  const int value = co_await handle;
#else
  const int value = co_await std::move(handle);
#endif
  co_return value;
}
