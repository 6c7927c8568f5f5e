// The queue of woken children in every interleaving: children of a group, of a FutureSet, and
// children that are dropped while their wakers are in use. The comment of each test names the
// faults in src/future/ready_queue.cpp (or the header named) that the test was seen to catch.
#include <weft/future_set.hpp>
#include <weft/futures.hpp>
#include <weft/join.hpp>

#include <array>
#include <functional>
#include <optional>

#include "model/future_model.hpp"

namespace weft::model::ready_queue_model_test {
namespace {

/// A leaf of one value.
class Leaf {
 public:
  class Wait {
   public:
    explicit Wait(Leaf& leaf) noexcept : leaf_(&leaf) {}
    Poll<void> poll(Context& cx) {
      ++leaf_->polls;
      leaf_->waker_.register_waker(cx.waker());
      if (!leaf_->set_.load(std::memory_order_acquire)) return Pending();
      return Poll<void>::ready();
    }

   private:
    Leaf* leaf_;
  };
  void set() noexcept {
    set_.store(true, std::memory_order_release);
    waker_.wake();
  }
  void wake() noexcept { waker_.wake(); }
  int polls = 0;  // the poller's

 private:
  AtomicWaker waker_;
  Atomic<bool> set_{false};
};

// Catches: a begin_poll() that looks into the queue before it registers the waker; a node whose
// mark is cleared after its poll instead of before.
void join_of_two(Execution& execution) {
  const NoLeak no_leak;
  {
    std::array<Leaf, 2> leaves;
    auto both = std::optional(futures::join(Leaf::Wait(leaves[0]), Leaf::Wait(leaves[1])));
    AwaitingTask task([&](Context& cx) {
      const bool ready = both->poll(cx).is_ready();
      if (ready) both.reset();
      return ready;
    });
    execution.thread([&] { task.run_to_end(); });
    for (Leaf& leaf : leaves) execution.thread([&leaf] { leaf.set(); });
    execution.join_all();
    require(task.resumed == 1, "it ends");
    for (const Leaf& leaf : leaves) require(leaf.polls <= 2, "polled at first, and when woken");
  }
  no_leak.check();
}

TEST(ReadyQueueModel, AJoinIsWokenByItsChildren) {
  expect_holds_exhaustively(2, join_of_two);
  expect_holds_randomly(20000, join_of_two);
}

// Catches: a push() that succeeds after close(), so that blocks stay in a list that is never taken;
// a wake that has no reference to the node it pushes; a close() that does not release what it
// finds.
void drop_against_wakes(Execution& execution) {
  const NoLeak no_leak;
  {
    std::array<Leaf, 2> leaves;
    auto set = std::make_unique<FutureSet<Leaf::Wait>>();
    for (Leaf& leaf : leaves) set->push(Leaf::Wait(leaf));
    const Waker noop;
    Context cx(noop);
    require(set->poll_next(cx).is_pending(), "nothing is there");
    execution.thread([&] { set.reset(); });
    execution.thread([&] { leaves[0].wake(); });
    execution.thread([&] { leaves[1].set(); });
    execution.join_all();
  }
  no_leak.check();
}

TEST(ReadyQueueModel, ASetIsDroppedWhileItsChildrenAreWoken) {
  expect_holds_exhaustively(3, drop_against_wakes);
  expect_holds_randomly(20000, drop_against_wakes);
}

// Catches: two pushes of one node (a wake that ignores the mark); a link that is written while the
// node is in the list.
void one_child_many_wakes(Execution& execution) {
  const NoLeak no_leak;
  {
    Atomic<int> there{0};
    std::array<WakerBox, 2> boxes;
    auto poll = [&](Context& cx) -> Poll<void> {
      for (WakerBox& box : boxes) box.put(cx.waker());
      if (there.load(std::memory_order_acquire) != 2) return Pending();
      return Poll<void>::ready();
    };
    using Child = decltype(futures::poll_fn(std::ref(poll)));
    auto set = std::make_unique<FutureSet<Child>>();
    set->push(futures::poll_fn(std::ref(poll)));
    AwaitingTask task([&](Context& cx) { return set->poll_next(cx).is_ready(); });
    execution.thread([&] {
      task.run_to_end();
      set.reset();
    });
    for (WakerBox& box : boxes) {
      execution.thread([&there, &box] {
        Waker waker = box.take();
        there.fetch_add(1, std::memory_order_release);
        waker.wake_by_ref();
        std::move(waker).wake();
      });
    }
    execution.join_all();
    require(task.resumed == 1, "its result came");
  }
  no_leak.check();
}

TEST(ReadyQueueModel, OneChildIsWokenFromManySides) {
  expect_holds_exhaustively(1, one_child_many_wakes);
  expect_holds_randomly(50000, one_child_many_wakes);
}

// Catches: a result that is given while other nodes wait in the queue and their waker is never
// woken again (a pop() that takes the whole list and forgets the rest).
void results_one_by_one(Execution& execution) {
  const NoLeak no_leak;
  {
    std::array<Leaf, 2> leaves;
    auto set = std::make_unique<FutureSet<Leaf::Wait>>();
    for (Leaf& leaf : leaves) set->push(Leaf::Wait(leaf));
    int results = 0;
    AwaitingTask task([&](Context& cx) {
      while (set->poll_next(cx).is_ready()) {
        if (++results == 2) return true;
      }
      return false;
    });
    execution.thread([&] {
      task.run_to_end();
      set.reset();
    });
    for (Leaf& leaf : leaves) execution.thread([&leaf] { leaf.set(); });
    execution.join_all();
    require(results == 2, "each came once");
  }
  no_leak.check();
}

TEST(ReadyQueueModel, EveryResultComesOnce) {
  expect_holds_exhaustively(2, results_one_by_one);
  expect_holds_randomly(20000, results_one_by_one);
}

}  // namespace
}  // namespace weft::model::ready_queue_model_test
