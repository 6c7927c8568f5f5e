// Spawner's first part: checks a Command, and lays out its arguments, environment and paths.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/spawner.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr std::string_view path_without_path = "/bin:/usr/bin";

void refuse_nul(const std::string& text, const std::string& what) {
  if (text.find('\0') == std::string::npos) return;
  throw std::invalid_argument("weft::Command: " + what + " contains a NUL byte");
}

template <class T>
std::vector<char*> texts_of(std::vector<T>& strings) {
  std::vector<char*> texts;
  texts.reserve(strings.size() + 1);
  for (T& each : strings) texts.push_back(const_cast<char*>(each.c_str()));
  texts.push_back(nullptr);
  return texts;
}

}  // namespace

void Spawner::check() const {
  if (spec_.program.empty()) throw std::invalid_argument("weft::Command: the program has no name");
  refuse_nul(spec_.program, "the program");
  for (std::size_t i = 0; i < spec_.arguments.size(); ++i) {
    refuse_nul(spec_.arguments[i], "argument " + std::to_string(i));
  }
  for (const SpawnSpec::Change& change : spec_.environment) {
    if (change.name.empty() && !change.value) continue;  // env_clear()
    refuse_nul(change.name, "the name of a variable");
    if (change.name.empty() || change.name.find('=') != std::string::npos) {
      throw std::invalid_argument("weft::Command: '" + change.name +
                                  "' is not the name of a variable");
    }
    if (change.value) refuse_nul(*change.value, "the variable " + change.name);
  }
  if (spec_.directory) refuse_nul(*spec_.directory, "the directory");
  constexpr std::uint32_t no_id = 0xffffffff;  // for the system: as it is
  if (spec_.uid == no_id || spec_.gid == no_id) {
    throw std::invalid_argument("weft::Command: there is no user or group 4294967295");
  }
  check_streams();
}

void Spawner::check_streams() const {
  for (std::size_t number = 0; number < spec_.streams.size(); ++number) {
    const auto& set = spec_.streams[number];
    if (!set) continue;
    const StdioTarget& target = *set->target_;
    const bool is_output = number != STDIN_FILENO;
    const bool fits = target.kind == StdioTarget::Kind::same_as_output ? number == STDERR_FILENO
                      : target.kind == StdioTarget::Kind::stream
                          ? target.stream->is_for_output() == is_output
                          : true;
    if (fits) continue;
    throw std::invalid_argument("weft::Command: standard stream " + std::to_string(number) +
                                " cannot be that: from() is for the input, to() for the outputs, "
                                "same_as_output() for the error output");
  }
  std::vector<int> numbers;
  for (const HandleMove& move : spec_.given) {
    const bool twice = std::find(numbers.begin(), numbers.end(), move.to) != numbers.end();
    if (move.to > 2 && !twice) {
      numbers.push_back(move.to);
      continue;
    }
    throw std::invalid_argument("weft::Command: handle number " + std::to_string(move.to) +
                                (twice ? " is given twice" : " is a standard stream's, or none"));
  }
}

void Spawner::lay_out_texts() {
  environment_ = environment();
  find_candidates(environment_);
  candidate_texts_.reserve(candidates_.size() + 1);
  for (const std::string& each : candidates_) candidate_texts_.push_back(each.c_str());
  candidate_texts_.push_back(nullptr);
  // SAFETY: execve(2) only reads the texts.
  auto& arguments = const_cast<std::vector<std::string>&>(spec_.arguments);
  argument_texts_ = texts_of(arguments);
  environment_texts_ = texts_of(environment_);
  plan_.candidates = candidate_texts_.data();
  plan_.arguments = argument_texts_.data();
  plan_.environment = environment_texts_.data();
}

std::vector<std::string> Spawner::environment() const {
  std::vector<std::string> result;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    result.emplace_back(*each);
  }
  for (const SpawnSpec::Change& change : spec_.environment) {
    if (change.name.empty()) {
      result.clear();
      continue;
    }
    const std::string prefix = change.name + "=";
    std::erase_if(result, [&](const std::string& entry) { return entry.starts_with(prefix); });
    if (change.value) result.push_back(prefix + *change.value);
  }
  return result;
}

void Spawner::find_candidates(const std::vector<std::string>& environment) {
  if (spec_.program.find('/') != std::string::npos) {
    candidates_.push_back(spec_.program);
    return;
  }
  std::string_view path = path_without_path;
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  }
  for (;;) {
    const std::size_t end = path.find(':');
    const std::string_view folder = path.substr(0, end);
    // An empty entry means the working directory.
    candidates_.push_back(folder.empty() ? "./" + spec_.program
                                         : std::string(folder) + "/" + spec_.program);
    if (end == std::string_view::npos) return;
    path.remove_prefix(end + 1);
  }
}

}  // namespace weft::inline v0_1::detail
