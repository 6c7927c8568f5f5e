// BiasedLock, the lock of a reactor. The owner and another thread, called the visitor, are never
// inside together, each sees the other's writes, and an owner that comes meanwhile gets in.
#include "base/biased_lock.hpp"

#include "model/model_test.hpp"

namespace weft::model::biased_lock_model_test {
namespace {

/// The data that the lock guards, with a word that detects two threads inside.
struct Guarded {
  detail::BiasedLock lock;
  Atomic<int> inside{0};
  Shared<int> sum{0};  // ordered by the lock alone

  void use() {
    require(inside.fetch_add(1, std::memory_order_relaxed) == 0, "two are inside");
    ++sum.write();
    require(inside.fetch_sub(1, std::memory_order_relaxed) == 1, "two were inside");
  }
  void by_owner() {
    const detail::BiasedLock::Held held = lock.lock();
    use();
    lock.unlock(held);
  }
  /// Takes the shorter path where it is open.
  void by_owner_in_haste() {
    if (!lock.try_enter()) return by_owner();
    use();
    lock.leave();
  }
  bool by_visitor() {
    if (!lock.try_visit()) return false;
    use();
    lock.end_visit();
    return true;
  }
};

void owner_and_visitor(Execution& execution) {
  Guarded guarded;
  int visits = 0;
  execution.thread([&] {
    guarded.by_owner();
    guarded.by_owner();
  });
  execution.thread([&] { visits += guarded.by_visitor() ? 1 : 0; });
  execution.join_all();
  require(guarded.sum.read() == 2 + visits, "somebody's work is lost");
}

TEST(BiasedLockModel, OwnerAndVisitorAreNeverInsideTogether) {
  expect_holds_exhaustively(4, owner_and_visitor);
  expect_holds_randomly(20000, owner_and_visitor);
}

/// The owner enters by `way` and takes its bias back between two visits.
void bias_comes_and_goes(Execution& execution, void (Guarded::*way)()) {
  Guarded guarded;
  int visits = 0;
  execution.thread([&] {
    (guarded.*way)();
    guarded.lock.take_bias();
    (guarded.*way)();
  });
  execution.thread([&] {
    visits += guarded.by_visitor() ? 1 : 0;
    visits += guarded.by_visitor() ? 1 : 0;
  });
  execution.join_all();
  require(guarded.sum.read() == 2 + visits, "somebody's work is lost");
}

void owner_takes_his_time(Execution& execution) {
  bias_comes_and_goes(execution, &Guarded::by_owner);
}
/// Takes the shorter path, also after the owner has taken its bias back.
void owner_in_haste(Execution& execution) {
  bias_comes_and_goes(execution, &Guarded::by_owner_in_haste);
}

TEST(BiasedLockModel, TheBiasComesAndGoes) {
  expect_holds_exhaustively(3, owner_takes_his_time);
  expect_holds_randomly(20000, owner_takes_his_time);
}

TEST(BiasedLockModel, TheShorterWayInKeepsTheVisitorOut) {
  expect_holds_exhaustively(3, owner_in_haste);
  expect_holds_randomly(20000, owner_in_haste);
}

/// The shorter path is closed to an owner that is inside.
void nested_in_haste(Execution& execution) {
  Guarded guarded;
  int visits = 0;
  execution.thread([&] {
    const detail::BiasedLock::Held outer = guarded.lock.lock();
    guarded.by_owner_in_haste();
    guarded.use();
    guarded.lock.unlock(outer);
  });
  execution.thread([&] { visits += guarded.by_visitor() ? 1 : 0; });
  execution.join_all();
  require(guarded.sum.read() == 2 + visits, "somebody's work is lost");
}

TEST(BiasedLockModel, TheShorterWayIsClosedToOneWhoIsInside) {
  expect_holds_exhaustively(4, nested_in_haste);
  expect_holds_randomly(20000, nested_in_haste);
}

/// Two visitors, and an owner that locks twice, nested.
void nested_and_two_visitors(Execution& execution) {
  Guarded guarded;
  execution.thread([&] {
    const detail::BiasedLock::Held outer = guarded.lock.lock();
    guarded.by_owner();
    guarded.lock.unlock(outer);
  });
  int visits[2] = {0, 0};
  for (int& mine : visits) {
    execution.thread([&guarded, &mine] { mine = guarded.by_visitor() ? 1 : 0; });
  }
  execution.join_all();
  require(guarded.sum.read() == 1 + visits[0] + visits[1], "somebody's work is lost");
}

TEST(BiasedLockModel, ManyMayCome) {
  expect_holds_exhaustively(3, nested_and_two_visitors);
  expect_holds_randomly(20000, nested_and_two_visitors);
}

}  // namespace
}  // namespace weft::model::biased_lock_model_test
