// A waiting awaiter does not move: the child's promise points to it.
// expect: deleted
#include <weft/task.hpp>

weft::Task<int> answer() { co_return 42; }

int main() {
  auto awaiter = weft::get_awaiter(answer());
#ifdef WEFT_MUST_FAIL
  auto moved = std::move(awaiter);
#else
  auto& same = awaiter;
  (void)same;
#endif
}
