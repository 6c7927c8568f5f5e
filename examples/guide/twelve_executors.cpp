// The fourth step of the runtime of chapter 10: twelve executors on twelve threads, one reactor for
// all of them, and wakers that go from thread to thread.
#include <array>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tiny_runtime.hpp"

using std::chrono::milliseconds;

constexpr std::size_t executors = 12;

// [baton]
/// A place for one number. One task waits for it at a time, of any executor.
class Baton {
 public:
  void pass(int number) {
    Waker waiting;
    {
      const std::lock_guard lock(mutex_);
      number_ = number;
      waiting = std::exchange(waiting_, Waker());
    }
    waiting.wake();  // outside the lock: the task's thread may run at once
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> task) {
    const std::lock_guard lock(mutex_);
    if (!number_) waiting_ = Waker(task);
    return !number_;
  }
  int await_resume() {
    const std::lock_guard lock(mutex_);
    return *std::exchange(number_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<int> number_;  // this and the next: guarded by mutex_
  Waker waiting_;
};
// [/baton]

// [relay]
/// Takes the baton from the executor before, and gives it to the one behind, `rounds` times.
Task<> relay(Baton& from, Baton& to, int rounds, int& hand_overs) {
  for (int i = 0; i < rounds; ++i) {
    const int number = co_await from;
    hand_overs = number + 1;
    to.pass(number + 1);
  }
}

Task<> nap(Reactor& reactor, int& naps) {
  co_await reactor.sleep_for(milliseconds(50));
  ++naps;  // no lock: the tasks of one executor share one thread
}

/// Stops its whole thread until all twelve have come: so all twelve do run at the same time. (A
/// task must not block. This one does it once, as a proof.)
Task<> meet(std::barrier<>& all) {
  all.arrive_and_wait();
  co_return;
}
// [/relay]

// [threads]
struct Counts {
  int hand_overs = 0;
  int naps = 0;
};

void run_executor(std::size_t number, Reactor& reactor, std::barrier<>& all,
                  std::array<Baton, executors>& batons, Counts& counts) {
  Executor executor;
  executor.spawn(meet(all));
  for (int i = 0; i < 100; ++i) executor.spawn(nap(reactor, counts.naps));
  Baton& behind = batons[(number + 1) % executors];
  executor.spawn(relay(batons[number], behind, 100, counts.hand_overs));
  executor.run();
}
// [/threads]

int main() {
  const auto start = Reactor::Clock::now();
  Reactor reactor;
  std::barrier<> all(executors);
  std::array<Baton, executors> batons;
  std::array<Counts, executors> counts;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < executors; ++i) {
      threads.emplace_back([&, i] { run_executor(i, reactor, all, batons, counts[i]); });
    }
    batons[0].pass(0);
  }
  int naps = 0;
  for (const Counts& of_one : counts) naps += of_one.naps;
  const bool quick = Reactor::Clock::now() - start < std::chrono::seconds(10);
  std::printf("executors that have met: %zu\n", executors);
  std::printf("naps of 50 ms:           %d, in less than ten seconds: %s\n", naps,
              quick ? "yes" : "no");
  std::printf("hand-overs of the baton: %d\n", counts[executors - 1].hand_overs);
}
