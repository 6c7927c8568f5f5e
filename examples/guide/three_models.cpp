// One small job in three models. Three peers each send a number, in pieces; the job is their sum.
#include <array>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

#include "three_peers.hpp"

// [threads]
/// The plainest of programs: it reads until the line is whole.
long number_from(const Pipe& pipe) {
  std::string line;
  while (!line.ends_with('\n')) line += pipe.take();  // the thread sleeps in here
  return std::stol(line);
}

long sum_with_threads(const Pipes& pipes) {
  std::mutex mutex;
  long sum = 0;
  std::vector<std::jthread> threads;
  for (const Pipe& pipe : pipes) {
    threads.emplace_back([&] {
      const long number = number_from(pipe);
      const std::lock_guard lock(mutex);  // the others may be adding at this moment
      sum += number;
    });
  }
  threads.clear();  // joins all
  return sum;
}
// [/threads]

// [callbacks]
/// What the plain program kept on its stack now lives in an object, from one event to the next.
struct Reading {
  const Pipe* pipe = nullptr;
  std::string line;
};

long sum_with_callbacks(const Pipes& pipes) {
  weft::EventQueue queue = weft::EventQueue::create().value();
  std::array<Reading, 3> readings;
  std::size_t unfinished = readings.size();
  long sum = 0;

  const auto on_readable = [&](Reading& reading) {  // called for every piece that arrives
    reading.line += reading.pipe->take();
    if (!reading.line.ends_with('\n')) return;  // to be continued, by a later call
    sum += std::stol(reading.line);
    queue.remove(reading.pipe->reader()).value();
    --unfinished;
  };

  for (std::size_t i = 0; i < pipes.size(); ++i) {
    readings[i].pipe = &pipes[i];
    queue.add(pipes[i].reader(), i, weft::Interest::readable).value();
  }
  std::array<weft::Event, 8> room;
  while (unfinished != 0) {
    const weft::Events events = queue.poll(room).value();
    for (const weft::Event& event : events) on_readable(readings[event.token]);
  }
  return sum;
}
// [/callbacks]

// [coroutines]
weft::Task<long> await_number_from(const Pipe& pipe) {
  std::string line;
  while (!line.ends_with('\n')) {
    co_await weft::wait_readable(pipe.reader());  // this coroutine stops, its thread does not
    line += pipe.take();
  }
  co_return std::stol(line);
}

weft::Task<long> sum_with_coroutines(const Pipes& pipes) {
  auto [a, b, c] = co_await weft::when_all(await_number_from(pipes[0]), await_number_from(pipes[1]),
                                           await_number_from(pipes[2]));
  co_return a + b + c;
}
// [/coroutines]

int main() {
  run("threads", sum_with_threads);
  run("callbacks", sum_with_callbacks);
  run("coroutines", [](const Pipes& pipes) { return weft::block_on(sum_with_coroutines(pipes)); });
}
