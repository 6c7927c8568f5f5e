// TimerTest: the fixture of the tests of Timer, and a timer that counts.
#pragma once

#include <weft/resume_on.hpp>
#include <weft/semaphore.hpp>
#include <weft/timer.hpp>

#include <atomic>
#include <utility>

#include "support/runtime_fixture.hpp"

namespace weft::test {

class TimerTest : public RuntimeTest {
 protected:
  /// Runs `body` as a task that stays on its worker, so the timers that it arms are there, too.
  template <class Body>
  void run_bound(Body body) {
    run([body]() mutable -> Task<void> {
      auto handle = spawn(SpawnOptions().local(), std::move(body));
      co_await std::move(handle);
    });
  }
  [[nodiscard]] bool several_workers() const { return GetParam() > 1; }
};

/// A timer that counts its calls and reports each.
struct Counted {
  std::atomic<int> calls{0};
  Semaphore called{0};
  Timer timer{[this] {
    ++calls;
    called.release();
  }};

  Task<void> wait() {
    Permit permit = co_await called.acquire();
    permit.forget();
  }
};

}  // namespace weft::test
