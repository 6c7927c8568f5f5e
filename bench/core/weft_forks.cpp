// The core benchmarks' weft: forks of coroutines, on the workers.
#include <array>
#include <cstddef>
#include <tuple>
#include <utility>
#include <weft/weft.hpp>

#include "core/core.hpp"
#include "core/weft_run.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

// The counterpart of core/forkjoin.hpp, which has functions.

weft::Task<std::size_t> fib(std::size_t n) {
  if (n < 2) co_return n;
  auto fork = weft::fork_all([n] { return fib(n - 1); }, [n] { return fib(n - 2); });
  auto [a, b] = co_await std::move(fork);
  co_return a + b;
}

weft::Task<std::size_t> skynet(std::size_t number, std::size_t leaves);

template <std::size_t... I>
auto ten_ways(std::size_t number, std::size_t tenth, std::index_sequence<I...>) {
  return weft::fork_all([number, tenth] { return skynet(number + I * tenth, tenth); }...);
}

weft::Task<std::size_t> skynet(std::size_t number, std::size_t leaves) {
  if (leaves == 1) co_return number;
  auto fork = ten_ways(number, leaves / 10, std::make_index_sequence<10>{});
  auto sums = co_await std::move(fork);
  co_return std::apply([](auto... sum) { return (sum + ...); }, sums);
}

weft::Task<Figures> fib_tasks(Job job) {
  const Stopwatch watch;
  const std::size_t result = co_await fib(job.count);
  const double took = watch.ns() / 1e6;
  std::size_t a = 0;
  std::size_t b = 1;
  for (std::size_t i = 0; i < job.count; ++i) a = std::exchange(b, a + b);
  bench::require(result == a, "fib");
  co_return Figures(1, took);
}

weft::Task<Figures> skynet_tasks(Job job) {
  std::size_t leaves = 1;
  for (std::size_t i = 0; i < job.count; ++i) leaves *= 10;
  const Stopwatch watch;
  const std::size_t sum = co_await skynet(0, leaves);
  const double took = watch.ns() / 1e6;
  bench::require(sum == leaves * (leaves - 1) / 2, "skynet");
  co_return Figures(1, took);
}

}  // namespace

bench::Cells bench::fork_cells() {
  return {{"fib-tasks", on_runtime(fib_tasks)}, {"skynet-tasks", on_runtime(skynet_tasks)}};
}
