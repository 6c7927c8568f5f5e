// bench/run fiber: weft's fibers, and its coroutines at the same work, on a runtime of one worker.
#include <weft/weft.hpp>

#include <array>
#include <vector>

#include "cells.hpp"
#include "fiber/context.hpp"

namespace {

using bench::Stopwatch;

weft::RuntimeOptions one_worker() {
  weft::RuntimeOptions options;
  options.workers = 1;
  return options;
}

// The bare switch

struct Pair {
  weft::detail::FlowContext main;
  weft::detail::FlowContext other;
  std::size_t switches = 0;
};
Pair* pair = nullptr;

void come_back(void*) noexcept {
  for (;;) {
    ++pair->switches;
    pair->other.suspend_and_go_on_inline(pair->main, nullptr);
  }
}

double switches(std::size_t count) {
  static std::array<std::byte, 65536> stack;
  Pair both;
  pair = &both;
  new (&both.other) weft::detail::FlowContext(stack, &come_back);
  const Stopwatch watch;
  for (std::size_t i = 0; i < count / 2; ++i) {
    both.main.suspend_and_go_on_inline(both.other, nullptr);
  }
  const double ns = watch.ns_each(static_cast<double>(count));
  bench::require(both.switches == count / 2, "switches");
  return ns;
}

// Yield

/// `spawn_yielding(each, yields)` spawns one that yields once, so that all have started when the
/// watch does, and then counts and yields `each` times.
template <class Spawn>
double yields_of(std::size_t how_many, std::size_t count, Spawn spawn_yielding) {
  weft::Runtime runtime(one_worker());
  std::size_t yields = 0;
  double ns = 0;
  const std::size_t each = count / how_many;
  runtime.block_on([&]() -> weft::Task<void> {
    std::vector<weft::JoinHandle<void>> handles;
    for (std::size_t i = 0; i < how_many; ++i) handles.push_back(spawn_yielding(each, yields));
    co_await weft::yield_now();
    const Stopwatch watch;
    for (auto& handle : handles) co_await std::move(handle);
    ns = watch.ns_each(static_cast<double>(each * how_many));
  });
  bench::require(yields == each * how_many, "yields");
  return ns;
}

double fiber_yields(std::size_t fibers, std::size_t count) {
  return yields_of(fibers, count, [](std::size_t each, std::size_t& yields) {
    return weft::spawn(weft::fiber([each, &yields] {
      weft::await(weft::yield_now());
      for (std::size_t i = 0; i < each; ++i) {
        ++yields;
        weft::await(weft::yield_now());
      }
    }));
  });
}

double coroutine_yields(std::size_t tasks, std::size_t count) {
  return yields_of(tasks, count, [](std::size_t each, std::size_t& yields) {
    const auto body = [each, &yields]() -> weft::Task<void> {
      co_await weft::yield_now();
      for (std::size_t i = 0; i < each; ++i) {
        ++yields;
        co_await weft::yield_now();
      }
    };
    return weft::spawn(body);
  });
}

// Spawn and join

double fiber_spawns(std::size_t count) {
  weft::Runtime runtime(one_worker());
  return runtime.block_on(weft::fiber([count] {
    std::size_t ran = 0;
    const Stopwatch watch;
    for (std::size_t i = 0; i < count; ++i)
      weft::await(weft::spawn(weft::fiber([&ran] { ++ran; })));
    const double ns = watch.ns_each(static_cast<double>(count));
    bench::require(ran == count, "spawns");
    return ns;
  }));
}

double coroutine_spawns(std::size_t count) {
  weft::Runtime runtime(one_worker());
  double ns = 0;
  runtime.block_on([&]() -> weft::Task<void> {
    std::size_t ran = 0;
    const auto body = [&ran]() -> weft::Task<void> {
      ++ran;
      co_return;
    };
    const Stopwatch watch;
    for (std::size_t i = 0; i < count; ++i) {
      auto handle = weft::spawn(body);
      co_await std::move(handle);
    }
    ns = watch.ns_each(static_cast<double>(count));
    bench::require(ran == count, "spawns");
  });
  return ns;
}

// Ping-pong: two pass a number back and forth, and wake each other by semaphores.

struct Table {
  weft::Semaphore to_first{0};
  weft::Semaphore to_second{0};
  std::size_t number = 0;
};

double fiber_rounds(std::size_t count) {
  weft::Runtime runtime(one_worker());
  Table table;
  const auto second = [&table, count] {
    for (std::size_t i = 0; i < count; ++i) {
      weft::await(table.to_second.acquire()).forget();
      ++table.number;
      table.to_first.release();
    }
  };
  return runtime.block_on(weft::fiber([&] {
    auto other = weft::spawn(weft::fiber(second));
    const Stopwatch watch;
    for (std::size_t i = 0; i < count; ++i) {
      ++table.number;
      table.to_second.release();
      weft::await(table.to_first.acquire()).forget();
    }
    const double ns = watch.ns_each(static_cast<double>(count));
    weft::await(std::move(other));
    bench::require(table.number == 2 * count, "rounds");
    return ns;
  }));
}

double coroutine_rounds(std::size_t count) {
  weft::Runtime runtime(one_worker());
  Table table;
  const auto second = [&table, count]() -> weft::Task<void> {
    for (std::size_t i = 0; i < count; ++i) {
      weft::Permit permit = co_await table.to_second.acquire();
      permit.forget();
      ++table.number;
      table.to_first.release();
    }
  };
  double ns = 0;
  runtime.block_on([&]() -> weft::Task<void> {
    auto other = weft::spawn(second);
    const Stopwatch watch;
    for (std::size_t i = 0; i < count; ++i) {
      ++table.number;
      table.to_second.release();
      weft::Permit permit = co_await table.to_first.acquire();
      permit.forget();
    }
    ns = watch.ns_each(static_cast<double>(count));
    co_await std::move(other);
  });
  bench::require(table.number == 2 * count, "rounds");
  return ns;
}

// Memory

template <class Spawn>
double parked_bytes(std::size_t count, Spawn spawn_parked) {
  weft::Runtime runtime(one_worker());
  double bytes = 0;
  runtime.block_on([&]() -> weft::Task<void> {
    std::vector<weft::JoinHandle<void>> handles;
    handles.reserve(count);
    std::size_t started = 0;
    const double before = bench::resident_bytes();
    for (std::size_t i = 0; i < count; ++i) handles.push_back(spawn_parked(started));
    while (started != count) co_await weft::yield_now();
    bytes = (bench::resident_bytes() - before) / static_cast<double>(count);
    for (const auto& handle : handles) handle.cancel();
    for (auto& handle : handles) {
      auto ending = std::move(handle).outcome();
      const auto outcome = co_await std::move(ending);
      bench::require(outcome.cancelled(), "parked");
    }
  });
  return bytes;
}

double fiber_bytes(std::size_t count) {
  return parked_bytes(count, [](std::size_t& started) {
    return weft::spawn(weft::fiber([&started] {
      ++started;
      weft::await(weft::sleep_for(std::chrono::hours(1)));
    }));
  });
}

double coroutine_bytes(std::size_t count) {
  return parked_bytes(count, [](std::size_t& started) {
    const auto body = [&started]() -> weft::Task<void> {
      ++started;
      co_await weft::sleep_for(std::chrono::hours(1));
    };
    return weft::spawn(body);
  });
}

}  // namespace

int main(int argc, char** argv) {
  using Count = std::size_t;
  return bench::run({{"switch", switches},
                     {"yield-2", [](Count n) { return fiber_yields(2, n); }},
                     {"yield-1000", [](Count n) { return fiber_yields(1000, n); }},
                     {"spawn-join", fiber_spawns},
                     {"ping-pong", fiber_rounds},
                     {"memory", fiber_bytes},
                     {"coroutine-yield-2", [](Count n) { return coroutine_yields(2, n); }},
                     {"coroutine-yield-1000", [](Count n) { return coroutine_yields(1000, n); }},
                     {"coroutine-spawn-join", coroutine_spawns},
                     {"coroutine-ping-pong", coroutine_rounds},
                     {"coroutine-memory", coroutine_bytes}},
                    argc, argv);
}
