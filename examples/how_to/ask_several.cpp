// Several places are asked: the first that succeeds, or all with a limit.
#include <chrono>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

/// Stands for a server that is asked. One answers soon, one late, and one not at all.
weft::Task<std::string> ask(std::string server) {
  if (server == "broken") throw std::runtime_error("broken: connection refused");
  co_await weft::sleep_for(server == "slow" ? 1s : 20ms);
  co_return "the answer of " + server;
}

// [first]
weft::Task<std::string> ask_any(std::vector<std::string> servers) {
  std::vector<weft::Task<std::string>> questions;
  for (const std::string& server : servers) questions.push_back(ask(server));
  auto answers = co_await weft::first_success(std::move(questions));
  co_return answers.take();
}
// [/first]

// [limit]
weft::Task<std::size_t> length_of(int page) {
  co_await weft::sleep_for(100ms);  // stands for a download
  co_return static_cast<std::size_t>(page) * 1000;
}

/// Twenty pages, at most five at a time, in their order.
weft::Task<std::vector<std::size_t>> measure_pages() {
  auto lengths = weft::streams::from_range(std::views::iota(1, 21))  //
                 | weft::streams::buffered(5, length_of);
  std::vector<std::size_t> all;
  while (auto length = co_await lengths.next()) all.push_back(*length);
  co_return all;
}
// [/limit]

weft::Task<void> program() {
  std::vector<std::string> servers{"slow", "broken", "near"};
  const std::string answer = co_await ask_any(std::move(servers));
  std::puts(answer.c_str());
  std::vector<std::string> one{"broken"};
  try {
    co_await ask_any(std::move(one));
  } catch (const std::runtime_error& error) {
    std::printf("none: %s\n", error.what());
  }
  const weft::TimePoint begin = weft::now();
  const std::vector<std::size_t> lengths = co_await measure_pages();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(weft::now() - begin);
  std::printf("%zu pages, the last of %zu bytes, after %d ms\n", lengths.size(), lengths.back(),
              static_cast<int>(took.count()));
}

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // a second costs nothing
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
