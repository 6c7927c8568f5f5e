// Exercise 10.3: many wakes, one system call.
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "../guide/tiny_queue.hpp"

// [inbox]
/// What other threads have for one thread, which sleeps in a TinyQueue.
class Inbox {
 public:
  /// Any thread: puts, and then wakes, unless a wake is on its way.
  void put(int number) {
    {
      const std::lock_guard lock(mutex_);
      numbers_.push_back(number);
    }
    if (!wake_is_on_its_way_.exchange(true)) {
      ++writes_;
      queue_.wake();
    }
  }

  /// The one thread: sleeps until there is something, and takes all of it.
  std::vector<int> take() {
    queue_.wait();
    wake_is_on_its_way_ = false;  // first this, and then look: a put from now on wakes again
    const std::lock_guard lock(mutex_);
    return std::exchange(numbers_, {});
  }

  [[nodiscard]] int writes() const { return writes_; }

 private:
  TinyQueue queue_;
  std::atomic<bool> wake_is_on_its_way_{false};
  std::atomic<int> writes_{0};
  std::mutex mutex_;
  std::vector<int> numbers_;  // guarded by mutex_
};
// [/inbox]

// [use]
void asleep_meanwhile() {
  Inbox inbox;
  for (int i = 0; i < 1'000; ++i) inbox.put(i);
  const std::size_t taken = inbox.take().size();
  std::printf("1000 puts before the thread looks: %zu taken, %d write\n", taken, inbox.writes());
}

void two_threads_put() {
  constexpr std::size_t each = 20'000;
  Inbox inbox;
  const auto put_all = [&inbox] {
    for (std::size_t i = 0; i < each; ++i) inbox.put(1);
  };
  std::size_t taken = 0;
  {
    const std::jthread left(put_all);
    const std::jthread right(put_all);
    while (taken < 2 * each) taken += inbox.take().size();
  }
  std::printf("40000 puts by two threads at once: %zu taken, fewer writes than puts: %s\n", taken,
              inbox.writes() < static_cast<int>(2 * each) ? "yes" : "no");
}
// [/use]

int main() {
  asleep_meanwhile();
  two_threads_put();
}
