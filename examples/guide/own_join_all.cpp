// The reader's own task: a million awaits that are ready at once, and join_all written by hand, on
// three requests to a delay server.
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "delay_peer.hpp"
#include "own_task.hpp"
#include "poll_loop.hpp"
#include "stopwatch.hpp"

OwnTask<int> one() { co_return 1; }

OwnTask<int> count_to(int limit) {
  int sum = 0;
  while (sum < limit) sum += co_await one();
  co_return sum;
}

// [countdown]
/// Counts tasks that have not ended, and goes on with the one that waits after the last.
class Countdown {
 public:
  explicit Countdown(std::size_t left) : left_(left) {}

  /// For the one that waits for all.
  [[nodiscard]] bool await_ready() const noexcept { return left_ == 0; }
  void await_suspend(std::coroutine_handle<> joining) noexcept { joining_ = joining; }
  void await_resume() const {
    if (error_) std::rethrow_exception(error_);
  }

  /// For each of the others, as its last stop: it is not resumed, but destroyed.
  class Arrival {
   public:
    explicit Arrival(Countdown& countdown) : countdown_(&countdown) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      const bool last = --countdown_->left_ == 0;
      return last && countdown_->joining_ ? countdown_->joining_ : std::noop_coroutine();
    }
    void await_resume() const noexcept {}

   private:
    Countdown* countdown_;
  };
  Arrival arrive() { return Arrival(*this); }
  /// Keeps the first error.
  void failed() {
    if (!error_) error_ = std::current_exception();
  }

 private:
  std::size_t left_;
  std::coroutine_handle<> joining_;
  std::exception_ptr error_;
};
// [/countdown]

// [join]
template <class T>
OwnTask<int> part(OwnTask<T> task, std::optional<T>& result, Countdown& countdown) {
  try {
    result = co_await task;
  } catch (...) {
    countdown.failed();
  }
  co_await countdown.arrive();
  co_return 0;  // not reached
}

/// Waits until all have ended. Gives their results in the order of the tasks, or throws the first
/// error.
template <class T>
OwnTask<std::vector<T>> join_all(std::vector<OwnTask<T>> tasks) {
  Countdown countdown(tasks.size());
  std::vector<std::optional<T>> results(tasks.size());
  std::vector<OwnTask<int>> parts;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    parts.push_back(part(std::move(tasks[i]), results[i], countdown));
    parts.back().start();
  }
  co_await countdown;
  std::vector<T> values;
  for (std::optional<T>& result : results) values.push_back(std::move(*result));
  co_return values;
}
// [/join]

// [fetch]
OwnTask<std::string> fetch(PollLoop& loop, std::uint16_t port, int delay_ms, std::string text) {
  const int fd = connect_to(port);
  const std::string request = delay_request(delay_ms, text);
  checked(static_cast<int>(send(fd, request.data(), request.size(), MSG_NOSIGNAL)), "send");
  std::string received;
  std::optional<std::string> answer;
  while (!answer) {
    co_await loop.readable(fd);
    receive_more(fd, received);
    answer = take_answer(received);
  }
  close(fd);
  std::printf("  %s is there\n", answer->c_str());
  co_return *answer;
}

OwnTask<std::string> fetch_three(PollLoop& loop, std::uint16_t port) {
  std::vector<OwnTask<std::string>> tasks;
  tasks.push_back(fetch(loop, port, 300, "the-slow-one"));
  tasks.push_back(fetch(loop, port, 100, "the-quick-one"));
  tasks.push_back(fetch(loop, port, 200, "the-other-one"));
  const std::vector<std::string> answers = co_await join_all(std::move(tasks));
  std::string all;
  for (const std::string& answer : answers) all += " " + answer;
  co_return all;
}
// [/fetch]

int main(int argc, char** argv) {
  const OwnTask<int> counting = count_to(1'000'000);
  counting.start();
  std::printf("%d awaits: done\n", counting.result());

  const DelayServer server(port_given(argc, argv));
  PollLoop loop;
  const Stopwatch stopwatch;
  const OwnTask<std::string> three = fetch_three(loop, server.port());
  three.start();
  loop.run();
  std::printf("all:%s\n", three.result().c_str());
  std::printf("after %.1f s\n", stopwatch.wall_s());
}
