// The cell of a leaf does not move: another thread may be waking through it.
// expect: deleted
#include <weft/extend/atomic_waker.hpp>

#include <utility>

int main() {
  weft::AtomicWaker cell;
#ifdef WEFT_MUST_FAIL
  weft::AtomicWaker moved = std::move(cell);
#else
  cell.wake();
#endif
}
