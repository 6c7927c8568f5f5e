// Runs ThreadParker itself, its futex replaced by the model's. No wake-up is lost, and tokens
// coalesce.
#include <chrono>
#include <memory>
#include <weft/atomic.hpp>

#include "model/model_test.hpp"

namespace weft::model::thread_parker_model_test {
namespace {

using namespace std::chrono_literals;

void hand_over(Execution& execution) {
  ThreadParker parker;
  Shared<int> message{0};  // handed over by the token alone
  execution.thread([&] {
    message.write() = 1;
    parker.unpark();
  });
  execution.thread([&] {
    parker.park();
    require(message.read() == 1, "what happened before the unpark is seen after the park");
  });
  execution.join_all();
}

TEST(ThreadParkerModel, AWakeUpIsNotLost) {
  expect_holds_exhaustively(4, hand_over);
  expect_holds_weakly(4, 4, hand_over);
}

void ping_pong(Execution& execution) {
  ThreadParker ping;
  ThreadParker pong;
  execution.thread([&] {
    for (int i = 0; i < 2; ++i) {
      ping.park();
      pong.unpark();
    }
  });
  execution.thread([&] {
    for (int i = 0; i < 2; ++i) {
      ping.unpark();
      pong.park();
    }
  });
  execution.join_all();
}

TEST(ThreadParkerModel, TwoThreadsTakeTurns) {
  expect_holds_exhaustively(3, ping_pong);
  expect_holds_randomly(10000, ping_pong);
}

// Two wakers, one sleeper that consumes a counter: the usual loop around a parker.
void two_wakers(Execution& execution) {
  ThreadParker parker;
  Atomic<int> work{0};
  for (int i = 0; i < 2; ++i) {
    execution.thread([&] {
      work.fetch_add(1, std::memory_order_release);
      parker.unpark();
    });
  }
  execution.thread([&] {
    for (int done = 0; done < 2;) {
      const int found = work.exchange(0, std::memory_order_acquire);
      done += found;
      if (found == 0) parker.park();
    }
  });
  execution.join_all();
}

TEST(ThreadParkerModel, CoalescedTokensStrandNoWork) {
  expect_holds_weakly(3, 2, two_wakers);
  expect_holds_exhaustively(3, two_wakers);
  expect_holds_randomly(10000, two_wakers);
}

void time_out(Execution& execution) {
  ThreadParker parker;
  bool taken = false;
  execution.thread([&] { parker.unpark(); });
  execution.thread([&] { taken = parker.park_for(1h); });
  execution.join_all();
  require(parker.park_for(0ns) == !taken,
          "the token is taken or still there, never both or neither");
}

TEST(ThreadParkerModel, ATimeOutNeitherLosesNorCopiesTheToken) {
  expect_holds_exhaustively(4, time_out);
}

// The owner destroys the parker when it has the token. The waker may still be inside unpark().
void early_destruction(Execution& execution) {
  auto parker = std::make_unique<ThreadParker>();
  ThreadParker* const waker_view = parker.get();
  execution.thread([waker_view] { waker_view->unpark(); });
  execution.thread([&parker] {
    parker->park();
    parker.reset();
  });
  execution.join_all();
}

TEST(ThreadParkerModel, TheOwnerMayDestroyItAtOnce) {
  expect_holds_exhaustively(4, early_destruction);
}

}  // namespace
}  // namespace weft::model::thread_parker_model_test
