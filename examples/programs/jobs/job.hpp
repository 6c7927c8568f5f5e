// What the parts of the job runner have in common.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace jobs {

/// A command of the list. The same command may stand there several times: `occurrence` counts them.
struct Job {
  std::string command;
  std::size_t occurrence = 1;
  std::size_t attempts = 0;  // that have failed at earlier starts
};

/// What is known of a job.
enum class State {
  waiting,  // it was never run to its end, or it failed and has attempts left
  done,     // exit code 0
  failed,   // and all its attempts are used up
};

/// How an attempt at a job ended.
struct Attempt {
  bool success = false;
  bool interrupted = false;  // it did not succeed, because the runner was asked to stop
  std::string status;        // "exit code 3", "killed by SIGSEGV", "timed out: killed by SIGTERM"
  std::chrono::milliseconds wall{0};
  std::string output;      // its last bytes
  bool truncated = false;  // there was more
};

struct Settings {
  std::size_t parallel = 4;
  std::size_t rate = 1000;  // starts a second
  std::size_t attempts = 3;
  std::size_t output_bytes = std::size_t{64} * 1024;
  std::chrono::milliseconds pause{500};  // after the first failure; it doubles
  std::chrono::milliseconds timeout = std::chrono::minutes(10);
  std::chrono::milliseconds grace = std::chrono::seconds(5);  // from SIGTERM to SIGKILL
  std::chrono::milliseconds drain = std::chrono::seconds(10);
};

}  // namespace jobs
