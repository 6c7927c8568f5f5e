// Completions for bash, zsh and fish: commands, options, and the values that have a choice.
#include <string>
#include <string_view>
#include <vector>

#include "manual.hpp"

namespace weft::tool::manual {

namespace {

std::string first_line(const Program& program) {
  return "# Completion of " + program.version + ", made of its help.\n";
}

// In single quotes of a shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string with_backslash(std::string_view text, std::string_view before) {
  std::string out;
  for (const char c : text) {
    if (before.find(c) != before.npos) out += '\\';
    out += c;
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

std::string names_of(const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const Option& option : options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return joined(names);
}

std::string bash_compgen(const Option& option) {
  switch (option.proposal) {
    case Proposal::words:
      return "mapfile -t COMPREPLY < <(compgen -W '" + joined(option.words) + "' -- \"$current\")";
    case Proposal::files:
      return "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
    case Proposal::directories:
      return "mapfile -t COMPREPLY < <(compgen -d -- \"$current\")";
    case Proposal::nothing:
      break;
  }
  return ":";
}

// A branch for each option whose value is being typed.
std::string bash_values(const Command& command) {
  std::string out;
  for (const Option& option : command.options) {
    if (option.value.empty()) continue;
    std::string pattern;
    for (const std::string& name : option.names) {
      pattern += (pattern.empty() ? "'" : "|'") + command.name + " " + name + "'";
    }
    out += "    " + pattern + ") " + bash_compgen(option) + "; return ;;\n";
  }
  return out;
}

std::string bash_command(const Command& command) {
  std::string out = "    " + command.name + ")\n      words='" + names_of(command.options) + "'\n";
  if (!command.arguments.empty()) {
    out += "      [[ $current == -* ]] || { " + bash_compgen(command.arguments.front()) +
           "; return; }\n";
  }
  return out + "      ;;\n";
}

// An optspec of _arguments: '*--header[A field]:FIELD:'.
std::string zsh_option(const Option& option) {
  std::string value;
  if (!option.value.empty()) {
    value = ":" + with_backslash(option.value, "\\:") + ":";
    if (option.proposal == Proposal::words) value += "(" + joined(option.words) + ")";
    if (option.proposal == Proposal::files) value += "_files";
    if (option.proposal == Proposal::directories) value += "_files -/";
  }
  if (option.names.empty()) return in_quotes((option.repeats ? "*" : "1") + value);
  const std::string help = "[" + with_backslash(option.help, "\\[]:") + "]" + value;
  std::string out;
  for (const std::string& name : option.names) {
    const std::string others = option.repeats ? "*" : "(" + joined(option.names) + ")";
    out += (out.empty() ? "" : " ") + in_quotes(others + name + help);
  }
  return out;
}

std::string zsh_arguments(const std::vector<Option>& options, const std::string& indent) {
  std::string out;
  for (const Option& option : options) out += " \\\n" + indent + zsh_option(option);
  return out;
}

std::string fish_option(const Option& option) {
  std::string out;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    out += (is_long ? " -l " : " -s ") + name.substr(is_long ? 2 : 1);
  }
  if (option.proposal == Proposal::words) out += " -x -a " + in_quotes(joined(option.words));
  if (option.proposal == Proposal::files) out += " -r -F";
  if (option.proposal == Proposal::directories) out += " -x -a '(__fish_complete_directories)'";
  if (option.proposal == Proposal::nothing && !option.value.empty()) out += " -x";
  if (option.names.empty()) return out;
  return out + " -d " + in_quotes(option.help);
}

}  // namespace

std::string bash_completion(const Program& program) {
  const std::string function = "_" + program.name;
  std::string names;
  std::string values;
  std::string commands;
  for (const Command& command : program.commands) {
    names += (names.empty() ? "" : " ") + command.name;
    values += bash_values(command);
    commands += bash_command(command);
  }
  std::string patterns = names;
  for (char& c : patterns) c = c == ' ' ? '|' : c;
  return first_line(program) + function + "() {\n" +
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  local command='' words='' i\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case ${COMP_WORDS[i]} in\n      " +
         patterns +
         ") command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$command $previous\" in\n" +
         values +
         "  esac\n"
         "  case $command in\n    '') words='" +
         names + " " + names_of(program.options) + "' ;;\n" + commands +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "}\ncomplete -o filenames -F " +
         function + " " + program.name + "\n";
}

std::string zsh_completion(const Program& program) {
  std::string described;
  std::string branches;
  for (const Command& command : program.commands) {
    const std::string help = with_backslash(command.help, "\\:");
    described += "        " + in_quotes(command.name + ":" + help) + "\n";
    branches += "        " + command.name + ")\n          _arguments" +
                zsh_arguments(command.options, "            ") +
                zsh_arguments(command.arguments, "            ") + " ;;\n";
  }
  return "#compdef " + program.name + "\n" + first_line(program) + "_" + program.name +
         "() {\n"
         "  local context state line\n"
         "  local -a commands\n"
         "  _arguments -C" +
         zsh_arguments(program.options, "    ") +
         " \\\n    '1:command:->command' '*::argument:->arguments'\n"
         "  case $state in\n"
         "    command)\n"
         "      commands=(\n" +
         described +
         "      )\n"
         "      _describe command commands ;;\n"
         "    arguments)\n"
         "      case $line[1] in\n" +
         branches + "      esac ;;\n  esac\n}\n_" + program.name + " \"$@\"\n";
}

std::string fish_completion(const Program& program) {
  std::string out = first_line(program);
  const std::string begin = "complete -c " + program.name + " -n ";
  out += "complete -c " + program.name + " -f\n";
  for (const Option& option : program.options) {
    out += begin + "__fish_use_subcommand" + fish_option(option) + "\n";
  }
  for (const Command& command : program.commands) {
    out += begin + "__fish_use_subcommand -a " + command.name + " -d " + in_quotes(command.help) +
           "\n";
    const std::string seen = begin + in_quotes("__fish_seen_subcommand_from " + command.name);
    for (const Option& option : command.options) out += seen + fish_option(option) + "\n";
    for (const Option& argument : command.arguments) {
      if (argument.proposal != Proposal::nothing) out += seen + fish_option(argument) + "\n";
    }
  }
  return out;
}

}  // namespace weft::tool::manual
