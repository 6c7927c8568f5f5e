// An operation does not move: the driver points to it.
// expect: deleted
#include <weft/sleep.hpp>
#include <weft/time.hpp>

int main() {
  auto operation = weft::sleep_for(weft::Nanoseconds(1));
  auto moved_before_it_began = std::move(operation);
  auto awaiter = weft::get_awaiter(std::move(moved_before_it_began));
#ifdef WEFT_MUST_FAIL
  auto moved = std::move(awaiter);
#else
  auto& same = awaiter;
  (void)same;
#endif
}
