// explore(): runs the executions that a chooser selects.
#include <weft/model.hpp>

#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "model/crash.hpp"
#include "model/scheduler.hpp"

namespace weft::inline v0_1::model {
inline namespace WEFT_ATOMIC_NAMESPACE {
namespace {

/// Keeps the threads of a failed execution for ever, and reachable, so that LeakSanitizer does not
/// report what they hold.
void keep(std::unique_ptr<Scheduler> scheduler) {
  static std::vector<std::unique_ptr<Scheduler>>* const kept =
      new std::vector<std::unique_ptr<Scheduler>>();
  kept->push_back(std::move(scheduler));
}

Report run_all(const Options& options, Chooser& chooser,
               const std::function<void(Execution&)>& body) {
  auto scheduler = std::make_unique<Scheduler>(options, chooser);
  const CrashReport crash(*scheduler);
  Report report;
  while (report.executions < options.iterations && !report.exhausted) {
    chooser.begin(report.executions++);
    if (!scheduler->execute(body)) {
      report.failed = true;
      report.seed = chooser.seed();
      report.schedule = chooser.schedule();
      report.text = scheduler->text();
      keep(std::move(scheduler));
      return report;
    }
    report.exhausted = !chooser.advance();
  }
  scheduler->stop();
  return report;
}

Report run_with_seeds(Options options, const std::function<void(Execution&)>& body) {
  const bool pct = options.strategy == Strategy::kPct;
  if (const char* const replay = std::getenv("WEFT_SEED")) {
    options.seed = std::strtoull(replay, nullptr, 0);
    options.iterations = pct && options.seed != 0 ? 2 : 1;  // the first has seed 0
  }
  if (pct) {
    PctChooser chooser(options.seed, options.pct_depth);
    return run_all(options, chooser, body);
  }
  RandomChooser chooser(options.seed);
  return run_all(options, chooser, body);
}

}  // namespace

void Execution::thread(std::function<void()> run) {
  Scheduler* const scheduler = Scheduler::current();
  WEFT_CHECK(scheduler != nullptr, "there is no execution here: call it from the body");
  scheduler->spawn(std::move(run));
}

void Execution::join_all() {
  Scheduler* const scheduler = Scheduler::current();
  WEFT_CHECK(scheduler != nullptr, "there is no execution here: call it from the body");
  scheduler->join_all();
}

Report explore(const Options& options, std::function<void(Execution&)> body) {
  WEFT_CHECK(Scheduler::current() == nullptr, "explore() is called in an execution: once a thread");
  WEFT_CHECK(options.pct_depth > 0, "the depth of a bug is at least 1");
  Options chosen = options;
  if (const char* const replay = std::getenv("WEFT_SCHEDULE")) chosen.schedule = replay;
  if (!chosen.schedule.empty()) {
    chosen.iterations = 1;
    ReplayChooser chooser(chosen.schedule);
    return run_all(chosen, chooser, body);
  }
  if (chosen.strategy == Strategy::kBounded) {
    BoundedChooser chooser(chosen.preemption_bound, chosen.stale_bound);
    return run_all(chosen, chooser, body);
  }
  return run_with_seeds(chosen, body);
}

void require(bool condition, const char* text) {
  if (condition) return;
  Scheduler* const scheduler = Scheduler::current();
  WEFT_CHECK(scheduler != nullptr, "a requirement failed outside of an execution");
  scheduler->fail(std::string("required: ") + text);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::model
