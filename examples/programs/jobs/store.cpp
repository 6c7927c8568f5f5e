#include "store.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace jobs {

namespace {

// A log beside the database lets others read while it is written; `synchronous` is for power cuts.
constexpr const char* prepare_writing =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "CREATE TABLE IF NOT EXISTS jobs(command TEXT, occurrence INTEGER, state TEXT, attempts "
    "INTEGER,"
    " status TEXT, wall_ms INTEGER, output BLOB, truncated INTEGER,"
    " ended_at TEXT DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY(command, occurrence))";
constexpr const char* select_row =
    "SELECT state, attempts, status, wall_ms FROM jobs WHERE command = ? AND occurrence = ?";
constexpr const char* insert_row =
    "INSERT OR REPLACE INTO jobs(command, occurrence, state, attempts, status, wall_ms, output,"
    " truncated) VALUES(?, ?, ?, ?, ?, ?, ?, ?)";

constexpr std::string_view state_names[] = {"waiting", "done", "failed"};

std::string_view name_of(State state) { return state_names[static_cast<std::size_t>(state)]; }

State state_of(std::string_view name) {
  if (name == name_of(State::done)) return State::done;
  return name == name_of(State::failed) ? State::failed : State::waiting;
}

[[noreturn]] void fail(sqlite3* database, const std::string& path) {
  std::string text = path + ": " + sqlite3_errmsg(database);
  const int code = sqlite3_errcode(database);
  if (code == SQLITE_CANTOPEN || code == SQLITE_IOERR || code == SQLITE_FULL) {
    const int number = sqlite3_system_errno(database);
    if (number != 0) text += " (" + std::generic_category().message(number) + ")";
  }
  throw std::runtime_error(text);
}

/// A prepared statement.
class Statement {
 public:
  Statement(sqlite3* database, const char* text, const std::string& path)
      : database_(database), path_(path) {
    check(sqlite3_prepare_v2(database, text, -1, &statement_, nullptr));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  // Texts and bytes must live until the next reset().
  void bind(int at, std::size_t number) {
    check(sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(number)));
  }
  void bind(int at, std::string_view text) {
    check(
        sqlite3_bind_text64(statement_, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind_bytes(int at, std::string_view bytes) {
    check(sqlite3_bind_blob64(statement_, at, bytes.data(), bytes.size(), SQLITE_STATIC));
  }
  /// Returns whether there is a row.
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail(database_, path_);
    return code == SQLITE_ROW;
  }
  void reset() { sqlite3_reset(statement_); }
  std::string text(int column) {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(size));
  }
  std::size_t number(int column) {
    return static_cast<std::size_t>(sqlite3_column_int64(statement_, column));
  }

 private:
  void check(int code) {
    if (code != SQLITE_OK) fail(database_, path_);
  }

  sqlite3* database_;
  const std::string& path_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

void Store::Close::operator()(sqlite3* database) const noexcept { sqlite3_close(database); }

weft::Task<void> Store::open(Access access, std::chrono::milliseconds patience) {
  auto opening = [&] { open_now(access, patience); };
  co_await weft::blocking(weft::lane(lane_name), opening);
}

weft::Task<std::vector<Store::Row>> Store::read(const std::vector<Job>& list) {
  auto reading = [&] { return read_now(list); };
  co_return co_await weft::blocking(weft::lane(lane_name), reading);
}

weft::Task<void> Store::record(const Job& job, std::size_t number, State state,
                               const Attempt& attempt) {
  auto writing = [&] { record_now(job, number, state, attempt); };
  co_await weft::blocking(weft::lane(lane_name), writing);
}

void Store::open_now(Access access, std::chrono::milliseconds patience) {
  const int flags =
      access == Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path_.c_str(), &database, flags, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) fail(database, path_);
  const auto most = std::chrono::milliseconds(std::numeric_limits<int>::max());
  sqlite3_busy_timeout(database, static_cast<int>(std::min(patience, most).count()));
  if (access == Access::read) return;
  if (sqlite3_exec(database, prepare_writing, nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(database, path_);
  }
}

std::vector<Store::Row> Store::read_now(const std::vector<Job>& list) {
  std::vector<Row> rows;
  Statement select(database_.get(), select_row, path_);
  for (const Job& job : list) {
    select.bind(1, job.command);
    select.bind(2, job.occurrence);
    Row& row = rows.emplace_back();
    if (select.step()) {
      row.state = state_of(select.text(0));
      row.attempts = select.number(1);
      row.status = select.text(2);
      row.wall = std::chrono::milliseconds(select.number(3));
    }
    select.reset();
  }
  return rows;
}

void Store::record_now(const Job& job, std::size_t number, State state, const Attempt& attempt) {
  Statement insert(database_.get(), insert_row, path_);
  insert.bind(1, job.command);
  insert.bind(2, job.occurrence);
  insert.bind(3, name_of(state));
  insert.bind(4, number);
  insert.bind(5, attempt.status);
  insert.bind(6, static_cast<std::size_t>(attempt.wall.count()));
  insert.bind_bytes(7, attempt.output);
  insert.bind(8, std::size_t{attempt.truncated});
  insert.step();
}

}  // namespace jobs
