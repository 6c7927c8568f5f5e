// A tick every 10 ms beside 300 ms of computing: as tasks of one worker and of two, and as threads
// of the OS on one processor and on two. Prints how late the ticks are.
//
//   ticker          all five
//   ticker starve   one worker, and a computation that never gives up its turn
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "processors.hpp"
#include "ticks.hpp"

void print(const char* name, const Ticks& seen) {
  std::printf("%-28s", name);
  for (std::size_t tick = 5; tick <= ticks; tick += 5) std::printf(" %5.0f", seen.late_ms(tick));
  std::printf("  %6.1f\n", seen.worst_ms());
}

// [tasks]
weft::Task<void> tick_task(Ticks& seen) {
  for (int tick = 1; tick <= ticks; ++tick) {
    co_await weft::sleep_until(seen.due(tick));
    seen.note(tick);
  }
}

weft::Task<void> computing_task() {
  co_await weft::sleep_for(milliseconds(55));  // let some ticks come in time first
  compute_for(milliseconds(300));              // no co_await: the worker is kept all the while
}
// [/tasks]

// [yielding]
weft::Task<void> yielding_task() {
  co_await weft::sleep_for(milliseconds(55));
  for (int piece = 0; piece < 15'000; ++piece) {
    compute_for(std::chrono::microseconds(20));
    co_await weft::yield_now();  // others may run; then this goes on
  }
}
// [/yielding]

// [together]
void as_tasks(const char* name, std::size_t workers, weft::Task<void> (*computing)()) {
  weft::RuntimeOptions options;
  options.workers = workers;
  weft::Runtime runtime(std::move(options));
  Ticks seen;
  auto computation = runtime.spawn(computing);
  runtime.block_on(tick_task(seen));
  runtime.block_on(std::move(computation));
  print(name, seen);
}
// [/together]

// [threads]
void as_threads(const char* name, int ticking_cpu, int computing_cpu) {
  Ticks seen;
  {
    const std::jthread computing([=] {
      bind_to(computing_cpu);
      std::this_thread::sleep_for(milliseconds(55));
      compute_for(milliseconds(300));  // the same: it never gives up its turn
    });
    const std::jthread ticking([&seen, ticking_cpu] {
      bind_to(ticking_cpu);
      for (int tick = 1; tick <= ticks; ++tick) {
        std::this_thread::sleep_until(seen.due(tick));
        seen.note(tick);
      }
    });
  }  // joins both
  print(name, seen);
}
// [/threads]

int main(int count, char** arguments) {
  std::printf("%-28s", "ms late, of the tick at");
  for (int tick = 5; tick <= ticks; tick += 5) std::printf(" %5d", tick * 10);
  std::printf("  %6s\n", "worst");

  as_tasks("one worker", 1, computing_task);
  if (count > 1 && std::string_view(arguments[1]) == "starve") return 0;
  as_tasks("one worker, it yields", 1, yielding_task);
  as_tasks("two workers", 2, computing_task);
  const std::vector<int> cpus = processors();
  as_threads("two threads, one processor", cpus.front(), cpus.front());
  as_threads("two threads, two processors", cpus.front(), cpus.back());
}
