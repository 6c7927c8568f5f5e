// The system benchmarks' plain system calls: child processes by posix_spawn(3).
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/system.hpp"

extern char** environ;

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

void start_child() {
  std::string name = bench::program_path;
  char* const arguments[] = {name.data(), nullptr};
  pid_t child = 0;
  bench::require(posix_spawn(&child, name.c_str(), nullptr, nullptr, arguments, environ) == 0,
                 "spawn");
}

/// One thread that starts a child whenever one has ended.
template <std::size_t at_once>
Figures spawn_and_wait(Job job) {
  const Stopwatch watch;
  std::size_t started = 0;
  while (started < at_once && started < job.count) {
    start_child();
    ++started;
  }
  for (std::size_t ended = 0; ended < job.count; ++ended) {
    int status = 1;
    bench::require(wait(&status) > 0 && status == 0, "the child");
    if (started < job.count) {
      start_child();
      ++started;
    }
  }
  return {watch.ns_each(job.count) / 1000};
}

}  // namespace

bench::Cells bench::process_cells() {
  return {{"process", spawn_and_wait<1>}, {"process-8", spawn_and_wait<children_at_once>}};
}
