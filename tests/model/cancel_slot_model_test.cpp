// CancelSlot: the end of a leaf, cancellers, and the arming of the leaf, in every interleaving. The
// task is resumed exactly once. No thread touches the hook after that.
#include <weft/extend/cancel.hpp>

#include "model/model_test.hpp"

namespace weft::model::cancel_slot_model_test {
namespace {

/// A leaf that ends by its event or by a cancel, whichever comes first, as every leaf of weft does.
class Leaf : public CancelHook {
 public:
  explicit Leaf(CancelSlot& slot) noexcept : CancelHook(&Leaf::on_request), slot_(slot) {}

  void end() noexcept {
    if (claimed_.exchange(true, std::memory_order_acq_rel)) return;
    if (slot_.ended() == CancelSlot::Ended::resume) resume();
  }
  void cancel() noexcept {
    CancelHook* const hook = slot_.request();
    if (hook == nullptr) return;
    require(resumed == 0, "the hook is asked while its leaf is there");
    hook->request();
  }
  void resume() noexcept { ++resumed; }

  int resumed = 0;
  int requests = 0;

 private:
  static void on_request(CancelHook& self) noexcept {
    auto& leaf = static_cast<Leaf&>(self);
    ++leaf.requests;
    leaf.end();
    require(leaf.resumed == 0, "the leaf stays while the canceller uses it");
    if (leaf.slot_.finish_request()) leaf.resume();
  }

  CancelSlot& slot_;
  Atomic<bool> claimed_{false};
};

void event_and_canceller(Execution& execution) {
  CancelSlot slot;
  Leaf leaf(slot);
  require(slot.arm(leaf), "nobody has asked yet");
  execution.thread([&] { leaf.end(); });
  execution.thread([&] { leaf.cancel(); });
  execution.join_all();
  require(leaf.resumed == 1, "the task is resumed exactly once");
  require(slot.requested(), "the request is remembered");
}

TEST(CancelSlotModel, TheEventAndTheCancelMeet) {
  expect_holds_exhaustively(6, event_and_canceller);
  expect_holds_weakly(4, 3, event_and_canceller);
}

void two_cancellers(Execution& execution) {
  CancelSlot slot;
  Leaf leaf(slot);
  require(slot.arm(leaf), "nobody has asked yet");
  execution.thread([&] { leaf.end(); });
  execution.thread([&] { leaf.cancel(); });
  execution.thread([&] { leaf.cancel(); });
  execution.join_all();
  require(leaf.resumed == 1, "the task is resumed exactly once");
  require(leaf.requests <= 1, "one canceller asks the hook");
}

TEST(CancelSlotModel, OnlyOneOfTwoCancellersAsks) {
  expect_holds_exhaustively(3, two_cancellers);
  expect_holds_randomly(20000, two_cancellers);
}

void arming_races(Execution& execution) {
  CancelSlot slot;
  Leaf leaf(slot);
  execution.thread([&] {
    // As a task does: arms, and ends the leaf itself if arm() refuses. The event may come right
    // after.
    if (!slot.arm(leaf)) {
      if (slot.ended() == CancelSlot::Ended::resume) leaf.resume();
      return;
    }
    leaf.end();
  });
  execution.thread([&] { leaf.cancel(); });
  execution.thread([&] { leaf.cancel(); });
  execution.join_all();
  require(leaf.resumed == 1, "the task is resumed exactly once");
}

TEST(CancelSlotModel, ARequestMayComeBeforeAtOrAfterTheArming) {
  expect_holds_exhaustively(3, arming_races);
  expect_holds_weakly(3, 2, arming_races);
  expect_holds_randomly(20000, arming_races);
}

void next_leaf(Execution& execution) {
  CancelSlot slot;
  Leaf first(slot);
  Leaf second(slot);
  require(slot.arm(first), "nobody has asked yet");
  execution.thread([&] {
    first.end();
    if (first.resumed == 0) return;  // the canceller will resume it
    // The task goes on to its next leaf. The first leaf's canceller may still be running.
    if (slot.arm(second)) second.end();
  });
  execution.thread([&] {
    CancelHook* const hook = slot.request();
    if (hook != nullptr) hook->request();
  });
  execution.join_all();
  require(first.resumed == 1, "the first leaf has ended once");
  require(second.resumed <= 1, "the second at most once");
}

TEST(CancelSlotModel, ALateCancelReachesTheNextLeafAndNotTheLast) {
  expect_holds_exhaustively(6, next_leaf);
}

}  // namespace
}  // namespace weft::model::cancel_slot_model_test
