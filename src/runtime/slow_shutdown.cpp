#include "runtime/slow_shutdown.hpp"

#include <chrono>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>

#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* prefix = "the shutdown waits for ";

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

void report_call(std::ostream& text, std::size_t place, const BlockingPool::Running& call) {
  const double seconds = seconds_since(call.since);
  const std::string_view subject = call.subject.view();
  if (place == Lanes::for_lookups) {
    text << prefix << "a name look-up that has run for " << seconds << " s";
    if (!subject.empty()) text << ": " << subject;
    text << ", as it is shielded from the cancel";
  } else if (place == Lanes::for_files) {
    text << prefix << "a file operation that has run for " << seconds
         << " s: " << call.operation.view() << ' ' << subject;
  } else {
    text << prefix << "a blocking call that has run for " << seconds
         << " s: " << call.site.file_name() << ':' << call.site.line() << " in "
         << call.site.function_name();
  }
}

void report_lane(std::ostream& text, std::size_t place, const Lanes::Lane& lane) {
  const std::string on = lane.name.empty() ? "" : ", on lane \"" + lane.name + '"';
  for (const BlockingPool::Running& call : lane.pool.running()) {
    report_call(text, place, call);
    text << on << '\n';
  }
  if (const std::size_t queued = lane.pool.queued(); queued != 0) {
    constexpr const char* kinds[] = {"blocking calls", "name look-ups", "file operations"};
    text << prefix << queued << ' ' << kinds[place < Lanes::first_named ? place : 0]
         << " that no thread has begun" << on << '\n';
  }
}

}  // namespace

SlowShutdown::SlowShutdown(const Lanes& lanes, const Team& team, const RootTasks& tasks) noexcept
    : lanes_(lanes), team_(team), tasks_(tasks) {
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
  for (std::size_t place = 0; place < lanes_.all().size(); ++place) {
    report_lane(text, place, *lanes_.all()[place]);
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
