// PinnedQueue: pushes from other threads while the owner goes to sleep. No interleaving loses or
// doubles work, or leaves work in the queue while the owner sleeps.
#include "task/pinned_queue.hpp"

#include <array>

#include "model/model_test.hpp"

namespace weft::model::pinned_queue_model_test {
namespace {

class NoExecutor final : public detail::TaskExecutor {
 public:
  void schedule(Runnable&) noexcept override {}
  void defer(Runnable&) noexcept override {}
};

class Queue final : public detail::PinnedQueue {
 public:
  using detail::PinnedQueue::PinnedQueue;
  ~Queue() override = default;
  void sleep() noexcept {
    if (!prepare_sleep()) return;
    parker_.park();
    awake();
  }

 private:
  void wake_owner() noexcept override { parker_.unpark(); }
  ThreadParker parker_;
};

struct Item : Runnable {
  Item() noexcept : Runnable([](Runnable&) noexcept {}) {}
  Shared<int> taken{0};  // ordered by the queue alone
};

template <std::size_t Pushers>
void owner_gets_everything(Execution& execution) {
  NoExecutor shared;
  Queue queue(shared);
  std::array<Item, Pushers> items;
  for (Item& item : items) {
    execution.thread([&queue, &item] {
      item.taken.write() = 0;
      queue.schedule(item);
    });
  }
  execution.thread([&] {
    for (std::size_t left = Pushers; left != 0;) {
      if (Runnable* const work = queue.pop(0)) {
        ++static_cast<Item*>(work)->taken.write();
        --left;
      } else {
        queue.sleep();  // a missed push is a deadlock here
      }
    }
  });
  execution.join_all();
  for (const Item& item : items) require(item.taken.read() == 1, "taken once");
}

TEST(PinnedQueueModel, TheOwnerGetsEverythingAndSleepsOverNothing) {
  expect_holds_exhaustively(3, owner_gets_everything<1>);
  expect_holds_exhaustively(2, owner_gets_everything<2>);
  expect_holds_weakly(3, 3, owner_gets_everything<1>);
  expect_holds_randomly(20000, owner_gets_everything<3>);
}

}  // namespace
}  // namespace weft::model::pinned_queue_model_test
