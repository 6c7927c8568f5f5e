// IdleSet with its workers' loop: no interleaving leaves work lying while a worker sleeps.
#include "exec/idle_set.hpp"

#include <array>
#include <utility>

#include "model/model_test.hpp"

namespace weft::model {
namespace {

/// Workers reduced to what concerns sleeping: one queue, and the protocol of Worker::turn() and
/// Worker::sleep().
class Crew {
 public:
  /// `looks`: who has nothing to do looks around for what comes from outside before it sleeps.
  explicit Crew(int items, bool looks = false) : items_(items), looks_(looks) {}

  void push() {
    work_.fetch_add(1, std::memory_order_relaxed);
    wake_one();
  }
  /// By a thread that is no worker.
  void push_from_outside() {
    work_.fetch_add(1, std::memory_order_relaxed);
    unpark(idle_.worker_to_wake_from_outside());
  }
  /// One worker more, which looks for work, and is needed no more before it has found any.
  void stand_in_and_retire() {
    idle_.join();
    if (idle_.start_search() && idle_.stop_search()) wake_one();
    idle_.leave();
  }
  /// One more, which looks around, runs what that brings, and is needed no more.
  void look_around_and_retire(std::size_t index) {
    idle_.join();
    bool searching = false;
    if (look_around(searching) == Look::taken) hold_item(index);
    idle_.leave();
  }
  /// Takes items until all have been taken. Each is held until all are: so each needs a worker of
  /// its own, and one that is left lying, or whose worker was not called, is a deadlock.
  void work(std::size_t index) {
    bool searching = false;
    while (finished_.load(std::memory_order_relaxed) == 0) {
      if (take()) {
        if (searching && idle_.stop_search()) wake_one();
        searching = false;
        hold_item(index);
        continue;
      }
      if (!searching) searching = idle_.start_search();
      if (searching && take()) {
        if (idle_.stop_search()) wake_one();
        searching = false;
        hold_item(index);
        continue;
      }
      if (looks_) {
        const Look look = look_around(searching);
        if (look == Look::taken) hold_item(index);
        if (look != Look::nothing) continue;
      }
      idle_.sleep(index, searching);
      atomic_fence(std::memory_order_seq_cst);
      if (work_.load(std::memory_order_relaxed) != 0) wake_one();
      parkers_[index].park();
      searching = idle_.awake(index);
    }
  }

 private:
  void wake_one() { unpark(idle_.worker_to_wake()); }
  void unpark(std::size_t index) {
    if (index != IdleSet::none) parkers_[index].unpark();
  }
  enum class Look { nothing, again, taken };

  /// The protocol of Worker::look_around().
  Look look_around(bool& searching) {
    if (std::exchange(searching, false)) {
      static_cast<void>(idle_.stop_search());
      atomic_fence(std::memory_order_seq_cst);
      if (work_.load(std::memory_order_relaxed) != 0) {
        wake_one();
        return Look::again;
      }
    }
    if (!idle_.start_look()) return Look::nothing;
    // The look: what it sees is no matter.
    static_cast<void>(work_.load(std::memory_order_relaxed));
    idle_.end_look();
    const bool taken = take();
    if (work_.load(std::memory_order_relaxed) != 0) wake_one();
    return taken ? Look::taken : Look::nothing;
  }
  bool take() {
    int seen = work_.load(std::memory_order_relaxed);
    while (seen != 0) {
      if (work_.compare_exchange_strong(seen, seen - 1, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void hold_item(std::size_t index) {
    if (held_.fetch_add(1, std::memory_order_acq_rel) + 1 == items_) {
      finished_.store(1, std::memory_order_relaxed);
      for (ThreadParker& parker : parkers_) parker.unpark();
      for (ThreadParker& parker : all_held_) parker.unpark();
    }
    all_held_[index].park();
  }

  int items_;
  bool looks_;
  IdleSet idle_{2, 3};
  Atomic<int> work_{0};
  Atomic<int> held_{0};
  Atomic<int> finished_{0};
  std::array<ThreadParker, 2> parkers_;
  std::array<ThreadParker, 3> all_held_;
};

/// A thread that pushes two items by `push`, and the two workers.
void start(Execution& execution, Crew& crew, void (Crew::*push)()) {
  execution.thread([&crew, push] {
    (crew.*push)();
    (crew.*push)();
  });
  execution.thread([&crew] { crew.work(0); });
  execution.thread([&crew] { crew.work(1); });
}

void one_producer(Execution& execution) {
  Crew crew(2);
  start(execution, crew, &Crew::push);
  execution.join_all();
}

TEST(IdleSetModel, NoWorkIsLeftLyingWhileAWorkerSleeps) {
  expect_holds_exhaustively(2, one_producer);
  expect_holds_randomly(20000, one_producer);
}

void two_producers(Execution& execution) {
  Crew crew(2);
  execution.thread([&] { crew.push(); });
  execution.thread([&] { crew.push(); });
  execution.thread([&] { crew.work(0); });
  execution.thread([&] { crew.work(1); });
  execution.join_all();
}

TEST(IdleSetModel, NorWithTwoProducers) { expect_holds_randomly(20000, two_producers); }

/// What comes while a worker looks around calls nobody.
void one_looks_around(Execution& execution) {
  Crew crew(2, true);
  start(execution, crew, &Crew::push_from_outside);
  execution.join_all();
}

TEST(IdleSetModel, NorWhenOneLooksAround) {
  expect_holds_exhaustively(2, one_looks_around);
  expect_holds_weakly(1, 2, one_looks_around);
  expect_holds_randomly(30000, one_looks_around);
}

/// What is pushed while the one who searches is about to retire is somebody else's.
void one_retires(Execution& execution) {
  Crew crew(2);
  start(execution, crew, &Crew::push);
  execution.thread([&] { crew.stand_in_and_retire(); });
  execution.join_all();
}

TEST(IdleSetModel, NorWhenASpareOneRetires) {
  expect_holds_exhaustively(1, one_retires);
  expect_holds_randomly(30000, one_retires);
}

/// And when the one who looks around retires after it.
void one_looks_around_and_retires(Execution& execution) {
  Crew crew(2);
  start(execution, crew, &Crew::push_from_outside);
  execution.thread([&] { crew.look_around_and_retire(2); });
  execution.join_all();
}

TEST(IdleSetModel, NorWhenASpareOneLooksAroundAndRetires) {
  expect_holds_exhaustively(1, one_looks_around_and_retires);
  expect_holds_randomly(30000, one_looks_around_and_retires);
}

/// The only worker of a scheduler: it does not search.
class Loner {
 public:
  explicit Loner(bool looks = false) : looks_(looks) {}

  void push() {
    work_.fetch_add(1, std::memory_order_relaxed);
    unpark(idle_.worker_to_wake());
  }
  void push_from_outside() {
    work_.fetch_add(1, std::memory_order_relaxed);
    unpark(idle_.worker_to_wake_from_outside());
  }
  /// Takes `items` items; one that is left lying while it sleeps is a deadlock.
  void work(int items) {
    while (items != 0) {
      const int taken = work_.exchange(0, std::memory_order_relaxed);
      items -= taken;
      if (taken != 0) continue;
      if (looks_ && idle_.start_look()) idle_.end_look();
      idle_.sleep(0, false);
      atomic_fence(std::memory_order_seq_cst);
      if (work_.load(std::memory_order_relaxed) != 0) unpark(idle_.worker_to_wake());
      parker_.park();
      EXPECT_FALSE(idle_.awake(0));
    }
  }

 private:
  void unpark(std::size_t index) {
    if (index != IdleSet::none) parker_.unpark();
  }

  bool looks_;
  IdleSet idle_{1};
  Atomic<int> work_{0};
  ThreadParker parker_;
};

void one_producer_for_one(Execution& execution) {
  Loner loner;
  execution.thread([&] {
    loner.push();
    loner.push();
  });
  execution.thread([&] { loner.work(2); });
  execution.join_all();
}

void two_producers_for_one(Execution& execution) {
  Loner loner;
  execution.thread([&] { loner.push(); });
  execution.thread([&] { loner.push(); });
  execution.thread([&] { loner.work(2); });
  execution.join_all();
}

TEST(IdleSetModel, TheOnlyWorkerIsWoken) {
  expect_holds_exhaustively(2, one_producer_for_one);
  expect_holds_weakly(3, 2, one_producer_for_one);
  expect_holds_exhaustively(2, two_producers_for_one);
  expect_holds_randomly(20000, two_producers_for_one);
}

void one_producer_for_one_that_looks_around(Execution& execution) {
  Loner loner(true);
  execution.thread([&] {
    loner.push_from_outside();
    loner.push_from_outside();
  });
  execution.thread([&] { loner.work(2); });
  execution.join_all();
}

TEST(IdleSetModel, TheOnlyWorkerLooksAroundAndSleeps) {
  expect_holds_exhaustively(2, one_producer_for_one_that_looks_around);
  expect_holds_weakly(2, 2, one_producer_for_one_that_looks_around);
}

}  // namespace
}  // namespace weft::model
