#include "runtime/slow_shutdown.hpp"

#include <chrono>
#include <sstream>
#include <string>

#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* prefix = "the shutdown waits for ";

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

SlowShutdown::SlowShutdown(const BlockingPool& blocking, const BlockingPool& lookups,
                           const Team& team, const RootTasks& tasks) noexcept
    : blocking_(blocking), lookups_(lookups), team_(team), tasks_(tasks) {
  if (tasks.size() == 0) return;
  // Without a thread it waits in silence.
  static_cast<void>(start_thread(thread_, [this] { watch(); }));
}

SlowShutdown::~SlowShutdown() {
  if (!thread_.joinable()) return;
  over_.unpark();
  thread_.join();
}

void SlowShutdown::watch() noexcept {
  for (std::chrono::seconds wait(1); !over_.park_for(wait); wait *= 2) {
    try {
      report();
    } catch (...) {  // no memory for words: the next time, perhaps
    }
  }
}

void SlowShutdown::report() const {
  std::istringstream lines(describe());
  for (std::string line; std::getline(lines, line);) {
    tasks_.log().write(LogLevel::warning, "shutdown", line);
  }
}

std::string SlowShutdown::describe() const {
  std::ostringstream text;
  for (const BlockingPool::Running& each : blocking_.running()) {
    text << prefix << "a blocking call that has run for " << seconds_since(each.since)
         << " s: " << each.site.file_name() << ':' << each.site.line() << " in "
         << each.site.function_name() << '\n';
  }
  for (const BlockingPool::Running& each : lookups_.running()) {
    text << prefix << "a name look-up that has run for " << seconds_since(each.since)
         << " s, as it is shielded from the cancel\n";
  }
  // Ends first: see OtherThreads::all_ended().
  const std::uint64_t ended = team_.ended();
  if (const std::uint64_t computing = team_.submitted() - ended; computing != 0) {
    text << prefix << computing << " calls of parallel() that have not ended\n";
  }
  const std::size_t tasks = tasks_.size();
  if (text.view().empty() && tasks != 0) {
    text << prefix << tasks << " tasks that have not ended, although they were cancelled\n";
  }
  return text.str();
}

}  // namespace weft::inline v0_1::detail
