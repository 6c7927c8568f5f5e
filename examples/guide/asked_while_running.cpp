// What a program says of itself while it runs, and what it waits for when it should end.
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <latch>
#include <thread>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

// [report]
/// Prints, at each SIGUSR1, what the runtime has to do.
weft::Task<void> report(weft::SignalListener asked, const weft::Runtime& runtime) {
  while (auto number = co_await asked.next()) {
    const weft::RuntimeMetrics now = runtime.metrics();
    std::printf("%zu tasks; ", now.live_tasks);
    for (const weft::LaneMetrics& lane : now.lanes) {
      std::printf("%s: %d of %d calls have ended, %zu wait\n", lane.name.c_str(),
                  static_cast<int>(lane.ended), static_cast<int>(lane.calls), lane.queued);
    }
  }
}
// [/report]

}  // namespace

int main() {
  std::latch begun(1);
  std::latch answered(1);  // stands for a database that does not answer
  auto query = [&] {
    begun.count_down();
    answered.wait();
  };
  auto next_query = [] {};
  // [main]
  weft::RuntimeOptions options;
  options.workers = 1;
  options.lanes = {{.name = "database", .most_threads = 1}};
  weft::Runtime runtime(std::move(options));
  runtime.spawn(weft::blocking(weft::lane("database"), query)).detach();
  begun.wait();
  runtime.spawn(weft::blocking(weft::lane("database"), next_query)).detach();
  // [/main]
  while (runtime.metrics().lanes.front().queued == 0) std::this_thread::yield();
  // [ask]
  weft::SignalListener asked(SIGUSR1);
  std::raise(SIGUSR1);  // in a shell: kill -USR1
  asked.close();        // a program that runs on keeps it
  runtime.block_on(report(std::move(asked), runtime));
  // [/ask]
  // [shutdown]
  const weft::ShutdownResult first = runtime.shutdown(500ms);
  const std::size_t place = first.waits_for.rfind('/') + 1;
  std::printf("%zu task is left, at %s", first.tasks, first.waits_for.substr(place).c_str());
  answered.count_down();
  const weft::ShutdownResult second = runtime.shutdown(5s);
  std::printf("%s\n", second.complete ? "all have ended" : "some have not ended");
  // [/shutdown]
}
