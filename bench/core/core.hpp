// Shared by the C++ programs of the core benchmarks. The command line is CELL WORKERS COUNT. Prints
// the cell's figures on one line of standard output. Exit code 1 if the work was done wrong.
//
// A subject is main.cpp and the files that define the three functions at the end. Cells of one name
// do the same work in every subject; bench/README.md describes it.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "measure.hpp"

namespace bench {

struct Job {
  std::size_t workers;
  std::size_t count;
};
using Figures = std::vector<double>;
using Cells = std::map<std::string, std::function<Figures(Job)>>;

inline constexpr std::size_t yielding_tasks = 1'000;
inline constexpr std::size_t batch = 100'000;     // of spawn-join-all
inline constexpr std::size_t standing = 100'000;  // timers that stand while others come and go
inline constexpr std::size_t capacity = 128;      // of channels
inline constexpr std::size_t contenders = 8;      // tasks at a mutex or a semaphore
inline constexpr std::size_t permits = 4;
inline constexpr std::chrono::milliseconds slice(1);  // of the computing task
/// Computed before each hand-over of ping-pong-parked, and before each wake: long enough for the
/// other side to park. Not longer: after more than 0.1 ms of idleness a virtual machine's processor
/// resumes in one of two times, as the host decides.
inline constexpr std::chrono::microseconds think_time(50);
inline constexpr std::chrono::hours long_time(1);  // longer than any run

/// Returns when timer i of `count` is due, counted from the beginning: a million of them in a
/// second.
inline std::chrono::nanoseconds due(std::size_t i, std::size_t count) {
  return std::chrono::nanoseconds(scattered(i, count * 1'000));
}
/// Returns when timer i of those that never fire is due.
inline std::chrono::milliseconds within_a_minute(std::size_t i) {
  return std::chrono::milliseconds(60'000 + scattered(i, 60'000));
}

/// `all` spawned and joined `count` batches; the first one is a warm-up.
template <class All>
Figures batches(std::size_t count, All all) {
  all();
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) all();
  return {watch.ns_each(count * batch)};
}

/// Times each round of a ping-pong whose two sides compute for `think` before they hand over.
class Laps {
 public:
  Laps(std::size_t count, std::chrono::nanoseconds think) : count_(count), think_(think) {
    ns_.reserve(count);
  }
  [[nodiscard]] bool over() const { return ns_.size() == count_; }
  void began() { watch_ = Stopwatch(); }
  void ended() { ns_.push_back(watch_.ns()); }
  /// The median, without the computing time of the two sides.
  [[nodiscard]] Figures median() const {
    return {quantile(ns_, 0.5) - 2 * static_cast<double>(think_.count())};
  }

 private:
  std::size_t count_;
  std::chrono::nanoseconds think_;
  Stopwatch watch_;
  std::vector<double> ns_;
};

/// Moves this thread to another CPU than the process was given, if there is one.
inline void move_aside() {
  cpu_set_t given;
  cpu_set_t other;
  CPU_ZERO(&other);
  require(sched_getaffinity(0, sizeof given, &given) == 0, "sched_getaffinity");
  for (unsigned cpu = 0; cpu < static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)); ++cpu) {
    if (!CPU_ISSET(cpu, &given)) CPU_SET(cpu, &other);
  }
  sched_setaffinity(0, sizeof other, &other);
}

/// Binds this thread to one of the CPUs that it was given.
inline void bind_to(std::size_t nth) {
  cpu_set_t given;
  cpu_set_t one;
  CPU_ZERO(&given);
  CPU_ZERO(&one);
  require(sched_getaffinity(0, sizeof given, &given) == 0, "sched_getaffinity");
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &given) && nth-- == 0) CPU_SET(cpu, &one);
  }
  require(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

/// Times the round trips of a ping-pong that goes on for so long.
class SlowRounds {
 public:
  explicit SlowRounds(double ms) : ms_(ms) {}
  [[nodiscard]] bool over() const { return whole_.ns() > ms_ * 1e6; }
  void began() { watch_ = Stopwatch(); }
  void ended() { us_.push_back(watch_.ns() / 1000); }
  [[nodiscard]] std::size_t rounds() const { return us_.size(); }
  /// The 99th percentile, in microseconds.
  [[nodiscard]] double p99() const { return quantile(us_, 0.99); }

 private:
  double ms_;
  Stopwatch whole_;
  Stopwatch watch_;
  std::vector<double> us_;
};

/// The two tasks that keep the workers busy meanwhile: one spins on yield, one computes.
class Busy {
 public:
  [[nodiscard]] bool over() const { return over_; }
  /// The work of the computing task between its yields.
  void compute_slice() {
    compute_for(slice);
    ++slices_;
  }
  /// Ends both, and returns the computing task's share of the time, in per cent.
  [[nodiscard]] double end() {
    const double computed = static_cast<double>(slices_) * 1e6 * slice.count();
    const double share = 100 * computed / watch_.ns();
    over_ = true;
    return share;
  }

 private:
  Stopwatch watch_;
  std::atomic<bool> over_ = false;
  std::atomic<std::size_t> slices_ = 0;
};

/// A thread wakes a task of an idle runtime repeatedly.
class Wakes {
 public:
  explicit Wakes(std::size_t count) : count_(count) { us_.reserve(count); }
  /// Called by the task when it has been woken.
  void woken() {
    us_.push_back(watch_.ns() / 1000);
    seen_.store(us_.size(), std::memory_order_release);
  }
  /// Called by the thread outside: returns the median from `wake()` to woken(), in microseconds.
  template <class Wake>
  Figures ring(Wake wake) {
    move_aside();
    for (std::size_t i = 0; i < count_; ++i) {
      compute_for(think_time);
      watch_ = Stopwatch();
      wake();
      while (seen_.load(std::memory_order_acquire) == i) {
      }
    }
    require(seen_ == count_, "wakes");
    return {quantile(us_, 0.5)};
  }

 private:
  std::size_t count_;
  Stopwatch watch_;  // written before wake()
  std::vector<double> us_;
  std::atomic<std::size_t> seen_ = 0;
};

/// task, yield, ping-pong
Cells task_cells();
/// channel, mutex, semaphore
Cells sync_cells();
/// timer, memory, fairness, wake, forkjoin
Cells load_cells();
/// Cells of weft alone, which load_cells() includes.
Cells fork_cells();

}  // namespace bench
