// HandlerGate: what an updater has unlinked is used by no handler once the wait at the gate is
// over, whether a handler had entered before or enters later, over several turns of the sides.
#include "process/handler_gate.hpp"

#include "model/model_test.hpp"

namespace weft::model::handler_gate_model_test {
namespace {

struct Linked {
  detail::HandlerGate gate;
  Shared<int> item{1};
  Atomic<Shared<int>*> first{&item};

  void handle() {
    const detail::HandlerGate::Side side = gate.enter();
    if (Shared<int>* const found = first.load(std::memory_order_acquire)) {
      require(found->read() == 1, "what is linked is whole");
    }
    gate.leave(side);
  }
  /// As the memory would be used again. The model reports a handler that reads meanwhile.
  void replace() {
    first.store(nullptr, std::memory_order_release);
    gate.wait_for_handlers();
    item.write() = 0;
    item.write() = 1;
    first.store(&item, std::memory_order_release);
  }
};

void one_handler_and_three_turns(Execution& execution) {
  Linked linked;
  execution.thread([&] {
    for (int i = 0; i < 3; ++i) linked.replace();
  });
  execution.thread([&] { linked.handle(); });
  execution.join_all();
}

TEST(HandlerGateModel, NoHandlerUsesWhatIsUnlinked) {
  expect_holds_exhaustively(3, one_handler_and_three_turns);
  expect_holds_randomly(20000, one_handler_and_three_turns);
}

void two_handlers_and_two_turns(Execution& execution) {
  Linked linked;
  execution.thread([&] {
    linked.replace();
    linked.replace();
  });
  for (int i = 0; i < 2; ++i) {
    execution.thread([&] {
      linked.handle();
      linked.handle();
    });
  }
  execution.join_all();
}

TEST(HandlerGateModel, SeveralHandlersPassTheSidesInTurn) {
  expect_holds_exhaustively(2, two_handlers_and_two_turns);
  expect_holds_randomly(20000, two_handlers_and_two_turns);
}

}  // namespace
}  // namespace weft::model::handler_gate_model_test
