// The workers' run queue with capacity 2 and 4, its indices starting at and near the wrap. No
// interleaving of owner and stealers loses an element or takes one twice.
#include "exec/run_queue.hpp"

#include <array>
#include <cstdint>

#include "model/model_test.hpp"

namespace weft::model::run_queue_model_test {
namespace {

struct Item {
  Item* next = nullptr;
  Shared<int> taken{0};  // ordered by the queue alone
};

constexpr std::uint64_t kNearWrap = ~std::uint64_t{0};

template <std::size_t Capacity, std::size_t Items>
class Program {
 public:
  using Queue = detail::RunQueue<Item, Capacity>;
  using Local = typename Queue::Local;
  using Stealer = typename Queue::Stealer;

  explicit Program(std::uint64_t start) : queue(start), other(start) {}

  static void take(Item* item) {
    if (item != nullptr) ++item->taken.write();
  }

  void push_all(Local& local) {
    for (Item& item : items) {
      item.taken.write() = 0;
      while (!local.push(&item)) local.take_half(spilled);
    }
  }

  void steal_once() {
    Local own(other);
    take(Stealer(queue).steal_into(own));
    while (!own.empty()) {
      Item* const item = own.pop();
      require(item != nullptr, "what is there is an element");
      take(item);
    }
  }

  /// Called after all threads: takes the rest and checks that each item was taken once.
  void check() {
    Local local(queue);
    while (Item* const item = local.pop()) take(item);
    while (Item* const item = spilled.pop_front()) take(item);
    for (const Item& item : items) {
      require(item.taken.read() > 0, "no item is lost");
      require(item.taken.read() < 2, "no item is taken twice");
    }
  }

  Queue queue;
  Queue other;
  detail::IntrusiveQueue<Item> spilled;
  std::array<Item, Items> items{};
};

template <std::size_t Capacity, std::size_t Items>
void owner_against_stealer(Execution& execution, std::uint64_t start) {
  Program<Capacity, Items> program(start);
  execution.thread([&] {
    typename Program<Capacity, Items>::Local local(program.queue);
    program.push_all(local);
    program.take(local.pop());
  });
  execution.thread([&] {
    program.steal_once();
    program.steal_once();
  });
  execution.join_all();
  program.check();
}

TEST(RunQueueModel, OwnerAgainstOneStealer) {
  for (const std::uint64_t start : {std::uint64_t{0}, kNearWrap}) {
    expect_holds_exhaustively(2, [=](Execution& e) { owner_against_stealer<2, 3>(e, start); });
  }
  expect_holds_exhaustively(2, [](Execution& e) { owner_against_stealer<4, 5>(e, kNearWrap); });
}

TEST(RunQueueModel, OwnerAgainstOneStealerThreePreemptions) {
  expect_holds_exhaustively(3, [](Execution& e) { owner_against_stealer<2, 3>(e, kNearWrap - 1); });
}

TEST(RunQueueModel, OwnerAgainstOneStealerWithWeakMemory) {
  expect_holds_weakly(2, 3, [](Execution& e) { owner_against_stealer<2, 3>(e, kNearWrap); });
  expect_holds_weakly(1, 2, [](Execution& e) { owner_against_stealer<4, 5>(e, kNearWrap); });
}

/// The owner asks for each of two elements. It gets the second if the first was stolen just before.
void owner_asks_for_each(Execution& execution) {
  Program<2, 2> program(kNearWrap);
  execution.thread([&] {
    Program<2, 2>::Local local(program.queue);
    program.push_all(local);
    if (local.pop_if(&program.items[1])) program.take(&program.items[1]);
    if (local.pop_if(&program.items[0])) program.take(&program.items[0]);
  });
  execution.thread([&] { program.steal_once(); });
  execution.join_all();
  program.check();
}

TEST(RunQueueModel, OwnerTakesOneOnlyIfNobodyElseHas) {
  expect_holds_exhaustively(3, owner_asks_for_each);
}

// Both stealers race for the same elements. One of them steals into a queue that a third thread
// could steal from.
void two_stealers(Execution& execution) {
  Program<2, 3> program(kNearWrap);
  detail::RunQueue<Item, 2> third(kNearWrap);
  execution.thread([&] {
    Program<2, 3>::Local local(program.queue);
    program.push_all(local);
  });
  execution.thread([&] { program.steal_once(); });
  execution.thread([&] {
    Program<2, 3>::Local own(third);
    Program<2, 3>::take(Program<2, 3>::Stealer(program.queue).steal_into(own));
    while (Item* const item = own.pop()) Program<2, 3>::take(item);
  });
  execution.join_all();
  program.check();
}

TEST(RunQueueModel, OwnerAgainstTwoStealers) {
  expect_holds_exhaustively(2, two_stealers);
  expect_holds_randomly(20000, two_stealers);
}

// A chain: elements stolen from the first queue are stolen again from the second.
void stolen_again(Execution& execution) {
  Program<4, 4> program(kNearWrap - 2);
  detail::RunQueue<Item, 4> third(0);
  using P = Program<4, 4>;
  {
    P::Local local(program.queue);
    program.push_all(local);
  }
  execution.thread([&] {
    P::Local own(program.other);
    P::take(P::Stealer(program.queue).steal_into(own));
    P::take(own.pop());
  });
  execution.thread([&] {
    P::Local own(third);
    P::take(P::Stealer(program.other).steal_into(own));
    while (Item* const item = own.pop()) P::take(item);
  });
  execution.thread([&] { P::take(P::Local(program.queue).pop()); });
  execution.join_all();
  P::Local rest(program.other);
  while (Item* const item = rest.pop()) P::take(item);
  program.check();
}

TEST(RunQueueModel, StolenElementsCanBeStolenAgain) {
  expect_holds_exhaustively(2, stolen_again);
  expect_holds_randomly(20000, stolen_again);
}

}  // namespace
}  // namespace weft::model::run_queue_model_test
