// A pending result has one owner.
// expect: deleted
#include <weft/spawn.hpp>

void keep(weft::JoinHandle<int> handle) {
#ifdef WEFT_MUST_FAIL
  weft::JoinHandle<int> other = handle;
#else
  weft::JoinHandle<int> other = std::move(handle);
#endif
}
