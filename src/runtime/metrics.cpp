// Runtime::metrics(): the numbers that workers, reactors and task counts keep, put together.
#include <weft/metrics.hpp>

#include "runtime/impl.hpp"

namespace weft::inline v0_1 {

namespace {

void add(WorkerMetrics& total, const WorkerMetrics& one) {
  total.runs += one.runs;
  total.yields += one.yields;
  total.long_runs += one.long_runs;
  total.steals += one.steals;
  total.injector_takes += one.injector_takes;
  total.parks += one.parks;
  total.wakes += one.wakes;
  total.driver_polls += one.driver_polls;
  total.io_completions += one.io_completions;
  total.queue_depth += one.queue_depth;
}

LaneMetrics lane_metrics(const std::string& name, const detail::BlockingPool& pool) {
  LaneMetrics one;
  one.name = name;
  one.threads = pool.threads();
  one.queued = pool.queued();
  one.ended = pool.ended();  // before the calls, which are never fewer
  one.calls = pool.submitted();
  return one;
}

}  // namespace

WorkerMetrics Runtime::Impl::metrics_of(std::size_t index) {
  const detail::Worker& from = worker(index);
  const detail::Worker::Counts& counts = from.counts();
  const detail::Reactor& reactor = parks_[index]->reactor();
  const detail::TaskCount::Tally& tally = tasks_->count().of_worker(index);
  WorkerMetrics one;
  // The empty rounds first: they are among the ticks.
  const std::uint64_t empty = counts.empty_rounds.load();
  one.runs = from.ticks() - empty;
  one.yields = counts.yields.load();
  one.long_runs = counts.long_runs.load();
  one.steals = counts.steals.load();
  one.injector_takes = counts.injector_takes.load();
  one.parks = counts.parks.load();
  one.wakes = counts.wakes.load();
  one.driver_polls = reactor.polls();
  one.io_completions = reactor.ended();
  one.tasks_spawned = tally.begun();
  one.tasks_ended = tally.ended();
  one.queue_depth = from.depth();
  one.spare = index >= workers_;
  if (!one.spare) {
    one.cpu = starts_[index]->cpu;
    one.cpu_error = starts_[index]->cpu_error;
  }
  return one;
}

RuntimeMetrics Runtime::Impl::metrics() {
  RuntimeMetrics all;
  const std::size_t workers = options_.thread_per_core ? workers_ : schedulers_.front()->size();
  for (std::size_t i = 0; i < workers; ++i) {
    all.workers.push_back(metrics_of(i));
    add(all.total, all.workers.back());
  }
  const detail::TaskCount::Totals tasks = tasks_->count().totals();
  all.total.tasks_spawned = tasks.begun;
  all.total.tasks_ended = tasks.ended;
  all.live_tasks = static_cast<std::size_t>(tasks.begun - tasks.ended);
  for (const auto& scheduler : schedulers_) {
    all.injector_depth += scheduler->pool().queued();
  }
  for (const auto& lane : lanes_.all()) all.lanes.push_back(lane_metrics(lane->name, lane->pool));
  const LaneMetrics& calls = all.lanes[detail::Lanes::for_calls];
  all.blocking_threads = calls.threads;
  all.blocking_calls = calls.calls;
  all.blocking_ended = calls.ended;
  all.blocking_queued = calls.queued;
  const LaneMetrics& lookups = all.lanes[detail::Lanes::for_lookups];
  all.lookup_threads = lookups.threads;
  all.lookups_queued = lookups.queued;
  const LaneMetrics& files = all.lanes[detail::Lanes::for_files];
  all.file_threads = files.threads;
  all.files_queued = files.queued;
  all.lanes.erase(all.lanes.begin(), all.lanes.begin() + detail::Lanes::first_named);
  return all;
}

}  // namespace weft::inline v0_1
