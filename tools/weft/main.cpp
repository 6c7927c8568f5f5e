// The program `weft`: parses its arguments and runs one command.
#include <cstdio>
#include <exception>
#include <variant>

#include "command_line.hpp"
#include "commands.hpp"

namespace {

struct Run {
  int operator()(const weft::tool::DelayOptions& options) const { return run_delay(options); }
  int operator()(const weft::tool::FetchOptions& options) const { return run_fetch(options); }
  int operator()(const weft::tool::DemoOptions& options) const { return run_demo(options); }
  int operator()(const weft::tool::ThreadServeOptions& o) const { return run_thread_serve(o); }
  int operator()(const weft::tool::ThreadFetchOptions& o) const { return run_thread_fetch(o); }
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto parsed = weft::tool::parse_command_line(argc, argv);
    if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
    return std::visit(Run{}, std::get<weft::tool::Command>(parsed));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "weft: %s\n", error.what());
    return weft::tool::exit_failed;
  }
}
