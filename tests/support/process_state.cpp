#include "support/process_state.hpp"

#include <weft/frame_pool.hpp>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <thread>

namespace weft::test {

namespace {

std::size_t entries(const char* directory) {
  const std::filesystem::directory_iterator listing(directory);
  return static_cast<std::size_t>(std::distance(begin(listing), end(listing)));
}

}  // namespace

ProcessState ProcessState::now() {
  ProcessState state;
  state.fds = entries("/proc/self/fd");
  state.threads = entries("/proc/self/task");
  state.frame_blocks = frame_pool_stats().live_blocks;
  return state;
}

std::string to_string(const ProcessState& state) {
  return std::to_string(state.fds) + " fds, " + std::to_string(state.threads) + " threads, " +
         std::to_string(state.frame_blocks) + " frame blocks";
}

ProcessState settled(const ProcessState& expected) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  ProcessState state = ProcessState::now();
  while (state != expected && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
    state = ProcessState::now();
  }
  return state;
}

}  // namespace weft::test
