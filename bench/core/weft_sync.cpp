// The core benchmarks' weft: channel, mutex, semaphore.
#include <atomic>
#include <memory>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "core/core.hpp"
#include "core/weft_run.hpp"

#if __has_include(<weft/channel.hpp>)
#include <weft/channel.hpp>
#endif
#if __has_include(<weft/mutex.hpp>)
#include <weft/mutex.hpp>
#endif

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

/// Spawns `how_many` tasks of the body, waits for all, and returns the sum of their results.
template <class Body>
weft::Task<std::size_t> sum_of(std::size_t how_many, Body body) {
  std::vector<weft::JoinHandle<std::size_t>> handles;
  for (std::size_t i = 0; i < how_many; ++i) handles.push_back(weft::spawn(body));
  std::size_t sum = 0;
  for (auto& handle : handles) {
    const std::size_t more = co_await std::move(handle);
    sum += more;
  }
  co_return sum;
}

weft::Task<Figures> semaphore(Job job) {
  weft::Semaphore permits(bench::permits);
  const std::size_t each = job.count / bench::contenders;
  const auto body = [&permits, each]() -> weft::Task<std::size_t> {
    std::size_t had = 0;
    for (std::size_t i = 0; i < each; ++i) {
      weft::Permit permit = co_await permits.acquire();
      had += permit.permits();
    }
    co_return had;
  };
  const Stopwatch watch;
  const std::size_t had = co_await sum_of(bench::contenders, body);
  const double ns = watch.ns_each(had);
  bench::require(had == each * bench::contenders && permits.available() == bench::permits, "had");
  co_return Figures(1, ns);
}

#if __has_include(<weft/mutex.hpp>)
weft::Task<Figures> mutex_of(Job job, std::size_t tasks) {
  weft::Mutex mutex;
  std::size_t counter = 0;
  const std::size_t each = job.count / tasks;
  const auto body = [&mutex, &counter, each]() -> weft::Task<std::size_t> {
    for (std::size_t i = 0; i < each; ++i) {
      auto guard = co_await mutex.lock();
      ++counter;
    }
    co_return each;
  };
  const Stopwatch watch;
  const std::size_t locked = co_await sum_of(tasks, body);
  const double ns = watch.ns_each(locked);
  bench::require(counter == each * tasks, "mutex");
  co_return Figures(1, ns);
}

weft::Task<Figures> mutex_alone(Job job) { return mutex_of(job, 1); }
weft::Task<Figures> mutex_contended(Job job) { return mutex_of(job, bench::contenders); }
#endif

#if __has_include(<weft/channel.hpp>)
/// `senders` tasks send 0 … each - 1. The receivers share the values evenly.
weft::Task<Figures> channel_of(Job job, std::size_t senders, std::size_t receivers) {
  auto [tx, rx] = weft::channel<std::size_t>(bench::capacity);
  const std::size_t each = job.count / senders;
  const std::size_t taken = each * senders / receivers;
  auto* const sender = &tx;
  auto* const receiver = &rx;
  const auto send = [sender, each]() -> weft::Task<std::size_t> {
    std::size_t sent = 0;
    for (std::size_t i = 0; i < each; ++i) {
      const auto result = co_await sender->send(i);
      sent += result.has_value() ? 1 : 0;
    }
    co_return sent;
  };
  const auto receive = [receiver, taken]() -> weft::Task<std::size_t> {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < taken; ++i) {
      const std::optional<std::size_t> value = co_await receiver->receive();
      sum += value.value();
    }
    co_return sum;
  };
  const Stopwatch watch;
  auto sending = weft::spawn([senders, send] { return sum_of(senders, send); });
  const std::size_t sum = co_await sum_of(receivers, receive);
  const double ns = watch.ns_each(each * senders);
  const std::size_t sent = co_await std::move(sending);
  bench::require(sent == each * senders && sum == senders * (each * (each - 1) / 2), "channel");
  co_return Figures(1, ns);
}

weft::Task<Figures> channel_1_1(Job job) { return channel_of(job, 1, 1); }
weft::Task<Figures> channel_4_1(Job job) { return channel_of(job, 4, 1); }
weft::Task<Figures> channel_4_4(Job job) { return channel_of(job, 4, 4); }
#endif

}  // namespace

bench::Cells bench::sync_cells() {
  return {
#if __has_include(<weft/mutex.hpp>)
      {"mutex-alone", on_runtime(mutex_alone)},  {"mutex-contended", on_runtime(mutex_contended)},
#endif
#if __has_include(<weft/channel.hpp>)
      {"channel-1p1c", on_runtime(channel_1_1)}, {"channel-4p1c", on_runtime(channel_4_1)},
      {"channel-4p4c", on_runtime(channel_4_4)},
#endif
      {"semaphore", on_runtime(semaphore)}};
}
