// libpq on weft, beside a real PostgreSQL: WEFT_TEST_CONNINFO says how to connect.
#include "postgres.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "foreign_support.hpp"

namespace foreign_test {
namespace {

using namespace std::chrono_literals;
using foreign::Postgres;
using foreign::PostgresError;
using foreign::PostgresResult;

std::string conninfo() { return setting("WEFT_TEST_CONNINFO"); }

std::string text_of(const PostgresResult& result, int row = 0, int column = 0) {
  return std::string(result.text(row, column).value_or("NULL"));
}
weft::Task<std::string> ask(Postgres& db, std::string sql) {
  const PostgresResult result = co_await db.query(std::move(sql));
  co_return text_of(result);
}
/// The code of the PostgresError that awaiting `awaitable` throws; "none" if it does not.
template <class A>
weft::Task<std::string> sqlstate_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const PostgresError& error) {
    co_return error.sqlstate();
  }
  co_return "none";
}

/// Waits until the server reports that `pid` executes a query that waits for something.
weft::Task<void> wait_until_waiting(Postgres& other, std::string pid) {
  const std::string query =
      "select count(*) from pg_stat_activity where state = 'active' and wait_event is not null and "
      "pid = " +
      pid;
  for (std::string waiting = "0"; waiting == "0";) waiting = co_await ask(other, query);
}

class PostgresTest : public Foreign {};
FOREIGN_ON_ALL_RUNTIMES(PostgresTest);

TEST_P(PostgresTest, RowsParametersAndNull) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    const PostgresResult result =
        co_await db.query("select $1::text, $2::int + 1, $3::text union all select 'b', 2, 'c'",
                          "käse; --", "41", std::nullopt);
    EXPECT_EQ(result.rows(), 2);
    EXPECT_EQ(result.columns(), 3);
    EXPECT_EQ(text_of(result, 0, 0), "käse; --");
    EXPECT_EQ(text_of(result, 0, 1), "42");
    EXPECT_FALSE(result.text(0, 2).has_value());
    EXPECT_EQ(text_of(result, 1, 2), "c");
    const PostgresResult nothing = co_await db.query("");
    EXPECT_EQ(nothing.rows(), 0);
  });
}

TEST_P(PostgresTest, ARefusedQueryIsNamedAndTheConnectionGoesOn) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    const std::string text = co_await error_text(db.query("select 1 / 0"));
    EXPECT_EQ(text, "postgres: division by zero");
    const std::string state = co_await sqlstate_of(db.query("select * from nowhere"));
    EXPECT_EQ(state, "42P01");
    const std::string one = co_await ask(db, "select 1");
    EXPECT_EQ(one, "1");
  });
}

TEST_P(PostgresTest, ManyTasksTakeTurnsOnAConnection) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    co_await weft::scope([&](weft::Scope& tasks) -> weft::Task<void> {
      for (int i = 0; i < 100; ++i) {
        auto check = [](Postgres& on, int number) -> weft::Task<void> {
          const std::string sum = co_await ask(on, "select 1 + " + std::to_string(number));
          EXPECT_EQ(sum, std::to_string(number + 1));
        };
        tasks.spawn(check, std::ref(db), i);
      }
      co_return;
    });
  });
}

TEST_P(PostgresTest, SeveralConnectionsWorkAtOnce) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres holder = co_await Postgres::connect(scope, conninfo());
    co_await holder.query("select pg_advisory_lock(1)");
    std::vector<Postgres> connections;
    std::vector<weft::JoinHandle<std::string>> waiting;
    for (int i = 0; i < 5; ++i) {
      Postgres db = co_await Postgres::connect(scope, conninfo());
      connections.push_back(std::move(db));
    }
    for (Postgres& db : connections) {
      waiting.push_back(weft::spawn(ask, std::ref(db), "select pg_advisory_xact_lock_shared(1)"));
    }
    for (int waiters = 0; waiters < 5;) {
      const std::string count = co_await ask(
          holder, "select count(*) from pg_locks where locktype = 'advisory' and not granted");
      waiters = std::stoi(count);
    }
    co_await holder.query("select pg_advisory_unlock(1)");
    for (auto& one : waiting) co_await std::move(one);
  });
}

TEST_P(PostgresTest, FromAFiber) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    co_await weft::fiber([&scope] {
      Postgres db = weft::await(Postgres::connect(scope, conninfo()));
      EXPECT_EQ(text_of(weft::await(db.query("select 'fiber'"))), "fiber");
    });
  });
}

TEST_P(PostgresTest, LargeThingsGoInParts) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    const PostgresResult rows = co_await db.query("select * from generate_series(1, 100000)");
    EXPECT_EQ(rows.rows(), 100000);
    EXPECT_EQ(text_of(rows, 99999), "100000");
    const std::string large(8'000'000, 'x');
    const PostgresResult size = co_await db.query("select length($1::text)", large);
    EXPECT_EQ(text_of(size), "8000000");
  });
}

TEST_P(PostgresTest, AConnectionThatCannotBeMadeIsNamed) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    const std::string refused =
        co_await error_text(Postgres::connect(scope, "hostaddr=127.0.0.1 port=1"));
    EXPECT_EQ(refused,
              "postgres: connection to server at \"127.0.0.1\", port 1 failed: Connection refused");
    const std::string database =
        co_await error_text(Postgres::connect(scope, conninfo() + " dbname=nowhere"));
    EXPECT_TRUE(database.ends_with("database \"nowhere\" does not exist")) << database;
    const std::string nonsense = co_await error_text(Postgres::connect(scope, "no=sense"));
    EXPECT_EQ(nonsense, "postgres: invalid connection option \"no\"");
  });
}

// libpq closes the socket of each address that fails. The next one gets its number.
TEST_P(PostgresTest, TheNextAddressIsTriedWhenOneFails) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    const std::string folder = conninfo().substr(conninfo().find("host=") + 5);
    const std::string path = folder.substr(0, folder.find(' '));
    const std::string hosts = "host=127.0.0.1,127.0.0.1,/nonexistent," + path + " port=1,2,3," +
                              setting("WEFT_TEST_PORT") + " user=weft dbname=postgres";
    Postgres db = co_await Postgres::connect(scope, hosts);
    const std::string one = co_await ask(db, "select 1");
    EXPECT_EQ(one, "1");
  });
}

TEST_P(PostgresTest, AConnectThatIsCancelledLeavesNothing) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    weft::SocketListener silent = weft::SocketListener::bind(weft::Endpoint::loopback(0));
    const std::string to =
        "hostaddr=127.0.0.1 port=" + std::to_string(silent.local_endpoint().port());
    const std::string text = co_await error_text(weft::timeout(Postgres::connect(scope, to), 20ms));
    EXPECT_EQ(text, "timeout: time limit exceeded");
  });
}

TEST_P(PostgresTest, ACancelReachesTheServerAndTheConnectionGoesOn) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    for (int round = 0; round < 3; ++round) {
      const std::string text =
          co_await error_text(weft::timeout(db.query("select pg_sleep(3600)"), 10ms));
      EXPECT_EQ(text, "timeout: time limit exceeded");
      const std::string sleepers = co_await ask(
          db,
          "select count(*) from pg_stat_activity where state = 'active' and query like "
          "'select pg_sleep(3600)'");
      EXPECT_EQ(sleepers, "0");
    }
  });
}

TEST_P(PostgresTest, AQueryThatWaitsForItsTurnIsNeverSentOnceCancelled) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    Postgres other = co_await Postgres::connect(scope, conninfo());
    co_await db.query("create temporary table marks (mark int)");
    const std::string pid = co_await ask(db, "select pg_backend_pid()");
    co_await other.query("select pg_advisory_lock(7)");
    weft::JoinHandle<std::string> first =
        weft::spawn(ask, std::ref(db), "select pg_advisory_xact_lock_shared(7)");
    co_await wait_until_waiting(other, pid);
    const std::string text =
        co_await error_text(weft::timeout(db.query("insert into marks values (1)"), 10ms));
    EXPECT_EQ(text, "timeout: time limit exceeded");
    co_await other.query("select pg_advisory_unlock(7)");
    co_await std::move(first);
    const std::string marks = co_await ask(db, "select count(*) from marks");
    EXPECT_EQ(marks, "0");
  });
}

TEST_P(PostgresTest, CancelsAtAnyTime) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    co_await weft::scope([&](weft::Scope& tasks) -> weft::Task<void> {
      for (int i = 0; i < 30; ++i) {
        auto late = [](Postgres& on, int after) -> weft::Task<void> {
          co_await error_text(
              weft::timeout(ask(on, "select 'late'"), std::chrono::microseconds(after * 200)));
        };
        auto check = [](Postgres& on, int number) -> weft::Task<void> {
          const std::string same = co_await ask(on, "select " + std::to_string(number));
          EXPECT_EQ(same, std::to_string(number));
        };
        tasks.spawn(late, std::ref(db), i);
        tasks.spawn(check, std::ref(db), i);
      }
      co_return;
    });
  });
}

TEST_P(PostgresTest, AConnectionThatTheServerEndsIsNamed) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres other = co_await Postgres::connect(scope, conninfo());
    for (const bool idle : {false, true}) {
      Postgres db = co_await Postgres::connect(scope, conninfo());
      const std::string pid = co_await ask(db, "select pg_backend_pid()");
      if (idle) {
        co_await ask(other, "select pg_terminate_backend(" + pid + ", 10000)");
      } else {
        weft::JoinHandle<std::string> waiting =
            weft::spawn(sqlstate_of(db.query("select pg_sleep(3600)")));
        co_await wait_until_waiting(other, pid);
        co_await ask(other, "select pg_terminate_backend(" + pid + ")");
        const std::string state = co_await std::move(waiting);
        EXPECT_EQ(state, "57P01");
      }
      const std::string text = co_await error_text(db.query("select 1"));
      // The server's last message is lost if it has reset the connection before libpq reads it.
      EXPECT_TRUE(text == "postgres: terminating connection due to administrator command" ||
                  text == "postgres: server closed the connection unexpectedly")
          << text;
    }
  });
}

TEST_P(PostgresTest, CopyEndsTheConnection) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    const std::string text = co_await error_text(db.query("copy (select 1) to stdout"));
    EXPECT_EQ(text, "postgres: COPY is not for here");
    const std::string later = co_await error_text(db.query("select 1"));
    EXPECT_EQ(later, "postgres: COPY is not for here");
  });
}

TEST_P(PostgresTest, WhenTheOwnerIsCancelledAllEnds) {
  expect_all_ends_if_cancelled(options(), 30ms, [](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    for (int i = 0; i < 5; ++i) scope.spawn(ask, std::ref(db), "select pg_sleep(5)");
    co_await db.query("select pg_sleep(5)");
  });
}

TEST_P(PostgresTest, ServerKilledMidway) {
  if (setting("WEFT_TEST_KILL").empty()) GTEST_SKIP() << "needs a server of its own";
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Postgres db = co_await Postgres::connect(scope, conninfo());
    Postgres other = co_await Postgres::connect(scope, conninfo());
    const std::string pid = co_await ask(db, "select pg_backend_pid()");
    weft::JoinHandle<std::string> waiting =
        weft::spawn(error_text(db.query("select pg_sleep(3600)")));
    co_await wait_until_waiting(other, pid);
    weft::JoinHandle<std::string> queued = weft::spawn(error_text(db.query("select 1")));
    kill(static_cast<pid_t>(std::stol(pid)), SIGKILL);
    const std::string text = co_await std::move(waiting);
    EXPECT_EQ(text, "postgres: server closed the connection unexpectedly");
    const std::string later = co_await std::move(queued);
    EXPECT_EQ(later, "postgres: server closed the connection unexpectedly");
  });
}

}  // namespace
}  // namespace foreign_test
