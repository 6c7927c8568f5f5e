// The results, in an SQLite database. SQLite blocks its caller, so its calls run on a lane of their
// own, one at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>
#include <weft/weft.hpp>

#include "job.hpp"

struct sqlite3;

namespace jobs {

/// Used by the tasks of a runtime that has the lane `lane_name`, of one thread. Its functions throw
/// std::runtime_error, with the path and what SQLite says.
class Store {
 public:
  static constexpr const char* lane_name = "sqlite";

  struct Row {
    State state = State::waiting;
    std::size_t attempts = 0;
    std::string status;
    std::chrono::milliseconds wall{0};
  };
  enum class Access { read, write };

  explicit Store(std::string path) : path_(std::move(path)) {}

  /// Opens the database, for writing: or makes it. If another process has locked it, this and
  /// record() wait for at most `patience`.
  weft::Task<void> open(Access access, std::chrono::milliseconds patience);
  /// Returns what is known of each of the jobs, in their order.
  weft::Task<std::vector<Row>> read(const std::vector<Job>& list);
  /// Keeps how an attempt ended, also if the power fails after this. `number`: of the attempt.
  weft::Task<void> record(const Job& job, std::size_t number, State state, const Attempt& attempt);

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  void open_now(Access access, std::chrono::milliseconds patience);
  std::vector<Row> read_now(const std::vector<Job>& list);
  void record_now(const Job& job, std::size_t number, State state, const Attempt& attempt);

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace jobs
