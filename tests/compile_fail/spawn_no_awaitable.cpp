// What is spawned without arguments is awaitable, or a callable.
// expect first: weft: this is neither awaitable nor can it be called
#include <weft/spawn.hpp>

weft::Task<int> answer(int question) { co_return question; }

void program() {
#ifdef WEFT_MUST_FAIL
  weft::spawn(answer).detach();
#else
  weft::spawn(answer, 42).detach();
#endif
}
