// From argv to a Command. The only place that knows the argument parser.
#pragma once

#include <variant>

#include "commands.hpp"

namespace weft::tool {

/// The command to run, or the exit code when there is none: 0 after --help and --version, which are
/// printed on standard output (exit_failed if that fails); exit_usage after one line on standard
/// error that names the bad argument.
[[nodiscard]] std::variant<Command, int> parse_command_line(int argc, const char* const* argv);

}  // namespace weft::tool
