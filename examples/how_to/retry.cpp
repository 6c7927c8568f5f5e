// Tries something again, with a longer pause each time.
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

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

// [use]
weft::Task<int> ask_patiently(Server& server) {
  auto policy = weft::RetryPolicy()
                    .attempts(5)
                    .pauses(100ms, 2s)            // 100 ms, 200 ms, 400 ms …
                    .jitter(weft::Jitter::equal)  // at least half of each
                    .within(10s);                 // no pause would end later than this
  co_return co_await weft::retry(policy, [&] { return server.ask(); });
}
// [/use]

// [report]
void print(const weft::RetryPause& next) {
  try {
    std::rethrow_exception(next.error);
  } catch (const std::exception& error) {
    std::printf("attempt %zu: %s; trying again\n", next.attempt, error.what());
  }
}

/// Each attempt has two seconds, and all of them have ten.
weft::Task<int> ask_in_time(Server& server) {
  auto policy = weft::RetryPolicy().before_pause(print);
  auto attempt = [&] { return weft::timeout(server.ask(), 2s); };
  co_return co_await weft::timeout(weft::retry(policy, attempt), 10s);
}
// [/report]

// [predicate]
/// Only an answer of its own says whether another attempt makes sense.
class Busy : public std::exception {
 public:
  const char* what() const noexcept override { return "busy"; }
};

weft::Task<int> ask_while_busy(int& asked) {
  auto policy =
      weft::RetryPolicy().pauses(1ms, 10ms).retry_if<Busy>([](const Busy&) { return true; });
  auto attempt = [&]() -> weft::Task<int> {
    if (++asked < 3) throw Busy();
    co_return asked;
  };
  co_return co_await weft::retry(policy, attempt);
}
// [/predicate]

weft::Task<void> program() {
  Server server;
  const weft::TimePoint start = weft::now();
  const int answer = co_await ask_patiently(server);
  const auto waited = weft::now() - start;
  std::printf("%d, at attempt %d; waited between 150 and 310 ms: %s\n", answer, server.asked(),
              waited >= 150ms && waited <= 310ms ? "yes" : "no");
  Server another;
  const int again = co_await ask_in_time(another);
  std::printf("%d again\n", again);
  int asked = 0;
  const int attempts = co_await ask_while_busy(asked);
  std::printf("answered at attempt %d\n", attempts);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // the pauses take no time
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
