// No value is lost. Producers send, accept and read; selects, timeouts, races and deadlines over
// several sources at once take the values. Their losers are cancelled at random moments, and the
// consumers are cancelled themselves and made anew. At the end each value was seen once. (One
// source alone under every event: see the tests of that source.)
#include <weft/broadcast.hpp>
#include <weft/channel.hpp>
#include <weft/deadline.hpp>
#include <weft/fiber.hpp>
#include <weft/first_success.hpp>
#include <weft/mutex.hpp>
#include <weft/net.hpp>
#include <weft/oneshot.hpp>
#include <weft/scope.hpp>
#include <weft/semaphore.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test::no_value_lost_test {
namespace {

using namespace std::chrono_literals;
using Random = std::mt19937_64;

class NoValueLostTest : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    seed_ = test_seed();
    trace_.emplace(__FILE__, __LINE__, "WEFT_SEED=" + std::to_string(seed_));
  }
  void TearDown() override {
    trace_.reset();
    RuntimeTest::TearDown();
  }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_ = 0;
  std::optional<::testing::ScopedTrace> trace_;
};
WEFT_ON_ALL_RUNTIMES(NoValueLostTest);

/// How often each number below `size` was seen. Any thread.
class Seen {
 public:
  explicit Seen(std::size_t size) : counts_(size) {}
  void add(std::size_t number) {
    counts_.at(number).fetch_add(1, std::memory_order_relaxed);
    total_.fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] bool all() const { return total_ >= counts_.size(); }
  void expect_each_once() const {
    for (std::size_t i = 0; i < counts_.size(); ++i) EXPECT_EQ(counts_[i], 1) << "number " << i;
  }

 private:
  std::vector<std::atomic<int>> counts_;
  std::atomic<std::size_t> total_{0};
};

Nanoseconds short_time(Random& random) { return std::chrono::microseconds(random() % 60); }

// Channels

constexpr std::size_t producers = 4;
constexpr std::size_t values_each = 150;
constexpr std::size_t all_values = 3 * producers * values_each;

/// Three channels of different kinds: a number is in one of them.
struct Channels {
  Channel<std::size_t> bounded = channel<std::size_t>(3);
  Channel<std::size_t> rendezvous = channel<std::size_t>(0);
  Channel<std::size_t> unbounded = unbounded_channel<std::size_t>();
  Seen seen{all_values};
};

/// Sends in a place that it has reserved, giving up and beginning anew until it has one.
Task<void> send_in_place(const Sender<std::size_t>& sender, std::size_t value, Random& random) {
  for (;;) {
    auto first = co_await select(sender.reserve(), sleep_for(short_time(random)));
    if (!first.has<0>()) continue;
    auto permit = first.take<0>();
    EXPECT_TRUE(permit.has_value());
    if (random() % 3 == 0) continue;  // gives the place back
    if (random() % 3 == 0) co_await yield_now();
    EXPECT_TRUE(permit->send(value).has_value());
    co_return;
  }
}

Task<void> produce(const Sender<std::size_t>& sender, std::size_t from, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = 0; i < values_each; ++i) {
    if (random() % 3 == 0) co_await yield_now();
    // A rendezvous has no places.
    if (random() % 3 == 0 && sender.capacity() != 0) {
      co_await send_in_place(sender, from + i, random);
      continue;
    }
    const auto sent = co_await sender.send(from + i);
    EXPECT_TRUE(sent.has_value());
  }
}

/// Records what a selection has of each channel, the winner or not.
template <std::size_t... I, class S>
void note(Channels& all, S& selection, std::index_sequence<I...>) {
  const auto one = [&]<std::size_t J>() {
    if (!selection.template has<J>()) return;
    if (const auto value = selection.template take<J>()) all.seen.add(*value);
  };
  (one.template operator()<I>(), ...);
}

Task<void> take_by_select(Channels& all) {
  auto first = co_await select(all.bounded.receiver.receive(), all.rendezvous.receiver.receive(),
                               all.unbounded.receiver.receive());
  note(all, first, std::make_index_sequence<3>());
}
Task<void> take_by_first_success(Channels& all, Nanoseconds limit) {
  auto first = co_await first_success(all.rendezvous.receiver.receive(),
                                      all.bounded.receiver.receive(), sleep_for(limit));
  note(all, first, std::make_index_sequence<2>());
}
/// A timeout or a deadline gives the value that came in spite of it.
template <class A>
Task<void> take_in_time(Channels& all, A limited) {
  std::optional<std::size_t> value;
  try {
    value = co_await std::move(limited);
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::timed_out);
  }
  if (value.has_value()) all.seen.add(*value);
}
/// Several at once, in time or not.
Task<void> take_many(Channels& all, const Receiver<std::size_t>& receiver, Nanoseconds limit) {
  std::vector<std::size_t> values;
  try {
    const std::size_t count = co_await timeout(receiver.receive_many(values, 3), limit);
    EXPECT_EQ(count, values.size());
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::timed_out);
    EXPECT_TRUE(values.empty());
  }
  for (const std::size_t value : values) all.seen.add(value);
}
Task<void> take_in_fiber(Channels& all, Nanoseconds limit) {
  auto in_fiber = [&all, limit] {
    auto first = await(select(all.unbounded.receiver.receive(), sleep_for(limit)));
    note(all, first, std::index_sequence<0>());
  };
  co_await fiber(std::ref(in_fiber));
}

/// Runs until it is cancelled. Records each value before its next wait.
Task<void> consume(Channels& all, std::uint64_t seed) {
  Random random(seed);
  for (;;) {
    switch (random() % 7) {
      case 0:
        co_await take_by_select(all);
        break;
      case 1:
        co_await take_by_first_success(all, short_time(random));
        break;
      case 2:
        co_await take_in_time(all, timeout(all.bounded.receiver.receive(), short_time(random)));
        break;
      case 3:
        co_await take_in_time(all,
                              with_deadline(all.rendezvous.receiver.receive(), short_time(random)));
        break;
      case 4:
        co_await take_many(all, all.bounded.receiver, short_time(random));
        break;
      case 5:
        co_await take_many(all, all.rendezvous.receiver, short_time(random));
        break;
      default:
        co_await take_in_fiber(all, short_time(random));
        break;
    }
    if (random() % 4 == 0) co_await yield_now();
  }
}

/// Keeps consumers going, and cancels now this one, now that one, until all has been seen.
Task<void> keep_consuming(Channels& all, std::uint64_t seed) {
  Random random(seed);
  std::vector<JoinHandle<void>> consumers;
  for (int i = 0; i < 4; ++i) consumers.push_back(spawn(consume, std::ref(all), random()));
  while (!all.seen.all()) {
    co_await sleep_for(short_time(random));
    JoinHandle<void>& one = consumers[random() % consumers.size()];
    one.cancel();
    const Outcome<void> ended = co_await std::move(one).outcome();
    EXPECT_FALSE(ended.failed());
    one = spawn(consume, std::ref(all), random());
  }
  for (JoinHandle<void>& one : consumers) one.cancel();
  for (JoinHandle<void>& one : consumers) (void)co_await std::move(one).outcome();
}

TEST_P(NoValueLostTest, OfThreeKindsOfChannels) {
  Channels all;
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      std::size_t from = 0;
      Random random(seed());
      for (const auto* sender :
           {&all.bounded.sender, &all.rendezvous.sender, &all.unbounded.sender}) {
        for (std::size_t i = 0; i < producers; ++i, from += values_each) {
          s.spawn(produce, std::cref(*sender), from, random());
        }
      }
      co_await keep_consuming(all, random());
    });
  });
  all.seen.expect_each_once();
}

TEST_P(NoValueLostTest, OfManyOneshots) {
  constexpr std::size_t pairs = 400;
  Seen seen(pairs);
  run([&]() -> Task<void> {
    Random random(seed());
    for (std::size_t i = 0; i < pairs; i += 2) {
      auto [first_sender, first] = oneshot<std::size_t>();
      auto [second_sender, second] = oneshot<std::size_t>();
      std::thread thread([i, &first_sender, &second_sender] {
        EXPECT_TRUE(std::move(first_sender).send(i).has_value());
        EXPECT_TRUE(std::move(second_sender).send(i + 1).has_value());
      });
      if (random() % 2 == 0) co_await yield_now();
      auto both = co_await select(first.receive(), second.receive());
      std::optional<std::size_t> a;
      std::optional<std::size_t> b;
      if (both.has<0>()) a = both.take<0>();
      if (both.has<1>()) b = both.take<1>();
      // A loser without a value receives it later.
      if (!a.has_value()) a = co_await first.receive();
      if (!b.has_value()) b = co_await second.receive();
      thread.join();
      seen.add(a.value());
      seen.add(b.value());
    }
  });
  seen.expect_each_once();
}

TEST_P(NoValueLostTest, OfABroadcastForEachReceiver) {
  constexpr std::size_t values = 500;
  std::array<Seen, 3> seen{Seen(values), Seen(values), Seen(values)};
  run([&]() -> Task<void> {
    auto [sender, first_receiver] = broadcast<std::size_t>(1024);
    co_await scope([&](Scope& s) -> Task<void> {
      Random random(seed());
      for (Seen& mine : seen) {
        s.spawn([from = first_receiver, &mine, own = Random(random())]() mutable -> Task<void> {
          std::size_t expected = 0;
          while (!mine.all()) {
            auto first = co_await select(from.receive(), sleep_for(short_time(own)));
            if (!first.has<0>()) continue;
            const auto item = first.take<0>();
            EXPECT_EQ(item->value(), expected++);
            mine.add(item->value());
          }
        });
      }
      for (std::size_t i = 0; i < values; ++i) {
        sender.send(i);
        if (random() % 3 == 0) co_await yield_now();
      }
    });
  });
  for (const Seen& one : seen) one.expect_each_once();
}

// Locks

TEST_P(NoValueLostTest, OfPermitsAndLocks) {
  constexpr std::size_t permits = 3;
  Semaphore semaphore(permits);
  Mutex mutex;
  int inside = 0;  // guarded by mutex
  run([&]() -> Task<void> {
    co_await scope([&](Scope& s) -> Task<void> {
      Random random(seed());
      for (int i = 0; i < 16; ++i) {
        s.spawn([&, own = Random(random())]() mutable -> Task<void> {
          for (int turn = 0; turn < 40; ++turn) {
            auto first =
                co_await select(semaphore.acquire(), mutex.lock(), sleep_for(short_time(own)));
            if (first.has<1>()) {
              const auto lock = first.take<1>();
              EXPECT_EQ(++inside, 1);
              if (own() % 2 == 0) co_await yield_now();
              --inside;
            }
          }
        });
      }
      co_return;
    });
  });
  EXPECT_EQ(semaphore.available(), permits);
  EXPECT_TRUE(static_cast<bool>(mutex.try_lock()));
}

// I/O

constexpr std::size_t connections = 40;
constexpr std::size_t bytes_each = 3000;

std::byte byte_at(std::size_t connection, std::size_t position) {
  return static_cast<std::byte>(connection * 31 + position * 7 + position / 251);
}

Task<void> client(Endpoint server, std::size_t number, std::uint64_t seed) {
  Random random(seed);
  StreamSocket stream = co_await StreamSocket::connect(server);
  std::vector<std::byte> bytes(bytes_each + 1);
  bytes[0] = static_cast<std::byte>(number);
  for (std::size_t i = 0; i < bytes_each; ++i) bytes[i + 1] = byte_at(number, i);
  std::span<const std::byte> left(bytes);
  while (!left.empty()) {
    const std::size_t size = std::min<std::size_t>(left.size(), 1 + random() % 400);
    co_await stream.write_all(left.first(size));
    left = left.subspan(size);
    if (random() % 2 == 0) co_await yield_now();
  }
  std::array<std::byte, 1> end{};
  const std::size_t answered = co_await stream.read(end);
  EXPECT_EQ(answered, 1U);
}

/// Some bytes, or none if the time was over first.
Task<std::size_t> read_some(StreamSocket& stream, std::span<std::byte> buffer, Random& random) {
  const Nanoseconds limit = short_time(random);
  if (random() % 2 == 0) {
    auto first = co_await select(stream.read(buffer), sleep_for(limit));
    co_return first.has<0>() ? first.take<0>() : std::size_t{0};
  }
  const Result<std::size_t> result = co_await timeout(attempt(stream.read(buffer)), limit);
  EXPECT_TRUE(result.has_value() || result.error() == std::errc::timed_out);
  co_return result.value_or(0);
}

Task<void> serve(StreamSocket stream, Seen& served, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::byte> bytes;
  std::array<std::byte, 257> buffer{};
  while (bytes.size() < bytes_each + 1) {
    const std::size_t size = co_await read_some(stream, buffer, random);
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  }
  const auto number = static_cast<std::size_t>(bytes[0]);
  for (std::size_t i = 0; i < bytes_each; ++i) {
    EXPECT_EQ(bytes[i + 1], byte_at(number, i)) << "byte " << i << " of " << number;
    if (bytes[i + 1] != byte_at(number, i)) break;
  }
  served.add(number);
  co_await stream.write_all(std::span<const std::byte>(buffer).first(1));
}

/// Accepts until all are served, giving up and beginning anew all the time.
Task<void> accept_all(Scope& s, SocketListener& listener, Seen& served, std::uint64_t seed) {
  Random random(seed);
  std::size_t accepted = 0;
  while (accepted < connections) {
    auto first = co_await select(listener.accept(), sleep_for(short_time(random)));
    if (!first.has<0>()) continue;
    ++accepted;
    s.spawn(serve, first.take<0>(), std::ref(served), random());
  }
}

TEST_P(NoValueLostTest, OfConnectionsAndTheirBytes) {
  Seen served(connections);
  run([&]() -> Task<void> {
    SocketListener listener = SocketListener::bind("127.0.0.1:0");
    co_await scope([&](Scope& s) -> Task<void> {
      Random random(seed());
      s.spawn(accept_all, std::ref(s), std::ref(listener), std::ref(served), random());
      for (std::size_t i = 0; i < connections; ++i) {
        s.spawn(client, listener.local_endpoint(), i, random());
        if (random() % 4 == 0) co_await yield_now();
      }
    });
  });
  served.expect_each_once();
}

}  // namespace
}  // namespace weft::test::no_value_lost_test
