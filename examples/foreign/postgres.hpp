// libpq without blocking on weft: a connection to a PostgreSQL server.
//
//   foreign::Postgres db = co_await foreign::Postgres::connect(scope, "host=/run/postgresql");
//   foreign::PostgresResult people = co_await db.query("select name from people where id = $1",
//   "7");
//                                              // in a fiber: weft::await(db.query(…))
//
// A connection runs one query at a time. Queries of several tasks take turns, first come, first
// served. For queries at once, use several connections.
//
// The rule for threads: one task, the driver, makes every call into libpq for its connection. Any
// task on any worker may call query(). Results are values that belong to the caller.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "request.hpp"

namespace foreign {

/// The server refused a query, or the connection: "postgres: division by zero".
class PostgresError : public std::runtime_error {
 public:
  PostgresError(const std::string& what, std::string sqlstate)
      : std::runtime_error("postgres: " + what), sqlstate_(std::move(sqlstate)) {}
  /// The five characters of the server's code; empty if the connection was lost or never made.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

/// The rows of a query. Move-only.
class PostgresResult {
 public:
  PostgresResult() = default;
  explicit PostgresResult(PGresult* result) noexcept : result_(result) {}

  [[nodiscard]] int rows() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] int columns() const noexcept { return PQnfields(result_.get()); }
  /// The text of a value; none for NULL. Valid as long as the result.
  [[nodiscard]] std::optional<std::string_view> text(int row, int column) const noexcept {
    if (PQgetisnull(result_.get(), row, column) != 0) return std::nullopt;
    return std::string_view(PQgetvalue(result_.get(), row, column),
                            static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
  }
  /// For the rest of libpq's functions.
  [[nodiscard]] const PGresult* get() const noexcept { return result_.get(); }

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// A parameter of a query: text, or NULL.
using PostgresValue = std::optional<std::string>;

/// One query under way.
class PostgresQuery final : public Request {
 public:
  PostgresQuery(std::shared_ptr<Requests> requests, std::string&& statement,
                std::vector<PostgresValue>&& parameters) noexcept
      : Request(std::move(requests)), sql(std::move(statement)), values(std::move(parameters)) {}

  PostgresResult await_resume() {
    rethrow();
    return std::move(result);
  }

  std::string sql;
  std::vector<PostgresValue> values;
  PostgresResult result;  // written by the driver until it has ended
};

class Postgres {
 public:
  /// See query().
  class Query {
   public:
    Query(std::shared_ptr<Requests> requests, std::string sql,
          std::vector<PostgresValue> values) noexcept
        : requests_(std::move(requests)), sql_(std::move(sql)), values_(std::move(values)) {}
    PostgresQuery operator co_await() && noexcept {
      return PostgresQuery(std::move(requests_), std::move(sql_), std::move(values_));
    }

   private:
    std::shared_ptr<Requests> requests_;
    std::string sql_;
    std::vector<PostgresValue> values_;
  };

  /// Connects as `conninfo` says (see libpq's manual; libpq looks names up with the thread blocked,
  /// so give hostaddr=, or a socket's folder). The connection's driver becomes a task of `owner`: a
  /// weft::Scope or Runtime, which is not through before the Postgres has gone. There is no limit
  /// of time, libpq's connect_timeout does not count: see weft::timeout(). Throws
  /// PostgresError; weft::IoError if there are no more handles. Cancel: the attempt is given up.
  template <class Owner>
  [[nodiscard]] static weft::Task<Postgres> connect(Owner& owner, std::string conninfo) {
    return connect_in(weft::SpawnOptions().owner(owner), std::move(conninfo));
  }
  Postgres(Postgres&&) noexcept = default;
  Postgres& operator=(Postgres&& other) noexcept {
    std::swap(driver_, other.driver_);
    return *this;
  }
  /// Asks the driver to close the connection. No query may be under way.
  ~Postgres();

  /// Sends one statement, whose $1, $2 … are `values`, and waits for its rows. Throws PostgresError
  /// if the server refuses it, or the connection is or was lost; a lost connection is not made
  /// anew. Not for COPY, which ends the connection.
  /// Cancel: an unsent query is never sent. For a sent one the task asks the server to cancel it
  /// (PQcancel(), which blocks, on a thread of its own) and waits for its end; then the connection
  /// is usable. If the query was complete before, its result or error is delivered.
  [[nodiscard]] Query query(std::string sql, std::vector<PostgresValue> values) const;
  template <class... Values>
    requires(std::constructible_from<PostgresValue, const Values&> && ...)
  [[nodiscard]] Query query(std::string sql, const Values&... values) const {
    std::vector<PostgresValue> list;
    (list.emplace_back(values), ...);
    return query(std::move(sql), std::move(list));
  }

 private:
  class Driver;
  explicit Postgres(std::shared_ptr<Driver> driver) noexcept : driver_(std::move(driver)) {}
  static weft::Task<Postgres> connect_in(weft::SpawnOptions driver, std::string conninfo);
  static weft::Task<void> drive(std::shared_ptr<Driver> driver, std::string conninfo);

  std::shared_ptr<Driver> driver_;
};

/// The connection. Used by the driver alone, except what Requests offers other threads.
class Postgres::Driver : public Requests {
 public:
  weft::Promise<void> connected;

  [[nodiscard]] bool is_open() const noexcept { return lost_.empty(); }

  // [connect]
  /// After each step libpq says what to wait for. In any step it may close a socket and open
  /// another of the same number, so the socket is registered anew for each wait.
  weft::Task<void> connect(const std::string& conninfo) {
    connection_.reset(PQconnectStart(conninfo.c_str()));
    if (!connection_) throw std::bad_alloc();
    PQsetNoticeReceiver(get(), &Driver::on_notice, this);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (PQstatus(get()) == CONNECTION_BAD) status = PGRES_POLLING_FAILED;
    while (status != PGRES_POLLING_OK) {
      if (status == PGRES_POLLING_FAILED) co_return lose();
      const bool reads = status == PGRES_POLLING_READING;
      const Ready ready =
          co_await wait(reads ? weft::Interest::readable : weft::Interest::writable);
      if (stopping()) co_return lose();
      if (ready.any) status = PQconnectPoll(get());
    }
    PQsetnonblocking(get(), 1);
    connected.set_value();
  }
  // [/connect]

  /// Waits for a request, and reads the server's messages meanwhile.
  weft::Task<void> idle() {
    const Ready ready = co_await wait(weft::Interest::readable);
    if (ready.any) consume();
  }

  weft::Task<void> run(PostgresQuery& query) {
    std::vector<const char*> values;
    for (const PostgresValue& value : query.values)
      values.push_back(value ? value->c_str() : nullptr);
    if (PQsendQueryParams(get(), query.sql.c_str(), static_cast<int>(values.size()), nullptr,
                          values.data(), nullptr, nullptr, 0) == 0) {
      if (PQstatus(get()) == CONNECTION_BAD) lose();
      fail(query, refusal(PQerrorMessage(get()), ""));
      co_return;
    }
    Cancelling cancelling;
    while (!take_results(query)) {
      if (next_cancelled() != nullptr) cancelling.begin(get());
      const int unsent = PQflush(get());
      const Ready ready =
          co_await wait(unsent > 0 ? weft::Interest::both : weft::Interest::readable);
      if (ready.readable) PQconsumeInput(get());  // take_results() sees what it found
    }
    // Not before the cancel is over: a late cancel would hit the next query.
    co_await cancelling.over();
    finish(query);
  }

  /// Ends the driver: there are no more queries.
  void abandon() noexcept {
    if (lost_.empty()) lost_ = "the connection was given up";
    const std::exception_ptr reason = refusal(lost_, "");
    if (connected) connected.set_error(reason);
    while (Request* const request = close(reason)) fail(*request, reason);
    connection_.reset();
  }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  struct Ready {
    bool any = false;
    bool readable = false;
  };

  /// PQcancel() on a thread of its own, until the query has ended: the server ignores a request
  /// that arrives before it has begun the query.
  class Cancelling {
   public:
    /// Without memory, or a thread, the query is not cancelled: the driver waits for its result.
    void begin(PGconn* connection) noexcept try {
      if (thread_.joinable()) return;
      weft::Promise<void> promise;
      over_ = promise.result();
      thread_ = std::jthread([connection = PQgetCancel(connection),
                              promise = std::move(promise)](std::stop_token ended) mutable {
        repeat(connection, ended);
        PQfreeCancel(connection);
        promise.set_value();
      });
    } catch (const std::exception&) {
      over_ = {};
    }
    weft::Task<void> over() {
      thread_.request_stop();
      if (over_) co_await over_;
    }

   private:
    static void repeat(PGcancel* connection, const std::stop_token& ended) {
      std::mutex lock;
      std::condition_variable_any never;
      std::array<char, 256> why;
      while (!ended.stop_requested()) {
        PQcancel(connection, why.data(), static_cast<int>(why.size()));
        std::unique_lock held(lock);
        never.wait_for(held, ended, std::chrono::milliseconds(100), [] { return false; });
      }
    }

    weft::SharedResult<void> over_;
    std::jthread thread_;
  };

  [[nodiscard]] PGconn* get() const noexcept { return connection_.get(); }

  weft::Task<Ready> wait(weft::Interest interest) {
    if (watched_ >= 0) static_cast<void>(queue.remove(watched_));
    watched_ = PQsocket(get());
    const weft::Result<void> added = queue.add(watched_, 0, interest);
    if (!added) throw weft::IoError(added.error(), "watch", "the connection to PostgreSQL");
    std::array<weft::Event, 4> room;
    const weft::Events events = co_await weft::wait_for_events(queue, room);
    Ready ready;
    for (const weft::Event& event : events) {
      ready.any = true;
      ready.readable = ready.readable || event.readable;
    }
    co_return ready;
  }

  void consume() {
    const bool lost = PQconsumeInput(get()) == 0;
    while (PGnotify* const notification = PQnotifies(get())) PQfreemem(notification);
    if (lost) lose();
  }
  /// Drops notices, except the one that says why the server ends an idle connection.
  static void on_notice(void* self, const PGresult* notice) {
    const char* const severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == nullptr || std::string_view(severity) != "FATAL") return;
    static_cast<Driver*>(self)->farewell_ = message_of(notice);
  }
  static std::string message_of(const PGresult* result) {
    const char* const text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return first_line(text != nullptr ? text : PQresultErrorMessage(result));
  }
  [[nodiscard]] static bool failed(const PGresult* result) noexcept {
    const ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
  }

  /// Returns whether the query is over.
  [[nodiscard]] bool take_results(PostgresQuery& query) {
    while (PQstatus(get()) == CONNECTION_BAD || PQisBusy(get()) == 0) {
      PGresult* const result = PQgetResult(get());
      if (result == nullptr) return true;
      // The first error counts: after it, libpq reports the lost connection as another one.
      if (query.result.get() == nullptr || !failed(query.result.get())) {
        query.result = PostgresResult(result);
      } else {
        PQclear(result);
        continue;
      }
      switch (PQresultStatus(result)) {
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
          lost_ = "COPY is not for here";
          return true;
        default:
          break;
      }
    }
    return false;
  }

  void finish(PostgresQuery& query) {
    if (!is_open()) return fail(query, refusal(lost_, ""));
    const PGresult* const result = query.result.get();
    if (!failed(result)) return end(query);
    const std::string message = message_of(result);
    if (PQstatus(get()) == CONNECTION_BAD) lost_ = message;
    const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string sqlstate = state != nullptr ? state : "";
    if (sqlstate == "57014") return fail(query, refusal(message, sqlstate));  // given up
    query.set_error(refusal(message, sqlstate));
    end(query);
  }

  void lose() {
    lost_ = farewell_.empty() ? first_line(PQerrorMessage(get())) : farewell_;
    if (lost_.empty()) lost_ = "the connection was lost";
  }
  static std::string first_line(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
  }
  static std::exception_ptr refusal(std::string_view text, std::string sqlstate) {
    return std::make_exception_ptr(PostgresError(first_line(text), std::move(sqlstate)));
  }

  std::unique_ptr<PGconn, Finish> connection_;
  int watched_ = -1;  // the socket that was registered last
  std::string lost_;  // why there is no connection any more
  std::string farewell_;
};

inline weft::Task<void> Postgres::drive(std::shared_ptr<Driver> driver, std::string conninfo) {
  const AbandonAtEnd at_end(*driver);
  co_await driver->connect(conninfo);
  while (driver->is_open() && !driver->stopping()) {
    if (Request* const request = driver->next()) {
      co_await driver->run(static_cast<PostgresQuery&>(*request));
    } else {
      co_await driver->idle();
    }
  }
}

inline weft::Task<Postgres> Postgres::connect_in(weft::SpawnOptions driver, std::string conninfo) {
  Postgres postgres(std::make_shared<Driver>());
  const weft::SharedResult<void> connected = postgres.driver_->connected.result();
  weft::spawn(driver, &Postgres::drive, postgres.driver_, std::move(conninfo)).detach();
  co_await connected;
  co_return std::move(postgres);
}
inline Postgres::~Postgres() {
  if (driver_) driver_->stop();
}
inline Postgres::Query Postgres::query(std::string sql, std::vector<PostgresValue> values) const {
  return {driver_, std::move(sql), std::move(values)};
}

}  // namespace foreign
