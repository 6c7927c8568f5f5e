// The manual pages and the completions of shells, made of what the command line says of itself.
// Pure functions over values; manual_files.cpp fills these in and writes the files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::tool::manual {

/// What a shell proposes for a value.
enum class Proposal : std::uint8_t { nothing, words, files, directories };

/// An option, or an argument without a name.
struct Option {
  std::vector<std::string> names;  ///< "-h", "--help"; empty: an argument
  std::string value;               ///< what stands for its value, as "N"; empty: it has none
  std::string help;
  std::string group;  ///< the heading in the help; empty: none of its own
  bool repeats = false;
  bool required = false;
  Proposal proposal = Proposal::nothing;
  std::vector<std::string> words;  ///< with Proposal::words
};

struct Command {
  std::string name;
  std::string help;
  std::vector<Option> options;
  std::vector<Option> arguments;
  std::string notes;  ///< what its help says at the end, in lines
};

struct Program {
  std::string name;
  std::string version;  ///< "weft 0.1.0"
  std::string help;
  std::vector<Option> options;
  std::vector<Command> commands;
};

/// The page of the program, for man(1): its commands and its own options.
[[nodiscard]] std::string page_of(const Program& program);
/// The page of a command. Of its notes, a line that ends with a colon is a heading, and indented
/// lines are a list of words and what they mean.
[[nodiscard]] std::string page_of(const Program& program, const Command& command);

[[nodiscard]] std::string bash_completion(const Program& program);
[[nodiscard]] std::string zsh_completion(const Program& program);
[[nodiscard]] std::string fish_completion(const Program& program);

}  // namespace weft::tool::manual
