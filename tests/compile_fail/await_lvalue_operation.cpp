// An operation is used up by its await, as std::move states; the message names it.
// expect: AwaitItWithStdMove
#include <weft/net.hpp>

weft::Task<void> program(weft::StreamSocket& stream) {
  auto operation = stream.write_all("x");
#ifdef WEFT_MUST_FAIL
  co_await operation;
#else
  co_await std::move(operation);
#endif
}
