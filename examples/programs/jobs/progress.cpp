#include "progress.hpp"

#include <chrono>
#include <sstream>
#include <utility>

using namespace std::chrono_literals;

namespace jobs {

namespace {

constexpr weft::NativeHandle standard_error_handle = 2;
constexpr const char* clear_line = "\r\x1b[K";

std::string count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

/// Returns the text without what would move the cursor.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

}  // namespace

Progress::Progress(std::size_t total) : total_(total) {
  if (error_.is_terminal()) terminal_ = weft::Terminal::of(standard_error_handle);
}

void Progress::say(const std::string& text) {
  if (terminal_) pending_ += clear_line;
  pending_ += "jobs: " + text + "\n";
  changed_.set();
}

void Progress::job_pauses(const Job& job, const Attempt& attempt, weft::Nanoseconds pause) {
  const auto pause_ms = std::chrono::duration_cast<std::chrono::milliseconds>(pause);
  say(attempt.status + ", again in " + std::to_string(pause_ms.count()) +
      " ms: " + printable(job.command));
}

void Progress::job_ends(const Job& job, std::size_t attempts, const Attempt& attempt) {
  ++(attempt.success ? succeeded_ : failed_);
  last_ = printable(job.command);
  changed_.set();
  if (terminal_ && attempt.success) return;
  std::ostringstream text;
  text << '[' << succeeded_ + failed_ << '/' << total_ << "] ";
  text << (attempt.success ? "done" : "FAILED, " + attempt.status);
  text << ", " << count(attempts, "attempt") << ", " << attempt.wall.count() << " ms: " << last_;
  say(text.str());
}

std::string Progress::live_line() const {
  std::string line = "jobs: " + std::to_string(succeeded_ + failed_) + "/" +
                     std::to_string(total_) + ", " + std::to_string(failed_) + " failed, " +
                     std::to_string(running_) + " running  " + last_;
  const auto size = terminal_->window_size();
  const std::size_t columns = size && size->columns > 0 ? size->columns : 80;
  return clear_line + line.substr(0, columns - 1);
}

weft::Task<void> Progress::show() {
  bool written = true;
  while (written) {
    co_await changed_.wait();
    changed_.reset();
    if (terminal_) pending_ += live_line();
    written = (co_await weft::attempt(flush())).has_value();
    if (terminal_) co_await weft::sleep_for(100ms);
  }
  co_await weft::never();
}

weft::Task<void> Progress::finish() {
  say(std::to_string(succeeded_) + " done, " + std::to_string(failed_) + " failed, " +
      std::to_string(left()) + " left");
  static_cast<void>(co_await weft::attempt(flush()));
}

weft::Task<void> Progress::flush() {
  // A cancelled write has written nothing, or its size comes: no text is lost or doubled.
  for (;;) {
    if (being_written_.empty()) being_written_.swap(pending_);
    if (being_written_.empty()) co_return;
    const std::size_t size = co_await error_.write(being_written_);
    being_written_.erase(0, size);
  }
}

}  // namespace jobs
