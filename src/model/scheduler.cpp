#include "model/scheduler.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1::model {
namespace {

constinit thread_local Scheduler* current_scheduler = nullptr;

// Never inlined: a compiler may keep the address of a thread_local over a switch.
[[gnu::noinline]] Scheduler* make_current(Scheduler* scheduler) noexcept {
  return std::exchange(current_scheduler, scheduler);
}

/// A step that is not an operation on an object with values.
ModelAccess event(const void* object, const char* what) noexcept {
  return {object,
          what,
          std::memory_order_relaxed,
          std::memory_order_relaxed,
          ModelAccess::Kind::none,
          0,
          std::source_location()};
}

}  // namespace

Scheduler::Scheduler(const Options& options, Chooser& chooser)
    : options_(options),
      chooser_(chooser),
      memory_(options, chooser),
      trace_(std::min<std::size_t>(options.max_steps, 4096)) {}

[[gnu::noinline]] Scheduler* Scheduler::current() noexcept { return current_scheduler; }

// ---- the controller ----

bool Scheduler::execute(const std::function<void(Execution&)>& body) {
  thread_count_ = 0;
  steps_ = 0;
  ended_ = Ended::no;
  trace_.clear();
  memory_.begin_execution();
  start([&body] {
    Execution execution;
    body(execution);
  });
  current_ = 0;
  Scheduler* const before = make_current(this);
  controller_.switch_to(*threads_[0].flow);
  make_current(before);
  if (ended_ == Ended::well) return true;
  for (Thread& each : threads_) {
    if (each.flow != nullptr) each.flow->keep_for_good();
  }
  return false;
}

void Scheduler::stop() {
  stopping_ = true;
  for (Thread& each : threads_) {
    if (each.flow != nullptr) controller_.switch_to(*each.flow);
  }
}

// ---- threads ----

void Scheduler::start(std::function<void()> run) {
  WEFT_CHECK(thread_count_ < threads_.size(),
             "too many threads in one execution: start at most seven");
  const std::size_t id = thread_count_++;
  Thread& self = threads_[id];
  self.status = Status::kRunnable;
  self.waits = Wait::none;
  self.next = nullptr;
  self.run = std::move(run);
  if (self.flow == nullptr) self.flow = std::make_unique<ModelFlow>(&Scheduler::work, this);
}

void Scheduler::work(ModelFlow& flow) noexcept {
  auto& scheduler = *static_cast<Scheduler*>(flow.owner());
  const auto mine = [&flow](const Thread& each) { return each.flow.get() == &flow; };
  const auto self = static_cast<std::size_t>(
      std::find_if(scheduler.threads_.begin(), scheduler.threads_.end(), mine) -
      scheduler.threads_.begin());
  while (!scheduler.stopping_) {
    scheduler.run_job(self);
    scheduler.finish(self);
  }
  flow.switch_to(scheduler.controller_, true);
}

void Scheduler::run_job(std::size_t self) {
  // Destroys the function's captures here, as part of the thread, not in a later execution.
  const std::function<void()> run = std::exchange(threads_[self].run, nullptr);
  std::string escaped;
  try {
    run();
    return;
  } catch (const std::exception& error) {
    escaped = error.what();
  } catch (...) {
    escaped = "of unknown type";
  }
  fail("an exception left the thread: " + escaped);
}

/// Returns when a switch back to the caller occurs.
void Scheduler::switch_to(std::size_t thread) {
  ModelFlow& from = *threads_[current_].flow;
  current_ = thread;
  from.switch_to(*threads_[thread].flow);
}

Candidates Scheduler::candidates() const {
  Candidates found;
  const auto add = [&found](std::size_t id) { found.threads[found.count++] = id; };
  found.current_first = threads_[current_].status == Status::kRunnable;
  if (found.current_first) {
    add(current_);
    found.free_count = 1;
  }
  for (std::size_t id = 0; id < thread_count_; ++id) {
    if (id != current_ && threads_[id].status == Status::kRunnable) add(id);
  }
  // Leaving a thread that could go on is a preemption. So is a time-out, or another iteration of a
  // spinning thread, while other threads could run.
  if (!found.current_first) found.free_count = found.count;
  found.ready_count = found.count;
  bool spins = false;
  for (std::size_t id = 0; id < thread_count_; ++id) {
    const Status status = threads_[id].status;
    if (status != Status::kYielded && status != Status::kMayTimeOut) continue;
    spins |= status == Status::kYielded;
    add(id);
  }
  if (found.free_count != 0) return found;
  // Of the spinning threads the one that has waited longest goes first; otherwise two of them could
  // spin for ever.
  if (spins) {
    std::sort(found.threads, found.threads + found.count, [this](std::size_t a, std::size_t b) {
      return threads_[a].waits_since < threads_[b].waits_since;
    });
  }
  found.free_count = spins ? 1 : found.count;
  return found;
}

// Chooses the next thread. Returns when that is the caller: at once, or when it is resumed.
void Scheduler::reschedule() {
  const Candidates found = candidates();
  if (found.count == 0) fail(why_nobody_can_run());
  const std::size_t next = found.threads[chooser_.thread(found)];
  if (next != current_) switch_to(next);
}

void Scheduler::finish(std::size_t self) {
  threads_[self].status = Status::kFinished;
  if (self == 0) {
    if (!others_finished()) fail("the body returned while threads run: call join_all() first");
    if (const std::string leaks = memory_.leaks(); !leaks.empty()) fail(leaks);
    ended_ = Ended::well;
    threads_[self].flow->switch_to(controller_);
    return;
  }
  if (others_finished()) wake(this, true);
  reschedule();
}

bool Scheduler::others_finished() const {
  return std::all_of(threads_.begin() + 1,
                     threads_.begin() + static_cast<std::ptrdiff_t>(thread_count_),
                     [](const Thread& each) { return each.status == Status::kFinished; });
}

// ---- what a thread of the program asks for ----

void Scheduler::step(const ModelAccess& access) {
  threads_[current_].next = &access;
  if (steps_++ >= options_.max_steps) {
    fail("no end after " + std::to_string(options_.max_steps) +
         " steps: a livelock, or raise max_steps");
  }
  reschedule();
  if (access.object != nullptr) check(memory_.use(current_, access.object), access);
  threads_[current_].next = nullptr;
}

void Scheduler::note(const ModelAccess& access, TraceStep::Effect effect, std::uint64_t read,
                     std::uint64_t written) {
  const char* const name = access.object != nullptr ? memory_.name_of(access.object) : nullptr;
  trace_.add({current_, access, name, effect, read, written});
}

void Scheduler::check(const std::string& problem, const ModelAccess& access) {
  if (problem.empty()) return;
  threads_[current_].next = &access;
  fail(problem);
}

bool Scheduler::block(const void* object, Wait what, bool may_time_out) {
  Thread& self = threads_[current_];
  self.status = may_time_out ? Status::kMayTimeOut : Status::kBlocked;
  self.waits = what;
  self.waits_for = object;
  self.waits_since = steps_;
  self.woken = false;
  const ModelAccess shown = event(object == this ? nullptr : object, "");
  const auto note_event = [&](const char* text) {
    ModelAccess access = shown;
    access.operation = text;
    note(access);
  };
  note_event(what == Wait::end ? "waits for the others to end" : "  blocks on");
  reschedule();
  self.status = Status::kRunnable;  // still kMayTimeOut if resumed without wake()
  self.waits = Wait::none;
  if (what != Wait::end) note_event(self.woken ? "  is woken, on" : "  times out, on");
  return self.woken;
}

void Scheduler::wake(const void* object, bool all) {
  for (std::size_t id = 0; id < thread_count_; ++id) {
    Thread& each = threads_[id];
    const bool waits = each.status == Status::kBlocked || each.status == Status::kMayTimeOut;
    if (!waits || each.waits_for != object) continue;
    each.status = Status::kRunnable;
    each.woken = true;
    if (!all) return;
  }
}

void Scheduler::yield() {
  const std::size_t self = current_;
  const ModelAccess access = event(nullptr, "spin_hint");
  threads_[self].status = Status::kYielded;
  threads_[self].waits_since = steps_;
  step(access);
  threads_[self].status = Status::kRunnable;
  note(access);
}

void Scheduler::spawn(std::function<void()> run) {
  const std::size_t started = thread_count_;
  start(std::move(run));
  memory_.begin_thread(started, current_);
  const ModelAccess access = event(nullptr, "starts a thread");
  note(access);
  step(access);
}

void Scheduler::join_all() {
  if (!others_finished()) block(this, Wait::end, false);
  for (std::size_t id = 1; id < thread_count_; ++id) memory_.join_thread(id, current_);
}

// ---- failure ----

// All threads, the failing one too, stay suspended: unwinding them would run the program's code in
// an invalid state.
void Scheduler::fail(const std::string& reason) {
  text_ = describe(reason);
  ended_ = Ended::failed;
  threads_[current_].flow->switch_to(controller_);
  __builtin_unreachable();  // no flow switches back
}

std::string Scheduler::why_nobody_can_run() const {
  const auto any = [this](Wait what) {
    return std::any_of(threads_.begin(),
                       threads_.begin() + static_cast<std::ptrdiff_t>(thread_count_),
                       [what](const Thread& each) {
                         return each.status == Status::kBlocked && each.waits == what;
                       });
  };
  if (any(Wait::mutex) && any(Wait::wake)) {
    return "deadlock: no thread can run: some sleep, others wait for a mutex";
  }
  if (any(Wait::mutex)) return "deadlock: no thread can run: a mutex that nobody will unlock";
  return "deadlock: no thread can run: a lost wake-up, who sleeps will never be woken";
}

std::string Scheduler::describe(const std::string& reason) {
  // The steps first: objects are numbered by their first use.
  const std::string steps = trace_.last(options_.trace_steps);
  std::string schedule = "WEFT_SCHEDULE=" + chooser_.schedule();
  constexpr std::size_t most_shown = 1000;
  if (schedule.size() > most_shown) schedule = "see Report::schedule, which is too long to show";
  return "thread " + std::to_string(current_) + ": " + reason +
         "\nreplay: " + chooser_.how_to_replay() + "; just this execution: " + schedule +
         "\nthe last steps:\n" + steps + where_threads_are();
}

std::string Scheduler::where_threads_are() {
  std::string text;
  for (std::size_t id = 0; id < thread_count_; ++id) {
    const Thread& each = threads_[id];
    const std::string who = "  thread " + std::to_string(id);
    if (each.waits == Wait::end) {
      text += who + " waits for the others to end\n";
    } else if (each.waits != Wait::none) {
      text += who + (each.waits == Wait::mutex ? " waits for the mutex " : " waits for ") +
              trace_.name_of(each.waits_for, memory_.name_of(each.waits_for)) + "\n";
    } else if (each.next != nullptr) {
      const char* const name =
          each.next->object != nullptr ? memory_.name_of(each.next->object) : nullptr;
      text += (id == current_ ? "  fails at: " : "  is about to: ") +
              trace_.line({id, *each.next, name}, false) + "\n";
    }
  }
  return text;
}

}  // namespace weft::inline v0_1::model
