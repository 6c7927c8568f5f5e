// LifoSlot: an element that its owner puts in is taken once, by the owner or by a thief. The taker
// sees all writes made to it before. A theft, or an attempt at one, leaves the slot usable.
#include "exec/lifo_slot.hpp"

#include <weft/extend/runnable.hpp>

#include <array>
#include <cstddef>

#include "model/model_test.hpp"

namespace weft::model::lifo_slot_model_test {
namespace {

/// An element. The slot alone orders its uses.
class Item : public Runnable {
 public:
  Item() : Runnable([](Runnable&) noexcept {}) {}
  Item& made() {
    had_.write() = 0;
    return *this;
  }
  void had() { ++had_.write(); }
  [[nodiscard]] int times_had() { return had_.read(); }

 private:
  Shared<int> had_{-1};
};

struct Table {
  detail::LifoSlot slot{true};
  std::array<Item, 3> items;

  /// Called by the owner. Takes the element that was in the slot before.
  void put(std::size_t index) { have(slot.put(items[index].made())); }
  void take() { have(slot.take()); }
  void steal() { have(slot.steal()); }
  void expect_had_once(std::size_t items_put) {
    for (std::size_t i = 0; i < items_put; ++i) {
      require(items[i].times_had() == 1, "each is had once");
    }
  }

 private:
  static void have(Runnable* work) {
    if (work != nullptr) static_cast<Item*>(work)->had();
  }
};

void owner_and_thieves(Execution& execution, int thieves) {
  Table table;
  execution.thread([&] {
    table.put(0);
    table.take();
    table.put(1);
    table.take();
  });
  for (int thief = 0; thief < thieves; ++thief) execution.thread([&] { table.steal(); });
  execution.join_all();
  table.expect_had_once(2);
  require(table.slot.empty(), "nothing is left");
}

void owner_and_thief(Execution& execution) { owner_and_thieves(execution, 1); }

TEST(LifoSlotModel, OwnerAndThiefHaveEachThingOnce) {
  expect_holds_exhaustively(4, owner_and_thief);
  expect_holds_randomly(20000, owner_and_thief);
}

void put_over_what_is_there(Execution& execution) {
  Table table;
  execution.thread([&] {
    table.put(0);
    table.put(1);
    table.put(2);
    table.take();
  });
  execution.thread([&] {
    table.steal();
    table.steal();
  });
  execution.join_all();
  table.expect_had_once(3);
}

TEST(LifoSlotModel, WhatIsPutInGivesBackWhatWasThere) {
  expect_holds_exhaustively(3, put_over_what_is_there);
  expect_holds_randomly(20000, put_over_what_is_there);
}

void two_thieves(Execution& execution) { owner_and_thieves(execution, 2); }

TEST(LifoSlotModel, ThievesDoNotHaveTheSame) {
  expect_holds_exhaustively(2, two_thieves);
  expect_holds_randomly(20000, two_thieves);
}

/// The last element is stolen in the end: a thief that finds something and meets no other thread
/// takes it.
void left_lying(Execution& execution) {
  Table table;
  execution.thread([&] {
    table.put(0);
    table.take();
    table.put(1);
  });
  execution.thread([&] { table.steal(); });
  execution.join_all();
  if (!table.slot.empty()) table.steal();
  table.expect_had_once(2);
  require(table.slot.empty(), "what was stolen counts as not there");
  table.put(2);
  require(!table.slot.empty(), "what was put in is there");
  table.take();
  table.expect_had_once(3);
}

TEST(LifoSlotModel, GoesOnAfterATheft) { expect_holds_exhaustively(4, left_lying); }

}  // namespace
}  // namespace weft::model::lifo_slot_model_test
