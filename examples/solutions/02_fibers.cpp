// Solution: the sum of three peers' numbers in a fourth model. The plain function of the threads,
// with one line more, on fibers of one thread.
#include <string>
#include <weft/weft.hpp>

#include "../guide/three_peers.hpp"

// [fibers]
/// An ordinary function: it returns a long, and it waits.
long number_from(const Pipe& pipe) {
  std::string line;
  while (!line.ends_with('\n')) {
    weft::await(weft::wait_readable(pipe.reader()));  // the fiber waits in here, not its thread
    line += pipe.take();
  }
  return std::stol(line);
}

long sum_with_fibers(const Pipes& pipes) {
  const auto reading = [](const Pipe& pipe) {
    return weft::fiber([&pipe] { return number_from(pipe); });
  };
  return weft::block_on(weft::fiber([&] {
    auto [a, b, c] =
        weft::await(weft::when_all(reading(pipes[0]), reading(pipes[1]), reading(pipes[2])));
    return a + b + c;
  }));
}
// [/fibers]

int main() { run("fibers", sum_with_fibers); }
