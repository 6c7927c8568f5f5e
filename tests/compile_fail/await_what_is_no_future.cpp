// poll() must return a Poll<T>. Any other type is no future, and not awaitable.
// expect: await_ready
#include <weft/future.hpp>
#include <weft/task.hpp>

class Almost {
 public:
#ifdef WEFT_MUST_FAIL
  int poll(weft::Context&) { return 1; }
#else
  weft::Poll<int> poll(weft::Context&) { return 1; }
#endif
};

weft::Task<int> program() {
  const int value = co_await Almost();
  co_return value;
}
