// An Asio coroutine awaited by a task, a task awaited by an Asio coroutine, and a cancel in both
// directions.
#include "asio_adapter.hpp"

#include <pthread.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// The name of the calling thread.
std::string here() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

/// Says when it is destroyed: with the frame that it belongs to.
class Farewell {
 public:
  explicit Farewell(const char* text) : text_(text) {}
  ~Farewell() { std::printf("  %s\n", text_); }
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;

 private:
  const char* text_;
};

// [asio]
/// Asio's, and knows nothing of weft.
asio::awaitable<int> asio_sum(int a, int b, std::chrono::milliseconds takes) {
  const Farewell farewell("Asio's frame is gone");
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, takes);
  co_await timer.async_wait(asio::use_awaitable);
  std::printf("  Asio adds on %s\n", here().c_str());
  co_return a + b;
}

/// weft's, and knows nothing of Asio.
weft::Task<int> weft_product(int a, int b, std::chrono::milliseconds takes) {
  const Farewell farewell("weft's frame is gone");
  co_await weft::sleep_for(takes);
  std::printf("  weft multiplies on %s\n", here().c_str());
  co_return a* b;
}
// [/asio]

// [task]
weft::Task<void> in_a_task(asio::any_io_executor executor) {
  std::puts("a task awaits Asio:");
  const int sum = co_await foreign::on_asio(executor, asio_sum(2, 3, 10ms));
  std::printf("  %d, on %s\n", sum, here().c_str());
  std::puts("a task gives Asio up:");
  const auto late =
      co_await weft::attempt(weft::timeout(foreign::on_asio(executor, asio_sum(2, 3, 1h)), 10ms));
  std::printf("  %s\n", late.error().message().c_str());
}
// [/task]

// [coroutine]
asio::awaitable<int> in_asio(weft::Runtime& runtime, std::chrono::milliseconds takes) {
  const int product = co_await foreign::on_weft(runtime, weft_product(2, 3, takes));
  std::printf("  %d, on %s\n", product, here().c_str());
  co_return product;
}
// [/coroutine]

/// Runs an Asio coroutine on this thread, and cancels it after `limit`.
void run(asio::io_context& context, asio::awaitable<int> work, std::chrono::milliseconds limit) {
  asio::cancellation_signal cancel;
  asio::steady_timer timer(context, limit);
  timer.async_wait([&](std::error_code error) {
    if (!error) cancel.emit(asio::cancellation_type::terminal);
  });
  auto done = [&](std::exception_ptr error, int) {
    timer.cancel();
    try {
      if (error != nullptr) std::rethrow_exception(error);
    } catch (const std::exception& failure) {
      std::printf("  %s\n", failure.what());
    }
  };
  asio::co_spawn(context, std::move(work), asio::bind_cancellation_slot(cancel.slot(), done));
  context.run();
  context.restart();
}

}  // namespace

int main() {
  // [main]
  asio::io_context context(1);
  weft::RuntimeOptions options;
  options.workers = 1;
  weft::Runtime runtime(options);
  pthread_setname_np(pthread_self(), "main");
  std::puts("Asio awaits a task:");
  run(context, in_asio(runtime, 10ms), 1h);
  std::puts("Asio gives a task up:");
  run(context, in_asio(runtime, 1h), 10ms);

  auto guard = asio::make_work_guard(context);
  std::jthread loop([&context] {
    pthread_setname_np(pthread_self(), "asio");
    context.run();
  });
  runtime.block_on(in_a_task(context.get_executor()));
  guard.reset();  // the loop ends, as nothing is left
  // [/main]
}
