// A Generator runs within its consumer's ++, and cannot wait.
// expect: a Generator cannot co_await
#include <weft/generator.hpp>
#include <weft/spawn.hpp>

weft::Generator<int> numbers() {
#ifdef WEFT_MUST_FAIL
  co_await weft::yield_now();
#endif
  co_yield 1;
}
