// Sends what weft reports to a logger of one's own.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <weft/weft.hpp>

// [handler]
/// Stands for spdlog, or for a logger of your own.
void write_line(const char* level, const std::string& text) {
  std::printf("[%s] %s\n", level, text.c_str());
}

void to_my_log(const weft::LogRecord& record) {
  const std::string level(weft::to_string(record.level));
  write_line(level.c_str(), std::string(record.part) + ": " + std::string(record.message));
  for (const weft::LogField& field : record.fields) {
    if (field.name == "awaited at") write_line("debug", "the task was awaited somewhere");
  }
}
// [/handler]

weft::Task<void> fail() {
  co_await weft::yield_now();
  throw std::runtime_error("no such page");
}
weft::Task<void> outer() { co_await fail(); }

// [use]
int main() {
  weft::RuntimeOptions options;
  options.name = "front";
  options.log = to_my_log;  // instead of standard error
  weft::Runtime runtime(options);
  auto program = []() -> weft::Task<void> {
    auto handle = weft::spawn(outer);
    while (!handle.ended()) co_await weft::yield_now();
  };  // the handle goes without a look at the failure
  runtime.block_on(program());
}
// [/use]
