// Tries something again, with a longer pause each time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <system_error>
#include <type_traits>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// [retry]
struct Backoff {
  int attempts = 5;
  milliseconds first_pause = 100ms;
  milliseconds longest_pause = 2s;
};

bool is_worth_another_try(const std::error_code& code) {
  return code == std::errc::connection_refused || code == std::errc::connection_reset ||
         code == std::errc::timed_out;
}

/// Up to a quarter more than `pause`: clients that failed together do not come back together.
milliseconds with_jitter(milliseconds pause, std::minstd_rand& random) {
  std::uniform_int_distribution<milliseconds::rep> extra(0, pause.count() / 4);
  return pause + milliseconds(extra(random));
}

/// Awaits what `attempt()` gives until that succeeds. Throws what the last attempt throws, and at
/// once what another try would not change. Cancel: ends the attempt, or the pause.
template <class F>
auto retry(Backoff backoff, F attempt) -> std::invoke_result_t<F&> {
  std::minstd_rand random(std::random_device{}());
  milliseconds pause = backoff.first_pause;
  for (int number = 1;; ++number) {
    try {
      co_return co_await attempt();
    } catch (const weft::IoError& error) {
      if (number == backoff.attempts || !is_worth_another_try(error.code())) throw;
    }
    co_await weft::sleep_for(with_jitter(pause, random));  // not inside the catch: it cannot await
    pause = std::min(2 * pause, backoff.longest_pause);
  }
}
// [/retry]

// [use]
/// Refuses twice, then answers.
class Server {
 public:
  weft::Task<int> ask() {
    if (++asked_ <= 2) {
      throw weft::IoError(std::make_error_code(std::errc::connection_refused), "connect", "db:1");
    }
    co_return 42;
  }
  int asked() const { return asked_; }

 private:
  int asked_ = 0;
};

weft::Task<void> program() {
  Server server;
  const weft::TimePoint start = weft::now();
  const Backoff backoff;
  const int answer = co_await retry(backoff, [&] { return server.ask(); });
  const auto waited = weft::now() - start;
  std::printf("%d, at attempt %d; waited between 300 and 375 ms: %s\n", answer, server.asked(),
              waited >= 300ms && waited <= 375ms ? "yes" : "no");
}
// [/use]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
