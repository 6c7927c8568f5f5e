// `weft manual DIR`, which the build calls: writes the manual pages and the completions of shells.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace weft::tool {

/// Adds the command, which is not in the help.
CLI::App* add_manual(CLI::App& app, std::string& directory);

/// Writes weft.1, weft-COMMAND.1, weft.bash, _weft and weft.fish into the directory, made of what
/// `app` says of itself. Throws std::runtime_error with the name of a file that cannot be written.
void write_manual(const CLI::App& app, const std::string& directory);

}  // namespace weft::tool
