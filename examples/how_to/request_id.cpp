// A value that belongs to a request, seen by all that the request leads to, without a parameter.
#include <chrono>
#include <cstdio>
#include <string>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [local]
const weft::TaskLocal<std::string> request_id;

/// An ordinary function, far below.
void log(const char* what) {
  const std::string* const id = request_id.find();
  std::printf("[%s] %s\n", id != nullptr ? id->c_str() : "-", what);
}
// [/local]

// [handle]
weft::Task<void> ask_database() {
  co_await weft::sleep_for(5ms);
  log("the database has answered");
}

weft::Task<void> write_audit() {
  co_await weft::sleep_for(10ms);
  log("the audit line is written");
}

weft::Task<void> handle() {
  log("begins");
  co_await weft::when_all(ask_database(), write_audit());  // children inherit it
}

weft::Task<void> program() {
  log("before");
  co_await request_id.with("17", handle());
  log("after");
}
// [/handle]

int main() { weft::block_on(program()); }
