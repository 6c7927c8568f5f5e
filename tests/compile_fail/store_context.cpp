// A context is valid until poll() returns. It cannot be stored; its waker can.
// expect: deleted|no matching function
#include <weft/future.hpp>

#include <optional>

class Leaf {
 public:
  weft::Poll<int> poll(weft::Context& cx) {
#ifdef WEFT_MUST_FAIL
    kept_ = std::optional<weft::Context>(cx);
#else
    waker_ = cx.waker();
#endif
    return weft::Pending();
  }

 private:
  weft::Waker waker_;
#ifdef WEFT_MUST_FAIL
  std::optional<weft::Context> kept_;
#endif
};

int main() {
  weft::Waker waker;
  weft::Context cx(waker);
  Leaf leaf;
  (void)leaf.poll(cx);
}
