// Arguments move into the task: a parameter that is a reference gets std::ref.
// expect first: weft: the callable cannot be called with these arguments.*std::ref
#include <weft/spawn.hpp>

#include <functional>

weft::Task<void> count(int& counter) {
  ++counter;
  co_return;
}

void program(int& counter) {
#ifdef WEFT_MUST_FAIL
  weft::spawn(count, counter).detach();
#else
  weft::spawn(count, std::ref(counter)).detach();
#endif
}
