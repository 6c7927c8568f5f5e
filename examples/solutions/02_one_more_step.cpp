// Solution: each peer sends two lines, how many and of what price, and the job is the sum of the
// products. What the second step costs a callback program, and what it costs a coroutine.
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>
#include <weft/weft.hpp>

#include "../guide/pipe.hpp"

using Pipes = std::array<Pipe, 3>;

// [callbacks]
struct Reading {
  enum class At { count, price };  // where in the conversation it is

  const Pipe* pipe = nullptr;
  At at = At::count;
  std::string line;
  long count = 0;  // kept from the first step for the second
};

long total_with_callbacks(const Pipes& pipes) {
  weft::EventQueue queue = weft::EventQueue::create().value();
  std::array<Reading, 3> readings;
  std::size_t unfinished = readings.size();
  long total = 0;

  const auto on_readable = [&](Reading& reading) {
    reading.line += reading.pipe->take();
    if (!reading.line.ends_with('\n')) return;
    const long number = std::stol(reading.line);
    reading.line.clear();
    switch (reading.at) {
      case Reading::At::count:
        reading.count = number;
        reading.at = Reading::At::price;
        return;
      case Reading::At::price:
        total += reading.count * number;
        queue.remove(reading.pipe->reader()).value();
        --unfinished;
        return;
    }
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
  return total;
}
// [/callbacks]

// [coroutines]
weft::Task<long> number_from(const Pipe& pipe) {
  std::string line;
  while (!line.ends_with('\n')) {
    co_await weft::wait_readable(pipe.reader());
    line += pipe.take();
  }
  co_return std::stol(line);
}

weft::Task<long> product_from(const Pipe& pipe) {
  const long count = co_await number_from(pipe);
  const long price = co_await number_from(pipe);  // the second step
  co_return count* price;
}

weft::Task<long> total_with_coroutines(const Pipes& pipes) {
  auto [a, b, c] = co_await weft::when_all(product_from(pipes[0]), product_from(pipes[1]),
                                           product_from(pipes[2]));
  co_return a + b + c;
}
// [/coroutines]

/// The peers send “2, 100”, “3, 20” and “1, 7” while `job` runs, a character at a time and in turn.
template <class Job>
void run(const char* name, Job job) {
  const Pipes pipes;
  const std::jthread peers([&pipes] {
    const std::array<std::string, 3> lines{"2\n100\n", "3\n20\n", "1\n7\n"};
    for (std::size_t at = 0; at < 6; ++at) {
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (at < lines[i].size()) pipes[i].put(lines[i].substr(at, 1));
      }
    }
  });
  std::printf("%-12s %ld\n", name, job(pipes));
}

int main() {
  run("callbacks", total_with_callbacks);
  run("coroutines",
      [](const Pipes& pipes) { return weft::block_on(total_with_coroutines(pipes)); });
}
