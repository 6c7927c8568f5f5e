// Asks a PostgreSQL server, and gives up on what takes too long, by libpq on a weft runtime:
//   postgres "host=/run/postgresql user=me dbname=mine"
#include "postgres.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace {

using namespace std::chrono_literals;

// [ask]
weft::Task<void> ask(foreign::Postgres& db) {
  co_await db.query("create temporary table planets (name text, moons integer)");
  co_await db.query("insert into planets values ('Earth', 1), ('Mars', 2), ('Venus', null)");
  const foreign::PostgresResult found =
      co_await db.query("select name, moons from planets where name <> $1 order by name", "Mars");
  for (int row = 0; row < found.rows(); ++row) {
    const std::string name(*found.text(row, 0));
    const std::string moons(found.text(row, 1).value_or("not known"));
    std::printf("%s: %s\n", name.c_str(), moons.c_str());
  }
}

weft::Task<void> ask_too_much(foreign::Postgres& db) {
  try {
    co_await weft::timeout(db.query("select pg_sleep(3600)"), 50ms);
  } catch (const weft::IoError& error) {
    std::printf("an hour of sleep: %s\n", error.what());  // the server has cancelled it, too
  }
  const foreign::PostgresResult one = co_await db.query("select 1 + 1");
  std::printf("one and one: %s\n", std::string(*one.text(0, 0)).c_str());
}
// [/ask]

weft::Task<void> program(std::string conninfo) {
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    foreign::Postgres db = co_await foreign::Postgres::connect(scope, conninfo);
    co_await ask(db);
    co_await ask_too_much(db);
  };
  co_await weft::scope(body);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    weft::Runtime runtime;
    runtime.block_on(program(argc > 1 ? argv[1] : ""));
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
