// The awaiter of a future does not move: the waker points to it.
// expect: deleted
#include <weft/futures.hpp>
#include <weft/task.hpp>

int main() {
  auto awaiter = weft::get_awaiter(weft::futures::ready(1));
#ifdef WEFT_MUST_FAIL
  auto moved = std::move(awaiter);
#else
  auto& same = awaiter;
  (void)same;
#endif
}
