#include "list.hpp"

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <istream>
#include <system_error>
#include <unordered_map>

namespace jobs {

namespace {

/// Reads lines of a file, and counts them.
class Lines {
 public:
  Lines(std::istream& from, const std::string& name) : from_(from), name_(name) {}

  /// Reads a line, and those that it goes on in, up to the end of the command. Returns false at the
  /// end of the file.
  bool read(std::string& command) {
    command.clear();
    std::string line;
    while (std::getline(from_, line)) {
      ++number_;
      if (line.ends_with('\r')) line.pop_back();
      if (line.find('\0') != std::string::npos) fail("a zero byte");
      const bool goes_on = line.ends_with('\\') && !is_comment(line);
      if (goes_on) line.back() = ' ';
      command += line;
      if (!goes_on) return true;
    }
    if (from_.bad()) throw std::system_error(errno, std::generic_category(), "read " + name_);
    if (!command.empty()) fail("the last line goes on, and there is no next one");
    return false;
  }

  static bool is_comment(const std::string& line) {
    const std::size_t first = line.find_first_not_of(" \t");
    return first == std::string::npos || line[first] == '#';
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw BadList(name_ + ":" + std::to_string(number_) + ": " + what);
  }

  std::istream& from_;
  const std::string& name_;
  std::size_t number_ = 0;
};

std::vector<Job> read_jobs(std::istream& from, const std::string& name) {
  Lines lines(from, name);
  std::vector<Job> list;
  std::unordered_map<std::string, std::size_t> occurrences;
  for (std::string command; lines.read(command);) {
    if (Lines::is_comment(command)) continue;
    list.push_back({command, ++occurrences[command]});
  }
  return list;
}

}  // namespace

std::vector<Job> read_list(const std::string& path) {
  if (path == "-") return read_jobs(std::cin, "standard input");
  std::ifstream file(path);
  if (!file) throw std::system_error(errno, std::generic_category(), "open " + path);
  return read_jobs(file, path);
}

}  // namespace jobs
