// What the tables for users of Asio and of Tokio say about tasks, their ends, time, limits and
// retries. The code of each row stands here, and runs.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<int> fetch(int number) {
  co_await weft::sleep_for(10ms * number);  // stands for a request
  co_return number;
}

weft::Task<void> handles() {
  weft::JoinHandle<int> handle = weft::spawn(fetch, 1);
  const int first = co_await std::move(handle);
  weft::spawn(fetch, 2).detach();
  weft::JoinHandle<int> slow = weft::spawn(fetch, 100);
  slow.cancel();
  const weft::Outcome<int> outcome = co_await std::move(slow).outcome();
  weft::JoinHandle<int> kept = weft::spawn(fetch, 3);
  auto race = co_await weft::select(kept.join(), weft::sleep_for(1ms));
  const bool has_ended = race.has<0>();
  const int later = co_await std::move(kept);
  const weft::SharedResult<int> shared = weft::share(fetch(4));
  const int once = co_await shared;
  const int again = co_await shared;
  std::printf("handles: %d; %s; %s at first, then %d; %d for two\n", first,
              outcome.cancelled() ? "cancelled" : "ended", has_ended ? "there" : "not there", later,
              once + again);
}

weft::Task<void> groups() {
  auto [a, b] = co_await weft::when_all(fetch(1), fetch(2));
  auto first = co_await weft::select(fetch(3), fetch(4));
  auto good = co_await weft::first_success(fetch(5), fetch(6));
  std::vector<weft::Task<int>> many;
  for (int i = 7; i < 10; ++i) many.push_back(fetch(i));
  const std::vector<int> all = co_await weft::when_all(std::move(many));
  std::printf("groups: %d and %d; the first: %d; a good one: %d; %zu\n", a, b, first.take<0>(),
              good.take<0>(), all.size());
}

weft::Task<void> sets() {
  weft::JoinSet<int> pages;
  for (int i = 3; i > 0; --i) pages.spawn(fetch, i);
  weft::CancelHandle last = pages.spawn(fetch, 100);
  last.cancel();
  std::vector<std::uint64_t> order;  // by their numbers in the set
  int sum = 0;
  while (auto end = co_await pages.next_ended()) {
    order.push_back(end->number);
    if (end->outcome.has_value()) sum += end->outcome.take();
  }
  weft::JoinSet<int> few(2);  // at most two at a time
  for (int i = 0; i < 4; ++i) co_await few.spawn_when_free(fetch, i);
  few.cancel_all();
  co_await few.all_ended();
  std::printf("a set: first ended number %d, last %d, sum %d; %zu results of the other\n",
              static_cast<int>(order.front()), static_cast<int>(order.back()), sum, few.size());
}

weft::Task<void> tokens() {
  weft::CancellationSource stop;
  weft::CancellationSource child(stop.token());
  auto working = weft::spawn(weft::run_until_cancelled(child.token(), weft::sleep_for(1h)));
  auto waiting = weft::spawn([token = stop.token()] { return token.cancelled(); });
  stop.cancel();
  const auto ended = co_await std::move(working);
  co_await std::move(waiting);
  std::printf("a token: %s\n", ended ? "worked to its end" : "cancelled");
}

weft::Task<void> cleanup(std::string& log) {
  auto body = [&]() -> weft::Task<void> {
    co_await weft::shield(fetch(5));  // runs to its end
    log += " body";
    co_await weft::sleep_for(1h);
  };
  co_await weft::finally(body, [&] { log += " cleanup"; });
}

weft::Task<void> limits_of_time() {
  const auto late = co_await weft::attempt(weft::timeout(fetch(100), 50ms));
  const auto at = co_await weft::attempt(weft::timeout_at(fetch(100), weft::now() + 50ms));
  const auto deadline = co_await weft::attempt(weft::with_deadline(fetch(100), 50ms));
  std::string log;
  const auto cleaned = co_await weft::attempt(weft::timeout(cleanup(log), 20ms));
  std::printf("limits: %s, %d %d %d;%s\n", late.error().code().message().c_str(),
              at.has_value() ? 1 : 0, deadline.has_value() ? 1 : 0, cleaned.has_value() ? 1 : 0,
              log.c_str());
}

weft::Task<void> times() {
  co_await weft::sleep_for(1s);
  co_await weft::sleep_until(weft::now() + 1s);
  weft::Interval every(1s, weft::Interval::Missed::burst);
  co_await every.tick();
  every.reset();
  every.reset_after(0s);
  co_await every.tick();
  int calls = 0;
  weft::Timer timer([&] { ++calls; });
  timer.arm_after(1s);
  timer.arm_every(1s);
  co_await weft::sleep_for(3500ms);
  timer.disarm();
  std::printf("times: %d calls of a timer\n", calls);
}

weft::Task<void> limits_of_load() {
  weft::RateLimiter rate(100, 1s, 20);  // 100 a second, 20 at once
  co_await rate.acquire();
  const bool at_once = rate.try_acquire();
  weft::ConcurrencyLimit places(8);
  const int answer = co_await places.run([] { return fetch(1); });
  int attempts = 0;
  auto policy = weft::RetryPolicy().attempts(5).pauses(100ms, 2s).jitter(weft::Jitter::full);
  auto ask = [&]() -> weft::Task<int> {
    if (++attempts < 3) throw weft::IoError(make_error_code(std::errc::timed_out), "ask");
    co_return co_await fetch(1);
  };
  co_await weft::retry(policy, ask);
  std::printf("load: %s, %d; %d attempts\n", at_once ? "at once" : "later", answer, attempts);
}

const weft::TaskLocal<std::string> request_id;

weft::Task<void> print_request() {
  co_await weft::yield_now();
  std::printf("a task-local: %s\n", request_id.get().c_str());
}

weft::Task<void> other_ways() {
  co_await request_id.with("17", print_request());
  weft::JoinHandle<int> stays = weft::spawn(weft::SpawnOptions().local(), fetch, 1);
  weft::spawn(weft::SpawnOptions().priority(weft::Priority::low), fetch, 1).detach();
  const int of_fiber = co_await weft::fiber([] { return weft::await(fetch(2)); });
  auto add = [](int a, int b) { return a + b; };
  const int sum = co_await weft::parallel(
      [&] { return weft::parallel_reduce(0, 100, 0, std::identity(), add); });
  const int row = weft::block_in_place([] { return 7; });
  auto scoped = [&](weft::Scope& scope) -> weft::Task<void> {
    const auto in_scope = weft::SpawnOptions().owner(scope);
    auto print = [](int number) { std::printf("a callback: %d\n", number); };
    weft::on_complete(in_scope, fetch(3), print);
    co_return;
  };
  co_await weft::scope(scoped);
  const int ended = co_await std::move(stays);
  std::printf("other ways: %d, %d, %d, %d\n", ended, of_fiber, sum, row);
}

weft::Task<void> program() {
  co_await handles();
  co_await groups();
  co_await sets();
  co_await tokens();
  co_await limits_of_time();
  co_await times();
  co_await limits_of_load();
  co_await other_ways();
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
