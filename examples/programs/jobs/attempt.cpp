#include "attempt.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace jobs {

namespace {

/// Keeps the last bytes of what a job writes: there it says why it failed.
class Tail {
 public:
  Tail(std::size_t most, Attempt& attempt) : most_(most), attempt_(attempt) {}

  void add(std::string_view data) {
    attempt_.output += data;
    if (attempt_.output.size() > 2 * most_) cut();
  }
  void cut() {
    std::string& output = attempt_.output;
    if (output.size() <= most_) return;
    output.erase(0, output.size() - most_);
    attempt_.truncated = true;
  }

 private:
  std::size_t most_;
  Attempt& attempt_;
};

/// Reads until it is cancelled.
weft::Task<void> read_output(weft::PipeReader& from, Tail& output) {
  std::array<char, 16 * 1024> data;
  while (const std::size_t size = co_await from.read(data)) {
    output.add(std::string_view(data.data(), size));
  }
  co_await weft::never();
}

/// Reads what is in the pipe now. More may come from a process that has left the job's group: it is
/// no part of the job.
void read_rest(weft::PipeReader& from, Tail& output) {
  std::array<char, 16 * 1024> data;
  std::size_t left = from.capacity().value_or(0);
  while (left > 0) {
    const auto size = from.try_read(std::as_writable_bytes(std::span(data)));
    if (!size || *size == 0) return;
    output.add(std::string_view(data.data(), *size));
    left -= std::min(*size, left);
  }
}

weft::Task<void> wait_for_end(weft::ChildProcess& child, const Settings& settings, const Stop& stop,
                              Attempt& attempt) {
  auto first = co_await weft::select(child.wait(), weft::sleep_for(settings.timeout),
                                     stop.ending.token().cancelled());
  const bool by_itself = first.has<0>();  // also if it was at the same moment
  if (!by_itself) {
    co_await weft::select(child.terminate(settings.grace), stop.killing.token().cancelled());
  }
  static_cast<void>(child.kill_group());
  const weft::ExitStatus status = co_await child.wait();
  attempt.success = status.success();
  attempt.status = status.to_string();
  attempt.interrupted = !by_itself && first.index() == 2 && !attempt.success;
  if (!by_itself && first.index() == 1) attempt.status = "timed out: " + attempt.status;
}

}  // namespace

weft::Task<Attempt> run_attempt(const std::string& command, const Settings& settings,
                                const Stop& stop) {
  const weft::TimePoint start = weft::now();
  weft::Command shell("/bin/sh");
  shell.arg("-c").arg(command).new_group().kill_on_drop();
  shell.in(weft::Stdio::null()).out(weft::Stdio::pipe()).err(weft::Stdio::same_as_output());
  weft::ChildProcess child = shell.spawn();
  Attempt attempt;
  Tail output(settings.output_bytes, attempt);
  co_await weft::select(wait_for_end(child, settings, stop, attempt),
                        read_output(*child.out, output));
  read_rest(*child.out, output);
  output.cut();
  attempt.wall = std::chrono::duration_cast<std::chrono::milliseconds>(weft::now() - start);
  co_return attempt;
}

}  // namespace jobs
