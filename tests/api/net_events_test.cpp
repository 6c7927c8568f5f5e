// wait_for_events(): the handles of a library that opens, closes and reuses them at will.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "api/net_support.hpp"
#include "os/fd.hpp"

namespace weft::testing::net_events_test {
namespace {

using namespace std::chrono_literals;

class NetEvents : public Net {
 protected:
  NetEvents() : queue(EventQueue::create().value()) {}

  /// The tokens of the next events; none after `within`.
  Task<std::vector<std::uint64_t>> next(Nanoseconds within = 20s) {
    const Events events = co_await wait_for_events(queue, room, deadline_after(within));
    std::vector<std::uint64_t> tokens;
    for (const Event& event : events) tokens.push_back(event.token);
    co_return tokens;
  }

  std::size_t handles_before = open_handles();
  EventQueue queue;
  std::array<Event, 8> room;
};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetEvents, ::testing::Values(0, 1, 2, 8), name_of_workers);

using Tokens = std::vector<std::uint64_t>;

struct Ends {
  Ends() {
    std::array<int, 2> both{};
    EXPECT_EQ(pipe2(both.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader.reset(both[0]);
    writer.reset(both[1]);
  }
  void put() const { EXPECT_EQ(write(writer.get(), "x", 1), 1); }
  detail::Fd reader;
  detail::Fd writer;
};

TEST_P(NetEvents, GivesWhatComesWhileItWaits) {
  const Ends pipe;
  run([&]() -> Task<void> {
    EXPECT_TRUE(queue.add(pipe.reader.get(), 7, Interest::readable));
    JoinHandle<Tokens> waiting = spawn([&] { return next(); });
    co_await yield_now();
    pipe.put();
    const Tokens first = co_await std::move(waiting);
    EXPECT_EQ(first, Tokens{7});
    const Tokens again = co_await next();  // level-triggered: it has not been read
    EXPECT_EQ(again, Tokens{7});
    EXPECT_TRUE(queue.remove(pipe.reader.get()));
    const Tokens removed = co_await next(1ms);
    EXPECT_EQ(removed, Tokens{});
  });
}

TEST_P(NetEvents, AWakeFromAnyThreadEndsTheWait) {
  run([&]() -> Task<void> {
    for (int round = 0; round < 20; ++round) {
      JoinHandle<Tokens> waiting = spawn([&] { return next(); });
      std::thread other([&] { queue.wake(); });
      const Tokens woken = co_await std::move(waiting);
      EXPECT_EQ(woken, Tokens{});
      other.join();
    }
  });
}

TEST_P(NetEvents, InterestChangesBetweenWaits) {
  run([&]() -> Task<void> {
    Pair pair = co_await make_pair();
    const NativeHandle handle = pair.client.native_handle();
    EXPECT_TRUE(queue.add(handle, 1, Interest::readable));
    const Tokens silent = co_await next(1ms);
    EXPECT_EQ(silent, Tokens{});
    EXPECT_TRUE(queue.add(handle, 2, Interest::both));  // as good as modify()
    const Tokens writable = co_await next();
    EXPECT_EQ(writable, Tokens{2});
    EXPECT_TRUE(queue.modify(handle, 3, Interest::readable));
    co_await pair.server.write_all("x");
    const Tokens readable = co_await next();
    EXPECT_EQ(readable, Tokens{3});
    EXPECT_TRUE(queue.remove(handle));
  });
}

// As libraries do: closes a watched socket and gets its number again at once.
TEST_P(NetEvents, AHandleThatIsClosedUnderTheWaitAndItsNumberUsedAgain) {
  run([&]() -> Task<void> {
    for (int round = 0; round < 20; ++round) {
      Ends old;
      const int number = old.reader.get();
      EXPECT_TRUE(queue.add(number, 1, Interest::readable));
      const Tokens silent = co_await next(0ns);
      EXPECT_EQ(silent, Tokens{});
      const Ends fresh;
      old.put();  // an event that must not be reported
      EXPECT_EQ(dup3(fresh.reader.get(), number, O_CLOEXEC), number);
      EXPECT_TRUE(queue.add(number, 2, Interest::readable));
      fresh.put();
      const Tokens got = co_await next();
      EXPECT_EQ(got, Tokens{2});
      EXPECT_TRUE(queue.remove(number));
    }
  });
}

TEST_P(NetEvents, ACancelTakesNothing) {
  const Ends pipe;
  run([&]() -> Task<void> {
    EXPECT_TRUE(queue.add(pipe.reader.get(), 7, Interest::readable, Trigger::edge));
    JoinHandle<Tokens> waiting = spawn([&] { return next(); });
    co_await yield_now();
    waiting.cancel();
    pipe.put();
    const Outcome<Tokens> ended = co_await std::move(waiting).outcome();
    if (ended.cancelled()) {  // else the event came first
      const Tokens got = co_await next();
      EXPECT_EQ(got, Tokens{7});
    }
  });
}

TEST_P(NetEvents, ADeadlineThatHasPassedLooksOnceAndLetsOthersRun) {
  const Ends pipe;
  run([&]() -> Task<void> {
    EXPECT_TRUE(queue.add(pipe.reader.get(), 7, Interest::readable));
    bool ran = false;
    JoinHandle<void> other = spawn([&]() -> Task<void> {
      pipe.put();
      ran = true;
      co_return;
    });
    for (int turns = 0; turns < 1'000'000; ++turns) {
      const Tokens got = co_await next(0ns);
      if (!got.empty()) break;
    }
    co_await std::move(other);
    EXPECT_TRUE(ran);
    const Tokens got = co_await next(-1s);
    EXPECT_EQ(got, Tokens{7});
  });
}

// Events of a registration that cannot be removed make the queue's handle another one.
TEST_P(NetEvents, SurvivesThatTheQueuesHandleChanges) {
  run([&]() -> Task<void> {
    const NativeHandle before = queue.native_handle();
    const Ends kept;
    const int closed = dup(kept.reader.get());
    EXPECT_TRUE(queue.add(closed, 1, Interest::readable));
    close(closed);
    EXPECT_TRUE(queue.remove(closed));  // too late: the pipe lives on, under its first number
    kept.put();
    const Ends live;
    EXPECT_TRUE(queue.add(live.reader.get(), 2, Interest::readable));
    for (int i = 0; i < 40 && queue.native_handle() == before; ++i) {
      co_await next(0ns);
    }
    EXPECT_NE(queue.native_handle(), before);
    live.put();
    Tokens got;
    for (int i = 0; i < 40 && got.empty(); ++i) got = co_await next();
    EXPECT_EQ(got, Tokens{2});
  });
}

}  // namespace
}  // namespace weft::testing::net_events_test
