// The deterministic mode: explore(), and the functions of <weft/atomic.hpp> and base/futex.hpp that
// lead into the scheduler. On a thread that no Execution started they act at once.
#include <weft/model.hpp>

#if WEFT_ATOMIC_MODE == 2

#include <sched.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "base/check.hpp"
#include "base/futex.hpp"
#include "base/model_scheduler.hpp"

namespace weft {
inline namespace WEFT_ATOMIC_NAMESPACE {

using model::Scheduler;

void before_atomic_operation(const void* object, const char* operation) noexcept {
  if (Scheduler* const scheduler = Scheduler::current()) scheduler->step(object, operation);
}

void spin_hint() noexcept {
  if (Scheduler* const scheduler = Scheduler::current()) {
    scheduler->yield();
  } else {
    std::this_thread::yield();
  }
}

void ThreadMutex::lock() {
  before_atomic_operation(this, "lock");
  while (locked_.exchange(true, std::memory_order_acquire)) {
    if (Scheduler* const scheduler = Scheduler::current()) {
      scheduler->block(this, false);
    } else {
      std::this_thread::yield();
    }
  }
}

bool ThreadMutex::try_lock() {
  before_atomic_operation(this, "try_lock");
  return !locked_.exchange(true, std::memory_order_acquire);
}

void ThreadMutex::unlock() {
  before_atomic_operation(this, "unlock");
  locked_.store(false, std::memory_order_release);
  if (Scheduler* const scheduler = Scheduler::current()) scheduler->wake(this, true);
}

bool futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected,
                const std::chrono::steady_clock::time_point* deadline) noexcept {
  // The load is the scheduling point; from it to block() the baton stays here, as the kernel's lock
  // would.
  if (word.load(std::memory_order_relaxed) != expected) return true;
  if (Scheduler* const scheduler = Scheduler::current()) {
    return scheduler->block(&word, deadline != nullptr);
  }
  std::this_thread::yield();
  return deadline == nullptr || std::chrono::steady_clock::now() < *deadline;
}

void futex_wake_one(const Atomic<std::uint32_t>* word) noexcept {
  before_atomic_operation(word, "futex_wake");
  if (Scheduler* const scheduler = Scheduler::current()) scheduler->wake(word, false);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft

namespace weft::model {
inline namespace WEFT_ATOMIC_NAMESPACE {
namespace {

// Handing the baton to a thread on the same processor is a context switch; waking another processor
// takes many times as long. Threads inherit the setting. Only a matter of speed: failure is
// ignored.
class OneProcessor {
 public:
  OneProcessor() noexcept {
    known_ = ::sched_getaffinity(0, sizeof(before_), &before_) == 0;
    const int here = ::sched_getcpu();
    if (!known_ || here < 0) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(here), &one);
    ::sched_setaffinity(0, sizeof(one), &one);
  }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;
  ~OneProcessor() {
    if (known_) ::sched_setaffinity(0, sizeof(before_), &before_);
  }

 private:
  cpu_set_t before_{};
  bool known_ = false;
};

Report run_all(const Options& options, Chooser& chooser,
               const std::function<void(Execution&)>& body) {
  const OneProcessor pinned;
  const auto scheduler = std::make_shared<Scheduler>(options, chooser);
  Report report;
  while (report.executions < options.iterations && !report.exhausted) {
    chooser.begin(report.executions++);
    if (!scheduler->execute(body)) {
      report.failed = true;
      report.text = scheduler->text();
      return report;
    }
    report.exhausted = !chooser.advance();
  }
  scheduler->stop();
  return report;
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
  if (options.strategy == Strategy::kBounded) {
    BoundedChooser chooser(options.preemption_bound);
    return run_all(options, chooser, body);
  }
  Options chosen = options;
  if (const char* const replay = std::getenv("WEFT_SEED")) {
    chosen.seed = std::strtoull(replay, nullptr, 0);
    chosen.iterations = 1;
  }
  RandomChooser chooser(chosen.seed);
  Report report = run_all(chosen, chooser, body);
  if (report.failed) report.seed = chooser.seed();
  return report;
}

void require(bool condition, const char* text) {
  if (condition) return;
  Scheduler* const scheduler = Scheduler::current();
  WEFT_CHECK(scheduler != nullptr, "a requirement failed outside of an execution");
  scheduler->fail(std::string("required: ") + text);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::model

#endif
