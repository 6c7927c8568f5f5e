// The workers of a scheduler, unchanged, on parks that are nothing but a parker. No interleaving
// leaves work in a queue while a worker could run it, loses or doubles work, or misses a stop.
#include "exec/worker.hpp"

#include <weft/extend/runnable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "exec/scheduler.hpp"
#include "model/model_test.hpp"

namespace weft::model::worker_model_test {
namespace {

/// No events ever come. A poll may take an unpark, as a reactor's thread does.
class ModelPark final : public detail::Park {
 public:
  void park() noexcept override { parker_.park(); }
  bool poll() noexcept override {
    static_cast<void>(parker_.park_for(std::chrono::nanoseconds(0)));
    return true;
  }
  bool poll_now() noexcept override {
    static_cast<void>(poll());
    return false;
  }
  std::int64_t now() noexcept override { return now_ns_ += tick_ns; }
  void unpark() noexcept override { parker_.unpark(); }

  std::int64_t tick_ns = 0;  // by how much its clock advances each time that it is read

 private:
  ThreadParker parker_;
  std::int64_t now_ns_ = 0;
};

constexpr std::int64_t clock_stands_still = 0;  // then no worker spins before it parks
constexpr std::int64_t clock_goes_on = 10'000;  // a spin reads the clock twice

/// Work that counts its runs. The queues alone order its uses.
class Item : public Runnable {
 public:
  explicit Item(std::function<void()> what) : Runnable(&Item::on_run), what_(std::move(what)) {}
  /// Called by the thread that makes it runnable. The queues order this before the run.
  Item& made() {
    runs_.write() = 0;
    return *this;
  }
  void expect_run_once() { require(runs_.read() == 1, "each piece of work is run once"); }

 private:
  static void on_run(Runnable& self) noexcept {
    auto& item = static_cast<Item&>(self);
    ++item.runs_.write();
    item.what_();
  }
  std::function<void()> what_;
  Shared<int> runs_{-1};
};

/// Workers, and as many items. A worker that runs an item holds it until all are held, so each item
/// needs a worker of its own. An item that is never run, or whose worker was not woken, is a
/// deadlock. When all are held the workers are told to stop.
class Crew {
 public:
  static constexpr std::size_t most = 3;

  explicit Crew(std::size_t workers, std::int64_t tick_ns = clock_stands_still)
      : size_(workers), scheduler(parks_of(workers), most - workers) {
    for (ModelPark& park : parks_) park.tick_ns = tick_ns;
  }

  void work(std::size_t index) {
    scheduler.worker(index).run_until([this] { return finished(); });
  }
  void start(Execution& execution) {
    for (std::size_t i = 0; i < size_; ++i) execution.thread([this, i] { work(i); });
  }
  void expect_all_run() {
    for (std::size_t i = 0; i < size_; ++i) items_[i].expect_run_once();
  }
  [[nodiscard]] bool finished() const noexcept {
    return finished_.load(std::memory_order_relaxed);  // relaxed: the thread that sets it unparks
  }
  /// Returns the item, to be made runnable by the caller.
  [[nodiscard]] Item& item(std::size_t index) noexcept { return items_[index].made(); }
  [[nodiscard]] detail::Park& park(std::size_t index) noexcept { return parks_[index]; }

 private:
  std::vector<detail::Park*> parks_of(std::size_t workers) {
    std::vector<detail::Park*> parks;
    for (std::size_t i = 0; i < workers; ++i) parks.push_back(&parks_[i]);
    return parks;
  }
  void hold() noexcept {
    // Both: the runs of the other workers come before the end.
    if (held_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      finished_.store(true, std::memory_order_relaxed);
      scheduler.unpark_all();
      for (ThreadParker& parker : all_held_) parker.unpark();
    }
    all_held_[detail::Worker::current()->index()].park();
  }

  const std::size_t size_;
  Atomic<std::size_t> held_{0};
  Atomic<bool> finished_{false};
  std::array<ThreadParker, most> all_held_;
  std::array<ModelPark, most> parks_;
  std::array<Item, most> items_{Item([this] { hold(); }), Item([this] { hold(); }),
                                Item([this] { hold(); })};

 public:
  detail::Scheduler scheduler;
};

/// A crew, and a thread that is no worker.
void with_outside(Execution& execution, std::int64_t tick_ns, void (*outside)(Crew& crew)) {
  Crew crew(2, tick_ns);
  execution.thread([&] { outside(crew); });
  crew.start(execution);
  execution.join_all();
  crew.expect_all_run();
}

void from_outside(Execution& execution) {
  with_outside(execution, clock_stands_still, [](Crew& crew) {
    crew.scheduler.schedule(crew.item(0));
    crew.scheduler.schedule(crew.item(1));
  });
}

TEST(WorkerModel, WhatComesFromOutsideFindsAWorkerEach) {
  expect_large_holds_exhaustively(2, from_outside);
  expect_holds_randomly(20000, from_outside);
}

void from_two_outside(Execution& execution) {
  Crew crew(2);
  execution.thread([&] { crew.scheduler.schedule(crew.item(0)); });
  execution.thread([&] { crew.scheduler.schedule(crew.item(1)); });
  crew.start(execution);
  execution.join_all();
  crew.expect_all_run();
}

TEST(WorkerModel, AlsoFromTwoThreads) {
  expect_holds_exhaustively(1, from_two_outside);
  expect_holds_randomly(20000, from_two_outside);
}

/// The first piece ends a park, after which its worker spins before the next one.
void while_one_spins(Execution& execution, void (*outside)(Crew& crew)) {
  Crew crew(2, clock_goes_on);
  Item sign([] {});
  execution.thread([&] {
    crew.scheduler.schedule(sign.made());
    outside(crew);
  });
  crew.start(execution);
  execution.join_all();
  sign.expect_run_once();
  crew.expect_all_run();
}

void what_it_spins_for(Execution& execution) {
  while_one_spins(execution, [](Crew& crew) {
    crew.scheduler.schedule(crew.item(0));
    crew.scheduler.schedule(crew.item(1));
  });
}

void what_it_does_not_spin_for(Execution& execution) {
  while_one_spins(execution, [](Crew& crew) {
    crew.scheduler.of_priority(Priority::low).schedule(crew.item(0));
    crew.scheduler.schedule(crew.item(1));
  });
}

/// A task makes two pieces runnable while another worker searches or spins for the third.
void what_a_task_makes(Execution& execution) {
  Crew crew(3, clock_goes_on);
  Item root([&] {
    crew.scheduler.schedule(crew.item(0));
    crew.scheduler.schedule(crew.item(1));
  });
  execution.thread([&] {
    crew.scheduler.schedule(root.made());
    crew.scheduler.schedule(crew.item(2));
  });
  crew.start(execution);
  execution.join_all();
  root.expect_run_once();
  crew.expect_all_run();
}

TEST(WorkerSpinsModel, WhatComesMeanwhileFindsAWorkerEach) {
  expect_large_holds_exhaustively(2, what_it_spins_for);
  expect_holds_weakly(1, 2, what_it_spins_for);
  expect_holds_randomly(30000, what_it_spins_for);
  expect_large_holds_exhaustively(2, what_it_does_not_spin_for);
  expect_holds_randomly(30000, what_it_does_not_spin_for);
}

TEST(WorkerModel, AlsoWhenMoreComesFromATask) {
  expect_holds_exhaustively(1, what_a_task_makes);
  expect_holds_randomly(50000, what_a_task_makes);
}

void of_high_priority(Execution& execution) {
  with_outside(execution, clock_goes_on, [](Crew& crew) {
    crew.scheduler.of_priority(Priority::high).schedule(crew.item(0));
    crew.scheduler.of_priority(Priority::high).schedule(crew.item(1));
  });
}

void of_low_priority(Execution& execution) {
  with_outside(execution, clock_goes_on, [](Crew& crew) {
    crew.scheduler.of_priority(Priority::low).schedule(crew.item(0));
    crew.scheduler.of_priority(Priority::low).schedule(crew.item(1));
  });
}

TEST(WorkerModel, WhateverItsPriority) {
  expect_holds_exhaustively(1, of_high_priority);
  expect_holds_randomly(15000, of_high_priority);
  expect_holds_exhaustively(1, of_low_priority);
  expect_holds_randomly(15000, of_low_priority);
}

void bound_to_each(Execution& execution) {
  with_outside(execution, clock_goes_on, [](Crew& crew) {
    crew.scheduler.worker(1).local().schedule(crew.item(0));
    crew.scheduler.worker(0).local().schedule(crew.item(1));
  });
}

TEST(WorkerModel, WhatIsBoundToAWorkerWakesThatOne) {
  expect_large_holds_exhaustively(2, bound_to_each);
  expect_holds_randomly(20000, bound_to_each);
}

/// One task makes both runnable. The second waits behind the first and is worth a wake-up.
void from_a_task(Execution& execution) {
  Crew crew(2);
  Item root([&] {
    crew.scheduler.schedule(crew.item(0));
    crew.scheduler.schedule(crew.item(1));
  });
  execution.thread([&] { crew.scheduler.schedule(root.made()); });
  crew.start(execution);
  execution.join_all();
  root.expect_run_once();
  crew.expect_all_run();
}

TEST(WorkerModel, WhatATaskMakesRunnableIsStolen) {
  expect_large_holds_exhaustively(2, from_a_task);
  expect_holds_randomly(20000, from_a_task);
}

/// The only worker of a scheduler takes work from outside in any state. It must not sleep while
/// there is work.
void by_the_only_worker(Execution& execution) {
  ModelPark park;
  park.tick_ns = clock_goes_on;
  detail::Scheduler scheduler(std::vector<detail::Park*>{&park});
  Atomic<int> left{4};
  const auto one_less = [&] { left.fetch_sub(1, std::memory_order_relaxed); };
  std::array<Item, 4> items{Item(one_less), Item(one_less), Item(one_less), Item(one_less)};
  execution.thread([&] {
    scheduler.schedule(items[0].made());
    scheduler.schedule(items[1].made());
    scheduler.worker(0).local().schedule(items[2].made());
    scheduler.of_priority(Priority::high).schedule(items[3].made());
  });
  execution.thread([&] {
    scheduler.worker(0).run_until([&] { return left.load(std::memory_order_relaxed) == 0; });
  });
  execution.join_all();
  for (Item& item : items) item.expect_run_once();
}

TEST(WorkerModel, TheOnlyWorkerSleepsOverNothing) {
  expect_holds_exhaustively(2, by_the_only_worker);
  expect_holds_randomly(20000, by_the_only_worker);
}

/// A spare worker as its thread runs it: it runs all work while it is active.
class Spare {
 public:
  explicit Spare(Crew& crew) : worker(crew.scheduler.add_spare(crew.park(2))), park_(crew.park(2)) {
    crew.scheduler.pool().idle().join();
  }
  void set_active(bool active) {
    active_.store(active, std::memory_order_relaxed);  // relaxed: the reader is unparked
    park_.unpark();
  }
  template <class Over>
  void work(Over is_over) {
    const auto is_active = [&] { return active_.load(std::memory_order_relaxed); };
    while (!is_over()) {
      worker.run_until([&] { return is_over() || !is_active(); });
      if (!is_over()) worker.serve_until([&] { return is_over() || is_active(); });
    }
  }

  detail::Worker& worker;

 private:
  detail::Park& park_;
  Atomic<bool> active_{true};
};

/// The spare worker is deactivated and activated again, at any point.
void with_a_spare_one(Execution& execution) {
  Crew crew(2, clock_goes_on);
  Spare spare(crew);
  bool bound_was_run = false;
  Item bound([&] { bound_was_run = true; });
  execution.thread([&] {
    crew.scheduler.schedule(crew.item(0));
    spare.set_active(false);
    spare.worker.local().schedule(bound.made());
    spare.set_active(true);
    crew.scheduler.schedule(crew.item(1));
  });
  execution.thread([&] { crew.work(0); });
  execution.thread([&] { spare.work([&] { return crew.finished() && bound_was_run; }); });
  execution.join_all();
  crew.expect_all_run();
  bound.expect_run_once();
}

TEST(WorkerModel, ASpareOneStandsInAndMissesNoStop) {
  expect_holds_exhaustively(1, with_a_spare_one);
  expect_holds_randomly(30000, with_a_spare_one);
}

/// When the spare worker retires, other workers may run what it has made runnable. Its pinned work
/// may take long: here it takes until that has been run.
void what_a_spare_one_leaves(Execution& execution) {
  Crew crew(2, clock_goes_on);
  Spare spare(crew);
  Atomic<bool> over{false};
  ThreadParker made_was_run;
  Item made([&] { made_was_run.unpark(); });
  Item maker([&] { crew.scheduler.schedule(made.made()); });
  Item bound([&] {
    made_was_run.park();
    over.store(true, std::memory_order_relaxed);
    crew.scheduler.unpark_all();
  });
  execution.thread([&] {
    crew.scheduler.schedule(maker.made());
    spare.worker.local().schedule(bound.made());
    spare.set_active(false);
  });
  const auto is_over = [&] { return over.load(std::memory_order_relaxed); };
  execution.thread([&] { crew.scheduler.worker(0).run_until(is_over); });
  execution.thread([&] { spare.work(is_over); });
  execution.join_all();
  for (Item* item : {&made, &maker, &bound}) item->expect_run_once();
}

TEST(WorkerModel, ASpareOneKeepsNothingThatOthersMayRun) {
  expect_holds_exhaustively(1, what_a_spare_one_leaves);
  expect_holds_randomly(30000, what_a_spare_one_leaves);
}

}  // namespace
}  // namespace weft::model::worker_model_test
