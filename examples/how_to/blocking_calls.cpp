// Calls that block their thread, beside tasks that must go on.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stop_token>
#include <string>
#include <thread>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [call]
std::string read_file(const std::string& name) {
  std::ifstream file(name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

weft::Task<void> show_version() {
  auto reading = weft::blocking([] { return read_file("/proc/version"); });
  const std::string text = co_await std::move(reading);
  std::printf("the file begins with %s\n", text.substr(0, 5).c_str());
}
// [/call]

// [class]
/// Calls of one kind, on threads of their own: when the database is slow, files are not.
class Database {
 public:
  weft::Task<int> count_rows() {
    auto query = weft::blocking(threads_, [](std::stop_token) {
      std::this_thread::sleep_for(20ms);  // stands for a driver that knows nothing of tasks
      return 42;
    });
    co_return co_await std::move(query);
  }

 private:
  static weft::BlockingOptions options() {
    weft::BlockingOptions options;
    options.name = "database";
    options.most_threads = 2;  // as many as it allows connections
    return options;
  }
  weft::BlockingThreads threads_{options()};
};
// [/class]

// [stop]
/// A call that has begun cannot be interrupted, but it can look whether it is still wanted.
weft::Task<int> count_until_stopped() {
  auto counting = weft::blocking([](std::stop_token stop) {
    int rounds = 0;
    while (!stop.stop_requested()) {
      ++rounds;
      std::this_thread::sleep_for(1ms);
    }
    return rounds;
  });
  co_return co_await std::move(counting);
}
// [/stop]

weft::Task<void> program() {
  co_await show_version();
  Database database;
  auto [first, second, third] =
      co_await weft::when_all(database.count_rows(), database.count_rows(), database.count_rows());
  std::printf("rows: %d %d %d\n", first, second, third);
  const int rounds = co_await weft::timeout(count_until_stopped(), 20ms);
  std::printf("stopped, and its result was kept: %s\n", rounds > 0 ? "yes" : "no");
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
