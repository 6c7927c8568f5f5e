// One source, several workers, one place where the results meet.
#include <chrono>
#include <cstdio>
#include <functional>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [stages]
weft::Task<void> produce(int count, weft::Sender<int> jobs) {
  for (int i = 1; i <= count; ++i) {
    const auto sent = co_await jobs.send(i);  // waits while the channel is full
    if (!sent) co_return;                     // no receiver is left
  }
}

weft::Task<void> work(weft::Receiver<int> jobs, weft::Sender<int> results) {
  while (auto job = co_await jobs.receive()) {
    co_await weft::sleep_for(1ms);  // stands for work that waits
    const auto sent = co_await results.send(*job * *job);
    if (!sent) co_return;
  }
}

weft::Task<long> add_up(weft::Receiver<int> results) {
  long sum = 0;
  while (auto result = co_await results.receive()) sum += *result;
  co_return sum;
}
// [/stages]

// [connect]
weft::Task<long> sum_of_squares(int count) {
  auto [job_sender, job_receiver] = weft::channel<int>(16);
  auto [result_sender, result_receiver] = weft::channel<int>(16);
  auto jobs_in = std::move(job_sender);
  auto jobs_out = std::move(job_receiver);
  auto results_in = std::move(result_sender);
  auto results_out = std::move(result_receiver);
  auto body = [&](weft::Scope& scope) -> weft::Task<long> {
    scope.spawn(produce, count, std::move(jobs_in));
    for (int i = 0; i < 4; ++i) scope.spawn(work, jobs_out, results_in);
    // The ends that are kept here would keep the channels open.
    {
      auto gone = std::move(jobs_out);
    }
    {
      auto gone = std::move(results_in);
    }
    co_return co_await add_up(std::move(results_out));
  };
  co_return co_await weft::scope(body);
}
// [/connect]

int main() {
  weft::Runtime runtime;
  std::printf("%ld\n", runtime.block_on(sum_of_squares(100)));
}
