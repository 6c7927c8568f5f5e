// Options of the command line that several commands have, with CLI11. For command_line.cpp and its
// parts.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <utility>
#include <weft/endpoint.hpp>

#include "commands.hpp"
#include "values.hpp"

namespace weft::tool {

inline constexpr unsigned most_workers = 1024;
inline constexpr unsigned most_requests = 1'000'000;

/// Adds an option whose text goes through `parse`. parse's message about a bad value follows the
/// option's name. `store` is called for each time that the option is given.
template <class Parse, class Store>
CLI::Option* add_parsed(CLI::App& command, const std::string& name, Parse parse, Store store,
                        const std::string& help) {
  auto take = [name, parse, store](const std::string& text) {
    auto parsed = parse(text);
    if (!parsed) throw CLI::ValidationError(name.substr(0, name.find(',')), parsed.error());
    store(std::move(*parsed));
  };
  return command.add_option_function<std::string>(name, take, help);
}

CLI::Option* add_number(CLI::App& command, const std::string& name, unsigned& target,
                        unsigned lowest, unsigned highest, const std::string& help);

/// "127.0.0.1:8080", "[::1]:0", "unix:PATH".
[[nodiscard]] Parsed<Endpoint> parse_endpoint(const std::string& text);

/// Adds `weft fetch`: command_line_fetch.cpp.
CLI::App* add_fetch(CLI::App& app, FetchOptions& options);

}  // namespace weft::tool
