// Runs commands, two at a time, each with limits of time and output; leaves nothing behind; and
// keeps the results in a file that is whole at any time.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// [run]
/// Runs a command for at most 2 s, and says in a line what came of it.
weft::Task<std::string> run(std::string name, std::string command) {
  weft::Command shell("sh");
  shell.args({"-c", command}).in(weft::Stdio::null()).new_group();
  auto output = weft::timeout(shell.output(4096), 2s);  // a cancel kills the whole group
  const auto result = co_await weft::attempt(std::move(output));
  if (!result) co_return name + ": " + result.error().code().message();
  std::string line = name + ": " + result->status.to_string() + ", " +
                     std::to_string(result->out.size()) + " bytes";
  co_return line + (result->out_truncated ? " and more" : "");
}
// [/run]

// [all]
/// Two at a time. After each, the file has all results so far.
weft::Task<void> run_all(std::map<std::string, std::string> commands, fs::path file) {
  weft::JoinSet<std::string> running;
  auto next = commands.begin();
  auto start_next = [&] {
    if (next == commands.end()) return;
    running.spawn(run, next->first, next->second);
    ++next;
  };
  start_next();
  start_next();
  std::string results;
  while (auto line = co_await running.next()) {
    start_next();
    results += *line + "\n";
    co_await weft::write_file(file, results, weft::WriteOptions().atomic());
  }
}
// [/all]

weft::Task<void> program() {
  std::map<std::string, std::string> commands;
  commands["greet"] = "echo hello";
  commands["fail"] = "exit 3";
  commands["hang"] = "sleep 1000 & sleep 1000";  // a child and a grandchild
  commands["flood"] = "yes | head -c 1000000";
  auto folder = co_await weft::TemporaryDirectory::create();
  const fs::path file = folder.path() / "results";
  co_await run_all(commands, file);
  weft::File results = co_await weft::File::open(file);
  weft::BufferedReader reader(std::move(results));
  std::vector<std::string> lines;
  while (auto line = co_await reader.read_line()) lines.push_back(*line);
  std::ranges::sort(lines);  // they came as they ended
  for (const std::string& line : lines) std::printf("%s\n", line.c_str());
}

}  // namespace

int main() { weft::block_on(program()); }
