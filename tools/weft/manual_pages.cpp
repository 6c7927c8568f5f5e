// Manual pages in the language of man(7).
#include <algorithm>
#include <cctype>
#include <sstream>
#include <string>
#include <string_view>

#include "manual.hpp"

namespace weft::tool::manual {

namespace {

// Text that stands for itself: a hyphen is one, and no line is a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string title(const Program& program, const std::string& name) {
  return ".TH " + upper(roff(name)) + " 1 \"\" \"" + roff(program.version) +
         "\" \"User Commands\"\n";
}

std::string name_section(const std::string& name, const std::string& help) {
  return ".SH NAME\n" + roff(name) + " \\- " + roff(help) + "\n";
}

std::string entry_of(const Option& option) {
  std::string names;
  for (const std::string& name : option.names) {
    if (!names.empty()) names += ", ";
    names += bold(name);
    if (!option.value.empty()) names += " " + italic(option.value);
  }
  if (option.names.empty()) names = italic(option.value);
  return ".TP\n" + names + "\n" + roff(option.help) + "\n";
}

std::string options_section(const std::vector<Option>& options) {
  std::string out = ".SH OPTIONS\n";
  std::string group;
  for (const Option& option : options) {
    if (option.group != group) out += ".SS " + roff(option.group) + "\n";
    group = option.group;
    out += entry_of(option);
  }
  return out;
}

std::string synopsis(const Program& program, const Command& command) {
  std::string out =
      ".SH SYNOPSIS\n" + bold(program.name + " " + command.name) + " [" + italic("OPTION") + "]...";
  for (const Option& option : command.options) {
    if (option.required) out += " " + bold(option.names.back()) + " " + italic(option.value);
  }
  for (const Option& argument : command.arguments) {
    out += " " + italic(argument.value) + (argument.repeats ? "..." : "");
  }
  return out + "\n";
}

// "  130  ended by a signal": a word and its meaning.
std::string list_entry(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(' ');
  const std::size_t end = std::min(line.find(' ', begin), line.size());
  const std::size_t meaning = std::min(line.find_first_not_of(' ', end), line.size());
  return ".TP\n" + bold(line.substr(begin, end - begin)) + "\n" + roff(line.substr(meaning)) + "\n";
}

std::string notes_sections(const std::string& notes) {
  std::string out = notes.empty() ? "" : ".SH NOTES\n";
  bool begins_paragraph = false;
  std::istringstream lines(notes);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      begins_paragraph = true;
      continue;
    }
    if (line.starts_with(' ')) {
      out += list_entry(line);
    } else if (line.ends_with(':')) {
      out += ".SH " + upper(roff(line.substr(0, line.size() - 1))) + "\n";
    } else {
      if (begins_paragraph) out += ".PP\n";
      out += roff(line) + "\n";
    }
    begins_paragraph = false;
  }
  return out;
}

}  // namespace

std::string page_of(const Program& program) {
  std::string out = title(program, program.name) + name_section(program.name, program.help);
  out += ".SH SYNOPSIS\n" + bold(program.name) + " " + italic("COMMAND") + " [" + italic("OPTION") +
         "]...\n.SH COMMANDS\n";
  std::string also = ".SH SEE ALSO\n";
  for (const Command& command : program.commands) {
    out += ".TP\n" + bold(command.name) + "\n" + roff(command.help) + "\n";
    const bool is_last = &command == &program.commands.back();
    also += bold(program.name + "-" + command.name) + "(1)" + (is_last ? "" : ",") + "\n";
  }
  return out + options_section(program.options) + also;
}

std::string page_of(const Program& program, const Command& command) {
  const std::string name = program.name + "-" + command.name;
  std::string out = title(program, name) + name_section(name, command.help);
  out += synopsis(program, command);
  if (!command.arguments.empty()) out += ".SH ARGUMENTS\n";
  for (const Option& argument : command.arguments) out += entry_of(argument);
  out += options_section(command.options) + notes_sections(command.notes);
  return out + ".SH SEE ALSO\n" + bold(program.name) + "(1)\n";
}

}  // namespace weft::tool::manual
