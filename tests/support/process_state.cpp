#include "support/process_state.hpp"

#include <weft/extend/frame_pool.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "support/open_handles.hpp"

namespace weft::test {

namespace {

std::size_t entries(const char* directory) {
  const std::filesystem::directory_iterator listing(directory);
  return static_cast<std::size_t>(std::distance(begin(listing), end(listing)));
}

/// Returns whether the thread has the name that runtimes give to their workers.
bool a_worker_is_listed() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name.starts_with("weft-")) return true;
  }
  return false;
}

/// Calls `done` repeatedly for some seconds.
template <class Condition>
void wait_some_seconds(Condition done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!done() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
}

}  // namespace

ProcessState ProcessState::without_runtimes() {
  wait_some_seconds([] { return !a_worker_is_listed(); });
  return now();
}

ProcessState ProcessState::now() {
  ProcessState state;
  state.fds = testing::open_handles();
  state.threads = entries("/proc/self/task");
  state.frame_blocks = frame_pool_stats().live_blocks;
  return state;
}

std::string to_string(const ProcessState& state) {
  return std::to_string(state.fds) + " fds, " + std::to_string(state.threads) + " threads, " +
         std::to_string(state.frame_blocks) + " frame blocks";
}

ProcessState settled(const ProcessState& expected) {
  ProcessState state;
  wait_some_seconds([&] {
    state = ProcessState::now();
    return state == expected;
  });
  return state;
}

}  // namespace weft::test
