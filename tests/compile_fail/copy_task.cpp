// A task is one coroutine: it moves, and is not copied.
// expect: deleted
#include <weft/task.hpp>

weft::Task<int> answer() { co_return 42; }

int main() {
  auto task = answer();
#ifdef WEFT_MUST_FAIL
  auto other = task;
#else
  auto other = std::move(task);
#endif
}
