#include "manual_files.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "manual.hpp"

namespace weft::tool {

namespace {

using manual::Proposal;

// "FORM:{common,json}": what stands for the value, and what it may be.
void set_value(manual::Option& made, const std::string& type) {
  const std::size_t brace = type.find('{');
  made.value = type.substr(0, std::min(type.find(':'), brace));
  if (brace != type.npos) {
    std::istringstream words(type.substr(brace + 1, type.find('}') - brace - 1));
    for (std::string word; std::getline(words, word, ',');) made.words.push_back(word);
    made.proposal = Proposal::words;
  } else if (made.value == "FILE" || made.value == "PATH") {
    made.proposal = Proposal::files;
  } else if (made.value == "DIR") {
    made.proposal = Proposal::directories;
  }
}

manual::Option option_of(const CLI::Option& option) {
  manual::Option made;
  for (const std::string& name : option.get_snames()) made.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) made.names.push_back("--" + name);
  made.help = option.get_description();
  made.required = option.get_required();
  if (option.get_group() != "Options") made.group = option.get_group();
  const bool is_argument = made.names.empty();
  if (option.get_items_expected_max() > 0) {
    set_value(made, is_argument ? option.get_name(true) : option.get_type_name());
  }
  made.repeats = option.get_items_expected_max() > 1;
  return made;
}

void add_options(const CLI::App& app, std::vector<manual::Option>& options,
                 std::vector<manual::Option>* arguments) {
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_group().empty()) continue;  // not in the help
    manual::Option made = option_of(*option);
    const bool is_argument = made.names.empty() && arguments != nullptr;
    (is_argument ? *arguments : options).push_back(std::move(made));
  }
}

manual::Program program_of(const CLI::App& app) {
  manual::Program made;
  made.name = app.get_name();
  made.version = made.name + " " WEFT_VERSION;
  made.help = app.get_description();
  add_options(app, made.options, nullptr);
  for (const CLI::App* const each : app.get_subcommands({})) {
    if (each->get_group().empty()) continue;
    manual::Command command;
    command.name = each->get_name();
    command.help = each->get_description();
    command.notes = each->get_footer();
    add_options(*each, command.options, &command.arguments);
    made.commands.push_back(std::move(command));
  }
  return made;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

CLI::App* add_manual(CLI::App& app, std::string& directory) {
  CLI::App* command = app.add_subcommand("manual")->group("");
  command->add_option("DIR", directory)->required()->check(CLI::ExistingDirectory);
  return command;
}

void write_manual(const CLI::App& app, const std::string& directory) {
  const manual::Program program = program_of(app);
  const std::string begin = directory + "/" + program.name;
  write(begin + ".1", manual::page_of(program));
  for (const manual::Command& command : program.commands) {
    write(begin + "-" + command.name + ".1", manual::page_of(program, command));
  }
  write(begin + ".bash", manual::bash_completion(program));
  write(directory + "/_" + program.name, manual::zsh_completion(program));
  write(begin + ".fish", manual::fish_completion(program));
}

}  // namespace weft::tool
