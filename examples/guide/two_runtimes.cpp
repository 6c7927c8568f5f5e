// Two runtimes in one process: each an object with threads of its own; a task of the one awaits a
// task of the other; and when both have gone, nothing is left.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <string>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [counted]
/// How many threads, and how many open handles, this process has.
std::string counted() {
  const auto entries = [](const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder), {});
  };
  return std::to_string(entries("/proc/self/task")) + " threads, " +
         std::to_string(entries("/proc/self/fd") - 1) + " handles";  // one of them is the folder
}
// [/counted]

// [tasks]
weft::Task<int> compute() { co_return 42; }

weft::Task<int> ask(weft::Runtime& other) {
  // Started there, awaited here: this task goes on on its own runtime's threads.
  weft::JoinHandle<int> answer = other.spawn(compute);
  co_return co_await std::move(answer);
}

weft::Task<void> sleep_long() { co_await weft::sleep_for(std::chrono::hours(1)); }
// [/tasks]

weft::RuntimeOptions options(std::string name, std::size_t workers) {
  weft::RuntimeOptions options;
  options.name = std::move(name);
  options.workers = workers;
  return options;
}

int main() {
  std::printf("before:        %s\n", counted().c_str());
  {
    // [both]
    weft::Runtime serving(options("serving", 1));
    weft::Runtime background(options("background", 2));
    std::printf("two runtimes:  %s\n", counted().c_str());
    std::printf("across:        %d\n", serving.block_on(ask(background)));

    // One is shut down with a task that would sleep for an hour; the other goes on.
    background.spawn(sleep_long).detach();
    background.shutdown();
    std::printf("one is down:   the other one says %d\n", serving.block_on(compute()));
    // [/both]
  }
  std::printf("after:         %s\n", counted().c_str());
}
