// Exercise 8.1: a hedged request. The second mirror is asked only if the first has not answered in
// time; the first answer wins.
#include <chrono>
#include <cstdio>
#include <utility>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [hedged]
weft::Task<const char*> answer_after(milliseconds delay, const char* name) {
  std::printf("  %s is asked\n", name);
  co_await weft::sleep_for(delay);
  co_return name;
}

weft::Task<const char*> later(milliseconds wait, weft::Task<const char*> task) {
  co_await weft::sleep_for(wait);
  co_return co_await std::move(task);  // a task is lazy: it begins here
}

weft::Task<const char*> hedged(weft::Task<const char*> first, weft::Task<const char*> second) {
  auto winner = co_await weft::select(std::move(first), later(milliseconds(30), std::move(second)));
  co_return winner.has<0>() ? winner.take<0>() : winner.take<1>();
}
// [/hedged]

// [main]
weft::Task<void> ask(milliseconds first_takes) {
  const auto start = weft::now();
  const char* const name = co_await hedged(answer_after(first_takes, "the first mirror"),
                                           answer_after(milliseconds(10), "the second mirror"));
  const auto took = std::chrono::duration_cast<milliseconds>(weft::now() - start);
  std::printf("%s has answered, after %d ms\n", name, static_cast<int>(took.count()));
}

weft::Task<void> ask_twice() {
  co_await ask(milliseconds(20));
  co_await ask(milliseconds(500));
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that the milliseconds are exact
  weft::Runtime runtime(std::move(options));
  runtime.block_on(ask_twice());
}
// [/main]
