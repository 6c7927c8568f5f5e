// A job runner: the commands of a list, one a line, as child processes.
//
//   jobs --parallel 8 --rate 20 --timeout 30s list.txt
//   jobs --status list.txt
//
// How each job ended, and what it wrote, is in a database. The next start looks there, and goes on
// with what is not done: after a Ctrl-C, a power cut, or with a list that has become longer. A job
// is done when its end is in the database. If the runner itself is killed (SIGKILL), the jobs that
// run go on without it, and run again at the next start.
//
//   sqlite3 list.txt.sqlite "SELECT command, status, output FROM jobs WHERE state = 'failed'"
#include <signal.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "../options.hpp"
#include "list.hpp"
#include "runner.hpp"

namespace {

constexpr const char* usage =
    "usage: jobs [options] LIST          commands, one a line; -: standard input\n"
    "  --parallel N      jobs at a time (4)\n"
    "  --rate N          starts a second (1000)\n"
    "  --attempts N      of each job, until one succeeds (3)\n"
    "  --pause TIME      after the first failure; it doubles each time (500ms)\n"
    "  --timeout TIME    for an attempt; then its processes get SIGTERM (10min)\n"
    "  --grace TIME      from SIGTERM to SIGKILL (5s)\n"
    "  --drain TIME      for the jobs that run at a Ctrl-C, before SIGTERM (10s)\n"
    "  --output N        bytes of output that are kept of a job, the last ones (65536)\n"
    "  --database FILE   the results (LIST.sqlite)\n"
    "  --locked TIME     for a database that another program has locked (5s)\n"
    "  --again           gives jobs that have failed all their attempts again\n"
    "  --status          runs nothing, and lists the jobs\n"
    "Exit code 0: all jobs are done. 1: some have failed. 128 + N: ended by signal N.\n";

struct Arguments {
  std::string list;
  std::string database;
  std::chrono::milliseconds locked = std::chrono::seconds(5);
  bool again = false;
  bool status = false;
  jobs::Settings settings;
};

Arguments parse(int argc, char** argv) {
  Arguments given;
  jobs::Settings& settings = given.settings;
  programs::Options options;
  options.number("--parallel", settings.parallel).number("--rate", settings.rate);
  options.number("--attempts", settings.attempts).number("--output", settings.output_bytes, 0);
  options.time("--pause", settings.pause).time("--timeout", settings.timeout);
  options.time("--grace", settings.grace).time("--drain", settings.drain);
  options.text("--database", given.database).time("--locked", given.locked);
  options.flag("--again", given.again).flag("--status", given.status);
  const std::vector<std::string> words = options.parse(argc, argv);
  if (words.size() != 1) throw programs::UsageError("one list of jobs");
  given.list = words.front();
  if (given.database.empty()) {
    given.database = given.list == "-" ? "jobs.sqlite" : given.list + ".sqlite";
  }
  return given;
}

/// The signals that ask for the end, without those that nohup, or a shell in the background, has
/// made ignored.
std::vector<int> stop_signals() {
  std::vector<int> numbers{SIGTERM};
  for (const int number : {SIGINT, SIGHUP}) {
    struct sigaction action;
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

/// Each signal brings the end one step nearer, and so does the time. Ends by a cancel.
weft::Task<void> watch(weft::SignalListener& signals, const jobs::Settings& settings,
                       const jobs::Stop& stop, jobs::Progress& progress, int& stopped_by) {
  const auto number = co_await signals.next();
  stopped_by = number.value_or(0);
  progress.say(weft::signal_name(stopped_by) +
               ": no more jobs are started; those that run may end");
  stop.starting.cancel();
  co_await weft::select(signals.next(), weft::sleep_for(settings.drain));
  progress.say("the jobs that run get SIGTERM");
  stop.ending.cancel();
  co_await signals.next();
  progress.say("the jobs that run get SIGKILL");
  stop.killing.cancel();
  co_await weft::never();
}

/// What an earlier start has left.
struct Rest {
  std::vector<jobs::Job> list;  // whose attempts go on where they were
  std::size_t done = 0;
  std::size_t failed = 0;
};

Rest rest_of(std::vector<jobs::Job> list, const std::vector<jobs::Store::Row>& rows, bool again) {
  Rest rest;
  for (std::size_t at = 0; at < list.size(); ++at) {
    const jobs::State state = rows[at].state;
    if (state == jobs::State::done) {
      ++rest.done;
    } else if (state == jobs::State::failed && !again) {
      ++rest.failed;
    } else {
      rest.list.push_back(std::move(list[at]));
      rest.list.back().attempts = state == jobs::State::waiting ? rows[at].attempts : 0;
    }
  }
  return rest;
}

/// Two runners of one database would run each job twice.
weft::Task<weft::File> lock_database(std::string path) {
  path += ".lock";
  weft::OpenOptions options;
  options.write().create();
  weft::File file = co_await weft::File::open(path, options);
  const bool locked = co_await file.try_lock();
  if (!locked) throw std::runtime_error(path + ": another runner has locked it");
  co_return file;
}

/// Returns the exit code.
weft::Task<int> run(const Arguments& given, std::vector<jobs::Job> list) {
  weft::SignalListener signals(stop_signals());
  const weft::File lock = co_await lock_database(given.database);
  jobs::Store store(given.database);
  co_await store.open(jobs::Store::Access::write, given.locked);
  const std::vector<jobs::Store::Row> rows = co_await store.read(list);
  const Rest rest = rest_of(std::move(list), rows, given.again);
  jobs::Progress progress(rest.list.size());
  progress.say(std::to_string(rest.list.size()) + " to do, " + std::to_string(rest.done) +
               " done before, " + std::to_string(rest.failed) + " failed before");
  const jobs::Stop stop;
  int stopped_by = 0;
  auto first = co_await weft::select(
      jobs::run_all(rest.list, given.settings, store, stop, progress),
      watch(signals, given.settings, stop, progress, stopped_by), progress.show());
  const bool kept = first.take<0>();
  co_await weft::select(progress.finish(), signals.next());
  if (kept && stopped_by != 0 && progress.left() > 0) co_return 128 + stopped_by;
  const std::size_t failed = rest.failed + progress.failed();
  const bool all_done = kept && failed == 0;
  co_return all_done ? 0 : 1;
}

weft::Task<int> print_status(const Arguments& given, std::vector<jobs::Job> list) {
  jobs::Store store(given.database);
  co_await store.open(jobs::Store::Access::read, given.locked);
  const std::vector<jobs::Store::Row> rows = co_await store.read(list);
  constexpr std::array names{"waiting", "done   ", "failed "};
  std::array<std::size_t, names.size()> sums{};
  for (std::size_t at = 0; at < list.size(); ++at) {
    const auto state = static_cast<std::size_t>(rows[at].state);
    ++sums[state];
    std::cout << names[state];
    if (rows[at].attempts > 0) {
      std::cout << "  " << rows[at].status << ", attempt " << rows[at].attempts << ", "
                << rows[at].wall.count() << " ms";
    }
    std::cout << "  " << list[at].command << '\n';
  }
  std::cout << sums[1] << " done, " << sums[2] << " failed, " << sums[0] << " waiting" << std::endl;
  if (!std::cout) throw std::runtime_error("standard output cannot be written");
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments given = parse(argc, argv);
    std::vector<jobs::Job> list = jobs::read_list(given.list);
    std::signal(SIGCHLD, SIG_DFL);  // ignored, as some parents have it, it would hide how jobs end
    weft::RuntimeOptions options;
    options.current_thread = true;  // the work is in the children
    options.lanes = {{.name = jobs::Store::lane_name, .most_threads = 1}};
    weft::Runtime runtime(options);
    return runtime.block_on((given.status ? print_status : run)(given, std::move(list)));
  } catch (const programs::UsageError& error) {
    std::cerr << "jobs: " << error.what() << "\n" << usage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "jobs: " << error.what() << "\n";
    return 1;
  }
}
