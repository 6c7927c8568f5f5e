// A group is used up by its await, as std::move states; the message names it.
// expect: AwaitItWithStdMove
#include <weft/select.hpp>
#include <weft/sleep.hpp>

weft::Task<void> program() {
  auto group = weft::select(weft::sleep_for(std::chrono::seconds(1)));
#ifdef WEFT_MUST_FAIL
  auto first = co_await group;
#else
  auto first = co_await std::move(group);
#endif
  static_cast<void>(first.index());
}
