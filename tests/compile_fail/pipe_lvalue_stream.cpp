// A stream moves into the pipe that uses it, as std::move states; or it is lent.
// expect: a stream is taken over by what uses it
#include <weft/streams.hpp>

weft::AsyncGenerator<int> numbers() { co_yield 1; }

int main() {
  auto stream = numbers();
#ifdef WEFT_MUST_FAIL
  auto few = stream | weft::streams::take(3);
#else
  auto few = weft::streams::borrow(stream) | weft::streams::take(3);
#endif
  (void)few;
}
