// as_future(): the end of the work, polls and the drop of the future on a foreign thread, in every
// interleaving. The comment of each test names the faults in <weft/as_future.hpp> that the test was
// seen to catch.
#include <weft/as_future.hpp>

#include <optional>

#include "model/core_model.hpp"
#include "model/future_model.hpp"

namespace weft::model::as_future_model_test {
namespace {

Task<int> seven() { co_return 7; }

/// A thread that sleeps between polls.
class Parked {
 public:
  [[nodiscard]] Waker waker() noexcept { return Waker(RawWaker{this, &vtable}); }
  void wait() noexcept { parker_.park(); }

 private:
  static void wake(void* data) noexcept { static_cast<Parked*>(data)->parker_.unpark(); }
  static const WakerVTable vtable;
  ThreadParker parker_;
};

const WakerVTable Parked::vtable{
    .clone = [](void* data) { return RawWaker{data, &vtable}; },
    .wake = &Parked::wake,
    .wake_by_ref = &Parked::wake,
    .drop = [](void*) noexcept {},
};

// Catches: a poll that registers its waker after it has looked for the end.
void end_and_poll(Execution& execution) {
  const NoLeak no_leak;
  {
    OneWorker worker;
    FakeOwner owner(worker);
    Parked parked;
    auto future = std::optional(AsFuture<Task<int>>(owner, seven()));
    execution.thread([&] { worker.run_next(); });
    execution.thread([&] {
      const Waker waker = parked.waker();
      Context cx(waker);
      for (;;) {
        Poll<int> result = future->poll(cx);
        if (result.is_ready()) {
          require(result.take() == 7, "the result");
          break;
        }
        parked.wait();
      }
      future.reset();
    });
    execution.join_all();
    require(owner.removals == 1, "the owner was told once");
  }
  no_leak.check();
}

TEST(AsFutureModel, AForeignPollerMissesNoEnd) { expect_holds_exhaustively(3, end_and_poll); }

// Catches: a drop that releases the task without a counted reference, or releases it twice; a
// waiter inside the future that is woken after the future was destroyed.
void end_and_drop(Execution& execution) {
  const NoLeak no_leak;
  {
    OneWorker worker;
    FakeOwner owner(worker);
    execution.thread([&] { worker.run_next(); });
    execution.thread([&] {
      const Waker noop;
      Context cx(noop);
      AsFuture<Task<int>> future(owner, seven());
      (void)future.poll(cx);
    });
    execution.join_all();
    require(owner.removals == 1 && owner.nobody_lives(), "the work has ended, and its owner knows");
  }
  no_leak.check();
}

TEST(AsFutureModel, ADropMeetsTheEnd) { expect_holds_exhaustively(4, end_and_drop); }

}  // namespace
}  // namespace weft::model::as_future_model_test
