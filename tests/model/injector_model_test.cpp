// The injector, alone and in the protocol by which a worker goes to sleep.
#include "exec/injector.hpp"

#include <array>

#include "model/model_test.hpp"

namespace weft::model::injector_model_test {
namespace {

struct Item {
  Item* next = nullptr;
  int taken = 0;
};

void producers_and_consumer(Execution& execution) {
  detail::Injector<Item> injector;
  std::array<Item, 3> items{};
  detail::IntrusiveQueue<Item> out;
  execution.thread(
      [&] { require(injector.push(items.data()), "an open injector takes an element"); });
  execution.thread([&] {
    detail::IntrusiveQueue<Item> batch;
    batch.push_back(&items[1]);
    batch.push_back(&items[2]);
    require(injector.push(batch), "an open injector takes a batch");
  });
  execution.thread([&] {
    if (Item* const item = injector.pop()) ++item->taken;
    injector.pop(2, out);
  });
  execution.join_all();
  injector.pop(9, out);
  require(injector.empty(), "the length is right in the end");
  while (Item* const item = out.pop_front()) ++item->taken;
  for (const Item& item : items) require(item.taken == 1, "each element comes out once");
}

TEST(InjectorModel, NothingLostNothingTwice) {
  expect_holds_exhaustively(3, producers_and_consumer);
  expect_holds_randomly(10000, producers_and_consumer);
}

void close_against_push(Execution& execution) {
  detail::Injector<Item> injector;
  Item item;
  bool accepted = false;
  execution.thread([&] { accepted = injector.push(&item); });
  execution.thread([&] { injector.close(); });
  execution.join_all();
  require(!injector.push(&item), "closed stays closed");
  require((injector.pop() == &item) == accepted, "an element was taken in or refused");
}

TEST(InjectorModel, CloseTakesInOrRefuses) { expect_holds_exhaustively(4, close_against_push); }

// The pushing thread looks for sleepers after the push. The worker looks for work after it is
// counted as asleep.
void sleep_protocol(Execution& execution) {
  detail::Injector<Item> injector;
  Item item;
  Atomic<bool> asleep{false};
  ThreadParker parker;
  execution.thread([&] {
    require(injector.push(&item), "an open injector takes an element");
    atomic_fence(std::memory_order_seq_cst);
    if (asleep.load(std::memory_order_relaxed)) parker.unpark();
  });
  execution.thread([&] {
    for (;;) {
      if (Item* const found = injector.pop()) {
        require(found == &item, "the element");
        return;
      }
      asleep.store(true, std::memory_order_relaxed);
      atomic_fence(std::memory_order_seq_cst);
      if (injector.empty()) parker.park();
      asleep.store(false, std::memory_order_relaxed);
    }
  });
  execution.join_all();
}

TEST(InjectorModel, ASleepingWorkerIsWoken) {
  expect_holds_exhaustively(3, sleep_protocol);
  expect_holds_randomly(10000, sleep_protocol);
}

}  // namespace
}  // namespace weft::model::injector_model_test
