// bench/run fiber: Boost.FlowContext (the bare switch) and Boost.Fiber, with its pooled stacks, on
// one thread and its default scheduler (round robin).
#include <boost/context/fiber.hpp>
#include <boost/fiber/all.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cells.hpp"

namespace {

using bench::Stopwatch;
namespace fibers = boost::fibers;

double switches(std::size_t count) {
  std::size_t there = 0;
  boost::context::fiber other([&](boost::context::fiber&& main) {
    for (;;) {
      ++there;
      main = std::move(main).resume();
    }
    return std::move(main);
  });
  const Stopwatch watch;
  for (std::size_t i = 0; i < count / 2; ++i) other = std::move(other).resume();
  const double ns = watch.ns_each(static_cast<double>(count));
  bench::require(there == count / 2, "switches");
  return ns;
}

double yields(std::size_t how_many, std::size_t count) {
  std::size_t yielded = 0;
  const std::size_t each = count / how_many;
  std::vector<fibers::fiber> all;
  for (std::size_t i = 0; i < how_many; ++i) {
    all.emplace_back([&] {
      boost::this_fiber::yield();
      for (std::size_t k = 0; k < each; ++k) {
        ++yielded;
        boost::this_fiber::yield();
      }
    });
  }
  boost::this_fiber::yield();
  const Stopwatch watch;
  for (fibers::fiber& fiber : all) fiber.join();
  const double ns = watch.ns_each(static_cast<double>(each * how_many));
  bench::require(yielded == each * how_many, "yields");
  return ns;
}

double spawns(std::size_t count) {
  fibers::pooled_fixedsize_stack stacks;
  std::size_t ran = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) {
    fibers::fiber(std::allocator_arg, stacks, [&ran] { ++ran; }).join();
  }
  const double ns = watch.ns_each(static_cast<double>(count));
  bench::require(ran == count, "spawns");
  return ns;
}

// Boost.Fiber's own way of handing a value over without a buffer.
double rounds(std::size_t count) {
  fibers::unbuffered_channel<std::size_t> to_first;
  fibers::unbuffered_channel<std::size_t> to_second;
  fibers::fiber other([&] {
    std::size_t number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      to_second.pop(number);
      to_first.push(number + 1);
    }
  });
  std::size_t number = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) {
    to_second.push(number + 1);
    to_first.pop(number);
  }
  const double ns = watch.ns_each(static_cast<double>(count));
  other.join();
  bench::require(number == 2 * count, "rounds");
  return ns;
}

double memory(std::size_t count) {
  fibers::mutex mutex;
  fibers::condition_variable go_on;
  bool over = false;
  std::size_t started = 0;
  std::vector<fibers::fiber> all;
  all.reserve(count);
  const double before = bench::resident_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back([&] {
      ++started;
      std::unique_lock lock(mutex);
      go_on.wait(lock, [&] { return over; });
    });
  }
  while (started != count) boost::this_fiber::yield();
  const double bytes = (bench::resident_bytes() - before) / static_cast<double>(count);
  over = true;
  go_on.notify_all();
  for (fibers::fiber& fiber : all) fiber.join();
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  using Count = std::size_t;
  return bench::run({{"switch", switches},
                     {"yield-2", [](Count n) { return yields(2, n); }},
                     {"yield-1000", [](Count n) { return yields(1000, n); }},
                     {"spawn-join", spawns},
                     {"ping-pong", rounds},
                     {"memory", memory}},
                    argc, argv);
}
