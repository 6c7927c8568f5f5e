// Three peers that each send a number, a digit at a time and in turn, while a job runs that reads
// them. For the guide's examples.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>

#include "pipe.hpp"

using Pipes = std::array<Pipe, 3>;

/// Sends 1000, 200 and 30, a digit at a time and in turn, while `job` runs.
template <class Job>
void run(const char* name, Job job) {
  const Pipes pipes;
  const std::jthread peers([&pipes] {
    const std::array<std::string, 3> numbers{"1000\n", "200\n", "30\n"};
    for (std::size_t digit = 0; digit < 5; ++digit) {
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (digit < numbers[i].size()) pipes[i].put(numbers[i].substr(digit, 1));
      }
    }
  });
  std::printf("%-12s %ld\n", name, job(pipes));
}
