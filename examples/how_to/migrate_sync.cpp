// What the tables for users of Asio and of Tokio say about channels, locks and streams of values.
// The code of each row stands here, and runs.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace streams = weft::streams;

weft::Task<void> channels() {
  auto [sender, receiver] = weft::channel<int>(4);
  auto sent = co_await sender.send(1);
  const bool has_room = sender.try_send(2) == weft::TrySend::sent;
  if (auto permit = co_await sender.reserve()) sent = permit->send(3);
  std::vector<int> several;
  const std::size_t count = co_await receiver.receive_many(several, 16);
  const weft::WeakSender<int> weak = sender.weak();
  const bool is_open = weak.lock().has_value();
  receiver.close();
  co_await sender.wait_closed();
  const auto back = co_await sender.send(4);
  auto [endless, reader] = weft::unbounded_channel<int>();
  sent = endless.blocking_send(5);
  const auto five = co_await reader.receive();
  std::printf("a channel: %s, %zu at once, %s; %d came back; %d\n", has_room ? "room" : "full",
              count, is_open ? "open" : "closed", back ? 0 : back.error(), *five);
}

weft::Task<void> other_channels() {
  auto [answer, asked] = weft::oneshot<int>();
  const auto sent = std::move(answer).send(1);
  const std::optional<int> one = co_await asked;
  auto [events, listener] = weft::broadcast<std::string>(16);
  events.send("to all");
  const auto event = co_await listener.receive();
  auto [config, changes] = weft::watch<int>(1);
  config.send(2);
  const auto newest = co_await changes.changed();
  auto at_least_two = [](int value) { return value >= 2; };
  const auto found = co_await changes.wait_for(at_least_two);
  std::printf("others: %d%s, %s, %d, %d\n", *one, sent ? "" : " back", (*event)->c_str(), **newest,
              **found);
}

weft::Task<void> locks() {
  weft::Mutex mutex;
  weft::MutexGuard guard = co_await mutex.lock();
  bool done = false;
  weft::ConditionVariable changed;
  auto set = weft::spawn([&]() -> weft::Task<void> {
    const weft::MutexGuard setting = co_await mutex.lock();
    done = true;
    changed.notify_one();
  });
  co_await changed.wait(guard, [&] { return done; });
  guard.unlock();
  co_await std::move(set);

  auto shared = std::make_shared<weft::Mutex>();
  weft::OwnedMutexGuard owned = co_await weft::lock_owned(shared);
  weft::RwLock table;
  {
    const weft::ReadGuard reading = co_await table.read();
  }
  const weft::WriteGuard writing = co_await table.write();

  auto connections = std::make_shared<weft::Semaphore>(8);
  weft::OwnedPermit permit = co_await weft::acquire_owned(connections);
  const weft::Permit three = co_await connections->acquire(3);
  connections->close();
  const auto refused = co_await weft::attempt(connections->acquire());
  std::printf("locks: %s, %zu permits held, then: %s\n", done ? "done" : "not done",
              three.permits() + permit.guard().permits(),
              refused ? "one more" : refused.error().code().message().c_str());
}

weft::Task<void> events() {
  weft::Notify notify;
  notify.notify_one();
  co_await notify.wait();
  weft::ManualResetEvent ready;
  ready.set();
  co_await ready.wait();
  weft::Barrier barrier(1);
  co_await barrier.arrive_and_wait();
  weft::Latch latch(1);
  latch.count_down();
  co_await latch.wait();
  weft::OnceCell<std::string> config;
  auto read_config = [] { return std::string("made once"); };
  const std::string& text = co_await config.get_or_init(read_config);
  std::printf("events: %s\n", text.c_str());
}

weft::AsyncGenerator<int> numbers(int first, int last) {
  for (int i = first; i <= last; ++i) {
    co_await weft::sleep_for(10ms);
    co_yield i;
  }
}

weft::Task<int> twice(int number) {
  co_await weft::sleep_for(10ms);
  co_return 2 * number;
}

weft::Task<void> values() {
  auto is_odd = [](int number) { return number % 2 == 1; };
  auto square = [](int number) { return number * number; };
  auto odd = numbers(1, 9) | streams::filter(is_odd) | streams::map(square) | streams::take(3);
  const std::vector<int> squares = co_await (std::move(odd) | streams::collect());
  auto pairs = numbers(1, 3) | streams::zip(numbers(4, 9));
  auto chained = numbers(1, 2) | streams::chain(numbers(3, 4));
  auto ahead = numbers(1, 4) | streams::peekable();
  const auto* next = co_await ahead.peek();
  const int seen = **next;
  auto answers = numbers(1, 4) | streams::buffered_unordered(2, twice);
  auto merged = streams::merge(std::move(answers), numbers(1, 4));
  auto slowed = std::move(merged) | streams::throttle(1s) | streams::timeout_each(1min);
  auto in_chunks = std::move(slowed) | streams::chunk(4);
  std::size_t count = 0;
  while (auto pair = co_await pairs.next()) ++count;
  while (auto number = co_await chained.next()) ++count;
  while (auto chunk = co_await in_chunks.next()) count += chunk->size();
  std::printf("streams: %zu squares, the next would be %d, %zu items\n", squares.size(), seen,
              count);
}

weft::Task<void> program() {
  co_await channels();
  co_await other_channels();
  co_await locks();
  co_await events();
  co_await values();
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
