// Common to all waits in a queue: every way of waiting × every moment of a cancel, with wakes from
// any thread. A cancelled wait takes nothing, nothing is lost, and no memory is used.
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/latch.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/mutex.hpp>
#include <weft/notify.hpp>
#include <weft/on_complete.hpp>
#include <weft/rwlock.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::sync_contract_test {
namespace {

using namespace std::chrono_literals;

class SyncContractTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SyncContractTest);

// A subject is closed at first: a wait does not end. grant() lets the first waiter go on, or the
// next to come.

struct LockSubject {
  static constexpr const char* name = "Mutex";
  auto wait() { return mutex.lock(); }
  void blocking_wait() { const MutexGuard guard = mutex.blocking_lock(); }
  void grant() { held.unlock(); }
  [[nodiscard]] std::size_t waiting() const { return mutex.waiting(); }
  Mutex mutex;
  MutexGuard held = mutex.try_lock();
};

struct ReadSubject {
  static constexpr const char* name = "RwLock::read";
  auto wait() { return lock.read(); }
  void blocking_wait() { const ReadGuard guard = lock.blocking_read(); }
  void grant() { held.unlock(); }
  [[nodiscard]] std::size_t waiting() const { return lock.waiting(); }
  RwLock lock;
  WriteGuard held = lock.try_write();
};

struct WriteSubject {
  static constexpr const char* name = "RwLock::write";
  auto wait() { return lock.write(); }
  void blocking_wait() { const WriteGuard guard = lock.blocking_write(); }
  void grant() { held.unlock(); }
  [[nodiscard]] std::size_t waiting() const { return lock.waiting(); }
  RwLock lock;
  ReadGuard held = lock.try_read();
};

struct EventSubject {
  static constexpr const char* name = "ManualResetEvent";
  auto wait() { return event.wait(); }
  void blocking_wait() { event.blocking_wait(); }
  void grant() { event.set(); }
  [[nodiscard]] std::size_t waiting() const { return event.waiting(); }
  ManualResetEvent event;
};

struct NotifySubject {
  static constexpr const char* name = "Notify";
  auto wait() { return notify.wait(); }
  void blocking_wait() { notify.blocking_wait(); }
  void grant() { notify.notify_one(); }
  [[nodiscard]] std::size_t waiting() const { return notify.waiting(); }
  Notify notify;
};

struct LatchSubject {
  static constexpr const char* name = "Latch";
  auto wait() { return latch.wait(); }
  void blocking_wait() { latch.blocking_wait(); }
  void grant() {
    if (!latch.ready()) latch.count_down();
  }
  [[nodiscard]] std::size_t waiting() const { return latch.waiting(); }
  Latch latch{1};
};

/// Calls `body` with a null pointer of each subject's type.
template <class Body>
void for_each_subject(Body body) {
  const auto one = [&]<class... S>(S*... subjects) {
    (
        [&] {
          SCOPED_TRACE(S::name);
          body(subjects);
        }(),
        ...);
  };
  one(static_cast<LockSubject*>(nullptr), static_cast<ReadSubject*>(nullptr),
      static_cast<WriteSubject*>(nullptr), static_cast<EventSubject*>(nullptr),
      static_cast<NotifySubject*>(nullptr), static_cast<LatchSubject*>(nullptr));
}

/// One wait whose result, a guard or nothing, is dropped at once.
template <class S>
Task<void> pass(S& subject) {
  if constexpr (std::is_void_v<AwaitResult<decltype(subject.wait())>>) {
    co_await subject.wait();
  } else {
    const auto guard = co_await subject.wait();
  }
}

// Cancel

enum class Moment { before, during, after };

/// A wait that is cancelled at that moment. Returns whether it went on all the same.
template <class S>
Task<bool> cancelled_wait(S& subject, Moment moment) {
  Semaphore gate(0);
  Turnstile turnstile;
  std::atomic<bool> begun = false;
  auto body = [&]() -> Task<void> {
    while (!begun) {
      const Permit opened = co_await gate.acquire();
      begun = true;
    }
    turnstile.pass();
    co_await pass(subject);
  };
  auto handle = spawn(body);
  co_await until([&] { return gate.waiting() == 1; });
  gate.release();
  if (moment == Moment::before) handle.cancel();  // sticky: the gate's permit comes first
  turnstile.open();
  co_await until([&] { return handle.ended() || subject.waiting() == 1; });
  if (moment == Moment::after) subject.grant();
  handle.cancel();
  const Outcome<void> outcome = co_await std::move(handle).outcome();
  co_return outcome.has_value();
}

TEST_P(SyncContractTest, ACancelBeforeAndDuringTakesNothing) {
  for_each_subject([this]<class S>(S*) {
    for (const Moment moment : {Moment::before, Moment::during}) {
      run([moment]() -> Task<void> {
        S subject;
        const bool went_on = co_await cancelled_wait(subject, moment);
        EXPECT_FALSE(went_on);
        EXPECT_EQ(subject.waiting(), 0U);
        subject.grant();
        co_await pass(subject);
      });
    }
  });
}

TEST_P(SyncContractTest, ACancelBeforeTakesNothingOfWhatIsThere) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      subject.grant();
      const bool went_on = co_await cancelled_wait(subject, Moment::before);
      EXPECT_FALSE(went_on);
      co_await pass(subject);
    });
  });
}

TEST_P(SyncContractTest, ACancelAfterTheGrantComesTooLate) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      const bool went_on = co_await cancelled_wait(subject, Moment::after);
      EXPECT_TRUE(went_on);
    });
  });
}

TEST_P(SyncContractTest, TheLoserOfASelectTakesNothing) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      auto yielded = co_await select(subject.wait(), yield_now());
      EXPECT_EQ(yielded.index(), 1U);
      EXPECT_FALSE(yielded.template has<0>());
      auto timed = co_await select(subject.wait(), sleep_for(1ms));
      EXPECT_EQ(timed.index(), 1U);
      EXPECT_EQ(subject.waiting(), 0U);
      subject.grant();
      auto won = co_await select(subject.wait(), sleep_for(1h));
      EXPECT_EQ(won.index(), 0U);
    });
  });
}

TEST_P(SyncContractTest, ATimeoutEndsAWait) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      bool in_time = true;
      try {
        co_await timeout(pass(subject), 1ms);
      } catch (const IoError&) {
        in_time = false;
      }
      EXPECT_FALSE(in_time);
      subject.grant();
      co_await timeout(pass(subject), 1h);
    });
  });
}

// Contexts of the wait

TEST_P(SyncContractTest, FibersWait) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      auto handle = spawn(fiber([&] { static_cast<void>(await(subject.wait())); }));
      co_await until([&] { return subject.waiting() == 1; });
      subject.grant();
      co_await std::move(handle);
    });
  });
}

TEST_P(SyncContractTest, ACallbackWaits) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      std::atomic<bool> called = false;
      auto handle = on_complete(subject.wait(), [&](auto&&...) { called = true; });
      co_await until([&] { return subject.waiting() == 1; });
      EXPECT_FALSE(called);
      subject.grant();
      co_await std::move(handle);
      EXPECT_TRUE(called);
    });
  });
}

TEST_P(SyncContractTest, AThreadWaits) {
  for_each_subject([this]<class S>(S*) {
    S subject;
    std::thread waiter([&] { subject.blocking_wait(); });
    run([&]() -> Task<void> {
      co_await until([&] { return subject.waiting() == 1; });
      subject.grant();
    });
    waiter.join();
    subject.grant();
    subject.blocking_wait();  // and one that need not wait
  });
}

TEST_P(SyncContractTest, AThreadThatRunsTasksMustNotBlock) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      S subject;
      EXPECT_THROW(subject.blocking_wait(), std::logic_error);
      EXPECT_EQ(subject.waiting(), 0U);
      co_return;
    });
  });
}

// Forms of the wait

TEST_P(SyncContractTest, GrantedByAThreadAndDestroyedByWhoGoesOn) {
  for_each_subject([this]<class S>(S*) {
    constexpr std::size_t rounds = 300;
    std::vector<std::unique_ptr<S>> subjects(rounds);
    for (auto& subject : subjects) subject = std::make_unique<S>();
    std::vector<S*> borrowed;
    for (auto& subject : subjects) borrowed.push_back(subject.get());
    std::thread granter([&] {
      for (S* const subject : borrowed) subject->grant();
    });
    run([&]() -> Task<void> {
      for (auto& subject : subjects) {
        co_await pass(*subject);
        subject.reset();
      }
    });
    granter.join();
  });
}

TEST_P(SyncContractTest, WaitingTakesNoMemory) {
  for_each_subject([this]<class S>(S*) {
    run([]() -> Task<void> {
      constexpr std::size_t waits = 50;
      std::vector<std::unique_ptr<S>> subjects(waits);
      for (auto& subject : subjects) subject = std::make_unique<S>();
      auto body = [&]() -> Task<void> {
        for (auto& subject : subjects) {
          // Not by pass(), which is a frame.
          if constexpr (std::is_void_v<AwaitResult<decltype(subject->wait())>>) {
            co_await subject->wait();
          } else {
            const auto guard = co_await subject->wait();
          }
        }
      };
      auto handle = spawn(body);
      co_await until([&] { return subjects.front()->waiting() == 1; });
      const std::int64_t blocks = frame_pool_stats().live_blocks;
      for (auto& subject : subjects) {
        while (subject->waiting() == 0) co_await yield_now();
        EXPECT_EQ(frame_pool_stats().live_blocks, blocks);
        subject->grant();
      }
      co_await std::move(handle);
    });
  });
}

TEST_P(SyncContractTest, AnEndlessLoopOfWaitsLetsOthersRun) {
  for_each_subject([this]<class S>(S*) {
    std::atomic<bool> stop = false;
    run([&]() -> Task<void> {
      S subject;
      auto other = spawn([&]() -> Task<void> {
        stop = true;
        co_return;
      });
      while (!stop) {
        subject.grant();
        co_await pass(subject);
      }
      co_await std::move(other);
    });
  });
}

}  // namespace
}  // namespace weft::test::sync_contract_test
