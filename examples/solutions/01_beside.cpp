// Solution: the computation runs on a thread beside the worker, and the ticks come in time although
// the runtime has one worker and the computation is unchanged.
#include <chrono>
#include <cstdio>
#include <weft/weft.hpp>

#include "../guide/ticks.hpp"

weft::Task<void> tick_task(Ticks& seen) {
  for (int tick = 1; tick <= ticks; ++tick) {
    co_await weft::sleep_until(seen.due(tick));
    seen.note(tick);
  }
}

weft::Task<void> on_the_worker() {
  co_await weft::sleep_for(milliseconds(55));
  compute_for(milliseconds(300));
}

// [beside]
weft::Task<void> beside_the_worker() {
  co_await weft::sleep_for(milliseconds(55));
  co_await weft::blocking([] { compute_for(milliseconds(300)); });  // on another thread
}
// [/beside]

void run(const char* name, weft::Task<void> (*computing)()) {
  weft::RuntimeOptions options;
  options.workers = 1;
  weft::Runtime runtime(std::move(options));
  Ticks seen;
  auto computation = runtime.spawn(computing);
  runtime.block_on(tick_task(seen));
  runtime.block_on(std::move(computation));
  std::printf("%-20s worst tick %5.0f ms late\n", name, seen.worst_ms());
}

int main() {
  run("on the worker", on_the_worker);
  run("beside the worker", beside_the_worker);
}
