// The system benchmarks' weft: child processes.
#include <atomic>
#include <weft/weft.hpp>

#include "core/weft_run.hpp"
#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

weft::Task<void> run_children(std::atomic<std::size_t>& next, std::size_t count) {
  while (next.fetch_add(1, std::memory_order_relaxed) < count) {
    const weft::Command command(bench::program_path);
    const weft::ExitStatus status = co_await command.status();
    bench::require(status.success(), "the child");
  }
}

template <std::size_t at_once>
weft::Task<Figures> spawn_and_wait(Job job) {
  std::atomic<std::size_t> next = 0;
  const Stopwatch watch;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (std::size_t i = 0; i < at_once; ++i) scope.spawn(run_children(next, job.count));
    co_return;
  };
  co_await weft::scope(body);
  co_return Figures{watch.ns_each(job.count) / 1000};
}

}  // namespace

bench::Cells bench::process_cells() {
  return {{"process", on_runtime(spawn_and_wait<1>)},
          {"process-8", on_runtime(spawn_and_wait<children_at_once>)}};
}
