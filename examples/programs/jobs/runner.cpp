#include "runner.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace jobs {

namespace {

/// Jobs that have begun and not ended, beyond those that run: they pause before their next attempt.
constexpr std::size_t most_pausing = 1000;

class Runner {
 public:
  Runner(const Settings& settings, Store& store, const Stop& stop, Progress& progress)
      : settings_(settings), store_(store), stop_(stop), progress_(progress) {}

  /// Makes attempts at the job until one succeeds, none is left, or the runner stops.
  weft::Task<void> run(const Job& job) {
    weft::Backoff backoff(settings_.pause, settings_.pause * 64, weft::Jitter::equal);
    for (std::size_t number = job.attempts + 1;; ++number) {
      const bool again = co_await try_once(job, number, backoff);
      if (!again) co_return;
    }
  }

  void fail(const std::exception& error) {
    if (!failed_) progress_.say(std::string(error.what()) + ": ending the jobs");
    failed_ = true;
    stop_.ending.cancel();
  }
  [[nodiscard]] bool has_failed() const { return failed_; }

 private:
  /// Returns whether to try again, when it is time for that.
  weft::Task<bool> try_once(const Job& job, std::size_t number, weft::Backoff& backoff) {
    std::optional<weft::OwnedPermit> place =
        co_await weft::run_until_cancelled(stop_.starting.token(), wait_for_turn());
    if (!place || stop_.starting.is_cancelled()) co_return false;
    progress_.attempt_begins();
    const Attempt attempt = co_await attempt_at(job);
    progress_.attempt_ends();
    if (attempt.interrupted) co_return false;
    const bool is_last = attempt.success || number >= settings_.attempts;
    const State state = attempt.success ? State::done : is_last ? State::failed : State::waiting;
    co_await store_.record(job, number, state, attempt);
    if (is_last) {
      progress_.job_ends(job, number, attempt);
      co_return false;
    }
    place.reset();  // a job that pauses takes up no place
    const weft::Nanoseconds pause = backoff.next();
    progress_.job_pauses(job, attempt, pause);
    const auto paused =
        co_await weft::run_until_cancelled(stop_.starting.token(), weft::sleep_for(pause));
    co_return paused.has_value();
  }

  weft::Task<weft::OwnedPermit> wait_for_turn() {
    weft::OwnedPermit place = co_await places_.acquire();
    co_await rate_.acquire();
    co_return place;
  }

  /// A shell that cannot be started is a failed attempt.
  weft::Task<Attempt> attempt_at(const Job& job) {
    auto attempt = co_await weft::attempt(run_attempt(job.command, settings_, stop_));
    if (attempt) co_return std::move(*attempt);
    Attempt failed;
    failed.status = attempt.error().what();
    co_return failed;
  }

  const Settings& settings_;
  Store& store_;
  const Stop& stop_;
  Progress& progress_;
  weft::ConcurrencyLimit places_{settings_.parallel};
  weft::RateLimiter rate_{settings_.rate, 1s};
  bool failed_ = false;
};

weft::Task<void> run_job(Runner& runner, const Job& job, weft::OwnedPermit) {
  try {
    co_await runner.run(job);
  } catch (const std::exception& error) {
    runner.fail(error);
  }
}

}  // namespace

weft::Task<bool> run_all(const std::vector<Job>& list, const Settings& settings, Store& store,
                         const Stop& stop, Progress& progress) {
  Runner runner(settings, store, stop, progress);
  // A list may be long: only so many of its jobs are tasks at a time.
  const weft::ConcurrencyLimit tasks(settings.parallel + most_pausing);
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (const Job& job : list) {
      auto permit = co_await weft::run_until_cancelled(stop.starting.token(), tasks.acquire());
      if (!permit) co_return;
      scope.spawn(run_job, std::ref(runner), std::cref(job), std::move(*permit));
    }
  };
  co_await weft::scope(body);
  co_return !runner.has_failed();
}

}  // namespace jobs
