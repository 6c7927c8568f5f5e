// The core benchmarks' raw subject: the same work without a scheduler. Plain calls, a pthread
// mutex, a futex.
#include <pthread.h>

#include <atomic>
#include <thread>

#include "core/core.hpp"
#include "core/forkjoin.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

Figures mutex_alone(Job job) {
  std::jthread([] {}).join();  // otherwise glibc's mutex knows that there is one thread
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::size_t counter = 0;
  const Stopwatch watch;
  for (std::size_t i = 0; i < job.count; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
  }
  const double ns = watch.ns_each(job.count);
  bench::require(counter == job.count, "mutex");
  return {ns};
}

/// Two threads, each bound to a CPU of its own, that hand to each other by a futex: std::atomic's
/// wait and notify.
Figures parked(Job job) {
  struct Side {
    std::atomic<unsigned> received = 0;
    void hand_to() {
      bench::compute_for(bench::think_time);
      ++received;
      received.notify_one();
    }
  };
  Side first;
  Side second;
  const std::jthread answering([&] {
    bench::bind_to(1);
    for (unsigned i = 0; i < job.count; ++i) {
      second.received.wait(i);
      first.hand_to();
    }
  });
  bench::bind_to(0);
  bench::Laps laps(job.count, bench::think_time);
  for (unsigned i = 0; i < job.count; ++i) {
    laps.began();
    second.hand_to();
    first.received.wait(i);
    laps.ended();
  }
  bench::require(first.received == job.count && second.received == job.count, "rounds apart");
  return laps.median();
}

Figures wake(Job job) {
  bench::Wakes wakes(job.count);
  std::atomic<unsigned> bell = 0;
  std::jthread listening([&] {
    for (unsigned i = 0; i < job.count; ++i) {
      bell.wait(i);
      wakes.woken();
    }
  });
  return wakes.ring([&] {
    ++bell;
    bell.notify_one();
  });
}

struct Serial {
  template <class A, class B>
  void both(A a, B b) {
    a();
    b();
  }
  template <class F>
  void each(std::size_t n, F f) {
    for (std::size_t i = 0; i < n; ++i) f(i);
  }
};

}  // namespace

bench::Cells bench::task_cells() { return {{"ping-pong-parked", parked}}; }
bench::Cells bench::sync_cells() { return {{"mutex-alone", mutex_alone}}; }
bench::Cells bench::load_cells() {
  Cells cells = forkjoin_cells([](std::size_t, auto body) {
    Serial serial;
    return body(serial);
  });
  cells.merge(Cells{{"wake", wake}});
  return cells;
}
