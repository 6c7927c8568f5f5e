// A set of futures is not copied: its children do not move.
// expect: deleted
#include <weft/future_set.hpp>
#include <weft/futures.hpp>

int main() {
  weft::FutureSet<weft::futures::Ready<int>> set;
#ifdef WEFT_MUST_FAIL
  auto other = set;
#else
  auto other = std::move(set);
#endif
}
