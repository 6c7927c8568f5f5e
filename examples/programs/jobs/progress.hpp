// What the runner says on standard error: a line for each job, or, at a terminal, one line that
// changes, and what went wrong above it. Jobs never wait for a terminal that is slow.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <weft/weft.hpp>

#include "job.hpp"

namespace jobs {

/// Used by the tasks of one thread.
class Progress {
 public:
  /// `total`: jobs to do.
  explicit Progress(std::size_t total);

  void say(const std::string& text);
  void attempt_begins() { ++running_; }
  void attempt_ends() { --running_; }
  /// The job will be tried again after `pause`.
  void job_pauses(const Job& job, const Attempt& attempt, weft::Nanoseconds pause);
  void job_ends(const Job& job, std::size_t attempts, const Attempt& attempt);

  [[nodiscard]] std::size_t succeeded() const { return succeeded_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }
  [[nodiscard]] std::size_t left() const { return total_ - succeeded_ - failed_; }

  /// Shows what there is to say, until it is cancelled. Never fails.
  weft::Task<void> show();
  /// Shows the rest, and the sum. Never fails.
  weft::Task<void> finish();

 private:
  [[nodiscard]] std::string live_line() const;
  weft::Task<void> flush();

  const std::size_t total_;
  std::size_t succeeded_ = 0;
  std::size_t failed_ = 0;
  std::size_t running_ = 0;
  std::string last_;  // the job that has ended last
  std::string pending_;
  std::string being_written_;
  weft::ManualResetEvent changed_;
  weft::SharedWriter error_ = weft::standard_error();
  std::optional<weft::Terminal> terminal_;
};

}  // namespace jobs
