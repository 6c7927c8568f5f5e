// TaskHeader on an executor that only collects: the end of a leaf, a cancel, the budget.
// AsyncBacktrace.
#include <weft/task.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace weft::task_header_test {
namespace {

/// Keeps scheduled work until run_all().
class CollectingExecutor final : public detail::TaskExecutor {
 public:
  void schedule(Runnable& work) noexcept override { scheduled.push_back(&work); }
  void defer(Runnable& work) noexcept override {
    ++deferred;
    scheduled.push_back(&work);
  }
  void hold() noexcept override { ++held; }
  void release() noexcept override { --held; }
  void run_all() {
    while (!scheduled.empty()) {
      Runnable* const work = scheduled.front();
      scheduled.erase(scheduled.begin());
      work->run();
    }
  }

  std::vector<Runnable*> scheduled;
  int deferred = 0;
  int held = 0;
};

/// The root of a chain; records its end.
class Root final : public TaskHeader {
 public:
  Root(Task<void> task, detail::TaskExecutor& executor)
      : TaskHeader(&Root::on_finish), task_(std::move(task)) {
    bind(task_.promise(), executor);
  }
  int ends = 0;
  Ending ending = Ending::returned;

 private:
  static void on_finish(TaskHeader& self, Ending how) noexcept {
    auto& root = static_cast<Root&>(self);
    ++root.ends;
    root.ending = how;
    root.task_ = Task<void>();
  }
  Task<void> task_;
};

/// A leaf that the test ends.
class HandLeaf : private CancelHook {
 public:
  HandLeaf() noexcept : CancelHook(&HandLeaf::on_request) {}

  class Awaiter {
   public:
    explicit Awaiter(HandLeaf& leaf) noexcept : leaf_(leaf) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <WeftPromise P>
    void await_suspend(std::coroutine_handle<P> innermost) noexcept {
      TaskHeader& waiting = innermost.promise().task();
      leaf_.task = &waiting;
      waiting.suspended_at(innermost.promise());
      if (!waiting.arm(leaf_)) waiting.leaf_ended(true);
    }
    void await_resume() const noexcept {}

   private:
    HandLeaf& leaf_;
  };
  [[nodiscard]] Awaiter operator co_await() noexcept { return Awaiter(*this); }

  TaskHeader* task = nullptr;
  int requests = 0;
  bool end_in_request = true;

 private:
  static void on_request(CancelHook& self) noexcept {
    auto& leaf = static_cast<HandLeaf&>(self);
    ++leaf.requests;
    TaskHeader* const task = leaf.task;
    if (leaf.end_in_request) task->leaf_ended(true);
    task->request_finished();
  }
};

Task<void> wait_at(HandLeaf& leaf, int& reached) {
  reached = 1;
  co_await leaf;
  reached = 2;
}
Task<void> parent_of(HandLeaf& leaf, int& reached) { co_await wait_at(leaf, reached); }

TEST(TaskHeader, RunsUntilALeafAndGoesOnWhenTheLeafHasEnded) {
  CollectingExecutor executor;
  HandLeaf leaf;
  int reached = 0;
  Root root(parent_of(leaf, reached), executor);
  root.start();
  EXPECT_EQ(reached, 0);
  executor.run_all();
  EXPECT_EQ(reached, 1);
  leaf.task->leaf_ended(false);
  EXPECT_EQ(executor.scheduled.size(), 1U);
  executor.run_all();
  EXPECT_EQ(reached, 2);
  EXPECT_EQ(root.ends, 1);
  EXPECT_EQ(root.ending, Ending::returned);
}

TEST(TaskHeader, ACancelAsksTheLeafAndUnwindsLater) {
  CollectingExecutor executor;
  HandLeaf leaf;
  int reached = 0;
  Root root(parent_of(leaf, reached), executor);
  root.start();
  executor.run_all();
  root.cancel();
  root.cancel();
  EXPECT_EQ(leaf.requests, 1);
  EXPECT_EQ(root.ends, 0) << "asking runs nothing";
  EXPECT_EQ(executor.scheduled.size(), 1U);
  EXPECT_EQ(executor.held, 0);
  executor.run_all();
  EXPECT_EQ(root.ends, 1);
  EXPECT_EQ(root.ending, Ending::cancelled);
  EXPECT_EQ(reached, 1);
}

TEST(TaskHeader, ALeafThatHasItsResultInSpiteOfACancelGoesOn) {
  CollectingExecutor executor;
  HandLeaf leaf;
  leaf.end_in_request = false;
  int reached = 0;
  Root root(parent_of(leaf, reached), executor);
  root.start();
  executor.run_all();
  root.cancel();
  EXPECT_TRUE(executor.scheduled.empty());
  leaf.task->leaf_ended(false);
  executor.run_all();
  EXPECT_EQ(reached, 2);
  EXPECT_EQ(root.ending, Ending::returned);
  EXPECT_TRUE(root.cancel_requested());
}

TEST(TaskHeader, ACancelBeforeTheFirstLeafEndsThere) {
  CollectingExecutor executor;
  HandLeaf leaf;
  int reached = 0;
  Root root(parent_of(leaf, reached), executor);
  root.cancel();
  root.start();
  executor.run_all();
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(leaf.requests, 0);
  EXPECT_EQ(root.ending, Ending::cancelled);
}

Task<void> nothing() { co_return; }
Task<void> await_many(int count) {
  for (int i = 0; i < count; ++i) co_await nothing();
}

TEST(TaskHeader, ASpentBudgetPassesThroughTheQueue) {
  CollectingExecutor executor;
  constexpr int awaits = 10 * static_cast<int>(TaskHeader::full_budget);
  Root root(await_many(awaits), executor);
  root.start();
  executor.run_all();
  EXPECT_EQ(root.ends, 1);
  EXPECT_GE(executor.deferred, 10) << "one await is at least one inline continuation";
  EXPECT_LE(executor.deferred, 21) << "and at most two";
}

/// A leaf that keeps its state in itself: a copy would keep it instead.
class StayingLeaf {
 public:
  StayingLeaf() noexcept = default;
  StayingLeaf(const StayingLeaf&) = delete;
  StayingLeaf& operator=(const StayingLeaf&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P>) noexcept {
    awaited_at = this;
    return false;
  }
  const StayingLeaf* await_resume() const noexcept { return awaited_at; }

  const StayingLeaf* awaited_at = nullptr;
};
class StayingOperation {
 public:
  StayingLeaf& operator co_await() noexcept { return leaf; }
  StayingLeaf leaf;
};

StayingLeaf& returned(StayingLeaf& leaf) { return leaf; }

Task<void> await_in_place(bool& all) {
  StayingLeaf named;
  const auto owned = std::make_unique<StayingLeaf>();
  StayingLeaf array[2];
  StayingOperation operation;
  co_await named;
  co_await *owned;
  co_await array[1];
  co_await operation;
  all = named.awaited_at == &named && owned->awaited_at == owned.get() &&
        array[1].awaited_at == &array[1] && operation.leaf.awaited_at == &operation.leaf;
  StayingLeaf other;
  co_await returned(other);
  StayingLeaf captured;
  auto body = [&captured]() -> Task<void> { co_await std::move(captured); };
  co_await body();
  const StayingLeaf* const temporary = co_await StayingLeaf();
  all =
      all && other.awaited_at == &other && captured.awaited_at == &captured && temporary != nullptr;
}

TEST(TaskHeader, ALeafIsAwaitedWhereItIs) {
  CollectingExecutor executor;
  bool all = false;
  Root root(await_in_place(all), executor);
  root.start();
  executor.run_all();
  EXPECT_EQ(root.ends, 1);
  EXPECT_TRUE(all);
}

TEST(AsyncBacktrace, StartsAnewWithEachExceptionAndHasBoundedRoom) {
  AsyncBacktrace trace;
  const auto first = std::make_exception_ptr(std::runtime_error("first"));
  const auto second = std::make_exception_ptr(std::runtime_error("second"));
  const auto here = std::source_location::current();
  trace.note(first, here);
  trace.note(first, std::source_location());
  EXPECT_EQ(trace.sites().size(), 1U) << "a frame that had awaited nothing has no site";
  trace.note(second, here);
  EXPECT_EQ(trace.sites().size(), 1U);
  EXPECT_EQ(trace.sites()[0].line(), here.line());
  for (int i = 0; i < 100; ++i) trace.note(second, here);
  EXPECT_EQ(trace.sites().size(), 16U);
}

}  // namespace
}  // namespace weft::task_header_test
