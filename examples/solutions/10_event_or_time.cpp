// Exercise 10.1: a wait for an event, or for a time, whichever comes first, on the runtime of
// chapter 10.
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

#include "../guide/tiny_runtime.hpp"

using std::chrono::milliseconds;

// [first]
enum class First { none, event, time };

/// Decided once: the second of two that try is told that it comes too late.
class Decision {
 public:
  void decide(First what) {
    {
      const std::lock_guard lock(mutex_);
      if (what_ != First::none) return;
      what_ = what;
    }
    decided_.set();  // outside the lock, and once: a waker must not be used twice
  }
  Event& decided() { return decided_; }
  First what() {
    const std::lock_guard lock(mutex_);
    return what_;
  }

 private:
  Event decided_;
  std::mutex mutex_;
  First what_ = First::none;  // guarded by mutex_
};
// [/first]

// [wait]
Task<> await_event(std::shared_ptr<Event> event, std::shared_ptr<Decision> decision) {
  Event& awaited = *event;  // a name, as g++ 12 would copy what stands behind co_await
  co_await awaited;
  decision->decide(First::event);
}

Task<> await_time(Reactor& reactor, milliseconds limit, std::shared_ptr<Decision> decision) {
  co_await reactor.sleep_for(limit);
  decision->decide(First::time);
}

/// Two tasks wait; the first that ends decides. The other one cannot be cancelled: it waits on.
Task<First> event_or_time(Reactor& reactor, std::shared_ptr<Event> event, milliseconds limit) {
  auto decision = std::make_shared<Decision>();
  Executor& here = Executor::current();
  here.spawn(await_event(std::move(event), decision));
  here.spawn(await_time(reactor, limit, decision));
  Event& decided = decision->decided();
  co_await decided;
  co_return decision->what();
}
// [/wait]

// [show]
Task<> set_after(Reactor& reactor, std::shared_ptr<Event> event, milliseconds time) {
  co_await reactor.sleep_for(time);
  event->set();
}

Task<> show(Reactor& reactor, milliseconds event_after, milliseconds limit) {
  auto event = std::make_shared<Event>();
  Executor::current().spawn(set_after(reactor, event, event_after));
  const First first = co_await event_or_time(reactor, event, limit);
  std::printf("event after %3d ms, limit %3d ms: the %s was first\n",
              static_cast<int>(event_after.count()), static_cast<int>(limit.count()),
              first == First::event ? "event" : "time");
}

Task<> show_both(Reactor& reactor) {
  co_await show(reactor, milliseconds(200), milliseconds(20));
  co_await show(reactor, milliseconds(20), milliseconds(200));
}
// [/show]

int main() {
  Reactor reactor;
  const auto start = Reactor::Clock::now();
  Executor executor;
  executor.spawn(show_both(reactor));
  executor.run();
  const bool waited = Reactor::Clock::now() - start >= milliseconds(220);
  std::printf("the losers were waited for to their end: %s\n", waited ? "yes" : "no");
}
