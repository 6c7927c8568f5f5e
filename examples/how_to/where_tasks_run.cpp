// Where a task runs, and when: bound to its worker, by priority, on another runtime, on a processor
// of its own; a call that blocks where it stands; and what a runtime has counted.
#include <cstdio>
#include <thread>
#include <weft/weft.hpp>

namespace {

// [local]
weft::Task<void> hit(int& hits) {
  for (int i = 0; i < 1000; ++i) {
    ++hits;  // no lock, no atomic: no other worker runs this task, nor its siblings
    co_await weft::yield_now();
  }
}

weft::Task<int> session() {
  int hits = 0;
  co_await weft::when_all(hit(hits), hit(hits), hit(hits));
  co_return hits;
}

weft::Task<void> bound() {
  const int hits = co_await weft::spawn(weft::SpawnOptions().local(), session);
  std::printf("three children on one worker: %d hits\n", hits);
}
// [/local]

// [priority]
weft::Task<void> say(const char* what) {
  std::printf("  %s\n", what);
  co_return;
}

weft::Task<void> in_order() {
  auto later = weft::spawn(weft::SpawnOptions().priority(weft::Priority::low),
                           [] { return say("rebuild the index"); });
  auto soon = weft::spawn([] { return say("answer a request"); });
  auto first = weft::spawn(weft::SpawnOptions().priority(weft::Priority::high),
                           [] { return say("answer the health check"); });
  co_await std::move(later);
  co_await std::move(soon);
  co_await std::move(first);
}
// [/priority]

// [switch]
weft::Task<void> visit(weft::Runtime& home, weft::Runtime& storage) {
  co_await weft::resume_on(storage);
  std::printf("storage has %zu task, which is a guest\n", storage.live_tasks());
  co_await weft::yield_now();  // and whatever else it waits for: it goes on here
  co_await weft::resume_on(home);
  std::printf("and now %zu\n", storage.live_tasks());
}
// [/switch]

// [in_place]
/// As a library has it that knows nothing of tasks.
int ask_and_wait(weft::Runtime& runtime) {
  return runtime.block_on([]() -> weft::Task<int> { co_return 42; });
}

weft::Task<void> deep_within(weft::Runtime& runtime) {
  const int answer = weft::block_in_place([&] { return ask_and_wait(runtime); });
  std::printf("the library says %d\n", answer);
  co_return;
}
// [/in_place]

// [per_core]
void one_thread_a_core() {
  weft::RuntimeOptions options;
  options.thread_per_core = true;
  options.workers = 2;
  weft::Runtime runtime(options);
  for (std::size_t worker = 0; worker < runtime.workers(); ++worker) {
    auto shard = runtime.spawn(
        weft::SpawnOptions().on_worker(worker), [worker]() -> weft::Task<std::size_t> {
          co_return worker;  // and all that it spawns: nothing leaves the worker
        });
    std::printf("shard %zu\n", runtime.block_on([&] { return std::move(shard); }));
  }
}
// [/per_core]

// [metrics]
void tell(const weft::Runtime& runtime) {
  const weft::RuntimeMetrics metrics = runtime.metrics();
  std::printf("%zu workers, and %zu that stood in\n", runtime.workers(),
              metrics.workers.size() - runtime.workers());
  std::printf("more runs than tasks: %s\n",
              metrics.total.runs > metrics.total.tasks_spawned ? "yes" : "no");
}
// [/metrics]

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.workers = 2;
  weft::Runtime runtime(options);
  runtime.block_on(bound());
  std::puts("in this order:");
  weft::block_on(in_order());
  {
    weft::Runtime storage(options);
    runtime.block_on(visit(runtime, storage));
  }
  runtime.block_on(deep_within(runtime));
  one_thread_a_core();
  tell(runtime);
}
