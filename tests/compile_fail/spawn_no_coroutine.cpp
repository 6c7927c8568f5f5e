// What is spawned gives something to await.
// expect first: weft: the callable returns nothing that can be awaited
#include <weft/spawn.hpp>

void program() {
#ifdef WEFT_MUST_FAIL
  weft::spawn([] { return 5; }).detach();
#else
  weft::spawn([]() -> weft::Task<int> { co_return 5; }).detach();
#endif
}
