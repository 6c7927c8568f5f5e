#include "base/model_scheduler.hpp"

#if WEFT_ATOMIC_MODE == 2

#include <algorithm>
#include <exception>
#include <utility>

#include "base/check.hpp"

namespace weft::model {
namespace {

// noinline: coroutines of the program under test may migrate between its threads.
[[gnu::noinline]] Scheduler*& scheduler_of_this_thread() noexcept {
  static constinit thread_local Scheduler* scheduler = nullptr;
  return scheduler;
}

}  // namespace

Scheduler::Scheduler(const Options& options, Chooser& chooser)
    : options_(options), chooser_(chooser) {
  trace_.reserve(options.max_steps + 1);
}

Scheduler* Scheduler::current() noexcept { return scheduler_of_this_thread(); }

// ---- the controller ----

bool Scheduler::execute(const std::function<void(Execution&)>& body) {
  thread_count_ = 0;
  current_ = 0;
  trace_.clear();
  done_.store(0, std::memory_order_relaxed);  // published by passing the baton
  start([&body] {
    Execution execution;
    body(execution);
  });
  pass_to(0);
  done_.wait(0, std::memory_order_acquire);
  return done_.load(std::memory_order_acquire) == 1;
}

void Scheduler::stop() {
  stopping_ = true;
  for (Thread& each : threads_) {
    if (!each.thread.joinable()) continue;
    each.baton.store(1, std::memory_order_release);
    each.baton.notify_one();
    each.thread.join();
  }
}

// ---- threads and the baton ----

void Scheduler::start(std::function<void()> run) {
  WEFT_CHECK(thread_count_ < threads_.size(),
             "too many threads in one execution: start at most seven");
  const std::size_t id = thread_count_++;
  Thread& self = threads_[id];
  self.status = Status::kRunnable;
  self.run = std::move(run);
  if (!self.thread.joinable()) {
    self.thread = std::thread([keep = shared_from_this(), id] { keep->work(id); });
  }
}

void Scheduler::work(std::size_t self) {
  scheduler_of_this_thread() = this;
  for (;;) {
    await_baton(self);
    if (stopping_) return;
    run_job(self);
    finish(self);
  }
}

void Scheduler::run_job(std::size_t self) {
  // Its captures die here, as part of the thread, and not at some later execution.
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

void Scheduler::pass_to(std::size_t thread) {
  current_ = thread;
  threads_[thread].baton.store(1, std::memory_order_release);
  threads_[thread].baton.notify_one();
}

void Scheduler::await_baton(std::size_t self) {
  threads_[self].baton.wait(0, std::memory_order_acquire);
  threads_[self].baton.store(0, std::memory_order_relaxed);  // only the holder of the baton sets it
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
  // Leaving a thread that could go on is a preemption; so is a time-out or a renewed look of a
  // spinning thread while others could still run.
  if (!found.current_first) found.free_count = found.count;
  for (std::size_t id = 0; id < thread_count_; ++id) {
    const Status status = threads_[id].status;
    if (status == Status::kYielded || status == Status::kMayTimeOut) add(id);
  }
  if (found.free_count == 0) found.free_count = found.count;
  return found;
}

// Decides who goes on. Returns when that is the caller (at once, or when the baton comes back).
void Scheduler::reschedule() {
  const std::size_t self = current_;
  const Candidates found = candidates();
  if (found.count == 0)
    fail("deadlock: no thread can run (a lost wake-up, or a lock that nobody frees)");
  const std::size_t next = found.threads[chooser_.choose(found)];
  if (next == self) return;
  pass_to(next);
  await_baton(self);
}

void Scheduler::finish(std::size_t self) {
  threads_[self].status = Status::kFinished;
  if (self == 0) {
    if (!others_finished()) fail("the body returned while threads run: call join_all() first");
    done_.store(1, std::memory_order_release);
    done_.notify_one();
    return;
  }
  if (others_finished()) wake(this, true);
  const Candidates found = candidates();
  if (found.count == 0) fail("deadlock: no thread can run after this one has ended");
  pass_to(found.threads[chooser_.choose(found)]);
}

bool Scheduler::others_finished() const {
  return std::all_of(threads_.begin() + 1,
                     threads_.begin() + static_cast<std::ptrdiff_t>(thread_count_),
                     [](const Thread& each) { return each.status == Status::kFinished; });
}

// ---- what a model thread asks for ----

void Scheduler::step(const void* object, const char* operation) {
  if (trace_.size() >= options_.max_steps) {
    fail("no end after " + std::to_string(options_.max_steps) +
         " steps: a livelock, or raise max_steps");
  }
  reschedule();
  trace_.push_back(TraceStep{current_, operation, object});
}

bool Scheduler::block(const void* object, bool may_time_out) {
  Thread& self = threads_[current_];
  self.status = may_time_out ? Status::kMayTimeOut : Status::kBlocked;
  self.waits_for = object;
  self.woken = false;
  trace_.push_back(TraceStep{current_, "  blocks", object});
  reschedule();
  self.status = Status::kRunnable;  // it is kMayTimeOut still if it was resumed without a wake()
  self.waits_for = nullptr;
  trace_.push_back(TraceStep{current_, self.woken ? "  woken" : "  timed out", object});
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
  threads_[current_].status = Status::kYielded;
  const std::size_t self = current_;
  step(nullptr, "spin_hint");
  threads_[self].status = Status::kRunnable;
}

void Scheduler::spawn(std::function<void()> run) {
  start(std::move(run));
  step(nullptr, "start a thread");
}

void Scheduler::join_all() {
  if (!others_finished()) block(this, false);
}

// ---- failure ----

void Scheduler::fail(const std::string& reason) {
  text_ = describe(reason);
  // The threads, this one too, stay where they are: unwinding them would run code of the program
  // under test in a state that it was never meant to see. Each keeps *this alive.
  for (Thread& each : threads_) {
    if (each.thread.joinable()) each.thread.detach();
  }
  done_.store(2, std::memory_order_release);
  done_.notify_one();
  const std::atomic<int> never{0};
  for (;;) never.wait(0, std::memory_order_relaxed);
}

std::string Scheduler::describe(const std::string& reason) const {
  std::vector<const void*> objects;  // numbered by first use, as addresses differ from run to run
  const auto name = [&objects](const void* object) -> std::string {
    if (object == nullptr) return "";
    const auto found = std::find(objects.begin(), objects.end(), object);
    const auto number = found - objects.begin();
    if (found == objects.end()) objects.push_back(object);
    return " object " + std::to_string(number);
  };
  std::string steps;
  const std::size_t skipped =
      trace_.size() > options_.trace_steps ? trace_.size() - options_.trace_steps : 0;
  for (std::size_t i = 0; i < trace_.size(); ++i) {
    const TraceStep& each = trace_[i];
    const std::string object = name(each.object);
    if (i < skipped) continue;
    steps += "  step " + std::to_string(i) + ": thread " + std::to_string(each.thread) + " " +
             each.operation + object + "\n";
  }
  std::string text = "thread " + std::to_string(current_) + ": " + reason +
                     "\nreplay: " + chooser_.how_to_replay() +
                     "\nthe last steps, before each operation:\n" + steps;
  for (std::size_t id = 0; id < thread_count_; ++id) {
    if (threads_[id].waits_for == nullptr) continue;
    const bool joins = threads_[id].waits_for == this;
    text += "  thread " + std::to_string(id) + " waits for" +
            (joins ? " the others to end" : name(threads_[id].waits_for)) + "\n";
  }
  return text;
}

}  // namespace weft::model

#endif
