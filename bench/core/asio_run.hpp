// Shared by the Asio programs of the core benchmarks.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#include "core/core.hpp"

namespace bench {

using Numbers = asio::experimental::channel<void(std::error_code, std::size_t)>;
using SharedNumbers = asio::experimental::concurrent_channel<void(std::error_code, std::size_t)>;

/// Runs the context on so many threads, including the calling one, until it has no more work.
inline void run_on(asio::io_context& context, std::size_t workers) {
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < workers; ++i) others.emplace_back([&context] { context.run(); });
  context.run();
}

/// A cell that runs as a coroutine of a context with the job's workers.
inline std::function<Figures(Job)> on_context(asio::awaitable<Figures> (*cell)(Job)) {
  return [cell](Job job) {
    asio::io_context context(static_cast<int>(job.workers));
    Figures figures;
    asio::co_spawn(context, cell(job), [&](const std::exception_ptr& error, Figures result) {
      require(error == nullptr, "an exception");
      figures = std::move(result);
    });
    run_on(context, job.workers);
    return figures;
  };
}

/// Reports when the last of a number of tasks has done its work.
class LastOne {
 public:
  LastOne(const asio::any_io_executor& executor, std::size_t count)
      : left_(count), signal_(executor, 1) {}
  void done() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) signal_.try_send(std::error_code(), 0U);
  }
  asio::awaitable<void> wait() { co_await signal_.async_receive(asio::use_awaitable); }

 private:
  std::atomic<std::size_t> left_;
  SharedNumbers signal_;
};

/// Two tasks pass a number back and forth.
template <class Channel>
struct Table {
  explicit Table(const asio::any_io_executor& executor) : Table(executor, executor) {}
  /// Each of the two on an executor of its own.
  Table(const asio::any_io_executor& first, const asio::any_io_executor& second)
      : to_first(first), to_second(second) {}
  Channel to_first;
  Channel to_second;
  static constexpr std::size_t last = SIZE_MAX;
  std::chrono::nanoseconds think{0};  // the computing time of each side before it hands over

  /// Answers until it is given `last`.
  asio::awaitable<void> answer() {
    for (;;) {
      const std::size_t number = co_await to_second.async_receive(asio::use_awaitable);
      if (number == last) co_return;
      if (think.count() > 0) compute_for(think);
      co_await to_first.async_send(std::error_code(), number + 1, asio::use_awaitable);
    }
  }
};

}  // namespace bench
