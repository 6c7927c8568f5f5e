// CancellationState: cancels, children that come and go, and waits, in every interleaving. No child
// misses the cancel of its parent, and each state is destroyed once.
#include <weft/cancellation_token.hpp>

#include <memory>
#include <optional>
#include <utility>

#include "model/sync_model.hpp"

namespace weft::model::cancellation_token_model_test {
namespace {

void a_cancel_meets_a_new_child(Execution& execution) {
  const CancellationSource root;
  std::optional<CancellationSource> child;
  execution.thread([&] { root.cancel(); });
  execution.thread([&] { child.emplace(root.token()); });
  execution.join_all();
  require(child->is_cancelled(), "the child is cancelled, however late it comes");
}

TEST(CancellationTokenModel, ACancelMeetsANewChild) {
  expect_holds_exhaustively(3, a_cancel_meets_a_new_child);
  expect_holds_randomly(20000, a_cancel_meets_a_new_child);
}

void a_cancel_meets_the_end_of_a_child(Execution& execution) {
  std::optional<CancellationSource> root(std::in_place);
  std::optional<CancellationSource> gone(root->token());
  const CancellationSource stays(root->token());
  execution.thread([&] { root->cancel(); });
  execution.thread([&] { gone.reset(); });
  execution.thread([&] { stays.cancel(); });
  execution.join_all();
  root.reset();  // the child keeps what it needs
  require(stays.is_cancelled(), "the other child is cancelled");
}

TEST(CancellationTokenModel, ACancelMeetsTheEndOfAChild) {
  expect_holds_exhaustively(2, a_cancel_meets_the_end_of_a_child);
  expect_holds_randomly(20000, a_cancel_meets_the_end_of_a_child);
}

/// Two cancels reach the same state, from above and from its parent.
void two_cancels_meet(Execution& execution) {
  auto* const root = new detail::CancellationState(nullptr);
  auto* const middle = new detail::CancellationState(root);
  auto* const leaf = new detail::CancellationState(middle);
  {
    leaf->hold();
    Waiting<detail::CancelledRequest> waiting{
        detail::CancelledRequest(detail::CancellationRef(*leaf))};
    execution.thread([&] { root->cancel(); });
    execution.thread([&] { middle->cancel(); });
    execution.thread([&] { waiting.wait(); });
    execution.join_all();
    require(waiting.served(), "the wait ends exactly once");
    require(leaf->is_cancelled(), "and the state says why");
  }
  for (detail::CancellationState* const state : {root, middle, leaf}) {
    detail::CancellationState::drop(state);
  }
}

TEST(CancellationTokenModel, TwoCancelsMeet) {
  expect_holds_exhaustively(2, two_cancels_meet);
  expect_holds_randomly(20000, two_cancels_meet);
}

}  // namespace
}  // namespace weft::model::cancellation_token_model_test
