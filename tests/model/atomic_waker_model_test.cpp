// AtomicWaker in every interleaving. The comment of each test names the faults in
// src/future/atomic_waker.cpp that the test was seen to catch.
#include <weft/extend/atomic_waker.hpp>

#include <array>

#include "model/model_test.hpp"

namespace weft::model::atomic_waker_model_test {
namespace {

/// A thread that a Waker can wake. Counts handles and wakes.
class ParkedPoller {
 public:
  [[nodiscard]] Waker waker() noexcept {
    handles.fetch_add(1, std::memory_order_relaxed);
    return Waker(RawWaker{this, &vtable});
  }
  void wait() noexcept { parker_.park(); }
  [[nodiscard]] int wakes() const noexcept { return wakes_.load(std::memory_order_relaxed); }

  Atomic<int> handles{0};

 private:
  static ParkedPoller& of(void* data) noexcept { return *static_cast<ParkedPoller*>(data); }
  void wake() noexcept {
    wakes_.fetch_add(1, std::memory_order_relaxed);
    parker_.unpark();
  }
  static const WakerVTable vtable;
  ThreadParker parker_;
  Atomic<int> wakes_{0};
};

const WakerVTable ParkedPoller::vtable{
    .clone =
        [](void* data) {
          of(data).handles.fetch_add(1, std::memory_order_relaxed);
          return RawWaker{data, &vtable};
        },
    .wake =
        [](void* data) noexcept {
          of(data).handles.fetch_sub(1, std::memory_order_relaxed);
          of(data).wake();
        },
    .wake_by_ref = [](void* data) noexcept { of(data).wake(); },
    .drop = [](void* data) noexcept { of(data).handles.fetch_sub(1, std::memory_order_relaxed); },
};

// Catches: a leaf that checks before it registers.
void register_then_look(Execution& execution) {
  ParkedPoller poller;
  {
    AtomicWaker cell;
    Atomic<bool> ready{false};
    execution.thread([&] {
      const Waker waker = poller.waker();
      for (;;) {
        cell.register_waker(waker);
        if (ready.load(std::memory_order_acquire)) return;
        poller.wait();
        spin_hint();  // as below
      }
    });
    execution.thread([&] {
      ready.store(true, std::memory_order_release);
      cell.wake();
    });
    execution.join_all();
  }
  require(poller.handles.load(std::memory_order_relaxed) == 0, "every handle was dropped once");
}

TEST(AtomicWakerModel, ALeafThatRegistersAndThenLooksMissesNothing) {
  expect_holds_exhaustively(6, register_then_look);
}

// Catches: a register_waker() that keeps the old waker of the slot.
void last_one_wins(Execution& execution) {
  ParkedPoller first;
  ParkedPoller last;
  {
    AtomicWaker cell;
    Atomic<bool> ready{false};
    execution.thread([&] {
      cell.register_waker(first.waker());
      cell.register_waker(last.waker());
      while (!ready.load(std::memory_order_acquire)) last.wait();
    });
    execution.thread([&] {
      ready.store(true, std::memory_order_release);
      cell.wake();
    });
    execution.join_all();
  }
  require(first.handles.load(std::memory_order_relaxed) == 0, "the first was let go");
  require(last.handles.load(std::memory_order_relaxed) == 0, "and so was the last");
}

TEST(AtomicWakerModel, TheLastWakerThatWasRegisteredIsTheOneThatCounts) {
  expect_holds_exhaustively(6, last_one_wins);
}

// Catches: a register_waker() that does not repeat a wake which found the slot taken, and one that
// gives up silently during a wake.
void register_against_wake(Execution& execution) {
  ParkedPoller poller;
  AtomicWaker cell;
  execution.thread([&] { cell.register_waker(poller.waker()); });
  execution.thread([&] { cell.wake(); });
  execution.thread([&] { cell.wake(); });
  execution.join_all();
  require(poller.wakes() <= 1, "woken once at most");
  cell.wake();
  require(poller.wakes() == 1, "woken, or still registered");
  require(poller.handles.load(std::memory_order_relaxed) == 0, "every handle was dropped once");
}

TEST(AtomicWakerModel, AWakeIsNotSwallowedByARegistration) {
  expect_holds_exhaustively(4, register_against_wake);
}

// Catches: a leaf that wakes before it has published its value.
void many_wake(Execution& execution) {
  ParkedPoller poller;
  {
    AtomicWaker cell;
    Atomic<int> progress{0};
    execution.thread([&] {
      const Waker waker = poller.waker();
      for (;;) {
        cell.register_waker(waker);
        if (progress.load(std::memory_order_acquire) == 2) return;
        poller.wait();
        spin_hint();  // woken by itself during a wake: that wake must be let finish
      }
    });
    for (int i = 0; i < 2; ++i) {
      execution.thread([&] {
        progress.fetch_add(1, std::memory_order_release);
        cell.wake();
      });
    }
    execution.join_all();
  }
  require(poller.handles.load(std::memory_order_relaxed) == 0, "every handle was dropped once");
}

TEST(AtomicWakerModel, SeveralMayWakeAtOnce) {
  expect_holds_exhaustively(3, many_wake);
  expect_holds_randomly(50000, many_wake);
}

// Catches: a take() that returns a copy and leaves the waker in the slot.
void taken_once(Execution& execution) {
  ParkedPoller poller;
  AtomicWaker cell;
  cell.register_waker(poller.waker());
  for (int i = 0; i < 2; ++i) execution.thread([&] { cell.wake(); });
  execution.thread([&] { (void)cell.take(); });
  execution.join_all();
  require(poller.wakes() <= 1, "one takes it");
  require(poller.handles.load(std::memory_order_relaxed) == 0, "and nobody keeps it");
}

TEST(AtomicWakerModel, OneWakeTakesIt) { expect_holds_exhaustively(3, taken_once); }

}  // namespace
}  // namespace weft::model::atomic_waker_model_test
